package policy

import (
	"errors"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/judge/license"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// What an expression is told when it asks for what nobody knows.
var (
	errConfig     = errors.New("the configuration of this target is not known: it is read from images, and not from SBOMs, saved reports or folders")
	errFiles      = errors.New("the files of this target are not known: they are read from images, and not from SBOMs or saved reports")
	errSignatures = errors.New("whether this image is signed is not known: nothing verified it in this run, as plimsoll scan does with --key FILE (attest: --signer-key), or with --certificate-identity and --certificate-oidc-issuer")
	errSurface    = errors.New("the attack surface of this target was not counted")
	errCreated    = errors.New("when this image was made is not known")
)

// world is one target and all that is known of it, as expressions see it.
type world struct {
	target    *finding.Target
	facts     *Facts
	reference image.Reference
	baseName  image.Reference
	now       time.Time
	packages  []*pkg
	findings  []*found
	accepted  []*found
	files     []*File
	terms     *license.Table
	versions  *versions
	unbuilt   bool // it is the image of a Dockerfile: there is nothing yet but its configuration
}

// unbuiltOf is the world as a policy sees it that looks at the image of a Dockerfile.
func unbuiltOf(w *world) *world {
	made := *w
	made.unbuilt = true
	return &made
}

// notBuilt is why something is not known of the image of a Dockerfile.
func notBuilt(what, why string) error {
	return &expr.Unknown{Why: what + " is not known before the image is built" + why}
}

// pkg is a package of the world's.
type pkg struct {
	*finding.Package
	in    *world
	owner *pkg
	needs []*pkg
	terms *license.Terms
}

// found is a finding of the world's.
type found struct {
	*finding.Finding
	pkg *pkg
}

// worldOf gathers what a report says of one target.
func worldOf(r *finding.Report, t *finding.Target, facts *Facts, now time.Time) *world {
	w := &world{target: t, facts: facts, now: now, terms: license.New(), versions: newVersions()}
	if facts == nil {
		w.facts = &Facts{}
	}
	w.reference = named(t.Name)
	if t.Base != nil {
		w.baseName = named(t.Base.Name)
	}
	byID := map[string]*pkg{}
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Target == t.ID {
			one := &pkg{Package: p, in: w}
			w.packages = append(w.packages, one)
			byID[p.ID] = one
		}
	}
	for _, p := range w.packages {
		p.owner = byID[p.OwnedBy]
		for _, id := range p.DependsOn {
			if n := byID[id]; n != nil {
				p.needs = append(p.needs, n)
			}
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Target != t.ID || f.Kind == finding.KindPolicy {
			continue
		}
		one := &found{Finding: f, pkg: byID[f.Package]}
		if len(f.Suppressed) > 0 {
			w.accepted = append(w.accepted, one)
		} else {
			w.findings = append(w.findings, one)
		}
	}
	if w.facts.Files != nil {
		for i := range *w.facts.Files {
			w.files = append(w.files, &(*w.facts.Files)[i])
		}
	}
	return w
}

// named is what a name says of where the image is kept; nothing where it is no name of an image.
func named(name string) image.Reference {
	r, err := image.ParseReference(name)
	if err != nil {
		return image.Reference{}
	}
	return r
}

// license are the terms of a package's licences, read once.
func (p *pkg) license() *license.Terms {
	if p.terms == nil {
		terms := p.in.terms.Read(p.Licenses)
		p.terms = &terms
	}
	return p.terms
}

// names are all that a finding goes by.
func (f *found) names() []string { return append([]string{f.Rule}, f.Aliases...) }

// date reads a day of the report.
func date(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	return t
}

func pointers[T any](all []T) []*T {
	out := make([]*T, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	return out
}

// isImage says whether a target is an image or stands for one. Policies on images are not about folders.
func (w *world) isImage() bool { return w.target.Kind == "image" || w.target.Kind == "sbom" }
