// Package npm knows the packages of Node.js: those installed below node_modules, and those that the
// lock files of npm, Yarn, pnpm and Bun declare; a project's own package.json asks for some.
//
// What is installed is told by each package's own package.json, at the root of the package: one deeper
// inside it is a fixture or an example, and is left alone. Lock files tell what somebody meant to
// install, so their packages are Declared, but for node_modules/.package-lock.json, which npm writes
// of what it did install. Names are those of the registry: an alias ("a": "npm:b@1") counts as what it
// stands for. Links to folders of the same repository are the project's own code, and no packages.
package npm

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is npm, whichever of its clients installed the packages.
var Ecosystem = ecosystem.Ecosystem{
	Name:       "npm",
	Version:    3,
	Wants:      wants,
	Read:       read,
	Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) { return "npm", true },
	Compare:    compare,
}

const (
	maxManifest = 4 << 20  // bytes of a package.json; the largest published ones have some hundred KiB
	maxLock     = 64 << 20 // bytes of a lock file
	maxPackages = 200_000  // of one lock file
	maxName     = 214      // the registry's own limit on a name
	maxVersion  = 256      // and on a version
)

func wants(s ecosystem.Stat) bool {
	switch base := s.Base(); base {
	case "package.json":
		return manifestOf(s.Path) != nowhere
	case ".package-lock.json":
		return strings.HasSuffix(s.Path, "node_modules/.package-lock.json")
	case "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb":
		// A lock file inside an installed package is what its author once had, not what is here.
		return !strings.Contains("/"+s.Path, "/node_modules/")
	default:
		return strings.HasSuffix(base, ".zip") && isYarnCache(s.Path)
	}
}

// isYarnCache knows the folder where Yarn keeps archives: the project's, or by default since Yarn 4 the
// user's. Plug'n'Play runs packages from either.
func isYarnCache(path string) bool {
	return strings.Contains(path, ".yarn/cache/") || strings.Contains(path, ".yarn/berry/cache/")
}

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	switch f.Base() {
	case "package.json":
		return readManifest(f)
	case "package-lock.json", "npm-shrinkwrap.json", ".package-lock.json":
		return whole(f, readPackageLock)
	case "bun.lock":
		return whole(f, readBunLock)
	case "yarn.lock":
		return readYarnLock(f.Reader)
	case "pnpm-lock.yaml":
		return readPNPMLock(f.Reader)
	case "bun.lockb":
		return ecosystem.Found{Notes: []ecosystem.Note{{
			Class: "unreadable-package", Blocking: true,
			What: "Bun's binary lock file is not read: bun install --save-text-lockfile writes bun.lock, which is",
		}}}, nil
	}
	return readCache(f), nil
}

// whole reads a lock file into memory and hands it to parse.
func whole(f *ecosystem.File, parse func(b []byte, installed bool) (ecosystem.Found, error)) (ecosystem.Found, error) {
	b, err := content(f, maxLock)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read %s: %w", f.Base(), err)
	}
	found, err := parse(b, f.Base() == ".package-lock.json")
	if err != nil {
		err = fmt.Errorf("read %s: %w", f.Base(), err)
	}
	return found, err
}

// content is ReadAll in one allocation: thousands of files pass here, and their sizes are known.
func content(f *ecosystem.File, limit int64) ([]byte, error) {
	if f.Size <= 0 || f.Size > limit {
		return f.ReadAll(limit)
	}
	b := make([]byte, f.Size)
	n, err := io.ReadFull(f.Reader, b)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil // the scanner says better what is missing
	}
	return b[:n], err
}

// list gathers the packages of one lock file: one that stands in it several times is told once, at
// its first line, and is for development only when it is so everywhere.
type list struct {
	found ecosystem.Found
	seen  map[string]int
}

func (l *list) add(p ecosystem.Package) error {
	if p.Name == "" {
		return nil
	}
	if l.seen == nil {
		l.seen = make(map[string]int)
	}
	key := p.Namespace + "/" + p.Name + "@" + p.Version
	if i, ok := l.seen[key]; ok {
		l.found.Packages[i].Dev = l.found.Packages[i].Dev && p.Dev
		return nil
	}
	if len(l.found.Packages) >= maxPackages {
		return ecosystem.Limit("more than %d packages in one lock file", maxPackages)
	}
	l.seen[key] = len(l.found.Packages)
	l.found.Packages = append(l.found.Packages, p)
	return nil
}

// named is a package of this name and version. Its name is empty when the registry could not hold it.
func named(name, version string) ecosystem.Package {
	scope, bare, ok := splitName(name)
	if !ok || len(version) > maxVersion {
		return ecosystem.Package{}
	}
	return ecosystem.Package{Type: "npm", Namespace: scope, Name: bare, Version: cleanVersion(version)}
}

// splitName parts "@scope/name". It is false for what is no package name: names are made of
// characters that a URL takes as they are, whatever their case (old packages have capitals).
func splitName(name string) (scope, bare string, ok bool) {
	if name == "" || len(name) > maxName {
		return "", "", false
	}
	bare = name
	if name[0] == '@' {
		if scope, bare, ok = strings.Cut(name, "/"); !ok || len(scope) < 2 {
			return "", "", false
		}
	}
	if bare == "" || bare[0] == '.' {
		return "", "", false
	}
	for _, part := range []string{strings.TrimPrefix(scope, "@"), bare} {
		for _, c := range []byte(part) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`/\:@?#%"<>|^{}[]`+"`", c) >= 0 {
				return "", "", false
			}
		}
	}
	return scope, bare, true
}

// cleanVersion is a version without the "v" or "=" that npm, too, passes over.
func cleanVersion(v string) string { return strings.TrimLeft(strings.TrimSpace(v), "=v ") }

// realName is the name of the package that a dependency asks for: that of the alias "npm:real@range",
// or the one that it is listed under.
func realName(name, wanted string) string {
	if alias, ok := strings.CutPrefix(wanted, "npm:"); ok {
		if i := strings.LastIndexByte(alias, '@'); i > 0 {
			return alias[:i]
		}
		if alias != "" && (alias[0] == '@' || alias[0] >= 'a' && alias[0] <= 'z') {
			return alias // without a range
		}
	}
	return name
}

// isLocal says that a dependency is a folder of the project, and so no package of the registry.
func isLocal(where string) bool {
	for _, scheme := range []string{"link:", "file:", "workspace:", "portal:"} {
		if strings.HasPrefix(where, scheme) {
			return true
		}
	}
	return false
}
