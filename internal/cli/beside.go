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

// proofs finds what lies beside an image.
func (o *targetOptions) proofs(ctx context.Context, img *image.Image) (place.Found, error) {
	var all place.Found
	store, end, err := o.beside(ctx, img)
	if err != nil {
		return all, err
	}
	defer end()
	for _, d := range digestsOf(img) {
		found, err := place.Find(ctx, store, d)
		if err != nil {
			return all, err
		}
		all.Proofs = append(all.Proofs, found.Proofs...)
		all.Troubles = append(all.Troubles, found.Troubles...)
	}
	return all, nil
}

// nowhereError says that nothing can lie beside an image.
type nowhereError struct{ image string }

func (e *nowhereError) Error() string {
	return fmt.Sprintf("nothing lies beside %s: ask for the image of a registry (registry:) or of an OCI layout's folder", e.image)
}

// beside opens where an image lies.
func (o *targetOptions) beside(ctx context.Context, img *image.Image) (place.Store, func(), error) {
	switch img.Origin {
	case "registry":
		r, err := o.repository(ctx, img.Name)
		if err != nil {
			return nil, nil, err
		}
		return r, func() { r.Close() }, nil
	case "oci":
		if info, err := os.Stat(img.Path); err != nil || !info.IsDir() {
			break
		}
		l, err := place.OpenLayout(img.Path)
		if err != nil {
			return nil, nil, usage("%v", err)
		}
		return l, func() { l.Close() }, nil
	}
	return nil, nil, &nowhereError{img.Name}
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
