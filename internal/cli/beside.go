package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/plimsoll/plimsoll/internal/read/attestation/place"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// digestsOf are those by which an image may be signed: its manifest's, and that of the index that lists it.
func digestsOf(img *image.Image) []string {
	return slices.DeleteFunc([]string{img.Digest, img.IndexDigest}, func(d string) bool { return d == "" })
}

// evidence is what lies beside an image.
type evidence struct {
	place.Found
	digests []string // by which the image may be signed; its manifest's first
}

// proofs finds what lies beside an image, in all places where it is known to lie.
func (o *targetOptions) proofs(ctx context.Context, img *image.Image) (evidence, error) {
	var all evidence
	places, err := o.beside(ctx, img)
	for _, p := range places {
		defer p.close()
	}
	if err != nil {
		return all, err
	}
	for _, p := range places {
		for _, d := range p.digests {
			if !slices.Contains(all.digests, d) {
				all.digests = append(all.digests, d)
			}
			found, err := place.Find(ctx, p.store, d)
			if err != nil {
				return all, err
			}
			all.Proofs = append(all.Proofs, found.Proofs...)
			all.Troubles = append(all.Troubles, found.Troubles...)
		}
	}
	return all, nil
}

// nowhereError says that nothing can lie beside an image.
type nowhereError struct{ image, why string }

func (e *nowhereError) Error() string {
	return fmt.Sprintf("nothing lies beside %s%s: ask for the image of a registry (registry:) or of an OCI layout's folder", e.image, e.why)
}

// besides is a place where an image lies, and the digests by which it is known there.
type besides struct {
	store   place.Store
	digests []string
	close   func() error
}

// beside opens the places where an image lies. They are to be closed also where there is an error.
func (o *targetOptions) beside(ctx context.Context, img *image.Image) ([]besides, error) {
	switch img.Origin {
	case "registry":
		r, err := o.repository(ctx, img.Name)
		if err != nil {
			return nil, err
		}
		return []besides{{r, digestsOf(img), r.Close}}, nil
	case "oci":
		if info, err := os.Stat(img.Path); err != nil || !info.IsDir() {
			break
		}
		l, err := place.OpenLayout(img.Path)
		if err != nil {
			return nil, usage("%v", err)
		}
		return []besides{{l, digestsOf(img), l.Close}}, nil
	case "docker", "podman":
		return o.pulled(ctx, img)
	}
	return nil, &nowhereError{image: img.Name}
}

// repository signs in to the registry of an image.
func (o *targetOptions) repository(ctx context.Context, name string) (*registry.Repository, error) {
	lo, err := o.locate()
	if err != nil {
		return nil, err
	}
	ro := lo.Registry
	ro.Options = lo.Options
	r, err := registry.OpenRepository(ctx, name, ro)
	var down *image.DownError
	if err != nil && !errors.As(err, &down) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, err
}
