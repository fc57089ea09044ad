package composer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readManifest reads a composer.json (https://getcomposer.org/doc/04-schema.md): what the project requires
// to run, without PHP itself and its extensions. A version without anything beside it is exact.
func readManifest(b []byte) (ecosystem.Found, error) {
	var doc struct {
		Require json.RawMessage `json:"require"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return ecosystem.Found{}, fmt.Errorf("read composer.json: %w", err)
	}
	var require map[string]string
	if json.Unmarshal(doc.Require, &require) != nil {
		return ecosystem.Found{}, nil // PHP writes an empty object as an array
	}
	var found ecosystem.Found
	asks := ecosystem.Asks{Locks: []string{"composer.lock"}, Local: []string{"vendor"}}
	for _, full := range slices.Sorted(maps.Keys(require)) {
		vendor, name, ok := strings.Cut(strings.ToLower(full), "/")
		if !ok || !isName(vendor) || !isName(name) {
			continue
		}
		if len(asks.Names) == maxPackages {
			return found, ecosystem.Limit("more than %d packages in composer.json", maxPackages)
		}
		asks.Names = append(asks.Names, vendor+"/"+name)
		version := strings.TrimPrefix(strings.TrimSpace(require[full]), "=")
		digits := strings.TrimPrefix(version, "v")
		if strings.Count(digits, ".") >= 2 && strings.Trim(digits, "0123456789.") == "" && len(version) <= maxField {
			found.Packages = append(found.Packages, ecosystem.Package{Type: "composer", Namespace: vendor, Name: name, Version: version, Declared: true})
		}
	}
	if len(asks.Names) > 0 {
		found.Asks = &asks
	}
	return found, nil
}
