package opinion

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// grype reads Grype's JSON (anchore/grype, grype/presenter/models/document.go).
var grype = engine{"grype", func(top map[string]json.RawMessage) bool { return top["matches"] != nil && top["descriptor"] != nil }, readGrype}

type (
	grypeReport struct {
		Matches        []grypeMatch `json:"matches"`
		IgnoredMatches []struct {
			grypeMatch
			Rules []struct {
				Reason        string `json:"reason"`
				Vulnerability string `json:"vulnerability"`
				FixState      string `json:"fix-state"`
				VEXStatus     string `json:"vex-status"`
			} `json:"appliedIgnoreRules"`
		} `json:"ignoredMatches"`
		Source     *grypeSource `json:"source"`
		Descriptor struct {
			Name, Version string
		} `json:"descriptor"`
	}
	grypeSource struct {
		Type   string          `json:"type"`
		Target json.RawMessage `json:"target"` // an object for images, a path for the rest
	}
	grypeImage struct {
		UserInput      string   `json:"userInput"`
		ImageID        string   `json:"imageID"`
		ManifestDigest string   `json:"manifestDigest"`
		RepoDigests    []string `json:"repoDigests"`
		Layers         []struct {
			Digest string `json:"digest"`
		} `json:"layers"`
	}
	grypeMatch struct {
		Vulnerability struct {
			ID       string `json:"id"`
			Severity string `json:"severity"`
			Fix      struct {
				Versions []string `json:"versions"`
			} `json:"fix"`
			Advisories []struct {
				ID string `json:"id"`
			} `json:"advisories"`
		} `json:"vulnerability"`
		Related []struct {
			ID string `json:"id"`
		} `json:"relatedVulnerabilities"`
		Artifact struct {
			Name      string `json:"name"`
			Version   string `json:"version"`
			Type      string `json:"type"`
			PURL      string `json:"purl"`
			Locations []struct {
				Path string `json:"path"`
			} `json:"locations"`
		} `json:"artifact"`
	}
)

// grypeTypes are the purl types of Syft's types of package.
var grypeTypes = map[string]string{
	"apk": "apk", "deb": "deb", "rpm": "rpm", "npm": "npm", "python": "pypi", "java-archive": "maven", "go-module": "golang", "rust-crate": "cargo", "gem": "gem",
	"php-composer": "composer", "dotnet": "nuget",
}

func readGrype(b []byte, r *Report) error {
	var g grypeReport
	if err := json.Unmarshal(b, &g); err != nil {
		return err
	}
	if g.Descriptor.Name != "" && g.Descriptor.Name != "grype" {
		return fmt.Errorf("its descriptor names %q", word(g.Descriptor.Name))
	}
	r.Version = word(g.Descriptor.Version)
	r.speaksOf(finding.KindVulnerability)
	if g.Source != nil {
		var img grypeImage
		if json.Unmarshal(g.Source.Target, &img) == nil {
			r.Name = word(img.UserInput)
			r.Digests = append(named(img.ImageID, img.ManifestDigest), named(img.RepoDigests...)...)
			for _, l := range img.Layers {
				r.DiffIDs = append(r.DiffIDs, named(l.Digest)...)
			}
		} else if json.Unmarshal(g.Source.Target, &r.Name) == nil {
			r.Name = word(r.Name)
		}
	}
	for i := range g.Matches {
		if err := r.add(g.Matches[i].opinion("")); err != nil {
			return err
		}
	}
	for i := range g.IgnoredMatches {
		var why []string
		for _, rule := range g.IgnoredMatches[i].Rules {
			for _, w := range []string{rule.Reason, rule.VEXStatus, rule.FixState, rule.Vulnerability} {
				if w = word(w); w != "" {
					why = append(why, w)
					break
				}
			}
		}
		if err := r.add(g.IgnoredMatches[i].opinion("ignored: " + strings.Join(why, ", "))); err != nil {
			return err
		}
	}
	return nil
}

func (m *grypeMatch) opinion(ignored string) Opinion {
	o := Opinion{
		Kind: finding.KindVulnerability, IDs: []string{m.Vulnerability.ID}, Severity: severity(m.Vulnerability.Severity), Fixed: m.Vulnerability.Fix.Versions, Ignored: ignored,
		Package: packageOf(m.Artifact.PURL, grypeTypes[m.Artifact.Type], m.Artifact.Name, m.Artifact.Version),
	}
	for _, v := range m.Related {
		o.IDs = append(o.IDs, v.ID)
	}
	for _, a := range m.Vulnerability.Advisories {
		o.IDs = append(o.IDs, a.ID)
	}
	if len(m.Artifact.Locations) > 0 {
		o.Path = m.Artifact.Locations[0].Path
	}
	return o
}
