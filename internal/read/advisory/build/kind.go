package build

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/bitnami"
	"github.com/plimsoll/plimsoll/internal/ecosystem/cargo"
	"github.com/plimsoll/plimsoll/internal/ecosystem/composer"
	"github.com/plimsoll/plimsoll/internal/ecosystem/deb"
	"github.com/plimsoll/plimsoll/internal/ecosystem/gem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/golang"
	"github.com/plimsoll/plimsoll/internal/ecosystem/maven"
	"github.com/plimsoll/plimsoll/internal/ecosystem/npm"
	"github.com/plimsoll/plimsoll/internal/ecosystem/nuget"
	"github.com/plimsoll/plimsoll/internal/ecosystem/pypi"
	"github.com/plimsoll/plimsoll/internal/ecosystem/rpm"
)

// kinds are the package kinds by what OSV calls their ecosystem.
var kinds = map[string]*ecosystem.Ecosystem{
	"AlmaLinux": &rpm.Ecosystem, "Rocky Linux": &rpm.Ecosystem, "Red Hat": &rpm.Ecosystem, "openEuler": &rpm.Ecosystem,
	"SUSE": &rpm.Ecosystem, "openSUSE": &rpm.Ecosystem, "Azure Linux": &rpm.Ecosystem, "Photon OS": &rpm.Ecosystem,
	"Debian": &deb.Ecosystem, "Ubuntu": &deb.Ecosystem,
	"Go": &golang.Ecosystem, "npm": &npm.Ecosystem, "PyPI": &pypi.Ecosystem, "Maven": &maven.Ecosystem, "NuGet": &nuget.Ecosystem,
	"crates.io": &cargo.Ecosystem, "RubyGems": &gem.Ecosystem, "Packagist": &composer.Ecosystem, "Bitnami": &bitnami.Ecosystem,
	"Kubernetes": {Compare: ecosystem.CompareNumbered}, // programs that package binary knows, under the names of their modules
}

func kindOf(of string) *ecosystem.Ecosystem {
	family, _, _ := strings.Cut(of, ":")
	return kinds[family]
}

// Families lists what feeds call the ecosystems whose packages are of a type, without their releases.
func Families(purlType string) []string {
	switch purlType {
	case "apk":
		return []string{"Alpine", "Chainguard", "Wolfi"}
	case "k8s":
		return []string{"Kubernetes"}
	}
	var all []string
	for family, kind := range kinds {
		if kind.Name == purlType && purlType != "" {
			all = append(all, family)
		}
	}
	slices.Sort(all)
	return all
}

// order is the order of an ecosystem's versions; nil where no kind knows it.
func order(of string) func(a, b string) (int, error) {
	if kind := kindOf(of); kind != nil {
		return kind.Compare
	}
	return nil
}

// Key files a name as the packages of its ecosystem ask for it: some have several spellings of one
// name, and their feeds use any of them.
func Key(of, name string) string {
	if kind := kindOf(of); kind != nil && kind.Key != nil && !kind.OS {
		return kind.Key(ecosystem.Package{Name: name})
	}
	return name
}
