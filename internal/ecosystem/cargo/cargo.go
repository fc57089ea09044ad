// Package cargo knows Rust crates: those that cargo-auditable records in a program, in section
// .dep-v0, and those of a Cargo.lock.
//
// Advisories speak of crates from crates.io. A crate from a git repository or another registry is
// listed and says so, and is compared with nothing.
package cargo

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Cargo.
var Ecosystem = ecosystem.Ecosystem{
	Name:       "cargo",
	Version:    3,
	Wants:      func(s ecosystem.Stat) bool { return s.IsProgram() || isLock(s) || isManifest(s) },
	Read:       read,
	Advisories: advisories,
	Compare:    compare,
}

// maxPackages bounds the crates of one file.
const maxPackages = 50_000

// isLock leaves out the lock files inside crates that Cargo fetched or vendored: they say what their
// authors built with.
func isLock(s ecosystem.Stat) bool {
	path := "/" + s.Path
	return s.Base() == "Cargo.lock" && !strings.Contains(path, "/registry/src/") && !strings.Contains(path, "/git/checkouts/") &&
		!strings.Contains(path, "/vendor/")
}

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	switch {
	case isLock(f.Stat):
		return readLock(f)
	case isManifest(f.Stat):
		return readManifest(f)
	}
	return readProgram(f)
}

// advisories are those of crates.io, for crates that came from there, and for the program's own, which
// may be published there too.
func advisories(p ecosystem.Package, _ ecosystem.Release) (string, bool) {
	return "crates.io", len(p.Qualifiers) == 0
}

// crate is a package from the given source, with a note when no advisory can speak of it. Sources are
// written as in Cargo.lock or, shorter, as by cargo-auditable; without one the crate lies in a folder
// beside the program and is part of it.
func crate(name, version, source string) (ecosystem.Package, []ecosystem.Note) {
	p := ecosystem.Package{Type: "cargo", Name: name, Version: version}
	kind, url, _ := strings.Cut(source, "+")
	switch {
	case isCratesIO(kind, url):
		return p, nil
	case kind == "" || kind == "local" || kind == "path":
		p.Main = true
		return p, nil
	case kind == "git" && url == "": // cargo-auditable keeps the repository's name to itself
		p.Qualifiers = []string{"vcs_url=git"}
	case kind == "git":
		p.Qualifiers = []string{ecosystem.Repository(source)}
	default:
		p.Qualifiers = []string{"repository_url=" + max(url, kind)}
	}
	return p, []ecosystem.Note{{
		Class: "unmatched-source", What: fmt.Sprintf("crate %.100s %.100s comes from %.200s, of which no advisories speak", name, version, source),
	}}
}

func isCratesIO(kind, url string) bool {
	switch kind {
	case "crates.io":
		return true
	case "registry", "sparse":
		url = strings.TrimSuffix(url, "/")
		return url == "https://github.com/rust-lang/crates.io-index" || url == "https://index.crates.io"
	}
	return false
}

// compare orders versions by semantic versioning 2.0.0; build metadata does not count. "0" is older
// than everything, as advisories use it.
func compare(a, b string) (int, error) {
	for _, v := range []string{a, b} {
		if !semver.IsValid("v" + v) {
			return 0, fmt.Errorf("%.80q is no version of a crate", v)
		}
	}
	return semver.Compare(lowest(a), lowest(b)), nil
}

func lowest(v string) string {
	if v == "0" {
		return "v0.0.0-0"
	}
	return "v" + v
}
