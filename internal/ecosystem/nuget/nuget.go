// Package nuget knows .NET packages: those that a published application or a shared runtime lists in
// its deps.json, beside it or inside a program that was published as a single file, and those of
// packages.lock.json and packages.config.
//
// A runtime, shared or carried by the application, is the package Microsoft.NETCore.App.Runtime.RID
// (or Microsoft.AspNetCore.App.Runtime.RID …), under which advisories file it. Names keep the spelling
// of nuget.org, which advisories share; NuGet itself takes any case for the same
// (https://learn.microsoft.com/en-us/nuget/reference/nuspec#id).
package nuget

import (
	"context"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is NuGet.
var Ecosystem = ecosystem.Ecosystem{
	Name:    "nuget",
	Version: 3,
	Wants:   wants,
	Read:    read,
	Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) {
		return "NuGet", true
	},
	// Names are one whatever their case (https://learn.microsoft.com/nuget/consume-packages/finding-and-choosing-packages).
	Key:     func(p ecosystem.Package) string { return strings.ToLower(p.Name) },
	Compare: compare,
}

const (
	maxFile     = 32 << 20
	maxPackages = 50_000
)

func wants(s ecosystem.Stat) bool {
	base := s.Base()
	return strings.HasSuffix(base, ".deps.json") || base == "packages.lock.json" || base == "packages.config" || isProject(s) || couldBeBundle(s)
}

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	switch base := f.Base(); base {
	case "packages.lock.json":
		return readLock(f)
	case "packages.config":
		return readConfig(f)
	default:
		if isProject(f.Stat) {
			return readProject(f)
		}
		if !strings.HasSuffix(base, ".deps.json") {
			return readBundle(f)
		}
	}
	return readDeps(f)
}
