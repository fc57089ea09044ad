package policy

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// finding is what a policy finds on one subject. It has the place and the names of that subject, so that an
// exception that is written for a package, a path or a CVE lets the policy's finding pass as well.
func (r *run) finding(s subject, message string, action finding.Action) finding.Finding {
	p := r.policy
	f := finding.Finding{
		Deck: finding.Ship, Kind: finding.KindPolicy, Rule: p.rule(), Aliases: slices.Clone(p.source.Aliases), Severity: p.Severity, SeverityFrom: "policy",
		Title: short(message), Target: r.world.target.ID, Fix: p.source.Fix, References: p.source.References, Action: action,
	}
	purl := ""
	if s.pkg != nil && s.pkg.Package != nil {
		purl = s.pkg.PURL
		f.Package, f.Locations = s.pkg.ID, s.pkg.Locations
	}
	switch {
	case s.found != nil:
		f.Title = short(s.found.Rule + within(s.pkg) + ": " + message)
		f.Aliases = append(f.Aliases, s.found.names()...)
		if len(s.found.Locations) > 0 {
			f.Locations = s.found.Locations
		}
		// Two findings on one package are two things that the policy does not let pass.
		f.Subject = &finding.Subject{Kind: "Finding", Name: s.found.Rule, Field: s.found.Fingerprint}
		f.Status, f.Fixed = s.found.Status, s.found.Fixed
	case s.object != nil:
		about := s.object.Subject
		f.Title = short(strings.TrimSpace(about.Kind+" "+about.Name) + ": " + message)
		f.Subject, f.Locations = &about, s.object.At
	case s.file != nil:
		f.Title = short(s.file.Path + ": " + message)
		f.Locations = []finding.Location{{Path: s.file.Path, Layer: s.file.Layer}}
	case s.build != nil:
		f.Locations = s.build.At
	case s.pkg != nil:
		f.Title = short(called(s.pkg) + ": " + message)
	}
	slices.Sort(f.Aliases)
	f.Aliases = slices.Compact(f.Aliases)
	if len(f.Aliases) == 0 {
		f.Aliases = nil
	}
	f.Fingerprint = finding.Fingerprint(f, purl)
	return f
}

func within(p *pkg) string {
	if p == nil || p.Package == nil {
		return ""
	}
	return " in " + called(p)
}

func called(p *pkg) string {
	name := p.Name
	if p.Namespace != "" {
		name = p.Namespace + "/" + name
	}
	if p.Version != "" {
		name += " " + p.Version
	}
	return name
}
