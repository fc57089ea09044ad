package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// orTags adds to the error about a tag that is not there those that are.
func (r *repository) orTags(ctx context.Context, err error) error {
	var none *image.NotFoundError
	if r.ref.Digest != "" || !errors.As(err, &none) {
		return err
	}
	const shown, asked = 8, 100
	tags := r.tags(ctx, asked)
	switch more := len(tags) - shown; {
	case len(tags) == 0:
		return err
	case more > 0:
		return fmt.Errorf("%w; some of its tags are %s", err, strings.Join(tags[:shown], ", "))
	}
	return fmt.Errorf("%w; its tags are %s", err, strings.Join(tags, ", "))
}

// tags asks for the tags of the repository; none where they are not told.
func (r *repository) tags(ctx context.Context, most int) []string {
	body, _, err := r.get(ctx, fmt.Sprintf("tags/list?n=%d", most))
	if err != nil {
		return nil
	}
	defer body.Close()
	var list struct{ Tags []string }
	if json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&list) != nil {
		return nil
	}
	var tags []string
	for _, t := range list.Tags {
		if _, err := image.ParseReference("x:" + t); err == nil { // what is no tag is not shown
			tags = append(tags, t)
		}
	}
	return tags
}
