package scan_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/rootfs"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// TestNoDatabase holds that a distribution of which no package is known never passes: not one whose
// package manager is not read, not one whose database was removed, emptied or is no database.
func TestNoDatabase(t *testing.T) {
	zeros := string(bytes.Repeat([]byte{0}, 4096))
	for _, test := range []struct{ name, release, path, body, class string }{
		{"pacman", "ID=arch", "var/lib/pacman/local/bash-5.2-1/desc", "%NAME%\nbash\n", "no-database"},
		{"removed", "ID=debian\nVERSION_ID=12", "usr/bin/x", "x", "no-database"},
		{"empty", "ID=debian\nVERSION_ID=12", "var/lib/dpkg/status", "", "no-database"},
		{"zeros for dpkg", "ID=debian\nVERSION_ID=12", "var/lib/dpkg/status", zeros, "unreadable-database"},
		{"zeros for apk", "ID=wolfi", "usr/lib/apk/db/installed", zeros, "unreadable-database"},
		{"zeros for SQLite", "ID=rhel\nVERSION_ID=9", "var/lib/rpm/rpmdb.sqlite", zeros, "unreadable-database"},
		{"zeros for Berkeley DB", "ID=rhel\nVERSION_ID=7", "var/lib/rpm/Packages", zeros, "unreadable-database"},
		{"zeros for NDB", "ID=sles\nVERSION_ID=15.7", "usr/lib/sysimage/rpm/Packages.db", zeros, "unreadable-database"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for path, body := range map[string]string{"usr/lib/os-release": test.release, test.path: test.body} {
				if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, path), []byte(body), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r := scanFolder(t, root)
			if len(r.Coverage) != 1 || r.Coverage[0].Class != test.class || !r.Coverage[0].Blocking || r.Verdict.Action == finding.Pass {
				t.Errorf("%s, %+v; want %s alone", r.Verdict.Action, r.Coverage, test.class)
			}
		})
	}
}

func scanFolder(t *testing.T, root string) *finding.Report {
	t.Helper()
	img, err := rootfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := scan.Run(context.Background(), []scan.Subject{{Image: img}}, scan.Options{
		Kinds: all.Ecosystems(), Lookup: db, Line: gate.Default, Jobs: 1, Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRemovedDatabase has a database whose end is in doubt, which blocks nothing, removed by the next
// layer, which does.
func TestRemovedDatabase(t *testing.T) {
	img := imagetest.New(imagetest.Image{Name: "shop:1", Layers: []imagetest.Layer{
		{Files: []imagetest.File{
			{Path: "etc/os-release", Body: "ID=debian\nVERSION_ID=12\n"},
			{Path: "var/lib/dpkg/status", Body: "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1"},
		}},
		{Files: []imagetest.File{{Path: "var/lib/dpkg/.wh.status"}}},
	}})
	imgs, err := archive.Open(context.Background(), file(t, img.Tar()), image.Options{})
	names, gaps := found(t, imgs, err, scan.Options{})
	if len(names) > 0 || !slices.Contains(gaps, "no-database") {
		t.Errorf("found %v, gaps %v", names, gaps)
	}
}
