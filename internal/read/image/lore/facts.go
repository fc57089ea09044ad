package lore

import (
	"context"
	"fmt"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Facts are what is known of an image.
type Facts struct {
	Digest string // of the index that the name means, or of the manifest where there is none
	// User and Volumes are those of the platform that is asked from, where an index lists several.
	User    string
	Volumes []string
}

// Open finds the images that a reference means, as registry.Open does.
type Open func(ctx context.Context, reference string) ([]*image.Image, error)

// OfImages asks for the facts of images.
func OfImages(open Open) Asker[Facts] {
	ask := func(ctx context.Context, _ string, of image.Reference) (f Facts, err error) {
		images, err := open(ctx, of.String())
		if err != nil {
			return f, err
		}
		for _, i := range images {
			defer i.Close()
		}
		if len(images) == 0 {
			return f, fmt.Errorf("registry %s: %s lists no image", of.Host, of.Familiar())
		}
		first := images[0]
		f = Facts{Digest: first.IndexDigest, User: first.Config.User, Volumes: first.Config.Volumes}
		if f.Digest == "" {
			f.Digest = first.Digest
		}
		return f, nil
	}
	return Asker[Facts]{ask, func(Facts) time.Duration { return Fresh }, Wait}
}
