package place

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// maxEntries bounds what of a layout's index is looked at.
const maxEntries = 10_000

// Layout is a folder in OCI layout. Referrers stand in its index beside the images; tags are names there.
type Layout struct {
	root  *os.Root
	index []image.Descriptor
}

// OpenLayout reads the index of a layout.
func OpenLayout(dir string) (*Layout, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	l := &Layout{root: root}
	b, err := l.read("index.json", image.MaxManifest)
	var index image.Manifest
	if err == nil {
		err = json.Unmarshal(b, &index)
	}
	if err == nil && len(index.Manifests) > maxEntries {
		err = fmt.Errorf("%w: it lists %d manifests, at most %d are read", layer.ErrLimit, len(index.Manifests), maxEntries)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("read OCI layout %s: %w", dir, err)
	}
	l.index = index.Manifests
	return l, nil
}

// Close closes the folder.
func (l *Layout) Close() error { return l.root.Close() }

func (l *Layout) read(path string, most int64) ([]byte, error) {
	f, err := l.root.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no file", path))
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%w: %s has more than %d bytes", layer.ErrLimit, path, most)
	}
	return b, err
}

// Manifest reads a manifest by its digest or by the name that the index gives it.
func (l *Layout) Manifest(ctx context.Context, name string) ([]byte, error) {
	if strings.HasPrefix(name, "sha256:") {
		return l.Blob(ctx, image.Descriptor{Digest: name}, image.MaxManifest)
	}
	for _, d := range l.index {
		full := d.Annotations["org.opencontainers.image.ref.name"]
		if full == name || strings.HasSuffix(full, ":"+name) {
			return l.Blob(ctx, d, image.MaxManifest)
		}
	}
	return nil, fs.ErrNotExist
}

// Blob reads a blob of at most so many bytes, and holds it against its digest.
func (l *Layout) Blob(_ context.Context, d image.Descriptor, most int64) ([]byte, error) {
	if err := image.CheckDigest(d.Digest); err != nil {
		return nil, err
	}
	b, err := l.read("blobs/"+strings.Replace(d.Digest, ":", "/", 1), most)
	if err != nil {
		return nil, err
	}
	return b, image.VerifyDigest(b, d.Digest)
}

// Referrers lists what of the index refers to a digest: by the field of its manifest, or in the index that
// the tag of the digest names.
func (l *Layout) Referrers(ctx context.Context, digest string) ([]image.Descriptor, error) {
	var all []image.Descriptor
	if b, err := l.Manifest(ctx, strings.Replace(digest, ":", "-", 1)); err == nil {
		if m, err := image.ParseManifest(b); err == nil {
			all = m.Manifests
		}
	}
	for _, d := range l.index {
		b, err := l.Blob(ctx, d, image.MaxManifest)
		if err != nil {
			continue // an image that is broken is not what is looked for
		}
		m, err := image.ParseManifest(b)
		if err == nil && m.Subject != nil && m.Subject.Digest == digest {
			if d.ArtifactType = m.ArtifactType; d.ArtifactType == "" {
				d.ArtifactType = m.Config.MediaType
			}
			all = append(all, d)
		}
	}
	return all, nil
}
