// Package place finds the proofs that lie beside an image: as referrers (OCI distribution specification
// 1.1), and under the tags that Cosign makes of the image's digest (sha256-….sig, sha256-….att), in a
// registry or an OCI layout.
package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Bounds of what is looked at beside one image.
const (
	maxReferrers = 200
	maxLayers    = 100 // of one artifact
)

// emptyConfig is what some registries say the type of an artifact is: that of its configuration, which is
// none.
const emptyConfig = "application/vnd.oci.empty.v1+json"

// Store keeps images and what belongs to them.
type Store interface {
	// Manifest fetches by tag or digest; the error wraps fs.ErrNotExist where there is none.
	Manifest(ctx context.Context, name string) ([]byte, error)
	Blob(ctx context.Context, d image.Descriptor, most int64) ([]byte, error)
	Referrers(ctx context.Context, digest string) ([]image.Descriptor, error)
}

// Found is what lies beside an image.
type Found struct {
	Proofs []attestation.Proof
	// Troubles are artifacts that could not be read, and bounds that were reached.
	Troubles []error
}

// Find looks beside the image of this digest. It fails where the store cannot be asked; a single artifact
// that is broken is a trouble beside the others.
func Find(ctx context.Context, s Store, digest string) (Found, error) {
	var f Found
	referrers, err := s.Referrers(ctx, digest)
	if err != nil {
		return f, err
	}
	looked := 0
	for _, d := range referrers {
		if d.ArtifactType != "" && d.ArtifactType != emptyConfig && !isProof(d.ArtifactType) {
			continue
		}
		if looked++; looked > maxReferrers {
			f.Troubles = slices.Insert(f.Troubles, 0, fmt.Errorf("more than %d attestations refer to %s: the others were not looked at", maxReferrers, digest))
			break
		}
		if err := f.artifact(ctx, s, d.Digest, digest); err != nil {
			return f, err
		}
	}
	tag := strings.Replace(digest, ":", "-", 1)
	for _, suffix := range []string{".att", ".sig"} {
		if err := f.artifact(ctx, s, tag+suffix, ""); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *Found) trouble(err error) { f.Troubles = append(f.Troubles, err) }

// artifact reads the proofs of one manifest. One that is to be a referrer must say so itself.
func (f *Found) artifact(ctx context.Context, s Store, name, subject string) error {
	b, err := s.Manifest(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		if subject != "" {
			f.trouble(fmt.Errorf("%s is listed as a referrer, and is not there", name))
		}
		return nil
	}
	if err != nil {
		return f.orTrouble(ctx, name, err)
	}
	m, err := image.ParseManifest(b)
	if err != nil {
		f.trouble(fmt.Errorf("%s: %w", name, err))
		return nil
	}
	if subject != "" && (m.Subject == nil || m.Subject.Digest != subject) {
		f.trouble(fmt.Errorf("%s is listed as a referrer of %s, and does not refer to it", name, subject))
		return nil
	}
	for i, l := range m.Layers {
		if i == maxLayers {
			f.trouble(fmt.Errorf("%s has more than %d layers: the others were not looked at", name, maxLayers))
			break
		}
		if !isProof(l.MediaType) {
			continue
		}
		where := name
		if len(m.Layers) > 1 {
			where = fmt.Sprintf("%s, layer %d", name, i+1)
		}
		if err := f.layer(ctx, s, where, l); err != nil {
			return err
		}
	}
	return nil
}

func (f *Found) layer(ctx context.Context, s Store, where string, l image.Descriptor) error {
	b, err := s.Blob(ctx, l, attestation.MaxProof)
	if err != nil {
		return f.orTrouble(ctx, where, err)
	}
	var p attestation.Proof
	if l.MediaType == attestation.SimpleLayer {
		p, err = attestation.Simple(where, b, l.Annotations)
	} else {
		p, err = attestation.Attached(where, b, l.Annotations)
	}
	if err != nil {
		f.trouble(err)
		return nil
	}
	f.Proofs = append(f.Proofs, p)
	return nil
}

// orTrouble tells a store that does not answer from an artifact that is broken.
func (f *Found) orTrouble(ctx context.Context, name string, err error) error {
	var down *image.DownError
	if ctx.Err() != nil || errors.As(err, &down) {
		return err
	}
	if errors.Is(err, layer.ErrLimit) || errors.Is(err, layer.ErrDigest) || errors.Is(err, fs.ErrNotExist) {
		f.trouble(fmt.Errorf("%s: %w", name, err))
		return nil
	}
	return err
}

// isProof knows the media types under which proofs are kept.
func isProof(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle") ||
		slices.Contains([]string{attestation.SimpleLayer, attestation.DSSE, attestation.InToto, "application/vnd.dev.cosign.artifact.sig.v1+json"}, mediaType)
}
