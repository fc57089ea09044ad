package nuget

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func file(path, body string) *ecosystem.File {
	return &ecosystem.File{
		Stat: ecosystem.Stat{Path: path, Size: int64(len(body))}, Reader: strings.NewReader(body),
		At: func() (io.ReaderAt, error) { return strings.NewReader(body), nil },
	}
}

const shopDeps = `{
  "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64", "signature": ""},
  "targets": {
    ".NETCoreApp,Version=v8.0": {},
    ".NETCoreApp,Version=v8.0/linux-x64": {
      "Shop/1.0.0": {"dependencies": {"Newtonsoft.Json": "12.0.3", "Analyzers": "3.0.0"}, "runtime": {"Shop.dll": {}}},
      "Analyzers/3.0.0": {"compileOnly": true},
      "Newtonsoft.Json/12.0.3": {"runtime": {"lib/netstandard2.0/Newtonsoft.Json.dll": {"assemblyVersion": "12.0.0.0"}}},
      "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"runtime": {"System.dll": {}}}
    }
  },
  "libraries": {
    "Shop/1.0.0": {"type": "project", "serviceable": false, "sha512": ""},
    "Analyzers/3.0.0": {"type": "package"},
    "Newtonsoft.Json/12.0.3": {"type": "package", "serviceable": true, "sha512": "sha512-x"},
    "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"}
  }
}`

const sharedDeps = `{
  "runtimeTarget": {"name": ".NETCoreApp,Version=v8.0/linux-x64"},
  "targets": {".NETCoreApp,Version=v8.0/linux-x64": {}}, "libraries": {}
}`

const lockFile = `{"version": 1, "dependencies": {
  "net6.0": {"Newtonsoft.Json": {"type": "Direct", "requested": "[12.0.3, )", "resolved": "12.0.3", "contentHash": "x"}},
  "net8.0": {
    "Newtonsoft.Json": {"type": "Transitive", "resolved": "12.0.3"},
    "Polly": {"type": "Direct", "resolved": "8.0.0", "dependencies": {"Polly.Core": "8.0.0"}},
    "shop.core": {"type": "Project"}
  }}}`

const config = "\ufeff" + `<?xml version="1.0" encoding="utf-8"?>
<packages>
  <package id="jQuery" version="3.4.1" targetFramework="net46" />
  <package id="StyleCop" version="1.0" developmentDependency="true" />
</packages>`

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		path, body string
		want       []ecosystem.Package
	}{
		{"app/Shop.deps.json", shopDeps, []ecosystem.Package{
			{Type: "nuget", Name: "Newtonsoft.Json", Version: "12.0.3"},
			{Type: "nuget", Name: "Shop", Version: "1.0.0", Main: true, Depends: []string{"Analyzers", "Newtonsoft.Json"}},
			{Type: "nuget", Name: "Microsoft.NETCore.App.Runtime.linux-x64", Version: "8.0.1"},
		}},
		{"usr/share/dotnet/shared/Microsoft.AspNetCore.App/8.0.1/Microsoft.AspNetCore.App.deps.json", sharedDeps, []ecosystem.Package{
			{Type: "nuget", Name: "Microsoft.AspNetCore.App.Runtime.linux-x64", Version: "8.0.1"},
		}},
		{"app/other/8.0.1/Microsoft.AspNetCore.App.deps.json", sharedDeps, nil},
		{"src/packages.lock.json", lockFile, []ecosystem.Package{
			{Type: "nuget", Name: "Newtonsoft.Json", Version: "12.0.3", Declared: true},
			{Type: "nuget", Name: "Polly", Version: "8.0.0", Declared: true, Depends: []string{"Polly.Core"}},
			{Type: "nuget", Name: "shop.core", Declared: true, Main: true},
		}},
		{"src/packages.config", config, []ecosystem.Package{
			{Type: "nuget", Name: "jQuery", Version: "3.4.1", Declared: true},
			{Type: "nuget", Name: "StyleCop", Version: "1.0", Declared: true, Dev: true},
		}},
	} {
		if !wants(ecosystem.Stat{Path: tt.path}) {
			t.Errorf("%s is not wanted", tt.path)
		}
		got, err := read(context.Background(), file(tt.path, tt.body))
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		if diff := cmp.Diff(tt.want, got.Packages); diff != "" {
			t.Errorf("%s:\n%s", tt.path, diff)
		}
		if _, err := read(context.Background(), file(tt.path, tt.body[:len(tt.body)/2])); err == nil {
			t.Errorf("%s: half of it is taken", tt.path)
		}
	}
}

func TestCompare(t *testing.T) {
	// Ascending; from NuGet's package versioning page and https://semver.org/#spec-item-11.
	order := []string{
		"0", "1.0.1-alpha", "1.0.1-alpha.1", "1.0.1-beta", "1.0.1-beta.2", "1.0.1-beta.11", "1.0.1-open", "1.0.1-rc.2", "1.0.1-rc.10",
		"1.0.1-zzz", "1.0.1", "1.0.1.1", "1.0.2", "1.0.10", "2", "2.0.0.1",
	}
	for i, a := range order {
		for j, b := range order {
			got, err := compare(a, b)
			if err != nil || max(-1, min(1, got)) != max(-1, min(1, i-j)) {
				t.Errorf("compare(%s, %s) = %d, %v", a, b, got, err)
			}
		}
	}
	for a, b := range map[string]string{"1.0": "1.0.0.0", "1.01.1": "1.1.1", "1.0.7+r3456": "1.0.7", "1.0.0-BETA": "1.0.0-beta"} {
		if n, err := compare(a, b); n != 0 || err != nil {
			t.Errorf("compare(%s, %s) = %d, %v, want 0", a, b, n, err)
		}
	}
	if _, err := compare("1.0.0.0.0", "1"); err == nil {
		t.Error("five numbers are taken")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a.deps.json", shopDeps)
	f.Add("packages.lock.json", lockFile)
	f.Add("packages.config", config)
	f.Add("a.csproj", `<Project><ItemGroup><PackageReference Include="A" Version="1.0"/></ItemGroup></Project>`)
	f.Fuzz(func(_ *testing.T, path, body string) { _, _ = read(context.Background(), file(path, body)) })
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0.0-rc.1", "1.0.0.1")
	f.Fuzz(func(t *testing.T, a, b string) {
		n, err := compare(a, b)
		m, _ := compare(b, a)
		if err == nil && n != -m {
			t.Errorf("compare(%q, %q) = %d, the other way %d", a, b, n, m)
		}
	})
}
