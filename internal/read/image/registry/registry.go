// Package registry makes images of what a registry keeps (OCI distribution specification).
//
// A reference is resolved to its manifests at once; a layer is fetched when it is opened, as a
// stream, once. All that is named by a digest is held against it, wherever it came from: that is why
// mirrors need no trust. Credentials are those of `docker login`, `podman login` and their helpers.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Options say how registries are reached.
type Options struct {
	image.Options
	CA        []string            // PEM files of authorities to trust besides the system's
	PlainHTTP []string            // HOST[:PORT] that may be spoken to without TLS; this host itself always may
	Mirrors   map[string][]string // HOST → HOST[/PREFIX] to ask first, in this order
	// Outside has no connection made to this host itself, to what lies on the same wire, or to a cloud's metadata:
	// neither by a registry's name, nor because it says where to sign in or where its blobs are. A host that is
	// such an address by its very name is meant.
	Outside bool
	// Idle is how long a registry may send nothing before it is given up; 0: one minute.
	Idle time.Duration
	// Pause is how long is waited before a second attempt, where the registry does not say; 0: a second.
	Pause time.Duration
}

// Open resolves a reference: [HOST/]REPOSITORY[:TAG][@DIGEST].
func Open(ctx context.Context, reference string, o Options) ([]*image.Image, error) {
	ref, transport, err := named(reference, o)
	if err != nil {
		return nil, err
	}
	images, err := openAny(ctx, transport, ref, o)
	if err != nil {
		transport.close()
		return nil, err
	}
	for _, img := range images {
		img.Name, img.Origin = ref.Familiar(), "registry"
	}
	image.CloseTogether(images, transport.close)
	return images, nil
}

// named is what a reference names, and the way to its registry, which the caller closes.
func named(reference string, o Options) (image.Reference, *guard, error) {
	ref, err := image.ParseReference(reference)
	if err != nil {
		return ref, nil, err
	}
	if o.Offline {
		return ref, nil, fmt.Errorf("registry %s is not asked for %q: %w", ref.Host, reference, image.ErrOffline)
	}
	t, err := newTransport(o, ref.Host)
	return ref, t, err
}

// openAny asks the mirrors and then the registry itself. A mirror that has no such image is no news, one
// that fails is, or that has not all of it.
func openAny(ctx context.Context, t *guard, ref image.Reference, o Options) ([]*image.Image, error) {
	var failed []string
	for _, mirror := range o.Mirrors[ref.Host] {
		at := ref
		host, prefix, _ := strings.Cut(mirror, "/")
		if at.Host = host; prefix != "" {
			at.Repository = prefix + "/" + ref.Repository
		}
		images, err := open(ctx, t, at, o)
		if err == nil {
			err = lacking(images)
		}
		if err == nil {
			for _, img := range images {
				img.Notice = append(img.Notice, fmt.Sprintf("%s was read from its mirror %s", ref.Familiar(), mirror))
			}
			return images, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if none := (*image.NotFoundError)(nil); !errors.As(err, &none) {
			failed = append(failed, fmt.Sprintf("its mirror %s was asked in vain: %v", mirror, err))
		}
	}
	images, err := open(ctx, t, ref, o)
	if err != nil && len(failed) > 0 {
		return nil, fmt.Errorf("%w; %s", err, strings.Join(failed, "; "))
	}
	for _, img := range images {
		img.Notice = append(img.Notice, failed...)
	}
	return images, err
}

// lacking tells of platforms that a place lists and does not have.
func lacking(images []*image.Image) error {
	for _, img := range images {
		for _, g := range img.Gaps {
			if g.Class == "platform-missing" {
				return errors.New(g.What)
			}
		}
	}
	return nil
}

func open(ctx context.Context, t *guard, ref image.Reference, o Options) ([]*image.Image, error) {
	r, err := connect(ctx, t, ref)
	if err != nil {
		return nil, explain(err, ref, r)
	}
	d, err := r.root(ctx)
	if err != nil {
		return nil, r.orTags(ctx, explain(err, ref, r))
	}
	images, err := image.Resolve(ctx, r, []image.Descriptor{d}, o.Options)
	if err != nil {
		return nil, explain(err, ref, r)
	}
	for _, img := range images {
		if r.login.user != "" {
			img.Notice = append(img.Notice, fmt.Sprintf("%s was asked as %s", ref.Host, r.login))
		}
		if r.login.trouble != nil {
			img.Notice = append(img.Notice, r.login.trouble.Error())
		}
	}
	return images, nil
}

// repository is a place in a registry, as an image.Store.
type repository struct {
	client *http.Client
	ref    image.Reference
	base   string // https://HOST/v2/REPOSITORY
	login  login
	first  []byte // the manifest or index that the reference names
	digest string // of first
}

// manifestTypes are what may be answered for a reference. Schema 1 is not asked for, but some
// registries answer it all the same.
const manifestTypes = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

func (r *repository) root(ctx context.Context) (image.Descriptor, error) {
	name := r.ref.Digest
	if name == "" {
		name = r.ref.Tag
	}
	b, err := r.document(ctx, "manifests/"+name)
	if err != nil {
		return image.Descriptor{}, err
	}
	if r.first, r.digest = b, image.DigestOf(b); r.ref.Digest != "" {
		if err := image.VerifyDigest(b, r.ref.Digest); err != nil {
			return image.Descriptor{}, err
		}
	}
	return image.Descriptor{Digest: r.digest, Size: int64(len(b))}, nil
}

func (r *repository) document(ctx context.Context, path string) ([]byte, error) {
	body, _, err := r.get(ctx, path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, image.MaxManifest+1))
	if err == nil && len(b) > image.MaxManifest {
		err = fmt.Errorf("%w: the registry answers with more than %d bytes", layer.ErrLimit, image.MaxManifest)
	}
	return b, err
}

