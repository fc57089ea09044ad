package containerd_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// A containerd that runs here: CONTAINERD_ADDRESS is its socket, CONTAINERD_ROOT its state.
func TestRealContainerd(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs containerd: set PLIMSOLL_TEST=all")
	}
	img := imagetest.Image{Name: "plimsoll-test/containerd:1", Layers: cart.Layers}
	l := imagetest.New(img)
	args := []string{"--namespace", "plimsoll-test", "images", "import", imagetest.WriteFile(t, "x.tar", l.Tar())}
	if out, err := exec.CommandContext(t.Context(), "ctr", args...).CombinedOutput(); err != nil {
		t.Fatalf("ctr images import: %v: %s", err, out)
	}
	for _, verify := range []bool{false, true} {
		images, err := containerd.Open(t.Context(), img.Name, image.Options{Verify: verify})
		if err != nil {
			t.Fatal(err)
		}
		got := images[0]
		if got.Digest != l.Index[0].Digest || len(got.Layers) != len(img.Layers) || (got.Layers[0].Folder == nil) != verify {
			t.Errorf("verify %v: image %+v", verify, got)
		}
		got.Close()
	}
}
