// Package imagetest makes small images for tests, in every form that Plimsoll reads.
//
// A [Layout] is a set of blobs and an index over them. Build one of images, break it if the test is
// about that (its fields are plain), and write it out:
//
//	l := imagetest.New(imagetest.Image{
//		Name:   "shop/cart:1.4",
//		Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}}},
//	})
//	l.Folder(t)            an OCI layout folder
//	l.Tar()                the same as a tar
//	l.DockerTar()          as `docker save` writes it since version 25
//	imagetest.OldDockerTar(images...)   as it did before, and as Podman still does
//	imagetest.Serve(t, l)  in a registry
//
// The same images give the same bytes each time.
package imagetest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// File is one entry of a layer: a regular file unless Type, one of archive/tar's, says otherwise.
type File struct {
	Path string
	Body string
	Link string
	Type byte
	Mode int64 // 0: 0644, and 0755 for folders
}

// Compression is how a layer is stored.
type Compression string

// The compressions of the OCI image specification.
const (
	None Compression = ""
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Layer is one layer of an image.
type Layer struct {
	Files       []File
	CreatedBy   string // no step of the history when empty
	Compression Compression
	Foreign     bool // not distributed: its blob is left out
}

// Image is one image for one platform.
type Image struct {
	Name        string // no name in the index when empty
	Platform    string // OS/ARCH[/VARIANT]; this host's when empty
	Layers      []Layer
	Config      map[string]any // the "config" part of the configuration: Env, User, ExposedPorts …
	Annotations map[string]string
}

// Tar is the entries as a tar.
func Tar(files ...File) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.Path, Typeflag: f.Type, Linkname: f.Link, Mode: f.Mode, ModTime: time.Unix(1700000000, 0), Format: tar.FormatPAX}
		if f.Type == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(f.Body))
		}
		if f.Mode == 0 {
			h.Mode = 0o644
			if f.Type == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		must(w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte(f.Body))
			must(err)
		}
	}
	must(w.Close())
	return b.Bytes()
}

// Compress stores b as a layer would be.
func Compress(b []byte, c Compression) []byte {
	var out bytes.Buffer
	switch c {
	case Gzip:
		w := gzip.NewWriter(&out)
		_, err := w.Write(b)
		must(err)
		must(w.Close())
	case Zstd:
		w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		must(err)
		_, err = w.Write(b)
		must(err)
		must(w.Close())
	default:
		return b
	}
	return out.Bytes()
}

// The media types that this package writes.
const (
	ManifestType = "application/vnd.oci.image.manifest.v1+json"
	IndexType    = "application/vnd.oci.image.index.v1+json"
	ConfigType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

func (l Layer) mediaType() string {
	t := layerType
	if l.Foreign {
		t = "application/vnd.oci.image.layer.nondistributable.v1.tar"
	}
	if l.Compression != None {
		t += "+" + string(l.Compression)
	}
	return t
}

func (i Image) platform() image.Platform {
	if i.Platform == "" {
		return image.HostPlatform()
	}
	p, err := image.ParsePlatform(i.Platform)
	must(err)
	return p
}

// ConfigJSON is the configuration of the image.
func (i Image) ConfigJSON() []byte {
	type step struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer,omitempty"`
	}
	var diffIDs []string
	var history []step
	for _, l := range i.Layers {
		diffIDs = append(diffIDs, image.DigestOf(Tar(l.Files...)))
		if l.CreatedBy != "" {
			history = append(history, step{CreatedBy: l.CreatedBy})
		}
	}
	p := i.platform()
	return encode(map[string]any{
		"created": "2023-11-14T22:13:20Z", "architecture": p.Architecture, "os": p.OS, "variant": p.Variant, "config": i.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}, "history": history,
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	must(err)
	return b
}

// must is for what cannot fail: encoding in memory.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("imagetest: %v", err))
	}
}

// OldDockerTar is what `docker save` wrote before version 25: HEX.json for the configuration, a
// folder ID/layer.tar for each layer and manifest.json over all. A layer that stood already is a
// symbolic link to where it did.
func OldDockerTar(images ...Image) []byte {
	type saved struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	var files []File
	var list []saved
	stored := map[string]string{}
	for n, img := range images {
		config := img.ConfigJSON()
		s := saved{Config: hexOf(image.DigestOf(config)) + ".json"}
		if img.Name != "" {
			s.RepoTags = []string{img.Name}
		}
		for i, l := range img.Layers {
			blob := Tar(l.Files...)
			id := hexOf(image.DigestOf(fmt.Appendf(nil, "%d/%d", n, i)))
			f := File{Path: id + "/layer.tar", Body: string(blob)}
			if at, ok := stored[image.DigestOf(blob)]; ok {
				f = File{Path: f.Path, Type: tar.TypeSymlink, Link: "../" + at}
			} else {
				stored[image.DigestOf(blob)] = f.Path
			}
			files = append(files, File{Path: id + "/", Type: tar.TypeDir}, File{Path: id + "/VERSION", Body: "1.0"},
				File{Path: id + "/json", Body: "{}"}, f)
			s.Layers = append(s.Layers, f.Path)
		}
		files = append(files, File{Path: s.Config, Body: string(config)})
		list = append(list, s)
	}
	return Tar(append(files, File{Path: "manifest.json", Body: string(encode(list))})...)
}

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }
