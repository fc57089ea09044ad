//go:build linux

package scan_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/locate"
)

// TestDebianImage makes an image of a real Debian system and wants the packages that dpkg-query lists
// in it, from the engine's own folders and from what docker save writes.
func TestDebianImage(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs root, debootstrap and Docker: set PLIMSOLL_TEST=all")
	}
	root := filepath.Join(t.TempDir(), "root")
	run(t, "debootstrap", "--variant=minbase", "bookworm", root)
	name := "plimsoll-test/debian:12"
	run(t, "sh", "-c", "tar -C "+root+" -c . | /usr/bin/docker import - "+name)
	t.Cleanup(func() { exec.Command("/usr/bin/docker", "rmi", name).Run() })
	saved := filepath.Join(t.TempDir(), "saved.tar")
	run(t, "/usr/bin/docker", "save", "-o", saved, name)

	want := strings.Fields(run(t, "chroot", root, "dpkg-query", "-W", "-f", "${Package}=${Version}\n"))
	slices.Sort(want)
	if len(want) < 80 {
		t.Fatalf("only %d packages in a Debian system", len(want))
	}
	inPlace, err := locate.Open(context.Background(), "docker:"+name, locate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fromTar, err := archive.Open(context.Background(), saved, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for how, imgs := range map[string][]*image.Image{"the engine's folders": inPlace, "docker save": fromTar} {
		r, err := scan.Run(context.Background(), []scan.Subject{{Image: imgs[0]}}, scan.Options{Kinds: all.Ecosystems(), Jobs: 2, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range r.Packages {
			if p.Type == "deb" {
				got = append(got, p.Name+"="+p.Version)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", how, diff)
		}
		if r.Targets[0].OS == nil || r.Targets[0].OS.Version != "12" {
			t.Errorf("%s: distribution %+v", how, r.Targets[0].OS)
		}
		imgs[0].Close()
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v %s", name, args, err, stderr.String())
	}
	return string(out)
}
