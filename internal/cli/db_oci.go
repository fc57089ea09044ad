package cli

import (
	"context"
	"sync"

	"github.com/plimsoll/plimsoll/internal/read/advisory/update"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// ociMirror is a database in a registry: an OCI artifact whose layers are the files of an export, each
// under its name as title. Credentials are those of docker or podman login.
func ociMirror(reference string, o registry.Options) update.Mirror {
	var mu sync.Mutex
	var opened *registry.Artifact
	open := func(ctx context.Context) (*registry.Artifact, error) {
		mu.Lock()
		defer mu.Unlock()
		var err error
		if opened == nil {
			opened, err = registry.OpenArtifact(ctx, reference, o)
		}
		return opened, err
	}
	return update.Mirror{Name: "oci:" + reference, Fetch: func(ctx context.Context, r update.Request) (update.Answer, error) {
		a, err := open(ctx)
		if err != nil {
			return update.Answer{}, err
		}
		digest, err := a.Digest(r.Name)
		if err != nil {
			return update.Answer{}, err
		}
		if r.Tag == digest && r.Tag != "" {
			return update.Answer{Tag: digest, Unchanged: true}, nil
		}
		body, from, err := a.Open(ctx, r.Name, r.Offset)
		return update.Answer{Body: body, Offset: from, Tag: digest}, err
	}}
}
