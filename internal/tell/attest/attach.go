package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/place"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// Artifact is what is put beside an image.
type Artifact struct {
	Type        string // of the artifact and its one layer
	Bytes       []byte
	Annotations map[string]string
}

// ReportType is the type of a report beside an image.
const ReportType = "application/vnd.plimsoll.report.v1+json"

// Bundle is a signed verdict as an artifact, with the annotations by which Cosign finds it.
func Bundle(b []byte) Artifact {
	return Artifact{attestation.BundleV03, b, map[string]string{
		"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": attestation.SummaryV1,
	}}
}

// BillType is the media type of a bill of materials, by what it says of itself.
func BillType(b []byte) (string, error) {
	var head struct {
		BomFormat   string `json:"bomFormat"`
		SPDXVersion string `json:"spdxVersion"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return "", fmt.Errorf("read bill of materials: %w (CycloneDX or SPDX as JSON goes beside an image)", err)
	}
	switch {
	case head.BomFormat == "CycloneDX":
		return "application/vnd.cyclonedx+json", nil
	case head.SPDXVersion != "":
		return "application/spdx+json", nil
	}
	return "", errors.New("read bill of materials: it is neither CycloneDX nor SPDX as JSON")
}

// Place is where images and what belongs to them are kept.
type Place struct {
	place.Store
	put func(ctx context.Context, manifest []byte, d image.Descriptor, blobs []Artifact) error
}

// InRegistry puts things into a repository.
func InRegistry(r *registry.Repository) Place {
	return Place{r, func(ctx context.Context, manifest []byte, d image.Descriptor, blobs []Artifact) error {
		repo, options, err := r.Remote(ctx)
		if err != nil {
			return err
		}
		for _, b := range blobs {
			if err := remote.WriteLayer(repo, static.NewLayer(b.Bytes, types.MediaType(b.Type)), options...); err != nil {
				return r.Told(err)
			}
		}
		if err := remote.Put(repo.Digest(d.Digest), raw{manifest}, options...); err != nil {
			return r.Told(err)
		}
		return nil
	}}
}

// raw is a manifest as go-containerregistry puts it.
type raw struct{ b []byte }

func (r raw) RawManifest() ([]byte, error)        { return r.b, nil }
func (r raw) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// InLayout puts things into a folder in OCI layout.
func InLayout(dir string) (Place, func() error, error) {
	l, err := place.OpenLayout(dir)
	if err != nil {
		return Place{}, nil, err
	}
	to := layout.Path(dir)
	return Place{l, func(_ context.Context, manifest []byte, d image.Descriptor, blobs []Artifact) error {
		for _, b := range append(blobs, Artifact{Bytes: manifest}) {
			h, err := v1.NewHash(image.DigestOf(b.Bytes))
			if err != nil {
				return err
			}
			if err := to.WriteBlob(h, io.NopCloser(bytes.NewReader(b.Bytes))); err != nil {
				return fmt.Errorf("write to OCI layout %s: %w", dir, err)
			}
		}
		h, err := v1.NewHash(d.Digest)
		if err != nil {
			return err
		}
		index, err := to.ImageIndex()
		if err != nil {
			return fmt.Errorf("read OCI layout %s: %w", dir, err)
		}
		m, err := index.IndexManifest()
		if err != nil {
			return fmt.Errorf("read OCI layout %s: %w", dir, err)
		}
		for _, have := range m.Manifests {
			if have.Digest == h {
				return nil
			}
		}
		err = to.AppendDescriptor(v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: h, Size: d.Size, ArtifactType: d.ArtifactType})
		if err != nil {
			return fmt.Errorf("write to OCI layout %s: %w", dir, err)
		}
		return nil
	}}, l.Close, nil
}

// Subject finds an image in the place, by its digest: that of its manifest, or where an engine keeps none,
// of the configuration of the manifest that the tag names. Content of that digest is what was scanned.
func (p Place) Subject(ctx context.Context, digest, tag string) (image.Descriptor, error) {
	b, err := p.Manifest(ctx, digest)
	if errors.Is(err, fs.ErrNotExist) && tag != "" {
		if b, err = p.Manifest(ctx, tag); err == nil {
			m, parseErr := image.ParseManifest(b)
			if parseErr != nil {
				return image.Descriptor{}, parseErr
			}
			if m.Config.Digest != digest {
				err = fs.ErrNotExist
			}
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return image.Descriptor{}, fmt.Errorf("there is no image %s: push the image first, and attest what was pushed", digest)
	}
	if err != nil {
		return image.Descriptor{}, err
	}
	m, err := image.ParseManifest(b)
	if err != nil {
		return image.Descriptor{}, err
	}
	d := image.Descriptor{MediaType: m.MediaType, Digest: image.DigestOf(b), Size: int64(len(b))}
	if d.MediaType == "" {
		d.MediaType = string(types.OCIManifestSchema1)
	}
	return d, nil
}

// Whole says whether the platforms of an index are all among these digests, and returns the index.
func (p Place) Whole(ctx context.Context, index string, digests []string) (image.Descriptor, bool) {
	b, err := p.Manifest(ctx, index)
	if err != nil {
		return image.Descriptor{}, false
	}
	m, err := image.ParseManifest(b)
	if err != nil || !m.IsIndex() {
		return image.Descriptor{}, false
	}
	have := map[string]bool{}
	for _, d := range digests {
		have[d] = true
	}
	for _, d := range m.Manifests {
		if d.IsImage() && !have[d.Digest] {
			return image.Descriptor{}, false
		}
	}
	return image.Descriptor{MediaType: m.MediaType, Digest: index, Size: int64(len(b))}, len(m.Manifests) > 0
}

const emptyConfig = "{}"

// Attach puts an artifact beside an image, as a referrer, and returns its digest. The same artifact twice
// is one.
func (p Place) Attach(ctx context.Context, to image.Descriptor, a Artifact) (string, error) {
	config := Artifact{Type: "application/vnd.oci.empty.v1+json", Bytes: []byte(emptyConfig)}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": string(types.OCIManifestSchema1), "artifactType": a.Type,
		"config": describe(config), "layers": []image.Descriptor{describe(a)}, "annotations": a.Annotations,
		"subject": image.Descriptor{MediaType: to.MediaType, Digest: to.Digest, Size: to.Size},
	})
	if err != nil {
		return "", err
	}
	d := image.Descriptor{MediaType: string(types.OCIManifestSchema1), Digest: image.DigestOf(manifest), Size: int64(len(manifest)), ArtifactType: a.Type}
	return d.Digest, p.put(ctx, manifest, d, []Artifact{config, a})
}

func describe(a Artifact) image.Descriptor {
	return image.Descriptor{MediaType: a.Type, Digest: image.DigestOf(a.Bytes), Size: int64(len(a.Bytes))}
}
