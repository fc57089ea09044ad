package all_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/ecosystem/purl"
)

// FuzzOrder holds every ecosystem's order of versions to what an order is: a version equals itself, the
// other way round is the other sign, and what is older than the older is older.
func FuzzOrder(f *testing.F) {
	f.Add(byte(0), "1:1.0~rc1-1", "1.0-1", "1.0+b1")
	f.Add(byte(1), "1.0_alpha1-r0", "1.0-r1", "1.0a")
	f.Add(byte(2), "1.0^git1-1.el9", "1.0-1.el9", "2:0.1")
	f.Add(byte(3), "v1.2.3-rc.1", "1.2.3", "v1.2.4-0.20240101000000-abcdef012345")
	f.Add(byte(4), "1.0.0-alpha.beta", "1.0.0-1", "1.0.0")
	f.Add(byte(5), "1!1.0.dev1", "1.0rc1.post2", "1.0+local.1")
	f.Add(byte(6), "1.0-SNAPSHOT", "1.0.Final", "1-sp")
	var orders []ecosystem.Ecosystem
	for _, e := range all.Ecosystems() {
		if e.Compare != nil {
			orders = append(orders, e)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, a, b, c string) {
		if len(a)+len(b)+len(c) > 300 {
			return
		}
		e := orders[int(which)%len(orders)]
		if self, err := e.Compare(a, a); err == nil && self != 0 {
			t.Errorf("%s: %q is not itself", e.Name, a)
		}
		ab, err1 := e.Compare(a, b)
		ba, err2 := e.Compare(b, a)
		if (err1 == nil) != (err2 == nil) || err1 == nil && sign(ab) != -sign(ba) {
			t.Fatalf("%s: %q and %q: %d, %v; the other way %d, %v", e.Name, a, b, ab, err1, ba, err2)
		}
		if e.Name == "maven" {
			return // Maven 3.8.7 itself says 1.a. < 1.0.0A1 < 1..00 < 1.a., and we follow it
		}
		bc, err2 := e.Compare(b, c)
		ac, err3 := e.Compare(a, c)
		if err1 == nil && err2 == nil && err3 == nil && ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%s: %q is not after %q, that not after %q, but the first is after the last", e.Name, a, b, c)
		}
	})
}

func sign(n int) int { return min(max(n, -1), 1) }

// FuzzRead gives every reader any bytes under any of the names that it wants. The same bytes say the same
// twice; a package has a type, a name, and a purl that can be read.
func FuzzRead(f *testing.F) {
	paths := []string{
		"etc/os-release", "var/lib/dpkg/status", "var/lib/dpkg/status.d/x", "var/lib/dpkg/info/x.list", "var/lib/chisel/manifest.wall", "lib/apk/db/installed",
		"var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "var/lib/rpm/rpmdb.sqlite", "app/node_modules/x/package.json", "yarn.lock", "pnpm-lock.yaml",
		"package-lock.json", "bun.lock", "x.dist-info/METADATA", "x.egg-info", "requirements.txt", "poetry.lock", "Pipfile.lock", "x.jar", "pom.xml", "gradle.lockfile",
		"specifications/a-1.gemspec", "Gemfile.lock", "composer.lock", "vendor/composer/installed.json", "a.deps.json", "packages.lock.json", "packages.config",
		"Cargo.lock", "go.mod", "opt/bitnami/x/.spdx-x.spdx", "usr/bin/x", "usr/lib/libssl.so.3",
	}
	f.Add(byte(1), "Package: a\nStatus: install ok installed\nVersion: 1\n")
	f.Add(byte(5), "P:a\nV:1\n")
	f.Add(byte(9), `{"name":"a","version":"1"}`)
	f.Add(byte(14), "Name: a\nVersion: 1\n")
	f.Add(byte(22), "Gem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = \"1\"\nend\n")
	f.Add(byte(26), `{"libraries":{"a/1":{"type":"package"}}}`)
	f.Add(byte(32), "\x7fELF\x02\x01\x01\x00nginx/1.25.3\x00")
	f.Fuzz(func(t *testing.T, which byte, body string) {
		path := paths[int(which)%len(paths)]
		read := func(e ecosystem.Ecosystem) (ecosystem.Found, string) {
			f := &ecosystem.File{
				Stat:   ecosystem.Stat{Path: path, Size: int64(len(body)), Mode: 0o755, Head: []byte(body[:min(len(body), 64)])},
				Reader: strings.NewReader(body), At: func() (io.ReaderAt, error) { return strings.NewReader(body), nil },
			}
			if !e.Wants(f.Stat) {
				return ecosystem.Found{}, ""
			}
			found, err := e.Read(t.Context(), f)
			if err != nil {
				return found, err.Error()
			}
			return found, ""
		}
		for _, e := range all.Ecosystems() {
			found, said := read(e)
			again, saidAgain := read(e)
			if diff := cmp.Diff(found, again); diff != "" || said != saidAgain {
				t.Errorf("%s: %s reads two ways: %s", e.Name, path, diff)
			}
			for _, p := range found.Packages {
				if p.Name == "" || p.Type == "" {
					t.Errorf("%s: half a package: %+v", e.Name, p)
				}
				if text := purl.Of(p, ecosystem.Release{}); strings.ContainsAny(text, " \n\x1b") {
					t.Errorf("%s: purl %q", e.Name, text)
				}
			}
		}
	})
}
