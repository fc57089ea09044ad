package opinion

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// osv reads OSV-Scanner's JSON (google/osv-scanner, docs/output.md), of versions 1 and 2.
var osv = engine{"osv-scanner", func(top map[string]json.RawMessage) bool {
	return top["results"] != nil && top["runs"] == nil && top["matches"] == nil
}, readOSV}

type (
	osvReport struct {
		Results []struct {
			Source        struct{ Path string } `json:"source"`
			PackageSource struct{ Path string } `json:"packageSource"`
			Packages      []osvPackage          `json:"packages"`
		} `json:"results"`
		Image struct {
			Layers []struct {
				DiffID string `json:"diff_id"`
				Empty  bool   `json:"is_empty"`
			} `json:"layer_metadata"`
		} `json:"image_metadata"`
	}
	osvPackage struct {
		Package struct {
			Name, Version, Ecosystem string
			OSPackage                string `json:"os_package_name"`
			PURL                     string `json:"purl"`
		} `json:"package"`
		Vulnerabilities []osvVulnerability `json:"vulnerabilities"`
		Groups          []struct {
			IDs         []string `json:"ids"`
			Aliases     []string `json:"aliases"`
			MaxSeverity string   `json:"max_severity"`
		} `json:"groups"`
	}
	osvVulnerability struct {
		ID       string   `json:"id"`
		Aliases  []string `json:"aliases"`
		Upstream []string `json:"upstream"`
		Affected []struct {
			Package struct{ Name, Ecosystem string } `json:"package"`
			Ranges  []struct {
				Type   string
				Events []struct{ Fixed string } `json:"events"`
			} `json:"ranges"`
		} `json:"affected"`
	}
)

// osvTypes are the purl types of OSV's ecosystems.
var osvTypes = map[string]string{
	"alpine": "apk", "wolfi": "apk", "chainguard": "apk", "debian": "deb", "ubuntu": "deb", "red hat": "rpm", "rocky linux": "rpm", "almalinux": "rpm", "suse": "rpm", "opensuse": "rpm",
	"npm": "npm", "pypi": "pypi", "maven": "maven", "go": "golang", "crates.io": "cargo", "rubygems": "gem", "packagist": "composer", "nuget": "nuget",
}

func readOSV(b []byte, r *Report) error {
	var o osvReport
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	r.speaksOf(finding.KindVulnerability)
	for _, l := range o.Image.Layers {
		if !l.Empty {
			r.DiffIDs = append(r.DiffIDs, named(l.DiffID)...)
		}
	}
	var all []*osvPackage
	for _, result := range o.Results {
		for i := range result.Packages {
			all = append(all, &result.Packages[i])
		}
	}
	lists := slices.ContainsFunc(all, func(p *osvPackage) bool { return len(p.Vulnerabilities) == 0 }) // --all-packages
	for _, p := range all {
		if lists {
			if err := r.lists(p.named()); err != nil {
				return err
			}
		}
		if err := p.take(r); err != nil {
			return err
		}
	}
	return nil
}

// named is the package: of a distribution, the one that is installed and not the source that it was built of, by
// which OSV's advisories go.
func (p *osvPackage) named() *Package {
	family, _, _ := strings.Cut(strings.ToLower(p.Package.Ecosystem), ":")
	return packageOf(p.Package.PURL, osvTypes[family], cmp.Or(p.Package.OSPackage, p.Package.Name), p.Package.Version)
}

// take adds one opinion for each group: advisories that OSV-Scanner holds for the same vulnerability.
func (p *osvPackage) take(r *Report) error {
	of := p.named()
	grouped := map[string]bool{}
	for _, g := range p.Groups {
		o := Opinion{Kind: finding.KindVulnerability, Package: of, IDs: slices.Concat(g.IDs, g.Aliases), Severity: finding.Unknown}
		if score, err := strconv.ParseFloat(g.MaxSeverity, 64); err == nil && score >= 0 && score <= 10 {
			o.Severity = finding.SeverityOf(score)
		}
		for i := range p.Vulnerabilities {
			if v := &p.Vulnerabilities[i]; slices.Contains(g.IDs, v.ID) {
				grouped[v.ID] = true
				v.into(&o, p)
			}
		}
		if err := r.add(o); err != nil {
			return err
		}
	}
	for i := range p.Vulnerabilities {
		if v := &p.Vulnerabilities[i]; !grouped[v.ID] {
			o := Opinion{Kind: finding.KindVulnerability, Package: of, Severity: finding.Unknown}
			v.into(&o, p)
			if err := r.add(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// into adds what an advisory says to an opinion.
func (v *osvVulnerability) into(o *Opinion, p *osvPackage) {
	o.IDs = slices.Concat(o.IDs, []string{v.ID}, v.Aliases)
	if len(v.Upstream) == 1 { // of several, none is what this advisory alone is about
		o.IDs = append(o.IDs, v.Upstream[0])
	}
	for _, a := range v.Affected {
		if a.Package.Name != p.Package.Name {
			continue
		}
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if r.Type != "GIT" && e.Fixed != "" {
					o.Fixed = append(o.Fixed, e.Fixed)
				}
			}
		}
	}
}
