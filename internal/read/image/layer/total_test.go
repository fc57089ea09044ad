package layer

import (
	"archive/tar"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTotal reads layers that each keep to their bound, and together do not. What is skipped through
// counts for nothing.
func TestTotal(t *testing.T) {
	raw := pack(t, tar.Header{Name: "a", Uname: strings.Repeat("x", 100_000)})
	for name, c := range map[string]struct {
		open   func([]byte) Blob
		raw    []byte
		verify bool
		counts bool
	}{
		"gzip":             {streamBlob, gz(raw), false, true},
		"plain":            {streamBlob, raw, false, true},
		"in place":         {atBlob, raw, false, false},
		"in place, hashed": {atBlob, raw, true, true},
	} {
		var left atomic.Int64
		left.Store(2 * int64(len(raw)))
		var errs []error
		for range 3 {
			res, err := Walk(context.Background(), c.open(c.raw), Options{Total: &left, Verify: c.verify}, func(*Entry) error { return nil })
			errs = append(errs, err)
			if want := int64(len(raw)); err == nil && c.counts != (res.Streamed == want) {
				t.Errorf("%s: %d of %d bytes counted", name, res.Streamed, want)
			}
		}
		if errs[0] != nil || errs[1] != nil || c.counts != errors.Is(errs[2], ErrTotal) {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

// TestPlainBound reads a plain layer that is longer than one may be.
func TestPlainBound(t *testing.T) {
	raw := pack(t, tar.Header{Name: "a", Uname: strings.Repeat("x", 100_000)})
	limits := DefaultLimits
	limits.Uncompressed = 50_000
	_, err := Walk(context.Background(), streamBlob(raw), Options{Limits: limits}, func(*Entry) error { return nil })
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%v", err)
	}
}
