package deb

import (
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// codenames are Debian's releases, for images that give no VERSION_ID: those of testing and unstable.
var codenames = map[string]string{
	"stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}

// advisories names the feed of a release: Debian:12, Debian:sid, Ubuntu:22.04. A package that came by
// subscription (Ubuntu Pro, +esm in its version) has advisories of its own, Ubuntu:Pro:16.04: the
// release's do not know its fixes. Distributions made from these have other packages under the same
// names, and no feed here.
func advisories(p ecosystem.Package, on ecosystem.Release) (string, bool) {
	if p.Type != "deb" {
		return "", false
	}
	switch on.ID {
	case "ubuntu":
		if strings.Contains(p.Version, "+esm") || strings.Contains(p.Version, "~esm") {
			return "Ubuntu:Pro:" + on.Version, on.Version != ""
		}
		return "Ubuntu:" + on.Version, on.Version != ""
	case "debian":
		release := debianRelease(on)
		return "Debian:" + release, release != ""
	}
	return "", false
}

// debianRelease is a number, or sid. Testing calls itself by its codename, or "trixie/sid" in
// /etc/debian_version; unstable has the same os-release as testing, and is told by the word sid alone.
func debianRelease(on ecosystem.Release) string {
	if v := on.Major(); v != "" && strings.Trim(v, "0123456789") == "" {
		return v
	}
	for _, word := range []string{on.Codename, on.Version} {
		word = strings.ToLower(word)
		if word == "sid" || word == "unstable" {
			return "sid"
		}
		next, _, _ := strings.Cut(word, "/")
		if number, ok := codenames[next]; ok {
			return number
		}
	}
	return ""
}

// otherRelease knows backports by their mark, and updates of a newer Debian by its number (+deb13u1);
// of several the last counts (+deb13u1~deb12u1 is for 12). No package of Debian 12 or 13 has either. A
// package of a newer release without a mark cannot be told.
func otherRelease(p ecosystem.Package, on ecosystem.Release) bool {
	if strings.Contains(p.Version, "~bpo") {
		return true
	}
	release, err := strconv.Atoi(debianRelease(on))
	i := strings.LastIndex(p.Version, "deb")
	if on.ID != "debian" || err != nil || i < 0 {
		return false
	}
	number, _, ok := strings.Cut(p.Version[i+len("deb"):], "u")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n > release && n < 100
}

// The kernel and others are signed in a source package of their own, while the tracker speaks of the
// one that was compiled: linux-signed-amd64 6.1.55+1 is linux 6.1.55-1.
const signedKernel = "linux-signed-"

func sourceName(p ecosystem.Package) string {
	switch {
	case p.SourceName == "":
		return p.Name
	case strings.HasPrefix(p.SourceName, signedKernel):
		return "linux"
	}
	return p.SourceName
}

func sourceVersion(p ecosystem.Package) string {
	v := p.SourceVer
	if v == "" {
		v = p.Version
	}
	if i := strings.LastIndexByte(v, '+'); i >= 0 && strings.HasPrefix(p.SourceName, signedKernel) {
		return v[:i] + "-" + v[i+1:]
	}
	return v
}
