package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Repository is one repository of a registry, for what lies in it beside its images.
type Repository struct {
	repo      *repository
	transport *guard
}

// OpenRepository signs in. Mirrors are not asked: what is written goes to the registry itself, and is to be
// read back from there.
func OpenRepository(ctx context.Context, reference string, o Options) (*Repository, error) {
	ref, t, err := named(reference, o)
	if err != nil {
		return nil, err
	}
	r, err := connect(ctx, t, ref)
	if err != nil {
		t.close()
		return nil, explain(err, ref, r)
	}
	return &Repository{r, t}, nil
}

// Close ends the connections.
func (r *Repository) Close() error { return r.transport.close() }

// Manifest fetches a manifest or index by its tag or digest, which it is held against. Where there is none,
// the error wraps fs.ErrNotExist.
func (r *Repository) Manifest(ctx context.Context, name string) ([]byte, error) {
	b, err := r.repo.document(ctx, "manifests/"+name)
	if err != nil {
		return nil, r.told(err)
	}
	if strings.HasPrefix(name, "sha256:") {
		err = image.VerifyDigest(b, name)
	}
	return b, err
}

// Blob fetches a blob of at most so many bytes.
func (r *Repository) Blob(ctx context.Context, d image.Descriptor, most int64) ([]byte, error) {
	if err := image.CheckDigest(d.Digest); err != nil {
		return nil, err
	}
	if d.Size > most {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d are read", layer.ErrLimit, d.Digest, d.Size, most)
	}
	body, _, err := r.repo.get(ctx, "blobs/"+d.Digest)
	if err != nil {
		return nil, r.told(err)
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, r.told(err)
	case int64(len(b)) > most:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", layer.ErrLimit, d.Digest, most)
	}
	return b, image.VerifyDigest(b, d.Digest)
}

// Referrers lists the manifests that say they are about a digest: what the registry answers when it is
// asked for them, or else what the tag lists that stands in for that (OCI distribution specification 1.1,
// "Referrers Tag Schema").
func (r *Repository) Referrers(ctx context.Context, digest string) ([]image.Descriptor, error) {
	if err := image.CheckDigest(digest); err != nil {
		return nil, err
	}
	b, err := r.repo.document(ctx, "referrers/"+digest)
	if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode < http.StatusInternalServerError &&
		answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusTooManyRequests {
		b, err = r.Manifest(ctx, strings.Replace(digest, ":", "-", 1))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, r.told(err)
	}
	var index image.Manifest
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("registry %s: its list of what belongs to %s: %w", r.repo.ref.Host, digest, err)
	}
	return index.Manifests, nil
}

// Remote is the repository for go-containerregistry, which writes to it under the same rules.
func (r *Repository) Remote(ctx context.Context) (name.Repository, []remote.Option, error) {
	var options []name.Option
	if r.transport.mayBePlain(r.repo.ref.Host) {
		options = append(options, name.Insecure)
	}
	to, err := name.NewRepository(r.repo.ref.Name(), options...)
	return to, []remote.Option{remote.WithContext(ctx), remote.WithTransport(&again{r.transport, r.transport.pause}), remote.WithAuth(r.repo.login.auth)}, err
}

// Told explains an error of go-containerregistry's as this package's own.
func (r *Repository) Told(err error) error {
	if answer := (*transport.Error)(nil); errors.As(err, &answer) &&
		(answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return fmt.Errorf("registry %s does not let this user write %q: docker login %[1]s, as somebody who may", r.repo.ref.Host, r.repo.ref.Repository)
	}
	return r.told(err)
}

func (r *Repository) told(err error) error {
	if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return fmt.Errorf("registry %s has none: %w", r.repo.ref.Host, fs.ErrNotExist)
	}
	if known := (*image.DownError)(nil); errors.As(err, &known) || errors.Is(err, layer.ErrLimit) || errors.Is(err, layer.ErrDigest) {
		return err
	}
	return explain(err, r.repo.ref, r.repo)
}
