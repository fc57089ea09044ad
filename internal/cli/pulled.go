package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/attestation/place"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Bounds of what is asked about an image of an engine.
const (
	maxRepositories = 10 // that it was pulled from
	maxPlatforms    = 50 // of an index
)

// pulled opens the repositories from which an engine pulled an image or to which it pushed it. What the engine
// remembers is no more than where to look: what lies there counts only if it has just the image's configuration,
// which names the content of each layer, or is what the engine keeps itself. It fails where one does not answer and no
// other has the image.
func (o *targetOptions) pulled(ctx context.Context, img *image.Image) (all []besides, err error) {
	if len(img.RepoDigests) == 0 {
		return nil, &nowhereError{img.Name, ", which was neither pulled nor pushed"}
	}
	if o.offline {
		return nil, &nowhereError{img.Name, fmt.Sprintf(" where no registry may be asked (--offline), as %s", img.RepoDigests[0])}
	}
	asked := 0
	for _, at := range img.RepoDigests {
		name, digest, ok := strings.Cut(at, "@")
		if !ok || image.CheckDigest(digest) != nil {
			continue
		}
		if asked++; asked > maxRepositories {
			break
		}
		p, oneErr := o.pulledFrom(ctx, img, name, digest)
		err = cmp.Or(err, oneErr)
		if p != nil {
			all = append(all, *p)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case err != nil:
		return nil, err
	}
	return nil, &nowhereError{img.Name, fmt.Sprintf(": %s is not there any more, or another image", img.RepoDigests[0])}
}

// pulledFrom opens one repository; nil where it does not have the image.
func (o *targetOptions) pulledFrom(ctx context.Context, img *image.Image, name, digest string) (*besides, error) {
	r, err := o.repository(ctx, name)
	if err != nil {
		return nil, err
	}
	digests, err := same(ctx, r, img, digest)
	if err != nil || len(digests) == 0 {
		r.Close()
		return nil, err
	}
	return &besides{r, digests, r.Close}, nil
}

// same are the digests of the manifest that an image has in a store, and of the index that lists it, of which one is
// given; none where what lies there is not this image.
func same(ctx context.Context, s place.Store, img *image.Image, digest string) ([]string, error) {
	m, err := manifestAt(ctx, s, digest)
	if err != nil || m == nil {
		return nil, err
	}
	if !m.IsIndex() {
		if digest == img.Digest || m.Config.Digest == img.Digest {
			return []string{digest}, nil
		}
		return nil, nil
	}
	looked := 0
	for _, d := range m.Manifests {
		if !d.IsImage() || d.IsAttestation() || d.Platform != nil && img.Platform != "" && d.Platform.OS+"/"+d.Platform.Architecture != osAndArch(img.Platform) {
			continue
		}
		if looked++; looked > maxPlatforms {
			break
		}
		one, err := manifestAt(ctx, s, d.Digest)
		if err != nil {
			return nil, err
		}
		if one != nil && (d.Digest == img.Digest || one.Config.Digest == img.Digest) {
			return []string{d.Digest, digest}, nil
		}
	}
	return nil, nil
}

// manifestAt fetches one; nil where there is none.
func manifestAt(ctx context.Context, s place.Store, digest string) (*image.Manifest, error) {
	b, err := s.Manifest(ctx, digest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := image.ParseManifest(b)
	return &m, err
}

// osAndArch leaves the variant of a platform out, which not every index tells.
func osAndArch(platform string) string {
	parts := strings.SplitN(platform, "/", 3)
	return strings.Join(parts[:min(len(parts), 2)], "/")
}
