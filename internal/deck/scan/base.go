package scan

import (
	"cmp"
	"context"
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

// baseOf names the image that a target was built on. The user's word comes first. Then what is proven,
// by the image beginning with the layers of a known base: one that a witness names, or any. Only of
// such a base can it be said what it brought. What a witness merely claims comes last.
func (s *scan) baseOf(ctx context.Context, img *image.Image, t *finding.Target) *finding.Base {
	var diffIDs []string
	for _, l := range t.Layers {
		diffIDs = append(diffIDs, l.DiffID)
	}
	if word := s.o.Bases.Named; word != "" {
		b := &finding.Base{Name: word, By: byFlag}
		if e, ok := base.Under(base.Find(s.o.Bases.Known, word), diffIDs); ok {
			fill(b, e)
		}
		return b
	}
	witnesses := []func() []finding.Base{
		func() []finding.Base { return annotated(img.Annotations) },
		func() []finding.Base { return s.provenance(ctx, img, t.ID) },
		func() []finding.Base { return annotated(img.Config.Labels) },
	}
	var claim *finding.Base
	for _, ask := range witnesses {
		claims := ask()
		if b := s.proven(claims, diffIDs); b != nil {
			return b
		}
		if claim == nil && len(claims) == 1 {
			claim = &claims[0]
		}
	}
	if e, ok := base.Under(s.o.Bases.Known, diffIDs); ok {
		claim = &finding.Base{By: byLayers}
		fill(claim, e)
	}
	return claim
}

// How a base is known.
const (
	byFlag       = "flag"
	byAnnotation = "annotation"
	byProvenance = "provenance"
	byLayers     = "layers"
)

// annotated is what an image says of itself (OCI image specification, annotations.md). Labels are
// inherited from the base, so that they may speak of the base's own base.
func annotated(of map[string]string) []finding.Base {
	name, digest := of["org.opencontainers.image.base.name"], of["org.opencontainers.image.base.digest"]
	if name == "" && digest == "" {
		return nil
	}
	return []finding.Base{{Name: name, Digest: digest, By: byAnnotation}}
}

// provenance is what the build says that it was made from. Several images are so many claims: those of
// other stages stand beside that of the base.
func (s *scan) provenance(ctx context.Context, img *image.Image, target string) (claims []finding.Base) {
	if img.Materials == nil {
		return nil
	}
	materials, err := img.Materials(ctx)
	if err != nil {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{
			Class: "unreadable-provenance", Target: target, Count: 1, What: "the base image is not known by it: " + err.Error(),
		})
	}
	for _, m := range materials {
		claims = append(claims, finding.Base{Name: m.Name, Digest: m.Digest, By: byProvenance})
	}
	return claims
}

// proven is the claim about a known base whose layers are the longest beginning of the image's; nil when
// none holds.
func (s *scan) proven(claims []finding.Base, diffIDs []string) (best *finding.Base) {
	for i := range claims {
		c := &claims[i]
		known := slices.Concat(base.Find(s.o.Bases.Known, c.Digest), base.Find(s.o.Bases.Known, c.Name))
		if e, ok := base.Under(known, diffIDs); ok && (best == nil || len(e.DiffIDs) > best.Layers) {
			best = c
			fill(best, e)
		}
	}
	return best
}

// fill says what the index knows of a base.
func fill(b *finding.Base, e base.Entry) {
	b.Name, b.Digest, b.Layers = e.Name, cmp.Or(b.Digest, e.Digest), len(e.DiffIDs)
}

// newer says which newer known base would clear most of what the present one brought, when one would.
func (s *scan) newer(t *finding.Target) error {
	if t.Base == nil || t.Base.Layers == 0 || !s.o.runs("vuln") {
		return nil
	}
	i := slices.IndexFunc(s.o.Bases.Known, func(e base.Entry) bool {
		return e.Name == t.Base.Name && isBeginning(e.DiffIDs, t.Layers[:t.Base.Layers])
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

func isBeginning(diffIDs []string, of []finding.Layer) bool {
	return slices.EqualFunc(diffIDs, of, func(id string, l finding.Layer) bool { return id == l.DiffID })
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
	e := base.Entry{Name: t.Name, Digest: t.Digest, IndexDigest: t.IndexDigest, Platform: t.Platform, Created: img.Config.Created}
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
