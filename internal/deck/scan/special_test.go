//go:build linux

package scan_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
)

// TestDebianFiles makes a real Debian system and wants the special files that find and getcap list in it, from the
// folder and from a tar with extended attributes.
func TestDebianFiles(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs root and debootstrap: set PLIMSOLL_TEST=all")
	}
	root := filepath.Join(t.TempDir(), "root")
	run(t, "debootstrap", "--variant=minbase", "--include=iputils-ping,openssh-client", "bookworm", root)
	run(t, "mkdir", "-m", "0777", root+"/srv/all")
	run(t, "install", "-m", "4755", "/bin/true", root+"/usr/local/bin/ours")
	saved := filepath.Join(t.TempDir(), "layer.tar")
	run(t, "tar", "--xattrs", "--xattrs-include=*", "-C", root, "-cf", saved, ".")
	folder, err := rootfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	tar := &image.Image{Name: "debian:12", Origin: "archive", Layers: []image.Layer{{
		Open: func(context.Context) (layer.Blob, error) { return layer.Blob{At: f, Size: info.Size()}, nil },
	}}}
	for how, img := range map[string]*image.Image{"folder": folder, "tar": tar} {
		t.Run(how, func(t *testing.T) {
			r, err := scan.Run(t.Context(), []scan.Subject{{Image: img}}, scan.Options{
				Kinds: all.Ecosystems(), Lookup: knowsNothing{}, Checks: []string{"image"}, Jobs: 2, Now: time.Unix(1790000000, 0),
			})
			if err != nil {
				t.Fatal(err)
			}
			sameSpecial(t, root, r)
		})
	}
}

// knowsNothing is a database without advisories.
type knowsNothing struct{}

func (knowsNothing) Package(string, string) ([]advisory.Row, advisory.Cover, error) {
	return nil, 0, nil
}

func (knowsNothing) Vulnerability(string) (advisory.Vulnerability, bool, error) {
	return advisory.Vulnerability{}, false, nil
}

// sameSpecial holds what a report says of special files against find and getcap.
func sameSpecial(t *testing.T, root string, r *finding.Report) {
	t.Helper()
	suid := strings.Fields(run(t, "find", root, "-xdev", "-type", "f", "-perm", "/6000"))
	if got := r.Targets[0].Surface.SUID; got != len(suid) || got == 0 {
		t.Errorf("%d setuid files, find lists %d", got, len(suid))
	}
	said := map[string]string{}
	for _, f := range r.Findings {
		said[f.Rule] += f.Evidence + " "
	}
	lines := func(words ...string) []string {
		return strings.Split(strings.TrimSpace(run(t, words[0], words[1:]...)), "\n")
	}
	for rule, paths := range map[string][]string{
		"image/setuid":            suid,
		"image/world-writable":    lines("find", root, "-xdev", "(", "-type", "f", "-o", "-type", "d", "!", "-perm", "-1000", ")", "-perm", "-0002"),
		"image/file-capabilities": lines("getcap", "-r", root),
	} {
		for _, p := range paths {
			if p, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p, root), "/"), " "); p == "" || !strings.Contains(said[rule], p+" ") {
				t.Errorf("%s does not name %q: %s", rule, p, said[rule])
			}
		}
	}
}
