package registry

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Names lists the files of an artifact, in order.
func (a *Artifact) Names() []string { return slices.Sorted(maps.Keys(a.files)) }

// ReadFile fetches a file whole and holds its digest.
func (a *Artifact) ReadFile(ctx context.Context, name string, most int64) ([]byte, error) {
	digest, err := a.Digest(name)
	if err != nil {
		return nil, err
	}
	body, _, err := a.Open(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch %q of the artifact: %w", name, err)
	case int64(len(b)) > most:
		return nil, fmt.Errorf("%q of the artifact is larger than %d bytes", name, most)
	}
	return b, image.VerifyDigest(b, digest)
}
