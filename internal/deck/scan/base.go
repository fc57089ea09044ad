package scan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/purl"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/base"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Bases are the known base images, and what the user says of the base.
type Bases struct {
	Known []base.Entry
	Named string // by the user; empty: to be found out
}

// baseOf names the image that a target was built on: by the user's word, by what the image says of
// itself (OCI image specification, annotations.md), or by its layers. Only of a base whose layers are
// known can it be said what it brought.
func (s *scan) baseOf(img *image.Image, layers []finding.Layer) *finding.Base {
	var diffIDs []string
	for _, l := range layers {
		diffIDs = append(diffIDs, l.DiffID)
	}
	name, digest := img.Annotations["org.opencontainers.image.base.name"], img.Annotations["org.opencontainers.image.base.digest"]
	if name == "" && digest == "" {
		name, digest = img.Config.Labels["org.opencontainers.image.base.name"], img.Config.Labels["org.opencontainers.image.base.digest"]
	}
	switch {
	case s.o.Bases.Named != "":
		return named(base.Find(s.o.Bases.Known, s.o.Bases.Named), &finding.Base{Name: s.o.Bases.Named, By: "flag"}, diffIDs)
	case name != "" || digest != "":
		found := base.Find(s.o.Bases.Known, cmp.Or(digest, name))
		if len(found) == 0 {
			found = base.Find(s.o.Bases.Known, name)
		}
		return named(found, &finding.Base{Name: name, Digest: digest, By: "annotation"}, diffIDs)
	}
	if e, ok := base.Under(s.o.Bases.Known, diffIDs); ok {
		return &finding.Base{Name: e.Name, Digest: e.Digest, By: "layers", Layers: len(e.DiffIDs)}
	}
	return nil
}

// named fills in what the index knows of a base that has been named.
func named(found []base.Entry, b *finding.Base, diffIDs []string) *finding.Base {
	if e, ok := base.Under(found, diffIDs); ok {
		b.Name, b.Digest, b.Layers = e.Name, cmp.Or(b.Digest, e.Digest), len(e.DiffIDs)
	}
	return b
}

// newer says which newer known base would clear most of what the present one brought, when one would.
func (s *scan) newer(t *finding.Target) error {
	if t.Base == nil || t.Base.Layers == 0 || !s.o.runs("vuln") {
		return nil
	}
	i := slices.IndexFunc(s.o.Bases.Known, func(e base.Entry) bool {
		return e.Name == t.Base.Name && len(e.DiffIDs) == t.Base.Layers && e.DiffIDs[0] == t.Layers[0].DiffID
	})
	if i < 0 {
		return nil
	}
	present := s.baseFindings(t.ID)
	best := 0
	for _, e := range base.Newer(s.o.Bases.Known, s.o.Bases.Known[i]) {
		there, err := s.findingsOf(e)
		if err != nil {
			return err
		}
		clears, adds := without(present, there), without(there, present)
		if clears-adds > best {
			best = clears - adds
			t.Base.Newer = &finding.NewerBase{Name: e.Name, Digest: e.Digest, Clears: clears, Adds: adds}
		}
	}
	return nil
}

// baseFindings are the vulnerabilities of the packages that the base brought, as RULE TYPE NAME.
func (s *scan) baseFindings(target string) map[string]bool {
	found := map[string]bool{}
	packages := map[string]*finding.Package{}
	for i := range s.report.Packages {
		packages[s.report.Packages[i].ID] = &s.report.Packages[i]
	}
	for i := range s.report.Findings {
		f := &s.report.Findings[i]
		if p := packages[f.Package]; f.Target == target && p != nil && p.Base && len(f.Suppressed) == 0 {
			found[vulnerabilityKey(f.Rule, p.Type, p.Namespace, p.Name)] = true
		}
	}
	return found
}

func vulnerabilityKey(rule, purlType, namespace, name string) string {
	return fmt.Sprintf("%s %s %s/%s", rule, purlType, namespace, name)
}

// findingsOf judges the packages of a known base with the database at hand.
func (s *scan) findingsOf(e base.Entry) (map[string]bool, error) {
	var on ecosystem.Release
	var subjects []vuln.Subject
	for _, one := range e.Packages {
		p, release, err := purl.Parse(one)
		if err != nil {
			continue // an entry holds what a scan wrote; what is not to be read cannot be judged
		}
		if release.ID != "" {
			on = release
		}
		for i := range s.o.Kinds {
			if k := &s.o.Kinds[i]; k.Name == p.Type || k.Name == "binary" && p.Type == "generic" {
				subjects = append(subjects, vuln.Subject{Package: &p, Kind: k})
			}
		}
	}
	matches, _, err := vuln.Judge(subjects, on, s.o.Lookup)
	found := map[string]bool{}
	for _, m := range matches {
		p := subjects[m.Subject].Package
		found[vulnerabilityKey(m.Vulnerability.ID, p.Type, p.Namespace, p.Name)] = true
	}
	return found, err
}

// without counts what a has and b has not.
func without(a, b map[string]bool) int {
	n := 0
	for k := range a {
		if !b[k] {
			n++
		}
	}
	return n
}

// EntryOf is the index entry of a target that was scanned: an inventory is enough.
func EntryOf(r *finding.Report, t *finding.Target, img *image.Image) base.Entry {
	e := base.Entry{Name: t.Name, Digest: t.Digest, Platform: t.Platform, Created: img.Config.Created}
	for _, l := range t.Layers {
		e.DiffIDs = append(e.DiffIDs, l.DiffID)
	}
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Target == t.ID && p.OwnedBy == "" && !p.Data {
			e.Packages = append(e.Packages, p.PURL)
		}
	}
	slices.Sort(e.Packages)
	return e
}
