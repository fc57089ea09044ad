package golang

import (
	"fmt"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// maxMod bounds a go.mod; the largest of public projects are a few hundred kilobytes.
const maxMod = 4 << 20

// readMod reads a go.mod (https://go.dev/ref/mod#go-mod-file): the modules that it requires, directly
// or not, after its replacements. Its go and toolchain lines say what the project needs to be built,
// not what an image holds, so they give no standard library.
func readMod(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxMod)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read go.mod %s: %w", f.Path, err)
	}
	mod, err := modfile.Parse(f.Path, data, nil)
	var found ecosystem.Found
	if err != nil {
		// Directives of a later Go are no reason to say nothing of the requirements.
		lax, laxErr := modfile.ParseLax(f.Path, data, nil)
		if laxErr != nil {
			return ecosystem.Found{}, fmt.Errorf("read go.mod: %w", laxErr)
		}
		mod = lax
		found.Notes = append(found.Notes, ecosystem.Note{
			Class: "unreadable-package", What: "the go.mod has lines that are not understood; its replacements are not applied",
		})
	}
	if mod.Module != nil {
		if path := mod.Module.Mod.Path; path == "std" || path == "cmd" {
			return ecosystem.Found{}, nil // the Go distribution's own: told by its programs
		}
		found.Packages = append(found.Packages, declaredMain(mod))
	}
	rules := rulesOf(mod)
	for _, require := range mod.Require {
		if len(found.Packages) > maxModules {
			return found, fmt.Errorf("read go.mod %s: %w", f.Path, ecosystem.Limit("more than %d modules", maxModules))
		}
		rules.add(&found, require)
	}
	return found, nil
}

func declaredMain(mod *modfile.File) ecosystem.Package {
	p := modulePackage(mod.Module.Mod.Path, "")
	p.Main, p.Declared = true, true
	if mod.Module.Syntax != nil {
		p.Line = mod.Module.Syntax.Start.Line
	}
	return p
}

// rules are a go.mod's replace and exclude directives. A replacement of every version has no version.
type rules struct {
	replace map[module.Version]module.Version
	exclude map[module.Version]bool
}

func rulesOf(mod *modfile.File) rules {
	r := rules{replace: map[module.Version]module.Version{}, exclude: map[module.Version]bool{}}
	for _, d := range mod.Replace {
		r.replace[d.Old] = d.New
	}
	for _, d := range mod.Exclude {
		r.exclude[d.Mod] = true
	}
	return r
}

func (r rules) add(found *ecosystem.Found, require *modfile.Require) {
	mod := require.Mod
	unknown := ""
	if target, ok := r.replacement(mod); ok && target.Version == "" {
		unknown = fmt.Sprintf("module %s is replaced by a folder and has no version", mod.Path)
	} else if ok {
		mod = target
	} else if r.exclude[mod] {
		unknown = fmt.Sprintf("the required version of module %s is excluded; the go command takes a later one", mod.Path)
	}
	if unknown != "" {
		mod.Version = ""
		found.Notes = append(found.Notes, unknownVersion(unknown))
	}
	p := modulePackage(mod.Path, mod.Version)
	p.Declared, p.Line = true, require.Syntax.Start.Line
	found.Packages = append(found.Packages, p)
}

// replacement is what takes a module's place: a directive that names the version goes before one
// that names every version.
func (r rules) replacement(mod module.Version) (module.Version, bool) {
	if target, ok := r.replace[mod]; ok {
		return target, true
	}
	target, ok := r.replace[module.Version{Path: mod.Path}]
	return target, ok
}
