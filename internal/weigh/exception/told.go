package exception

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	judge "github.com/plimsoll/plimsoll/internal/judge/exception"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/vex"
)

// Tell returns findings about the exceptions themselves: those that have run out, let too much pass, or let
// nothing pass although what they are about was looked at. Assessed says whether that was done for a rule, or
// for all rules where it is empty.
//
// Entries of other tools' files are told together, one finding a check and file.
func (p *Pass) Tell(assessed func(rule string) bool) []finding.Finding {
	p.index()
	var all []finding.Finding
	alike := map[[2]string][]*entry{} // by check and file
	for e := range p.all() {
		target, scope := p.scope(e, assessed)
		facts := judge.Facts{Exception: e.Exception, Now: p.now, Matched: p.matched[e.number], InScope: scope}
		if text, idle := p.Names.Unknown(e.Exception); idle {
			facts.Unknown = text
		}
		for _, c := range judge.Checks() {
			hits := c.Look(facts)
			if len(hits) > 0 && p.kindOf(e.File) != exceptionfile.Own {
				key := [2]string{c.ID, e.File}
				alike[key] = append(alike[key], e)
				continue
			}
			for _, h := range hits {
				f := c.Finding(target, h)
				f.Locations = []finding.Location{{Path: e.File, StartLine: e.Line}}
				f.Fix = firstSentence(f.Fix)
				f.Fingerprint = printOf(f, h.Detail)
				all = append(all, f)
			}
		}
	}
	return append(all, p.together(alike)...)
}

// together tells of the entries of a file at once.
func (p *Pass) together(alike map[[2]string][]*entry) []finding.Finding {
	var all []finding.Finding
	for from := range p.eachFile() {
		for _, c := range judge.Checks() {
			of := alike[[2]string{c.ID, from.Name}]
			if len(of) == 0 {
				continue
			}
			var rules []string
			for _, e := range of {
				rules = append(rules, e.Rules...)
			}
			detail := fmt.Sprintf("%d of %d entries of %s: %s", len(of), len(from.Exceptions), from.Name, strings.Join(rules[:min(len(rules), maxNamed)], ", "))
			if more := len(rules) - maxNamed; more > 0 {
				detail += fmt.Sprintf(" and %d more", more)
			}
			target, _ := p.scope(of[0], func(string) bool { return true })
			f := c.Finding(target, check.Hit{Where: of[0].Place(), Detail: detail})
			f.Locations = []finding.Location{{Path: of[0].File, StartLine: of[0].Line}}
			f.Fingerprint = printOf(f, from.Name)
			all = append(all, f)
		}
	}
	return all
}

// maxNamed bounds how many rules a finding names.
const maxNamed = 5

// printOf names a finding by what its exception is about, so that two in one file are not the same.
func printOf(f finding.Finding, about string) string {
	about, _, _ = strings.Cut(about, ";")
	f.Subject = &finding.Subject{Kind: "exception", Name: about}
	return finding.Fingerprint(f, "")
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, "; ")
	return first
}

func (p *Pass) kindOf(file string) string {
	for f := range p.eachFile() {
		if f.Name == file {
			return f.Kind
		}
	}
	return exceptionfile.Own
}

// scope is the first target that an exception may be about, and whether what it is about was looked at.
func (p *Pass) scope(e *entry, assessed func(rule string) bool) (string, bool) {
	target := ""
	for i := range p.report.Targets {
		if id := p.report.Targets[i].ID; p.targets[id].answers[e.number] {
			target = id
			break
		}
	}
	if target == "" {
		return "", false
	}
	broke := func(g finding.Gap) bool {
		return g.Blocking && (g.Broke() || g.Unread()) || g.Class == finding.GapSkipped
	}
	if e.Personal() && p.By == nil && !e.Expired(p.now) {
		return target, false // who asks is not known
	}
	if p.matched[e.number] == 0 && slices.ContainsFunc(p.report.Coverage, broke) && !e.Expired(p.now) {
		return target, false // what answers to it may be in what could not be read
	}
	if len(e.Rules) == 0 {
		return target, p.matched[e.number] > 0 || e.Expired(p.now) || assessed("")
	}
	return target, p.matched[e.number] > 0 || slices.ContainsFunc(e.Rules, assessed)
}

// Notes say of each VEX document how many of its statements are about what was scanned, where that is not
// all of them, and of each file how many exceptions cannot be asked about.
func (p *Pass) Notes() map[string]string {
	bases := map[string][]*subject{}
	for _, s := range p.packages {
		bases[s.purl.base] = append(bases[s.purl.base], s)
		if s.source.base != s.purl.base {
			bases[s.source.base] = append(bases[s.source.base], s)
		}
	}
	notes := map[string]string{}
	maps.Copy(notes, p.personal())
	for i := range p.documents {
		d := &p.documents[i]
		n := 0
		for j := range d.Statements {
			if slices.ContainsFunc(d.Statements[j].Products, func(product vex.Product) bool { return p.isHere(&product, bases) }) {
				n++
			}
		}
		if n < len(d.Statements) || n == 0 {
			notes[d.Name] = fmt.Sprintf("%d of %d statements are about what was scanned", n, len(d.Statements))
		}
	}
	return notes
}

// isHere says whether a product is a target, or a package of one.
func (p *Pass) isHere(product *vex.Product, bases map[string][]*subject) bool {
	for _, t := range p.targets {
		if isProduct(&product.Component, t) {
			return true
		}
	}
	if product.PURL == "" {
		return false
	}
	whole := splitPURL(product.PURL)
	return slices.ContainsFunc(bases[whole.base], func(s *subject) bool { return s.answers(&whole) })
}
