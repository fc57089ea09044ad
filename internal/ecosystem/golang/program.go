package golang

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/module"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// infoSection is where the linker of Go 1.13 and later leaves the build information in ELF files.
const infoSection = ".go.buildinfo"

// readLimit bounds what a program may make its reader take in; the headers, symbol names (PE) and
// build information of the largest Go programs known come to a tenth.
const readLimit = 64 << 20

// maxModules bounds the modules taken from one program.
const maxModules = 20_000

func readProgram(f *ecosystem.File) (ecosystem.Found, error) {
	r, err := f.At()
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read program %s: %w", f.Path, err)
	}
	if f.IsELF() {
		sections := ecosystem.ELFSections(r)
		if sections.Present() {
			if _, ok := sections.Find(infoSection); !ok {
				return ecosystem.Found{}, nil
			}
		}
	}
	info, err := buildinfo.Read(ecosystem.Budget(r, readLimit))
	if err != nil {
		if errors.Is(err, ecosystem.ErrLimit) {
			return ecosystem.Found{}, fmt.Errorf("read build information of %s: %w", f.Path, err)
		}
		if isPacked(r) {
			return ecosystem.Found{Notes: []ecosystem.Note{{
				Class: "packed-program", Blocking: true, What: "the program is compressed by UPX; what was linked into it cannot be read",
			}}}, nil
		}
		return ecosystem.Found{}, nil
	}
	return modules(info)
}

// isPacked says whether UPX compressed the program: it writes its mark behind the headers, and leaves
// an ELF object no section table.
func isPacked(r io.ReaderAt) bool {
	var b [4096]byte
	n, _ := r.ReadAt(b[:], 0)
	return bytes.Contains(b[:n], []byte("UPX!"))
}

// modules turns build information into packages: the toolchain's library, the program's own module
// and the modules linked into it.
func modules(info *debug.BuildInfo) (ecosystem.Found, error) {
	var found ecosystem.Found
	addToolchain(&found, info)
	if path := info.Main.Path; path != "" && path != "command-line-arguments" {
		p := modulePackage(path, mainVersion(info.Main.Version))
		p.Main = true
		found.Packages = append(found.Packages, p)
		if p.Version == "" {
			found.Notes = append(found.Notes, unknownVersion(fmt.Sprintf("the program's own module %s has no version", path)))
		}
	}
	if isUnrecorded(info) {
		found.Notes = append(found.Notes, unknownVersion(fmt.Sprintf("the program %.200s was built without a record of its modules (outside of module mode)", info.Path)))
	}
	for i, dep := range info.Deps {
		if i == maxModules {
			return found, ecosystem.Limit("more than %d modules", maxModules)
		}
		addDependency(&found, dep)
	}
	return found, nil
}

// isUnrecorded says whether the program names no module though it may hold some: it was built in
// GOPATH mode or by another build system. Files named one by one, and the Go distribution's own
// programs, have no module either.
func isUnrecorded(info *debug.BuildInfo) bool {
	return info.Main.Path == "" && len(info.Deps) == 0 && info.Path != "command-line-arguments" && !strings.HasPrefix(info.Path, "cmd/")
}

// addToolchain adds stdlib, and toolchain for the programs of the Go distribution itself.
func addToolchain(found *ecosystem.Found, info *debug.BuildInfo) {
	version := libraryVersion(info.GoVersion)
	if version == "" {
		found.Notes = append(found.Notes, unknownVersion(fmt.Sprintf("the standard library's version is unknown: built by %.80q", info.GoVersion)))
	}
	found.Packages = append(found.Packages, modulePackage("stdlib", version))
	if info.Main.Path == "" && strings.HasPrefix(info.Path, "cmd/") {
		found.Packages = append(found.Packages, modulePackage("toolchain", version))
	}
}

// addDependency adds the module that was linked: the replacement, where there is one. A folder that
// took a module's place has no version, so the module is listed without.
func addDependency(found *ecosystem.Found, dep *debug.Module) {
	if dep == nil || dep.Path == "" {
		return
	}
	linked := dep
	if r := dep.Replace; r != nil && r.Path != "" {
		linked = r
	}
	if isFolder(linked.Path) || linked.Version == "" || linked.Version == "(devel)" {
		found.Packages = append(found.Packages, modulePackage(dep.Path, ""))
		found.Notes = append(found.Notes, unknownVersion(fmt.Sprintf("module %s was built from a folder and has no version", dep.Path)))
		return
	}
	found.Packages = append(found.Packages, modulePackage(linked.Path, linked.Version))
}

// isFolder says whether a replacement's path names a folder and not a module (go.mod reference,
// "replace directive").
func isFolder(path string) bool {
	return strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") || strings.HasPrefix(path, "/") ||
		path == "." || path == ".." || len(path) > 1 && path[1] == ':'
}

// mainVersion is the version of the program's own module, or nothing where it says only when it was
// built: go build outside a tag gives (devel) before Go 1.24, then v0.0.0 with date and commit.
func mainVersion(version string) string {
	if version == "(devel)" {
		return ""
	}
	plain, _, _ := strings.Cut(version, "+")
	if module.IsPseudoVersion(plain) {
		if base, err := module.PseudoVersionBase(plain); err != nil || base == "" {
			return ""
		}
	}
	return version
}
