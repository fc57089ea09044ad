package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestGuideAttest follows the guides on attestations and pipelines from top to bottom: every block of theirs that
// is shell is run, in order, in a folder that has the image, with a registry of its own in the place of the
// example's.
func TestGuideAttest(t *testing.T) {
	for _, program := range []string{"sh", "openssl", "tar"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs " + program)
		}
	}
	l := imagetest.New(imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
	host := imagetest.Serve(t, l)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "cart"), os.DirFS(l.Folder(t))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cart.tar"), l.Tar(), 0o644); err != nil {
		t.Fatal(err)
	}
	invalid := filepath.Join(t.TempDir(), "invalid")
	defer func() {
		if b, err := os.ReadFile(invalid); err == nil {
			t.Errorf("reports that are not as the schema says: %s", b)
		}
	}()
	for _, name := range []string{"attest.md", "pipeline.md"} { // the second uses the keys of the first
		b, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", name))
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(b), "\n```sh\n")[1:]
		if least := map[string]int{"attest.md": 5, "pipeline.md": 1}[name]; len(blocks) < least {
			t.Errorf("%s has %d blocks of shell", name, len(blocks))
		}
		for _, block := range blocks {
			block, _, _ = strings.Cut(block, "\n```")
			if strings.Contains(block, "skopeo") {
				if _, err := exec.LookPath("skopeo"); err != nil {
					block = strings.Join(strings.Split(block, "skopeo"), ": skopeo") // the image is there already
				}
			}
			block = strings.ReplaceAll(block, "skopeo copy -q", "skopeo copy -q --dest-tls-verify=false --insecure-policy")
			cmd := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(block, "registry.example.com", host))
			cmd.Dir = dir
			// The guides' image has packages; this one has none, which is a gap that somebody accepted.
			cmd.Env = append(os.Environ(), "PLIMSOLL_ALLOW_GAP=no-packages", "HOME="+dir, "XDG_CACHE_HOME="+dir, "DOCKER_CONFIG="+dir, "REGISTRY_AUTH_FILE=",
				"PLIMSOLL_TEST_SCHEMA="+schemaFile, "PLIMSOLL_TEST_INVALID="+invalid)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s\n%s", name, err, block, out)
			}
		}
	}
}
