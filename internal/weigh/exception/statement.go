package exception

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/vex"
)

// statement is one of a VEX document.
type statement struct {
	*vex.Statement
	document *vex.Document
	number   int // in its document, from 1
}

func (s *statement) place() string { return fmt.Sprintf("%s, statement %d", s.document.Name, s.number) }

// document takes up what a VEX document states, by the vulnerability's names.
func (s *Set) document(d *vex.Document) {
	for i := range d.Statements {
		one := statement{&d.Statements[i], d, i + 1}
		seen := map[string]bool{}
		for _, id := range one.IDs {
			if k := strings.ToLower(id); k != "" && !seen[k] {
				seen[k] = true
				s.statements[k] = append(s.statements[k], one)
			}
		}
	}
}

// hear lets a vulnerability pass when the newest statement on it says that it does no harm here. Malware does
// harm wherever it is, so no statement lets it pass.
func (p *Pass) hear(f *finding.Finding, keys []string) error {
	if f.Kind != finding.KindVulnerability || len(p.statements) == 0 {
		return nil
	}
	newest, err := p.newest(f, keys)
	if newest == nil || err != nil {
		return err
	}
	if !vex.Lets(newest.Status) {
		return contradicted(f, newest)
	}
	f.Suppressed = append(f.Suppressed, finding.Suppression{
		By: "vex", Where: newest.place(), Owner: newest.document.Author,
		Reason: cmp.Or(newest.Note, strings.ReplaceAll(cmp.Or(newest.Justification, newest.Status), "_", " ")),
		VEX:    &finding.VEX{Status: newest.Status, Justification: newest.Justification},
	})
	return nil
}

// newest is the newest statement about a finding; of several of the same time that agree, the first.
func (p *Pass) newest(f *finding.Finding, keys []string) (*statement, error) {
	var of []*statement
	for _, k := range keys {
		all := p.statements[k]
		for i := range all {
			s := &all[i]
			if !p.speaksOf(s.Statement, f) {
				continue
			}
			if len(of) > 0 && s.At.After(of[0].At) {
				of = of[:0]
			}
			if len(of) == 0 || s.At.Equal(of[0].At) {
				of = append(of, s)
			}
		}
	}
	if len(of) == 0 {
		return nil, nil
	}
	slices.SortFunc(of, func(a, b *statement) int {
		return cmp.Or(strings.Compare(a.document.Name, b.document.Name), a.number-b.number)
	})
	for _, s := range of[1:] {
		if vex.Lets(s.Status) != vex.Lets(of[0].Status) {
			return nil, conflict("%s says that %s is %s, and %s of the same time says %s: only one can be right; take one out, or give the right one a later timestamp",
				of[0].place(), f.Rule, of[0].Status, s.place(), s.Status)
		}
	}
	return of[0], nil
}

// contradicted is an error where an exception says of a finding that it does no harm, and a statement that
// it does. An exception without such a claim only says that somebody lives with it.
func contradicted(f *finding.Finding, s *statement) error {
	if s.Status != vex.Affected {
		return nil
	}
	for _, by := range f.Suppressed {
		if by.By == "exception" && by.VEX != nil {
			return conflict("%s says that %s is %s, and %s that it is affected: only one can be right; mend the one that is not", by.Where, f.Rule, by.VEX.Status, s.place())
		}
	}
	return nil
}

// speaksOf says whether a statement is about a finding's package, where it is.
func (p *Pass) speaksOf(s *vex.Statement, f *finding.Finding) bool {
	for i := range s.Products {
		if p.productHolds(&s.Products[i], f) {
			return true
		}
	}
	return false
}

func (p *Pass) productHolds(product *vex.Product, f *finding.Finding) bool {
	of := p.packages[f.Package]
	if of == nil {
		return false
	}
	if t := p.targets[f.Target]; t != nil && isProduct(&product.Component, t) {
		return len(product.Parts) == 0 || anyPart(product.Parts, of)
	}
	if product.PURL == "" {
		return false
	}
	whole := splitPURL(product.PURL)
	if len(product.Parts) == 0 {
		return of.answers(&whole)
	}
	return anyPart(product.Parts, of) && p.onlyWithin(of, &whole)
}

// anyPart says whether a package is one of the parts that a statement names.
func anyPart(parts []vex.Component, of *subject) bool {
	for i := range parts {
		if parts[i].PURL == "" {
			continue
		}
		if part := splitPURL(parts[i].PURL); of.answers(&part) {
			return true
		}
	}
	return false
}

// onlyWithin says whether a package is needed by a product alone: on every way up from it to what nobody
// needs stands the product. One that is there for its own sake, or for another's too, may be reached
// otherwise than the statement says.
func (p *Pass) onlyWithin(of *subject, product *purl) bool {
	if p.needs == nil {
		p.needs = map[string][]*subject{}
		for i := range p.report.Packages {
			from := p.packages[p.report.Packages[i].ID]
			for _, d := range from.DependsOn {
				p.needs[d] = append(p.needs[d], from)
			}
		}
	}
	seen := map[string]bool{of.ID: true}
	queue := []*subject{of}
	for len(queue) > 0 {
		one := queue[0]
		queue = queue[1:]
		above := p.needs[one.ID]
		if len(above) == 0 {
			return false
		}
		for _, a := range above {
			if !seen[a.ID] && !a.answers(product) {
				seen[a.ID] = true
				queue = append(queue, a)
			}
		}
	}
	return true
}
