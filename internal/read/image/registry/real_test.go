package registry_test

import (
	"os"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// A registry that runs here: PLIMSOLL_TEST_REGISTRY is its HOST:PORT on this host, without TLS.
func TestRealRegistry(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs a registry: set PLIMSOLL_TEST=all")
	}
	anonymous(t)
	host := os.Getenv("PLIMSOLL_TEST_REGISTRY")
	if host == "" {
		t.Fatal("PLIMSOLL_TEST_REGISTRY names no registry")
	}
	img := cart
	img.Name = "plimsoll-test/cart:1.4"
	l := imagetest.New(img)
	l.Push(t, "http://"+host)
	images, err := registry.Open(t.Context(), host+"/plimsoll-test/cart:1.4", registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	if got, err := paths(t, images[0]); err != nil || len(got) != 3 || images[0].Digest != l.Index[0].Digest {
		t.Errorf("%s holds %q, %v", images[0].Digest, got, err)
	}
}
