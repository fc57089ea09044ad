// Package exception lets findings pass that somebody excepted in a file, or that a VEX statement says do no
// harm: the one matcher for the command line, the pipeline and admission.
//
// A finding answers to an exception when it answers to one word in each of the exception's lists. A rule
// answers in any case, by each of its aliases, with or without the TOOL/ before it. A finding that stands in
// several places answers to a path only when all of them do: a new place is a new finding to look at.
//
// What is let pass stays in the report and says who let it pass. An exception that has run out lets nothing
// pass; judge/exception says so, and which ones nothing answers to any more.
package exception

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/vex"
)

// ConflictError says that what the caller gave contradicts itself.
type ConflictError struct{ text string }

func (e *ConflictError) Error() string { return e.text }

func conflict(format string, args ...any) error { return &ConflictError{fmt.Sprintf(format, args...)} }

// Set is all that lets findings pass, compiled. It does not change.
type Set struct {
	under      *Set // what it was made from, which others share; nil: nothing
	first      int  // number of its first entry: those under it are counted before
	files      []*exceptionfile.File
	documents  []vex.Document
	entries    []*entry
	byKey      map[string][]*entry
	wide       []*entry // that no key finds: they are held against every finding
	owners     []owner  // of all
	severities map[string]exceptionfile.Severity
	statements map[string][]statement
	now        time.Time
}

// entry is an exception, compiled.
type entry struct {
	*exceptionfile.Exception
	number                   int
	rules                    []string
	packages                 []packageWord
	paths, targets, subjects []glob
	namespaces, names        []glob
	images                   []imageWord
	users, groups            nameWords
}

// Compile puts files and documents together. Now is the day that decides which exceptions have run out. Files
// that contradict each other are an error.
func Compile(files []exceptionfile.File, documents []vex.Document, now time.Time) (*Set, error) {
	s := &Set{documents: documents, byKey: map[string][]*entry{}, statements: map[string][]statement{}, now: now}
	for i := range files {
		s.file(&files[i])
	}
	for i := range documents {
		s.document(&documents[i])
	}
	return s, s.contradiction()
}

// contradiction is an error where two entries that are about the same give it another status.
func (s *Set) contradiction() error {
	said := map[string]*entry{}
	for e := range s.all() {
		if e.VEX == nil {
			continue
		}
		key := strings.ToLower(fmt.Sprintf("%q", [][]string{e.rules, e.Packages, e.Paths, e.Targets, e.Fingerprints, e.Subjects, e.Kinds, e.Namespaces, e.Names, e.Images, e.Users, e.Groups}))
		if before := said[key]; before != nil && before.VEX.Status != e.VEX.Status {
			return conflict("%s contradicts %s, which is about the same: %s here, %s there; keep one of them", e.Place(), before.Place(), e.VEX.Status, before.VEX.Status)
		}
		said[key] = e
	}
	return nil
}

// Files tells what the set is made of, as a report names it.
func (s *Set) Files() []finding.File {
	var all []finding.File
	for f := range s.eachFile() {
		all = append(all, finding.File{Kind: f.Kind, Name: f.Name, Digest: f.Digest})
	}
	for i := range s.documents {
		all = append(all, finding.File{Kind: s.documents[i].Kind, Name: s.documents[i].Name, Digest: s.documents[i].Digest})
	}
	return all
}

// file takes up what a file says.
func (s *Set) file(f *exceptionfile.File) {
	s.files = append(s.files, f)
	for i := range f.Exceptions {
		s.add(&f.Exceptions[i])
	}
	for i := range f.Owners {
		s.owners = append(s.owners, compileOwner(&f.Owners[i]))
	}
	if len(f.Severities) == 0 {
		return
	}
	if s.severities = maps.Clone(s.severities); s.severities == nil { // others may share it
		s.severities = map[string]exceptionfile.Severity{}
	}
	for _, one := range f.Severities {
		s.severities[check.Present(one.Rule)] = one
	}
}

func (s *Set) add(from *exceptionfile.Exception) {
	e := &entry{
		Exception: from, number: s.count(), packages: compilePackages(from.Packages), paths: compileGlobs(from.Paths, from.Exact),
		targets: compileTargets(from.Targets), subjects: compileGlobs(from.Subjects, false),
		namespaces: compileGlobs(from.Namespaces, true), names: compileGlobs(from.Names, true), images: compileImages(from.Images),
		users: compileNames(from.Users), groups: compileNames(from.Groups),
	}
	for _, r := range from.Rules {
		e.rules = append(e.rules, check.Present(r))
	}
	s.entries = append(s.entries, e)
	var keys []string
	switch {
	case len(e.rules) > 0:
		keys = e.rules
	case len(e.Fingerprints) > 0:
		keys = e.Fingerprints
	case len(e.packages) > 0:
		for i := range e.packages {
			keys = append(keys, e.packages[i].key())
		}
	}
	if len(keys) == 0 || slices.Contains(keys, "") {
		s.wide = append(s.wide, e)
		return
	}
	for _, k := range keys {
		if of := s.byKey[k]; len(of) == 0 || of[len(of)-1] != e {
			s.byKey[k] = append(of, e)
		}
	}
}

// ruleKeys are all that a finding's rule is called, as they are compared.
func ruleKeys(f *finding.Finding) []string {
	keys := make([]string, 0, 4+2*len(f.Aliases))
	add := func(k string) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	family := func(k string) {
		if slash := strings.IndexByte(k, '/'); slash > 0 {
			add(k[:slash] + "/*")
		}
	}
	rule := check.Present(f.Rule)
	add(rule)
	family(rule)
	for _, a := range f.Aliases {
		k := check.Present(a)
		add(k)
		family(k)
		if slash := strings.IndexByte(k, '/'); slash > 0 {
			add(k[slash+1:])
		}
	}
	return keys
}

