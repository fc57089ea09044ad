package nuget

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// deps is a deps.json (https://github.com/dotnet/sdk, documentation/specs/runtime-configuration-file.md).
type deps struct {
	RuntimeTarget struct {
		Name string `json:"name"` // FRAMEWORK, or FRAMEWORK/RID for one platform
	} `json:"runtimeTarget"`
	Targets   map[string]map[string]assets `json:"targets"`
	Libraries map[string]struct {
		Type string `json:"type"` // project, package, runtimepack, reference
	} `json:"libraries"`
}

type assets struct {
	Dependencies map[string]string `json:"dependencies"`
	CompileOnly  bool              `json:"compileOnly"`
}

// sharedRuntimes are the frameworks that install side by side in DOTNET_ROOT/shared/NAME/VERSION.
var sharedRuntimes = [...]string{"Microsoft.NETCore.App", "Microsoft.AspNetCore.App", "Microsoft.WindowsDesktop.App"}

func readDeps(f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxFile)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read deps.json: %w", err)
	}
	return parseDeps(data, f.Path)
}

func parseDeps(data []byte, path string) (ecosystem.Found, error) {
	var d deps
	if err := json.Unmarshal(data, &d); err != nil {
		return ecosystem.Found{}, fmt.Errorf("read deps.json: %w", err)
	}
	if len(d.Libraries) > maxPackages {
		return ecosystem.Found{}, fmt.Errorf("read deps.json: %w", ecosystem.Limit("more than %d libraries", maxPackages))
	}
	target := d.Targets[d.RuntimeTarget.Name]
	var found ecosystem.Found
	for _, library := range slices.Sorted(maps.Keys(d.Libraries)) {
		name, version, ok := strings.Cut(library, "/")
		if !ok || name == "" || target[library].CompileOnly {
			continue
		}
		p := ecosystem.Package{Type: "nuget", Name: name, Version: version}
		switch d.Libraries[library].Type {
		case "project", "reference":
			p.Main = true
		case "runtimepack":
			p.Name = strings.TrimPrefix(name, "runtimepack.")
		}
		p.Depends = slices.Sorted(maps.Keys(target[library].Dependencies))
		found.Packages = append(found.Packages, p)
	}
	addSharedRuntime(&found, path, d.RuntimeTarget.Name)
	return found, nil
}

// addSharedRuntime adds the package of a shared runtime, known by the folder that its deps.json lies
// in, unless the file lists it.
func addSharedRuntime(found *ecosystem.Found, path, target string) {
	parts := strings.Split(path, "/")
	if len(parts) < 4 || parts[len(parts)-4] != "shared" {
		return
	}
	framework, version := parts[len(parts)-3], parts[len(parts)-2]
	_, rid, _ := strings.Cut(target, "/")
	if !slices.Contains(sharedRuntimes[:], framework) || rid == "" || parts[len(parts)-1] != framework+".deps.json" {
		return
	}
	runtime := ecosystem.Package{Type: "nuget", Name: framework + ".Runtime." + rid, Version: version}
	for _, p := range found.Packages {
		if strings.EqualFold(p.Name, runtime.Name) {
			return
		}
	}
	found.Packages = append(found.Packages, runtime)
}
