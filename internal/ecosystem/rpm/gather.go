package rpm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	maxPackages = 100_000
	maxFiles    = 5_000_000 // over all packages
	maxDepends  = 2_000     // of one package
)

// gather turns headers into packages.
type gather struct {
	packages  []ecosystem.Package
	requires  [][]string        // of each package
	provided  map[string]int    // what packages provide → index of the package
	texts     map[string]string // every text once
	files     int
	modules   int    // packages of a module that does not say which
	anyModule string // one of them
}

// text keeps a copy of b, one for all equal ones.
func (g *gather) text(b []byte) string {
	if s, ok := g.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	g.texts[s] = s
	return s
}

func (g *gather) add(b []byte) error {
	h, err := parseHeader(b)
	if err != nil {
		return err
	}
	p := ecosystem.Package{
		Type: "rpm", Name: g.text(h.text(nameTag)), Arch: g.text(h.text(archTag)),
		Vendor: known(g.text(h.text(vendorTag))), Maintainer: known(g.text(h.text(packagerTag))),
		Module: moduleOf(string(h.text(modularityTag))),
	}
	if p.Name == "" {
		return fmt.Errorf("package %d has no name", len(g.packages)+1)
	}
	if p.Name == "gpg-pubkey" {
		return nil // a key that rpm trusts
	}
	if len(g.packages) >= maxPackages {
		return ecosystem.Limit("more than %d packages", maxPackages)
	}
	version, release := string(h.text(versionTag)), string(h.text(releaseTag))
	p.Version = evr(h, version, release)
	p.SourceName, p.SourceVer = source(string(h.text(sourceTag)), version+"-"+release)
	if license := h.text(licenseTag); len(license) > 0 {
		p.Licenses = []string{g.text(license)}
	}
	if p.Module == "" && strings.Contains(release, ".module") {
		g.modules++
		g.anyModule = p.Name
	}
	if p.Files, err = g.filesOf(h); err != nil {
		return err
	}
	g.relations(h)
	g.packages = append(g.packages, p)
	return nil
}

// known drops rpm's word for nothing.
func known(s string) string {
	if s == "(none)" {
		return ""
	}
	return s
}

// evr is a version as rpm writes it, EPOCH:VERSION-RELEASE; an epoch of 0 is left out.
func evr(h header, version, release string) string {
	v := version
	if release != "" {
		v += "-" + release
	}
	if epoch, ok := h.numbers(epochTag)(0); ok && epoch > 0 {
		v = strconv.FormatUint(uint64(epoch), 10) + ":" + v
	}
	return v
}

// moduleOf is name and stream of NAME:STREAM:VERSION:CONTEXT[:ARCH].
func moduleOf(label string) string {
	w := strings.SplitN(label, ":", 3)
	if len(w) < 2 || w[0] == "" || w[1] == "" {
		return ""
	}
	return w[0] + ":" + w[1]
}

// source reads NAME-VERSION-RELEASE.src.rpm. The version is empty when it is the package's own; it
// comes without the epoch, which a file name has not.
func source(file, own string) (name, version string) {
	file = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(file, ".rpm"), ".src"), ".nosrc")
	i := strings.LastIndexByte(file, '-')
	if i < 0 {
		return "", ""
	}
	j := strings.LastIndexByte(file[:i], '-')
	if j <= 0 {
		return "", ""
	}
	if file[j+1:] == own {
		return file[:j], ""
	}
	return file[:j], file[j+1:]
}

const (
	modeType   = 0o170000
	modeFolder = 0o040000
)

// filesOf joins folders and names. Before rpm 4 whole paths were kept.
func (g *gather) filesOf(h header) (files []string, err error) {
	var dirs []string
	h.texts(dirNamesTag, func(_ int, s []byte) bool {
		dirs = append(dirs, strings.TrimPrefix(string(s), "/"))
		return true
	})
	index, mode := h.numbers(dirIndexesTag), h.numbers(fileModesTag)
	take := func(i int, path string) bool {
		if m, ok := mode(i); !ok || m&modeType != modeFolder {
			files = append(files, path)
			g.files++
		}
		return g.files < maxFiles
	}
	h.texts(baseNamesTag, func(i int, s []byte) bool {
		d, ok := index(i)
		if !ok || int64(d) >= int64(len(dirs)) {
			err = fmt.Errorf("file %q has no folder", s)
			return false
		}
		return take(i, dirs[d]+string(s))
	})
	if len(dirs) == 0 {
		h.texts(oldFilesTag, func(i int, s []byte) bool { return take(i, strings.TrimPrefix(string(s), "/")) })
	}
	if g.files >= maxFiles {
		err = ecosystem.Limit("more than %d files", maxFiles)
	}
	return files, err
}

func (g *gather) relations(h header) {
	at := len(g.packages)
	h.texts(providesTag, func(_ int, s []byte) bool {
		g.provided[g.text(s)] = at
		return true
	})
	var requires []string
	h.texts(requiresTag, func(_ int, s []byte) bool {
		requires = append(requires, g.text(s))
		return len(requires) < 10*maxDepends
	})
	g.requires = append(g.requires, requires)
}

// found resolves what packages require to the packages that provide it. What none provides stays out:
// files, and features of rpm itself.
func (g *gather) found() ecosystem.Found {
	for i := range g.packages {
		seen := map[int]bool{i: true}
		for _, want := range g.requires[i] {
			if by, ok := g.provided[want]; ok && !seen[by] && len(seen) < maxDepends {
				seen[by] = true
				g.packages[i].Depends = append(g.packages[i].Depends, g.packages[by].Name)
			}
		}
	}
	found := ecosystem.Found{Packages: g.packages}
	if g.modules > 0 {
		found.Notes = []ecosystem.Note{{
			Class: "unknown-module", Blocking: true,
			What: fmt.Sprintf("%d packages, such as %s, were built for a module but do not say for which: advisories for module streams cannot be told apart", g.modules, g.anyModule),
		}}
	}
	return found
}
