package rootfs_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if rootfs.Is(dir) {
		t.Error("an empty folder passes for a root file system")
	}
	for _, d := range []string{"etc", "usr/bin", "proc"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if !rootfs.Is(dir) {
		t.Error("a folder with etc and usr passes for none")
	}
	img, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f := img.Layers[0].Folder; f == nil || f.Path != dir || f.Skip != nil || img.Origin != "rootfs" {
		t.Errorf("folder %+v of origin %s", f, img.Origin)
	}
	if _, err := rootfs.Open(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there was opened")
	}
}

func TestLiveRootLeavesOutWhatTheKernelMakesUp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the root of a Linux host is needed")
	}
	own, err := rootfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	process, err := rootfs.OpenProcess(os.Getpid(), "self")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*layer.Folder{own.Layers[0].Folder, process.Layers[0].Folder} {
		if !f.Skip("proc") || !f.Skip("sys") || f.Skip("etc") || f.Skip("usr") {
			t.Errorf("%s: proc %v, sys %v, etc %v, usr %v", f.Path, f.Skip("proc"), f.Skip("sys"), f.Skip("etc"), f.Skip("usr"))
		}
	}
}
