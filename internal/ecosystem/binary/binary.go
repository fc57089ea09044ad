// Package binary knows programs that no package manager brought: nginx, Redis, Node.js, Python,
// OpenSSL, Java and others copied or built into an image, recognised by their file name and by the
// version string that they print themselves.
//
// What it finds is marked as heuristic. The walk drops what lies in a file that an OS package owns,
// because the distribution's advisories, which know its patches, speak of that; only for programs
// that nobody packaged are the upstream ranges of the Bitnami feed true, and those of Kubernetes' own
// for its programs. Other Go programs are told by their build information, in package golang.
package binary

import (
	"context"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is the programs without a package manager.
var Ecosystem = ecosystem.Ecosystem{
	Name:    "binary",
	Version: 2,
	Wants:   wants,
	Read:    read,
	Advisories: func(p ecosystem.Package, _ ecosystem.Release) (string, bool) {
		key := feedKey(p)
		if strings.HasPrefix(key, "k8s.io/") {
			return "Kubernetes", true
		}
		return "Bitnami", key != ""
	},
	AdvisoryVersion: advisoryVersion,
	Compare:         ecosystem.CompareNumbered,
	Key:             feedKey,
}

func wants(s ecosystem.Stat) bool {
	base := s.Base()
	if s.IsELF() {
		return s.IsProgram() && isKnown(base)
	}
	switch base {
	case "release":
		return s.Size < maxText
	case "VERSION":
		return s.Size < maxText && (s.Path == "go/VERSION" || strings.HasSuffix(s.Path, "/go/VERSION"))
	case "OTP_VERSION", "rabbit.app", "elixir.app":
		return s.Size < maxText
	case "version.php":
		return s.Size < maxText && (s.Path == wordPress || strings.HasSuffix(s.Path, "/"+wordPress))
	}
	return false
}

func read(ctx context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	switch base := f.Base(); base {
	case "release":
		return readJava(f)
	case "VERSION":
		return readGo(f)
	case "OTP_VERSION":
		return readErlang(f)
	case "rabbit.app", "elixir.app":
		return readApplication(f)
	case "version.php":
		return readWordPress(f)
	default:
		return readProgram(ctx, f, base)
	}
}

// feedKey is the name under which a feed files a program, empty when none does.
func feedKey(p ecosystem.Package) string {
	if p.Type == "k8s" { // components of a cluster, as Trivy's bills of materials name them
		return p.FullName()
	}
	switch p.Name {
	case "openjdk", "java":
		return "java"
	case "go":
		return "golang"
	case "rabbitmq", "wordpress":
		return p.Name
	}
	for i := range classifiers {
		if classifiers[i].name == p.Name {
			return classifiers[i].feed
		}
	}
	return ""
}

// advisoryVersion writes Java 8's updates as the feed does: 1.8.0_412 is 8.0.412.
func advisoryVersion(p ecosystem.Package) string {
	release, update, ok := strings.Cut(p.Version, "_")
	if major, isOld := strings.CutPrefix(release, "1."); ok && isOld && feedKey(p) == "java" {
		return strings.TrimSuffix(major, ".0") + ".0." + update
	}
	return p.Version
}

func program(name, version string) ecosystem.Package {
	return ecosystem.Package{Type: "generic", Name: name, Version: version, Heuristic: true}
}
