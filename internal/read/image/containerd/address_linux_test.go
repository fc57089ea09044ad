package containerd_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// Whoever listens at the address holds the records open: here it is the test itself.
func TestAddress(t *testing.T) {
	dir := root(t, imagetest.New(cart), "k8s.io", 3)
	// A path of a socket is short.
	short, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	address := filepath.Join(short, "s")
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	t.Setenv("CONTAINERD_ROOT", "")
	t.Setenv("CONTAINERD_NAMESPACE", "")
	for _, spelt := range []string{address, "unix://" + address} {
		t.Setenv("CONTAINERD_ADDRESS", spelt)
		images, err := containerd.Open(t.Context(), "shop/cart:1.4", image.Options{})
		if err != nil {
			t.Fatalf("%s, whose state is %s: %v", spelt, dir, err)
		}
		images[0].Close()
	}
	t.Setenv("CONTAINERD_ADDRESS", filepath.Join(short, "none"))
	err = containerd.Has(t.Context(), "shop/cart:1.4")
	if down := (*image.DownError)(nil); !errors.As(err, &down) || !strings.Contains(err.Error(), "find containerd at "+short) {
		t.Errorf("nobody listens: %v", err)
	}
}
