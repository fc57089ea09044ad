package layer_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// What the rights do not reach is told with its path inside the folder, each once however often it is
// tried, and all else is visited.
func TestWalkFolderWithoutRights(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []string{"opt/secret/deep", "srv"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(p)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"opt/secret/deep/x", "opt/secret/go.mod", "srv/y"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(p)), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "opt", "secret", "deep"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "opt", "secret", "go.mod"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "opt", "secret", "deep"), 0o755) })
	withoutRoot(t)
	var seen []string
	_, err := layer.WalkFolder(t.Context(), layer.Folder{Path: dir}, layer.Limits{}, func(e *layer.Entry) error {
		seen = append(seen, e.Path)
		if e.Path == "opt/secret/go.mod" {
			for range 2 {
				var at *fs.PathError
				if _, err := e.Head(1); !errors.As(err, &at) || at.Path != e.Path || !errors.Is(err, fs.ErrPermission) {
					t.Errorf("head: %v", err)
				}
			}
		}
		return nil
	})
	const want = "2 folders or files could not be read, the first: opt/secret/deep: permission denied"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if n := len(seen); n != 6 || seen[n-1] != "srv/y" {
		t.Errorf("visited %v", seen)
	}
}

// withoutRoot has this goroutine read files as nobody, if it may read everything.
func withoutRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	for dir := filepath.Dir(t.TempDir()); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Setfsuid(0) })
}
