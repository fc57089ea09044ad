package registry

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// title is the annotation that names a file of an artifact (OCI image specification, annotations.md).
const title = "org.opencontainers.image.title"

// Artifact is an OCI artifact that is a set of files: each layer is one, under the title that its
// descriptor carries.
type Artifact struct {
	repo      *repository
	transport *guard
	files     map[string]image.Descriptor
}

// OpenArtifact reads the manifest of an artifact; its files are fetched when they are opened.
func OpenArtifact(ctx context.Context, reference string, o Options) (*Artifact, error) {
	ref, t, err := named(reference, o)
	if err != nil {
		return nil, err
	}
	a := &Artifact{transport: t, files: map[string]image.Descriptor{}}
	if err := a.read(ctx, ref); err != nil {
		t.close()
		return nil, err
	}
	return a, nil
}

func (a *Artifact) read(ctx context.Context, ref image.Reference) error {
	var err error
	if a.repo, err = connect(ctx, a.transport, ref); err != nil {
		return explain(err, ref, a.repo)
	}
	if _, err := a.repo.root(ctx); err != nil {
		return explain(err, ref, a.repo)
	}
	m, err := image.ParseManifest(a.repo.first)
	if err != nil {
		return err
	}
	for _, d := range m.Layers {
		if err := image.CheckDigest(d.Digest); err != nil {
			return err
		}
		if name := d.Annotations[title]; name != "" {
			a.files[name] = d
		}
	}
	if len(a.files) == 0 {
		return fmt.Errorf("%s is no artifact of files: none of its layers has a title", ref.Familiar())
	}
	return nil
}

// Digest is the digest of a file; an error that wraps fs.ErrNotExist where there is none of that name.
func (a *Artifact) Digest(name string) (string, error) {
	d, ok := a.files[name]
	if !ok {
		return "", fmt.Errorf("the artifact has no file %q: %w", name, fs.ErrNotExist)
	}
	return d.Digest, nil
}

// Open fetches a file from an offset on. Registries that give only whole files answer from 0.
func (a *Artifact) Open(ctx context.Context, name string, offset int64) (body io.ReadCloser, from int64, err error) {
	digest, err := a.Digest(name)
	if err != nil {
		return nil, 0, err
	}
	res, err := a.repo.send(ctx, "blobs/"+digest, offset)
	if err != nil {
		return nil, 0, explain(err, a.repo.ref, a.repo)
	}
	if res.StatusCode != http.StatusPartialContent {
		offset = 0
	}
	return res.Body, offset, nil
}

// Close ends the connections.
func (a *Artifact) Close() error { return a.transport.close() }
