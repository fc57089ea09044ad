package layer

import (
	"archive/tar"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTotal reads layers that each keep to their bound, and together do not.
func TestTotal(t *testing.T) {
	raw := gz(pack(t, tar.Header{Name: "a", Uname: strings.Repeat("x", 100_000)}))
	var left atomic.Int64
	left.Store(250_000)
	var errs []error
	for range 3 {
		_, err := Walk(context.Background(), streamBlob(raw), Options{Total: &left}, func(*Entry) error { return nil })
		errs = append(errs, err)
	}
	if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], ErrLimit) {
		t.Errorf("%v", errs)
	}
}
