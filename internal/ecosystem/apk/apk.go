// Package apk knows the packages of Alpine's apk, which Wolfi and Chainguard use too.
//
// It reads the database of installed packages, in which apk 2 and 3 also keep each package's files.
// Advisories are filed under the origin, the recipe that a package was built from, whose version all
// its packages share.
package apk

import (
	"context"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Alpine's apk.
var Ecosystem = ecosystem.Ecosystem{
	Name:       "apk",
	Version:    2,
	Wants:      func(s ecosystem.Stat) bool { return s.Path == repositories || slices.Contains(databases, s.Path) },
	Read:       read,
	Fixed:      databases,
	Database:   true,
	OS:         true,
	Advisories: advisories,
	ThirdParty: thirdParty,
	Compare:    Compare,
	Key:        origin,
}

// databases are where apk looks; /lib is a link to /usr/lib from Alpine 3.22 on and in Wolfi.
var databases = []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"}

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	if f.Path == repositories {
		return readRepositories(f)
	}
	return readInstalled(f)
}

func origin(p ecosystem.Package) string {
	if p.SourceName != "" {
		return p.SourceName
	}
	return p.Name
}

// advisories names the feed of a release: Alpine:v3.19, Alpine:edge, Wolfi, Chainguard. Other
// distributions that use apk build their own packages and have no feed here.
func advisories(_ ecosystem.Package, on ecosystem.Release) (string, bool) {
	switch on.ID {
	case "alpine":
		if isEdge(on) {
			return "Alpine:edge", true
		}
		minor := on.Minor()
		return "Alpine:v" + minor, strings.Contains(minor, ".")
	case "wolfi":
		return "Wolfi", true
	case "chainguard":
		return "Chainguard", true
	}
	return "", false
}

// isEdge knows Alpine's rolling branch: it is "3.22_alpha20250108" of the release to come.
func isEdge(on ecosystem.Release) bool {
	return on.Version == "edge" || strings.Contains(on.Version, "_alpha") || strings.HasSuffix(on.Name, " edge")
}

// vendorMail are mailboxes of repositories beside the distribution's own. apk does not remember where
// a package came from, and in the distribution maintainers are persons with addresses of all kinds, so
// that only a known vendor can be told.
var vendorMail = []string{"<nginx-packaging@f5.com>", "<nginx-packaging@nginx.com>", "<alpine-pkgs@sgerrand.com>", "<sasha@sgerrand.com>"}

func thirdParty(p ecosystem.Package, _ ecosystem.Release) bool {
	return slices.ContainsFunc(vendorMail, func(mail string) bool { return strings.HasSuffix(p.Maintainer, mail) })
}
