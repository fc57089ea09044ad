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
	images, err := containerd.Open(t.Context(), img.Name, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer images[0].Close()
	if images[0].Digest != l.Index[0].Digest || len(images[0].Layers) != len(img.Layers) {
		t.Errorf("image %+v", images[0])
	}
}
