package containerd_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
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
		if verify { // where its state lies is then found by its socket
			t.Setenv("CONTAINERD_ROOT", "")
		}
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

// What a container has written is seen, also when it does not run.
func TestRealContainer(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs containerd: set PLIMSOLL_TEST=all")
	}
	img := imagetest.Image{Name: "plimsoll-test/container:1", Layers: cart.Layers}
	l := imagetest.New(img)
	const id = "plimsoll-test-written"
	ctr := func(args ...string) {
		t.Helper()
		ctx := context.WithoutCancel(t.Context())
		if out, err := exec.CommandContext(ctx, "ctr", append([]string{"--namespace", "plimsoll-test"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("ctr %v: %v: %s", args, err, out)
		}
	}
	ctr("images", "import", imagetest.WriteFile(t, "x.tar", l.Tar()))
	ctr("containers", "create", "docker.io/"+img.Name, id, "/app")
	t.Cleanup(func() { ctr("containers", "delete", id) })
	got, err := containerd.OpenContainer(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != l.Index[0].Digest || len(got.Layers) != len(img.Layers)+1 {
		t.Fatalf("container %+v", got)
	}
	top := got.Layers[len(img.Layers)].Folder.Path
	if err := os.WriteFile(filepath.Join(top, "written"), []byte("x"), 0o644); err != nil {
		t.Errorf("the topmost folder is not the container's own: %v", err)
	}
}
