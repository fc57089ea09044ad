package all_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
)

// TestGarbage gives every database and lock file that we know by its name something else: a page that a
// proxy put in its place, the marks of a merge, noise. It is an error or a note, never an empty list
// that reads as clean.
func TestGarbage(t *testing.T) {
	noise := make([]byte, 4096)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	for _, path := range []string{
		"var/lib/dpkg/status", "var/lib/dpkg/status.d/base", "lib/apk/db/installed", "var/lib/rpm/Packages", "var/lib/rpm/Packages.db",
		"var/lib/rpm/rpmdb.sqlite", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "Cargo.lock", "Gemfile.lock", "poetry.lock",
		"uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "composer.lock", "go.mod", "gradle.lockfile", "packages.lock.json", "pom.xml",
		"requirements.txt",
	} {
		for name, body := range map[string]string{
			"page":   "<html><head><title>404</title></head><body>not found</body></html>\n",
			"merge":  "<<<<<<< HEAD\n=======\n>>>>>>> other\n",
			"noise":  string(noise),
			"blanks": strings.Repeat("\x00", 4096),
		} {
			if name == "blanks" && path == "requirements.txt" {
				continue
			}
			f := &ecosystem.File{
				Stat: ecosystem.Stat{Path: path, Size: int64(len(body)), Mode: 0o644}, Reader: strings.NewReader(body),
				At: func() (io.ReaderAt, error) { return bytes.NewReader([]byte(body)), nil },
			}
			wanted, told := false, false
			for _, eco := range all.Ecosystems() {
				if !eco.Wants(f.Stat) {
					continue
				}
				wanted = true
				found, err := eco.Read(t.Context(), f)
				told = told || err != nil || len(found.Notes) > 0 || found.Asks != nil
			}
			if !wanted || !told {
				t.Errorf("%s that is %s: wanted %v, told of %v", path, name, wanted, told)
			}
		}
	}
}

// TestCutDatabases cuts lists of installed packages in the middle of one: that one is missed.
func TestCutDatabases(t *testing.T) {
	for path, body := range map[string]string{
		"var/lib/dpkg/status":      "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n",
		"var/lib/dpkg/status.d/a":  "Package: a\n",
		"usr/lib/opkg/status":      "Package: a\nVersion: 1\nStatus: install user installed\n\nPackage: b\n",
		"lib/apk/db/installed":     "P:a\nV:1\n\nP:b\n",
		"var/lib/dpkg/status.d/b":  "Version: 1\n",
		"usr/lib/apk/db/installed": "P:a\nV:1\n\nV:2\n",
		"var/lib/dpkg/status.d/c":  "Package: a\nVersion: 1\nno field\n",
		"var/lib/opkg/status":      "Package: a\nStatus: install user installed\n",
	} {
		f := &ecosystem.File{Stat: ecosystem.Stat{Path: path, Size: int64(len(body)), Mode: 0o644}, Reader: strings.NewReader(body)}
		for _, eco := range all.Ecosystems() {
			if !eco.Wants(f.Stat) {
				continue
			}
			if found, err := eco.Read(t.Context(), f); err == nil {
				t.Errorf("%s: no error, %d packages", path, len(found.Packages))
			}
		}
	}
}
