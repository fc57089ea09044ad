package nuget

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestProject(t *testing.T) {
	text := "\ufeff" + `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup/><ItemGroup>
<PackageReference Include="Newtonsoft.Json" Version="12.0.1" /><PackageReference Include="A"><Version>[1.2.3]</Version></PackageReference>
<PackageReference Include="Central" /><PackageReference Include="Range" Version="[1.0,2.0)" /><PackageReference Include="Floats" Version="1.*" />
<PackageReference Include="Analyzer" Version="1.0.0" PrivateAssets="all" />
</ItemGroup></Project>`
	got, err := readProject(&ecosystem.File{Stat: ecosystem.Stat{Path: "app/x.csproj", Size: int64(len(text))}, Reader: strings.NewReader(text)})
	want := ecosystem.Found{
		Packages: []ecosystem.Package{
			{Type: "nuget", Name: "Newtonsoft.Json", Version: "12.0.1", Declared: true}, {Type: "nuget", Name: "A", Version: "1.2.3", Declared: true},
		},
		Asks: &ecosystem.Asks{Names: []string{"newtonsoft.json", "a", "central", "range", "floats"}, Locks: []string{"packages.lock.json"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
