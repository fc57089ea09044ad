package scan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// excepted is how far exceptions and the baseline have come with the report's findings, and what they want to
// know of images beyond the report: by target id.
type excepted struct {
	pass    *exception.Pass
	looked  int
	labels  map[string]map[string]string
	digests map[string][]string
	objects map[finding.Subject]*kube.Object // of manifests, by their subjects without fields
}

// object remembers the objects of manifests, whose labels may name an owner.
func (e *excepted) object(target string, o *kube.Object) {
	if e.objects == nil {
		e.objects = map[finding.Subject]*kube.Object{}
	}
	e.objects[objectKey(target, o.Subject(""))] = o
}

// objectKey is what names an object in a report.
func objectKey(target string, s *finding.Subject) finding.Subject {
	return finding.Subject{Cluster: target, APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
}

// label is that of a finding's object, or an annotation of it; else that of its target's image.
func (e *excepted) label(f *finding.Finding, name string) string {
	if f.Subject != nil {
		if o := e.objects[objectKey(f.Target, f.Subject)]; o != nil {
			return cmp.Or(o.Metadata("labels")[name], o.Metadata("annotations")[name])
		}
	}
	return e.labels[f.Target][name]
}

// image remembers by what else an image is known: its labels may name an owner, and registries know it by
// other digests than an engine does.
func (e *excepted) image(target string, img *image.Image) {
	if e.labels == nil {
		e.labels, e.digests = map[string]map[string]string{}, map[string][]string{}
	}
	e.labels[target] = img.Config.Labels
	for _, at := range img.RepoDigests {
		if _, digest, ok := strings.Cut(at, "@"); ok {
			e.digests[target] = append(e.digests[target], digest)
		}
	}
}

// except looks at the findings that came since it was last called: it lets pass what somebody excepted, says
// whose they are, and what brought them. An error says that what was given contradicts itself.
func (s *scan) except() error {
	from := s.excepted.looked
	s.excepted.looked = len(s.report.Findings)
	if s.o.Exceptions != nil {
		if s.excepted.pass == nil {
			s.excepted.pass = s.o.Exceptions.Use(s.report)
			s.excepted.pass.Label = s.excepted.label
			s.excepted.pass.Digests = func(target string) []string { return s.excepted.digests[target] }
		}
		if err := s.excepted.pass.Apply(); err != nil {
			return err
		}
		for i := from; i < len(s.report.Findings); i++ {
			risk.Of(&s.report.Findings[i]) // the severity may be another now
		}
	}
	if s.o.Baseline != nil {
		s.o.Baseline.Class(s.report, from)
	}
	return nil
}

// exceptionsTold adds what is to be said of the exceptions themselves, and of the files that had a part in the
// verdict. It comes after all that could be excepted.
func (s *scan) exceptionsTold() {
	tool := &s.report.Tool
	if s.excepted.pass != nil {
		s.excepted.pass.Names.Rule = catalog.Known() // policies may be another command's
		for _, f := range s.excepted.pass.Tell(s.assessed) {
			risk.Of(&f)
			s.report.Findings = append(s.report.Findings, f)
		}
		notes := s.excepted.pass.Notes()
		for _, f := range s.o.Exceptions.Files() {
			f.Note = notes[f.Name]
			tool.Files = append(tool.Files, f)
		}
	}
	if s.o.Baseline != nil {
		s.o.Baseline.Class(s.report, s.excepted.looked)
		tool.Files = append(tool.Files, finding.File{Kind: "baseline", Name: s.o.BaselineFile.Name, Digest: s.o.BaselineFile.Digest, Note: strings.Join(s.o.Baseline.Notes(s.report), "; ")})
	}
	if len(s.o.Checks) > 0 {
		tool.Checks = s.o.Checks
	}
}

// assessed says whether what a rule names was looked for; for no rule, whether everything was.
func (s *scan) assessed(rule string) bool {
	if len(s.o.Checks) == 0 {
		return true
	}
	if rule == "" {
		return false
	}
	if s.card == nil {
		s.card = catalog.Finder()
	}
	if cards := s.card(rule); len(cards) > 0 {
		return !slices.ContainsFunc(cards, func(c check.Card) bool { return !s.o.runs(word(c.ID)) })
	}
	family, _, ours := strings.Cut(rule, "/")
	if !ours {
		family = "vuln"
	}
	return s.o.runs(family)
}