// Has says yes: a registry would have to be asked.
func (r *repository) Has(image.Descriptor) bool { return true }

// Document fetches a manifest, or a configuration or statement, which is stored as a blob.
func (r *repository) Document(ctx context.Context, d image.Descriptor) ([]byte, error) {
	if d.Digest == r.digest {
		return r.first, nil
	}
	kind := "manifests/"
	if strings.Contains(d.MediaType, "config") || strings.Contains(d.MediaType, "container.image") ||
		strings.Contains(d.MediaType, "in-toto") || d.MediaType == "application/octet-stream" {
		kind = "blobs/"
	}
	b, err := r.document(ctx, kind+d.Digest)
	return b, absent(err)
}

// Layer is fetched when it is opened. Its bytes are those of its digest or none at all, so it counts
// as trusted.
func (r *repository) Layer(d image.Descriptor) (image.Layer, error) {
	if d.IsForeign() && len(d.URLs) > 0 {
		return image.Layer{}, errForeign
	}
	open := func(ctx context.Context) (layer.Blob, error) {
		path := "blobs/" + d.Digest
		body, size, err := r.get(ctx, path)
		if err != nil {
			return layer.Blob{}, fmt.Errorf("layer %s: %w", d.Digest, explain(absent(err), r.ref, r))
		}
		if size >= 0 && d.Size > 0 && size != d.Size {
			body.Close()
			return layer.Blob{}, fmt.Errorf("layer %s: the registry sends %d bytes, the manifest says %d", d.Digest, size, d.Size)
		}
		whole := &resuming{ctx: ctx, repo: r, path: path, body: body, size: sizeOf(d, size), left: resumeAttempts}
		return layer.Blob{Stream: whole, Size: d.Size, Close: whole.Close}, nil
	}
	return image.Layer{Open: open, Trusted: true}, nil
}

// sizeOf is how long a layer may be: what its manifest says, or where that says nothing what the registry
// does.
func sizeOf(d image.Descriptor, told int64) int64 {
	switch {
	case d.Size > 0:
		return d.Size
	case told >= 0:
		return told
	}
	return layer.DefaultLimits.Uncompressed
}

// get asks for a path below the repository. The size is -1 when the registry does not tell it.
func (r *repository) get(ctx context.Context, path string) (io.ReadCloser, int64, error) {
	res, err := r.send(ctx, path, 0)
	if err != nil {
		return nil, 0, err
	}
	return res.Body, res.ContentLength, nil
}

// send asks for a path from an offset on. The answer is 200, or 206 for an offset.
func (r *repository) send(ctx context.Context, path string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(path, "manifests/") {
		req.Header.Set("Accept", manifestTypes)
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK || from > 0 && res.StatusCode == http.StatusPartialContent {
		return res, nil
	}
	defer res.Body.Close()
	return nil, refusal(res)
}
