package scan

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// holders say within which other package a package stands, where nobody can upgrade it by itself: a copy
// that pip or setuptools brings (_vendor), or what a globally installed npm package brings. Only an
// upgrade of the holder changes it.
type holders map[string]*finding.Package // by target and folder

// holdersOf knows the packages that may hold others by the folders that they take.
func holdersOf(packages []finding.Package) holders {
	h := holders{}
	for i := range packages {
		p := &packages[i]
		for _, at := range p.Locations {
			if dir := ownFolder(p, at.Path); dir != "" {
				h[p.Target+" "+dir] = p
			}
		}
	}
	return h
}

// ownFolder is where a package's code stands, of the kinds that hold others.
func ownFolder(p *finding.Package, path string) string {
	switch p.Type {
	case "pypi": // site-packages/pip-23.0.1.dist-info/METADATA stands beside site-packages/pip
		if info := strings.LastIndexByte(path, '/'); info > 0 && strings.HasSuffix(path[:info], "-info") {
			return path[:strings.LastIndexByte(path[:info], '/')+1] + strings.ReplaceAll(p.Name, "-", "_")
		}
	case "npm":
		if dir, ok := strings.CutSuffix(path, "/package.json"); ok {
			return dir
		}
	}
	return ""
}

// of is the package that holds p in every place where p stands; nil when p stands by itself somewhere.
func (h holders) of(p *finding.Package) *finding.Package {
	var holder *finding.Package
	for _, at := range p.Locations {
		found := h[p.Target+" "+heldIn(p.Type, at.Path)]
		if found == nil || found == p || holder != nil && holder != found {
			return nil
		}
		holder = found
	}
	return holder
}

// heldIn is the folder of the package that has a path of another's in it; empty for a path of its own.
func heldIn(kind, path string) string {
	switch kind {
	case "pypi":
		if at := strings.Index(path, "/_vendor/"); at >= 0 {
			return path[:at]
		}
	case "npm":
		// PREFIX/lib/node_modules is where npm install --global puts packages, each with all that it needs.
		for _, prefix := range []string{"usr/lib/node_modules/", "usr/local/lib/node_modules/"} {
			if rest, ok := strings.CutPrefix(path, prefix); ok {
				if at := strings.Index(rest, "/node_modules/"); at > 0 {
					return prefix + rest[:at]
				}
			}
		}
	}
	return ""
}
