// Package pypi knows the packages of Python: those installed beside the interpreter or in a virtual
// environment, those that lock and requirements files declare, and what a project's manifest asks for.
//
// An installed package tells of itself in METADATA (wheels, "*.dist-info") or PKG-INFO (eggs, packed
// or not, and distutils, "*.egg-info"). Where one was installed from a repository or a folder,
// direct_url.json beside it says so. Copies of other packages that pip and setuptools carry inside are packages too:
// newer setuptools ships their metadata; where only a list of them is there (pip/_vendor/vendor.txt) they
// are Heuristic, for their code may have been patched. Conda's records are read for what has no Python
// metadata of its own; no advisories speak of those.
//
// Names are written as purl wants them: lower case, with hyphens for underscores.
package pypi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Python's, whichever tool installed the packages.
var Ecosystem = ecosystem.Ecosystem{
	Name:    "pypi",
	Version: 3,
	Wants:   func(s ecosystem.Stat) bool { return readerOf(s.Path) != nil },
	Read:    read,
	Advisories: func(p ecosystem.Package, _ ecosystem.Release) (string, bool) {
		return "PyPI", p.Type == purlType
	},
	// A local version (2.0.0+cu118) is somebody's build of a public one, of which advisories speak.
	AdvisoryVersion: func(p ecosystem.Package) string {
		public, _, _ := strings.Cut(p.Version, "+")
		return public
	},
	Compare: compare,
	Key:     func(p ecosystem.Package) string { return canonical(p.Name) },
}

const (
	purlType    = "pypi"
	maxFile     = 64 << 20 // bytes of a lock file
	maxLine     = 1 << 20  // bytes
	maxPackages = 200_000  // of one lock file
	maxField    = 256      // bytes of a name or a version
)

type reader func(f *ecosystem.File) (ecosystem.Found, error)

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	parse := readerOf(f.Path)
	if parse == nil {
		return ecosystem.Found{}, nil
	}
	found, err := parse(f)
	if err != nil {
		err = fmt.Errorf("read %s: %w", f.Base(), err)
	}
	return found, err
}

// readerOf chooses the reader by the path; nil for what is none of ours. It is asked for every file of an
// image, most of which end after a few comparisons.
func readerOf(path string) reader {
	rest, base := cutLast(path)
	_, folder := cutLast(rest)
	var chosen reader
	switch {
	case base == "METADATA" && strings.HasSuffix(folder, ".dist-info"),
		base == "PKG-INFO" && (folder == "EGG-INFO" || strings.HasSuffix(folder, ".egg-info")),
		strings.HasSuffix(base, ".egg-info"):
		if !isMaterial(path) {
			chosen = readMetadata
		}
	case strings.HasSuffix(base, ".egg"):
		if !isMaterial(path) {
			chosen = readEgg
		}
	case base == "direct_url.json" && strings.HasSuffix(folder, ".dist-info"):
		chosen = readDirectURL
	case base == "vendor.txt" && strings.HasSuffix(rest, "pip/_vendor"),
		base == "vendored.txt" && folder == "_vendor":
		chosen = readVendored
	case folder == "conda-meta" && strings.HasSuffix(base, ".json"):
		chosen = readConda
	default:
		switch chosen = locks[base]; {
		case chosen != nil:
		case isRequirements(folder, base), strings.HasSuffix(base, includedAs), strings.HasSuffix(base, includedDev):
			chosen = readRequirements
		case strings.HasSuffix(base, constrainedAs):
			chosen = readConstraints
		case manifests[base] != nil && !ecosystem.IsManifestOfOthers(path):
			chosen = manifests[base]
		}
		if chosen != nil && isInstalled(path) {
			chosen = nil
		}
	}
	return chosen
}

// locks are the lock files by name.
var locks = map[string]reader{
	"Pipfile.lock": readPipfile,
	"poetry.lock":  readTables,
	"uv.lock":      readTables,
	"pdm.lock":     readTables,
	"pylock.toml":  readTables,
}

func cutLast(path string) (rest, last string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// insideLibrary is the part of a path below the folder that Python imports from, "" if there is none.
func insideLibrary(path string) string {
	for _, library := range []string{"site-packages/", "dist-packages/"} {
		if i := strings.LastIndex(path, library); i >= 0 {
			return path[i+len(library):]
		}
	}
	return ""
}

// isInstalled says that a file belongs to an installed package: a lock file there is its author's.
func isInstalled(path string) bool { return insideLibrary(path) != "" }

// isMaterial says that a file is what an installed package tests itself with.
func isMaterial(path string) bool {
	for element := range strings.SplitSeq(insideLibrary(path), "/") {
		if slices.Contains([]string{"test", "tests", "testing", "testdata", "test_data", "fixtures"}, element) {
			return true
		}
	}
	return false
}

// named is a package with its name as purl writes it. Its name is empty if it is none.
func named(name, version string) ecosystem.Package {
	name = strings.TrimSpace(name)
	if !isName(name) || len(version) > maxField {
		return ecosystem.Package{}
	}
	return ecosystem.Package{Type: purlType, Name: purlName(name), Version: strings.TrimSpace(version)}
}

// purlName is a name as purl's definition of pypi wants it; dots stay.
func purlName(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

// canonical is a name after PEP 503: lower case, and a run of hyphens, underscores and dots is one hyphen.
func canonical(name string) string {
	clean := true
	for i, c := range []byte(name) {
		if c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c == '-' && i > 0 && name[i-1] == '-' {
			clean = false
		}
	}
	if clean {
		return name
	}
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(name)) {
		if c == '_' || c == '.' || c == '-' {
			if n := b.Len(); n > 0 && b.String()[n-1] == '-' {
				continue
			}
			c = '-'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// isName says whether a string is a name after PEP 508.
func isName(name string) bool {
	if name == "" || len(name) > maxField {
		return false
	}
	return nameLength(name) == len(name)
}

// nameLength is how many bytes at the beginning make a name.
func nameLength(s string) int {
	n := 0
	for i, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			n = i + 1
		case i > 0 && (c == '-' || c == '_' || c == '.'):
		default:
			return n
		}
	}
	return n
}
