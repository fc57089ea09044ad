// Package bitnami knows the software of Bitnami's images: each component brings an SPDX document,
// opt/bitnami/NAME/.spdx-NAME.spdx, that tells its name and version with Bitnami's revision.
package bitnami

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Bitnami.
var Ecosystem = ecosystem.Ecosystem{
	Name:    "bitnami",
	Version: 2,
	Wants: func(s ecosystem.Stat) bool {
		base := s.Base()
		return strings.HasPrefix(base, ".spdx-") && strings.HasSuffix(base, ".spdx") && s.Under("opt/bitnami")
	},
	Read: read,
	Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) {
		return "Bitnami", true
	},
	Compare: ecosystem.CompareNumbered,
}

const (
	maxDocument = 32 << 20
	maxPackages = 10_000
)

// document is what matters of an SPDX 2.3 document
// (https://spdx.github.io/spdx-spec/v2.3/, JSON form).
type document struct {
	Packages []struct {
		Name     string `json:"name"`
		Version  string `json:"versionInfo"`
		Declared string `json:"licenseDeclared"`
		Refs     []struct {
			Type    string `json:"referenceType"`
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
	} `json:"packages"`
}

// read takes the packages that carry a Bitnami purl. Others in the document are what was linked into
// them, which their own package managers tell better.
func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	data, err := f.ReadAll(maxDocument)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Bitnami's SPDX document: %w", err)
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return ecosystem.Found{}, fmt.Errorf("read Bitnami's SPDX document: %w", err)
	}
	if len(doc.Packages) > maxPackages {
		return ecosystem.Found{}, fmt.Errorf("read Bitnami's SPDX document: %w", ecosystem.Limit("more than %d packages", maxPackages))
	}
	var found ecosystem.Found
	for _, p := range doc.Packages {
		for _, ref := range p.Refs {
			pkg, ok := parsePURL(ref.Locator)
			if ref.Type != "purl" || !ok {
				continue
			}
			pkg.Version = p.Version
			if p.Declared != "" && p.Declared != "NOASSERTION" && p.Declared != "NONE" {
				pkg.Licenses = []string{p.Declared}
			}
			found.Packages = append(found.Packages, pkg)
			break
		}
	}
	return found, nil
}

// parsePURL takes name, architecture and distribution from pkg:bitnami/NAME@VERSION?arch=ARCH&distro=DISTRO.
func parsePURL(purl string) (p ecosystem.Package, ok bool) {
	rest, ok := strings.CutPrefix(purl, "pkg:bitnami/")
	rest, query, _ := strings.Cut(rest, "?")
	p.Type = "bitnami"
	p.Name, _, _ = strings.Cut(rest, "@")
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key == "arch" {
			p.Arch = value
		}
		if value != "" && (key == "arch" || key == "distro") {
			p.Qualifiers = append(p.Qualifiers, pair)
		}
	}
	return p, ok && p.Name != ""
}
