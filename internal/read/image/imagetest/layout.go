package imagetest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Layout is an OCI layout in memory.
type Layout struct {
	Blobs map[string][]byte  // by digest
	Index []image.Descriptor // of index.json

	documents []image.Descriptor // manifests and indexes, each after what it names
	saved     map[string]Image   // by digest of the manifest
}

// New is a layout of images, each listed by its name.
func New(images ...Image) *Layout {
	l := &Layout{Blobs: map[string][]byte{}, saved: map[string]Image{}}
	for _, img := range images {
		l.Tag(img.Name, l.Add(img))
	}
	return l
}

// Put stores a blob.
func (l *Layout) Put(mediaType string, b []byte) image.Descriptor {
	d := image.Descriptor{MediaType: mediaType, Digest: image.DigestOf(b), Size: int64(len(b))}
	l.Blobs[d.Digest] = b
	return d
}

// PutManifest stores a manifest or index.
func (l *Layout) PutManifest(m image.Manifest) image.Descriptor {
	m.SchemaVersion = 2
	d := l.Put(m.MediaType, encodeManifest(m))
	l.documents = append(l.documents, d)
	return d
}

// encodeManifest leaves out what the other kind of document has: the two must not be confused.
func encodeManifest(m image.Manifest) []byte {
	out := map[string]any{"schemaVersion": m.SchemaVersion, "mediaType": m.MediaType}
	if m.MediaType == IndexType {
		out["manifests"] = m.Manifests
	} else {
		out["config"], out["layers"] = m.Config, m.Layers
	}
	if m.ArtifactType != "" {
		out["artifactType"] = m.ArtifactType
	}
	if m.Subject != nil {
		out["subject"] = m.Subject
	}
	if len(m.Annotations) > 0 {
		out["annotations"] = m.Annotations
	}
	return encode(out)
}

// Add stores an image, without listing it in the index.
func (l *Layout) Add(img Image) image.Descriptor {
	m := image.Manifest{MediaType: ManifestType, Config: l.Put(ConfigType, img.ConfigJSON()), Annotations: img.Annotations, Layers: []image.Descriptor{}}
	for _, part := range img.Layers {
		d := l.Put(part.mediaType(), Compress(Tar(part.Files...), part.Compression))
		if part.Foreign {
			delete(l.Blobs, d.Digest)
			d.URLs = []string{"http://192.0.2.1/layer"}
		}
		m.Layers = append(m.Layers, d)
	}
	d := l.PutManifest(m)
	p := img.platform()
	d.Platform = &p
	l.saved[d.Digest] = img
	return d
}

// AddIndex stores an index of images, with BuildKit's attestation manifest beside each when attested
// is set.
func (l *Layout) AddIndex(attested bool, of ...image.Descriptor) image.Descriptor {
	m := image.Manifest{MediaType: IndexType}
	for _, d := range of {
		m.Manifests = append(m.Manifests, d)
		if attested {
			m.Manifests = append(m.Manifests, l.attestation(d))
		}
	}
	return l.PutManifest(m)
}

func (l *Layout) attestation(of image.Descriptor) image.Descriptor {
	return l.Attest(of, "", []byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`))
}

// Attest stores an in-toto statement about an image as BuildKit does, in a manifest of its own that an
// index is to list beside the image. The type of the predicate may be empty.
func (l *Layout) Attest(of image.Descriptor, predicateType string, b []byte) image.Descriptor {
	statement := l.Put("application/vnd.in-toto+json", b)
	if predicateType != "" {
		statement.Annotations = map[string]string{"in-toto.io/predicate-type": predicateType}
	}
	config := l.Put(ConfigType, []byte(`{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":["`+statement.Digest+`"]}}`))
	d := l.PutManifest(image.Manifest{MediaType: ManifestType, Config: config, Layers: []image.Descriptor{statement}})
	d.Platform = &image.Platform{OS: "unknown", Architecture: "unknown"}
	d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.Digest}
	return d
}

// Tag lists a descriptor in the index, as containerd and Docker do; a name may be empty.
func (l *Layout) Tag(name string, d image.Descriptor) {
	d.Annotations = maps.Clone(d.Annotations)
	if name != "" {
		d.Annotations = map[string]string{}
		tag := name
		if r, err := image.ParseReference(name); err == nil {
			d.Annotations["io.containerd.image.name"], tag = r.String(), r.Tag
		}
		d.Annotations["org.opencontainers.image.ref.name"] = tag
	}
	l.Index = append(l.Index, d)
}

// files is the layout as named files, in a fixed order.
func (l *Layout) files() []File {
	files := []File{{Path: "oci-layout", Body: `{"imageLayoutVersion":"1.0.0"}`}}
	for _, digest := range slices.Sorted(maps.Keys(l.Blobs)) {
		files = append(files, File{Path: "blobs/" + strings.Replace(digest, ":", "/", 1), Body: string(l.Blobs[digest])})
	}
	index := encode(map[string]any{"schemaVersion": 2, "mediaType": IndexType, "manifests": append([]image.Descriptor{}, l.Index...)})
	return append(files, File{Path: "index.json", Body: string(index)})
}

// Tar is the layout as an OCI archive.
func (l *Layout) Tar() []byte { return Tar(l.files()...) }

// DockerTar is the layout as `docker save` writes it since version 25: an OCI layout with a
// manifest.json beside it.
func (l *Layout) DockerTar() []byte {
	var list []map[string]any
	for _, d := range l.Index {
		img, ok := l.saved[d.Digest]
		if !ok {
			continue
		}
		var layers []string
		for _, part := range img.Layers {
			layers = append(layers, "blobs/sha256/"+hexOf(image.DigestOf(Compress(Tar(part.Files...), part.Compression))))
		}
		list = append(list, map[string]any{"Config": "blobs/sha256/" + hexOf(image.DigestOf(img.ConfigJSON())), "RepoTags": []string{img.Name}, "Layers": layers})
	}
	return Tar(append(l.files(), File{Path: "manifest.json", Body: string(encode(list))})...)
}

// Folder writes the layout to a temporary folder and returns its path.
func (l *Layout) Folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range l.files() {
		at := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(f.Body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// WriteFile writes bytes to a temporary file of that name and returns its path.
func WriteFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(at, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}
