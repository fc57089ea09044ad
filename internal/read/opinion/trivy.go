package opinion

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
)

// trivy reads Trivy's JSON, schema version 2 (aquasecurity/trivy, pkg/types/report.go).
var trivy = engine{"trivy", func(top map[string]json.RawMessage) bool {
	return top["SchemaVersion"] != nil && (top["Results"] != nil || top["ArtifactName"] != nil)
}, readTrivy}

type (
	trivyReport struct {
		SchemaVersion int
		ArtifactName  string
		Trivy         struct{ Version string }
		Metadata      struct {
			ImageID     string
			DiffIDs     []string
			RepoDigests []string
		}
		Results []trivyResult
	}
	trivyResult struct {
		Target, Class, Type string
		Packages            []struct {
			Name, Version string
			Identifier    struct{ PURL string }
		}
		Vulnerabilities   []trivyVulnerability
		Misconfigurations []struct {
			ID, AVDID, Severity, Status string
			CauseMetadata               struct{ StartLine int }
		}
		Secrets []struct {
			RuleID, Severity string
			StartLine        int
		}
		ExperimentalModifiedFindings []struct {
			Type, Status, Statement, Source string
			Finding                         json.RawMessage
		}
	}
	trivyVulnerability struct {
		VulnerabilityID, PkgName, PkgPath, InstalledVersion, FixedVersion, Severity string
		VendorIDs                                                                   []string
		PkgIdentifier                                                               struct{ PURL string }
	}
)

// trivyTypes are the purl types of the packages that Trivy finds by other names.
var trivyTypes = map[string]string{
	"alpine": "apk", "wolfi": "apk", "chainguard": "apk", "debian": "deb", "ubuntu": "deb", "redhat": "rpm", "centos": "rpm", "rocky": "rpm", "alma": "rpm",
	"fedora": "rpm", "oracle": "rpm", "amazon": "rpm", "photon": "rpm", "opensuse": "rpm", "suse linux enterprise server": "rpm", "cbl-mariner": "rpm", "azurelinux": "rpm",
	"npm": "npm", "yarn": "npm", "pnpm": "npm", "bun": "npm", "node-pkg": "npm", "pip": "pypi", "pipenv": "pypi", "poetry": "pypi", "uv": "pypi", "python-pkg": "pypi",
	"jar": "maven", "pom": "maven", "gradle": "maven", "sbt": "maven", "gomod": "golang", "gobinary": "golang", "cargo": "cargo", "rustbinary": "cargo",
	"bundler": "gem", "gemspec": "gem", "composer": "composer", "composer-vendor": "composer", "nuget": "nuget", "dotnet-core": "nuget", "packages-props": "nuget",
}

func readTrivy(b []byte, r *Report) error {
	var t trivyReport
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t.SchemaVersion != 2 {
		return fmt.Errorf("schema version %d: only 2 is read", t.SchemaVersion)
	}
	r.Name, r.Version = word(t.ArtifactName), word(t.Trivy.Version)
	r.Digests = append(named(t.Metadata.ImageID), named(t.Metadata.RepoDigests...)...)
	r.DiffIDs = named(t.Metadata.DiffIDs...)
	for i := range t.Results {
		if err := t.Results[i].take(r); err != nil {
			return err
		}
	}
	if len(r.Packages) > 0 && !slices.Contains(r.Kinds, finding.KindVulnerability) {
		r.Note = "it names no vulnerability, and lists packages whether or not it looked for any: nobody counts as asked for them"
	}
	return nil
}

func (t *trivyResult) take(r *Report) error {
	switch t.Class {
	case "config":
		r.speaksOf(finding.KindMisconfiguration)
	case "secret":
		r.speaksOf(finding.KindSecret)
	}
	for _, p := range t.Packages {
		if err := r.lists(packageOf(p.Identifier.PURL, trivyTypes[t.Type], p.Name, p.Version)); err != nil {
			return err
		}
	}
	for i := range t.Vulnerabilities {
		if err := r.add(t.opinion(&t.Vulnerabilities[i], "")); err != nil {
			return err
		}
	}
	for _, m := range t.Misconfigurations {
		if m.Status != "" && m.Status != "FAIL" {
			continue
		}
		o := Opinion{Kind: finding.KindMisconfiguration, Severity: severity(m.Severity), Path: t.Target, Line: m.CauseMetadata.StartLine}
		for _, id := range []string{m.ID, m.AVDID} {
			if id != "" {
				o.IDs = append(o.IDs, "trivy/"+id)
			}
		}
		if err := r.add(o); err != nil {
			return err
		}
	}
	for _, s := range t.Secrets {
		if err := r.add(Opinion{Kind: finding.KindSecret, IDs: []string{"trivy/" + s.RuleID}, Severity: severity(s.Severity), Path: t.Target, Line: s.StartLine}); err != nil {
			return err
		}
	}
	return t.modified(r)
}

func (t *trivyResult) opinion(v *trivyVulnerability, ignored string) Opinion {
	return Opinion{
		Kind: finding.KindVulnerability, IDs: append([]string{v.VulnerabilityID}, v.VendorIDs...), Severity: severity(v.Severity), Fixed: []string{v.FixedVersion},
		Package: packageOf(v.PkgIdentifier.PURL, trivyTypes[t.Type], v.PkgName, v.InstalledVersion), Path: v.PkgPath, Ignored: ignored,
	}
}

// modified are findings that Trivy was told to pass over (--show-suppressed).
func (t *trivyResult) modified(r *Report) error {
	for _, m := range t.ExperimentalModifiedFindings {
		var v trivyVulnerability
		if m.Type != "vulnerability" || json.Unmarshal(m.Finding, &v) != nil {
			continue
		}
		why := fmt.Sprintf("%s by %s", m.Status, m.Source)
		if m.Statement != "" {
			why += ": " + m.Statement
		}
		if err := r.add(t.opinion(&v, word(why))); err != nil {
			return err
		}
	}
	return nil
}

// speaksOf says that the engine looked for a kind, also where it found none.
func (r *Report) speaksOf(k finding.Kind) {
	for _, known := range r.Kinds {
		if known == k {
			return
		}
	}
	r.Kinds = append(r.Kinds, k)
}
