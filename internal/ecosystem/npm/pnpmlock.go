package npm

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readPNPMLock reads pnpm-lock.yaml of versions 5 ("/a/1.0.0_peer@2.0.0"), 6 ("/a@1.0.0(peer@2.0.0)") and 9
// ("a@1.0.0", the dependencies apart under "snapshots"). Version 9 no longer tells what is for
// development.
func readPNPMLock(r io.Reader) (ecosystem.Found, error) {
	y := pnpmReader{depends: make(map[string][]string)}
	err := eachLine(r, y.line)
	if err == nil {
		err = y.flush()
	}
	if err == nil && y.text && y.version == "" {
		err = errors.New("it does not tell its version: it is no lock file of pnpm's")
	}
	for i := range y.found.Packages {
		p := &y.found.Packages[i]
		if more := y.depends[p.FullName()+"@"+p.Version]; p.Depends == nil {
			p.Depends = more
		}
	}
	if err != nil {
		return y.found, fmt.Errorf("read pnpm-lock.yaml: %w", err)
	}
	return y.found, nil
}

type pnpmReader struct {
	list
	version string // of the lock file
	text    bool   // there is something in it
	section string // the key without indentation under which the lines stand
	field   string // the last key at the level of a package's fields
	block   pnpmBlock
	depends map[string][]string // from the snapshots, by name@version
}

type pnpmBlock struct {
	line               int
	key, name, version string
	dev                bool
	depends            []string
}

func (y *pnpmReader) line(number, indent int, text string) error {
	y.text = true
	if indent == 0 {
		err := y.flush()
		key, value := keyValue(text)
		if key == "lockfileVersion" {
			y.version = value
		}
		y.section = key
		return err
	}
	if y.section != "packages" && y.section != "snapshots" {
		return nil
	}
	if rest, ok := strings.CutPrefix(text, ": "); ok && indent == 2 {
		indent, text = 4, rest // the value of a key that was too long for one line
	}
	switch indent {
	case 2:
		err := y.flush()
		key, _ := keyValue(strings.TrimPrefix(text, "? "))
		y.block = pnpmBlock{line: number, key: key}
		return err
	case 4:
		y.packageField(keyValue(text))
	case 6:
		if name, wanted := keyValue(text); y.field == "dependencies" || y.field == "optionalDependencies" {
			y.block.dependency(name, wanted)
		}
	}
	return nil
}

func (y *pnpmReader) packageField(key, value string) {
	y.field = key
	switch key {
	case "name":
		y.block.name = value
	case "version":
		y.block.version = value
	case "dev":
		y.block.dev = value == "true"
	}
}

// dependency adds the real name of a dependency. An alias is given as the key of another package.
func (b *pnpmBlock) dependency(name, wanted string) {
	if isLocal(wanted) {
		return
	}
	if i := strings.IndexAny(wanted, "(_"); i >= 0 {
		wanted = wanted[:i]
	}
	if strings.ContainsAny(wanted, "/@") {
		if real, version := pnpmKey(wanted); version != "" {
			name = real
		}
	}
	b.depends = append(b.depends, name)
}

// flush adds the block that has ended.
func (y *pnpmReader) flush() error {
	b := y.block
	y.block = pnpmBlock{}
	if b.key == "" || isLocal(b.key) {
		return nil
	}
	if _, where := splitLocator(b.key); isLocal(where) && !strings.Contains(where, ".tgz") && !strings.Contains(where, ".tar.gz") {
		return nil // version 9: a folder of the project
	}
	name, version := pnpmKey(b.key)
	if y.section == "snapshots" {
		if key := name + "@" + version; y.depends[key] == nil && len(y.depends) < maxPackages {
			y.depends[key] = b.depends
		}
		return nil
	}
	// Packages that come from a repository or an archive name themselves.
	name, version = cmp.Or(b.name, name), cmp.Or(b.version, version)
	p := named(name, version)
	p.Line, p.Declared, p.Dev, p.Depends = b.line, true, b.dev, b.depends
	return y.add(p)
}

// pnpmKey is the name and version in the key of a package, in any version's spelling: they are parted
// by "@", or in version 5 by a slash, whichever comes first behind a scope. What follows the version in
// brackets or behind an underscore are its peers. The version is empty when the key names a place.
func pnpmKey(key string) (name, version string) {
	key, _, _ = strings.Cut(strings.TrimPrefix(key, "/"), "(")
	scope := 0
	if strings.HasPrefix(key, "@") {
		scope = strings.IndexByte(key, '/') + 1
	}
	i := strings.IndexAny(key[scope:], "@/")
	if i <= 0 {
		return key, ""
	}
	name, version = key[:scope+i], key[scope+i+1:]
	version, _, _ = strings.Cut(version, "_")
	if strings.ContainsAny(version, ":/#") {
		version = ""
	}
	return name, version
}
