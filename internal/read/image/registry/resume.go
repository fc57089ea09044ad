package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// resuming is a blob that is asked for again from where it broke off. What comes is held against the
// blob's digest by who reads it, so that a wrong continuation cannot pass; and here against its size, so
// that it ends.
type resuming struct {
	ctx  context.Context //nolint:containedctx // of this one blob
	repo *repository
	path string
	body io.ReadCloser
	off  int64
	size int64 // what the manifest says
	left int   // attempts
	from int64 // offset of the last attempt
}

// A blob is taken up again so often; each attempt that brings a good part counts for nothing.
const (
	resumeAttempts = 2
	goodPart       = 4 << 20
)

func (r *resuming) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if over := r.off + int64(n) - r.size; over > 0 {
		n -= int(over)
		r.off = r.size
		return n, fmt.Errorf("%s: the registry sends more than the %d bytes that the manifest says", r.name(), r.size)
	}
	r.off += int64(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	if again := r.again(err); again != nil {
		return n, again
	}
	return n, nil
}

// again gives the error that the reader is to see; nil when there is more to read. A registry that
// has stalled is not waited for once more.
func (r *resuming) again(broken error) error {
	if r.off-r.from >= goodPart {
		r.left = resumeAttempts
	}
	r.from = r.off
	var stalled *stallError
	if r.left == 0 || r.ctx.Err() != nil || errors.As(broken, &stalled) {
		return fmt.Errorf("after %d bytes of %s: %w", r.off, r.name(), broken)
	}
	r.left--
	r.body.Close()
	res, err := r.repo.send(r.ctx, r.path, r.off)
	if err != nil {
		return explain(err, r.repo.ref, r.repo)
	}
	r.body = res.Body
	whole := res.StatusCode != http.StatusPartialContent
	if err := r.agrees(res, whole); err != nil || !whole {
		return err
	}
	// A registry that knows no ranges begins again.
	if _, err := io.CopyN(io.Discard, r.body, r.off); err != nil {
		return fmt.Errorf("after %d bytes: %w", r.off, err)
	}
	return nil
}

// agrees holds what an answer says of itself against what was asked for.
func (r *resuming) agrees(res *http.Response, whole bool) error {
	want := r.size
	if !whole {
		want -= r.off
		var first, last int64
		said := res.Header.Get("Content-Range")
		if n, _ := fmt.Sscanf(said, "bytes %d-%d", &first, &last); n == 2 && (first != r.off || last != r.size-1) {
			return fmt.Errorf("%s: the registry goes on with %q, from byte %d of %d was asked for", r.name(), said, r.off, r.size)
		}
	}
	if n := res.ContentLength; n >= 0 && n != want {
		return fmt.Errorf("%s: the registry goes on with %d bytes, the manifest leaves %d", r.name(), n, want)
	}
	return nil
}

func (r *resuming) name() string { return strings.TrimPrefix(r.path, "blobs/") }

func (r *resuming) Close() error { return r.body.Close() }
