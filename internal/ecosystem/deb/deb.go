// Package deb knows the packages of dpkg, of its small cousin opkg, and of Chisel, which cuts Ubuntu
// packages into slices.
//
// It reads the list of installed packages (/var/lib/dpkg/status), the one file for each package of
// distroless images (/var/lib/dpkg/status.d), and the file lists beside them. Archives (.deb), the
// history in status-old and copyright files are not read.
//
// Debian's and Ubuntu's advisories name source packages and their versions, so a package carries both:
// libssl3 3.0.11-1~deb12u2 is openssl 3.0.11-1~deb12u2, and what was rebuilt without a new source
// (1.2-3+b1) is still source version 1.2-3.
package deb

import (
	"context"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Debian's dpkg.
var Ecosystem = ecosystem.Ecosystem{
	Name:            "deb",
	Version:         1,
	Wants:           wants,
	Read:            read,
	Fixed:           []string{dpkgStatus, "usr/lib/opkg/status", "var/lib/opkg/status", chiselManifest},
	Database:        true,
	OS:              true,
	Advisories:      advisories,
	ThirdParty:      thirdParty,
	Backported:      backported,
	AdvisoryVersion: sourceVersion,
	Compare:         Compare,
	Key:             sourceName,
}

const (
	dpkgStatus     = "var/lib/dpkg/status"
	statusFolder   = "var/lib/dpkg/status.d/"
	listFolder     = "var/lib/dpkg/info/"
	chiselManifest = "var/lib/chisel/manifest.wall"
	md5sums        = ".md5sums"
)

func wants(s ecosystem.Stat) bool {
	switch p := s.Path; {
	case p == dpkgStatus, p == chiselManifest, isOpkg(p):
		return true
	case strings.HasPrefix(p, listFolder):
		return strings.HasSuffix(p, ".list") && s.Base() != ".list"
	case strings.HasPrefix(p, statusFolder):
		return !strings.Contains(p[len(statusFolder):], "/")
	}
	return false
}

func isOpkg(path string) bool { return path == "usr/lib/opkg/status" || path == "var/lib/opkg/status" }

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	switch {
	case f.Path == chiselManifest:
		return readManifest(f)
	case strings.HasPrefix(f.Path, listFolder):
		return readList(f)
	case strings.HasPrefix(f.Path, statusFolder):
		if strings.HasSuffix(f.Path, md5sums) {
			return readSums(f)
		}
		return readStatus(f, "deb", false)
	case isOpkg(f.Path):
		return readStatus(f, "opkg", true)
	}
	return readStatus(f, "deb", true)
}