// Pass is one use of a set, on one report.
type Pass struct {
	*Set
	// Label is a label of what a finding is about, its object or its target's image; empty where it has none;
	// nil: no labels are known.
	Label func(f *finding.Finding, name string) string
	// Digests are those by which registries know a target's image; nil: none but the report's are known.
	Digests func(target string) []string
	// By is who asks for what is looked at; nil: nobody knows, and exceptions for some let nothing pass.
	By *User
	// Names are what rules are called; nobody knows where they are not given.
	Names    Names
	report   *finding.Report
	looked   int   // findings that were looked at
	matched  []int // by entry: findings that answer to it
	packages map[string]*subject
	targets  map[string]*target
	needs    map[string][]*subject // package id → the packages that need it
}

// Use begins to use the set on a report.
func (s *Set) Use(r *finding.Report) *Pass {
	return &Pass{Set: s, report: r, matched: make([]int, s.count()), packages: map[string]*subject{}, targets: map[string]*target{}}
}

// Apply looks at the findings that the report has got since it was last called, says whose they are, and lets
// pass those that answer. An error says that what was given contradicts itself.
func (p *Pass) Apply() error {
	p.index()
	for ; p.looked < len(p.report.Findings); p.looked++ {
		f := &p.report.Findings[p.looked]
		keys := ruleKeys(f)
		p.weigh(f, keys)
		p.own(f)
		p.except(f, keys)
		if err := p.hear(f, keys); err != nil {
			return err
		}
	}
	return nil
}

// index knows the report's targets and packages by their ids.
func (p *Pass) index() {
	for i := range p.report.Packages {
		one := &p.report.Packages[i]
		if p.packages[one.ID] == nil {
			p.packages[one.ID] = subjectOf(one)
		}
	}
	for i := range p.report.Targets {
		one := &p.report.Targets[i]
		if p.targets[one.ID] != nil {
			continue
		}
		t := &target{Target: one, answers: make([]bool, p.count())}
		if p.Digests != nil {
			t.also = p.Digests(one.ID)
		}
		for e := range p.all() {
			t.answers[e.number] = len(e.Targets) == 0 || targetMatches(e.Targets, e.targets, t)
		}
		p.targets[one.ID] = t
	}
}

// weigh gives a finding the severity that a file says its rule has.
func (p *Pass) weigh(f *finding.Finding, keys []string) {
	if len(p.severities) == 0 {
		return
	}
	for _, k := range keys {
		if s, ok := p.severities[k]; ok {
			f.Severity, f.SeverityFrom = s.Severity, path.Base(s.File)
			return
		}
	}
}

// except lets a finding pass by every entry that it answers to.
func (p *Pass) except(f *finding.Finding, keys []string) {
	s := p.packages[f.Package]
	var found []*entry
	try := func(all []*entry) {
		for _, e := range all {
			if !slices.Contains(found, e) && p.answers(e, f, s, keys) {
				found = append(found, e)
			}
		}
	}
	for layer := p.Set; layer != nil; layer = layer.under {
		for _, k := range keys {
			try(layer.byKey[k])
		}
		if f.Fingerprint != "" {
			try(layer.byKey[f.Fingerprint])
		}
		if s != nil {
			for _, k := range s.keys {
				try(layer.byKey[k])
			}
		}
		try(layer.wide)
	}
	slices.SortFunc(found, func(a, b *entry) int { return a.number - b.number })
	for _, e := range found {
		p.matched[e.number]++
		if e.Expired(p.now) {
			continue
		}
		by := finding.Suppression{By: "exception", Where: e.Place(), Reason: e.Reason, Owner: e.Owner, Ticket: e.Ticket, VEX: e.VEX}
		if !e.Until.IsZero() {
			by.Until = e.Until.Format(time.DateOnly)
		}
		f.Suppressed = append(f.Suppressed, by)
	}
}

// answers says whether a finding answers to one word in each list of an entry.
func (p *Pass) answers(e *entry, f *finding.Finding, s *subject, keys []string) bool {
	if t := p.targets[f.Target]; t != nil && !t.answers[e.number] || t == nil && len(e.Targets) > 0 {
		return false
	}
	if len(e.rules) > 0 && !slices.ContainsFunc(e.rules, func(r string) bool { return slices.Contains(keys, r) }) {
		return false
	}
	if len(e.Fingerprints) > 0 && !slices.Contains(e.Fingerprints, f.Fingerprint) {
		return false
	}
	if len(e.packages) > 0 && (s == nil || !slices.ContainsFunc(e.packages, func(w packageWord) bool { return w.match(s) })) {
		return false
	}
	if !e.forWho(p.By) {
		return false
	}
	if len(e.subjects) > 0 && !anyMatches(e.subjects, subjectName(f.Subject)) || !e.aboutObject(f.Subject) {
		return false
	}
	return len(e.paths) == 0 || everywhere(e.paths, f.Locations)
}

// everywhere says whether all places of a finding answer to the patterns.
func everywhere(patterns []glob, places []finding.Location) bool {
	for _, at := range places {
		if at.Path == "" || !anyMatches(patterns, at.Path) && (at.Inner == "" || !anyMatches(patterns, at.Path+"!/"+at.Inner)) {
			return false
		}
	}
	return len(places) > 0
}

// subjectName is KIND/NAMESPACE/NAME, as far as they are known. A container's name is no part of it: who owns the
// pod gives it any.
func subjectName(s *finding.Subject) string {
	if s == nil {
		return ""
	}
	var parts []string
	for _, part := range []string{s.Kind, s.Namespace, s.Name} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}
