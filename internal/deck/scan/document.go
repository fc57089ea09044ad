package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
	"github.com/plimsoll/plimsoll/internal/tree"
	"github.com/plimsoll/plimsoll/internal/weigh/risk"
)

// Files are documents that a word names: a Dockerfile, say, with what lies beside it and matters to it.
type Files struct {
	Name      string
	Kind      string // one of DocumentKinds
	Documents []inventory.Document
	Idle      []string // what is said beside them and has no meaning here; Broken fills it in

	manifests []manifest    // of its documents, where they are some
	gaps      []finding.Gap // what of a chart could not be rendered
}

// family judges one kind of document. Its name is what --as and --checks call it.
type family struct {
	name  string
	title string // what a file that is one is taken for
	// wants knows a document by its path.
	wants func(path string) bool
	// is knows one by its first bytes, where the path alone does not tell; nil: it does.
	is func(head []byte) bool
	// most bounds, in bytes, what is read of one; 0: what a person writes.
	most int64
	// beside names the files in a document's folder, or in the root of its project, that judge wants to see
	// with it; "*" stands for the document's own name.
	beside []string
	// broken tells what is wrong with a document that a word named, so that it cannot be judged; nil: nothing can be.
	broken func(of *Files, stage string) error
	// judge looks at all documents of a target together, those beside them included.
	judge func(ctx context.Context, s *scan, t *finding.Target, docs []inventory.Document) ([]sight, []finding.Gap)
}

// families lists all of them.
func families() []family { return []family{dockerfiles, composeFiles, pipelineFiles, manifests} }

// known says that a document is one of the family.
func (f *family) known(d inventory.Document) bool {
	return f.wants(d.Path) && (f.is == nil || f.is(d.Bytes[:min(len(d.Bytes), inventory.DocumentHead)]))
}

// DocumentKinds lists the kinds of document that are judged.
func DocumentKinds() (names []string) {
	for _, f := range families() {
		names = append(names, f.name)
	}
	return names
}

// DocumentKind tells which kind of document lies at a path, and what a person calls it; empty when it is none.
// Head gives the first bytes of it, where the path alone does not tell; "-", the standard input, is known by them.
func DocumentKind(path string, head func() []byte) (kind, title string) {
	for _, f := range families() {
		if (f.wants(path) || path == "-") && (f.is == nil && path != "-" || f.is != nil && f.is(head())) {
			return f.name, f.title
		}
	}
	return "", ""
}

// MaxDocument bounds, in bytes, a document of a kind.
func MaxDocument(kind string) int64 {
	for _, f := range families() {
		if f.name == kind && f.most > 0 {
			return f.most
		}
	}
	return inventory.MaxDocument
}

// Beside names the files that may lie with a document and matter to it.
func Beside(kind, name string) (names []string) {
	for _, f := range families() {
		if f.name == kind {
			for _, b := range f.beside {
				names = append(names, strings.ReplaceAll(b, "*", name))
			}
		}
	}
	return names
}

// Broken tells what is wrong with files that a word named, so that they cannot be judged; that a Dockerfile does
// not have the stage, for one. No stage is asked for where it is empty.
func Broken(of *Files, stage string) error {
	for _, f := range families() {
		if f.name == of.Kind && f.broken != nil {
			return f.broken(of, stage)
		}
	}
	return nil
}

// wantsDocument says how a file of a source folder is to be kept whole. What a path alone tells wins.
func (s *scan) wantsDocument(at string) (keep inventory.Keep) {
	for _, f := range families() {
		beside := slices.ContainsFunc(f.beside, func(b string) bool {
			ok, _ := path.Match(b, path.Base(at))
			return ok
		})
		switch {
		case !s.concerns(f):
		case f.name == manifests.name && render.IsRoot(at):
			return inventory.Keep{Max: inventory.MaxDocument}
		case beside, f.wants(at) && f.is == nil:
			return inventory.Keep{Max: cmp.Or(f.most, inventory.MaxDocument)}
		case f.wants(at):
			keep = inventory.Keep{Max: cmp.Or(f.most, inventory.MaxDocument), Is: f.is}
		}
	}
	return keep
}

// sourceFolder is the origin of what is a folder of sources and no image.
const sourceFolder = "source"

// readerOf reads the layers of an image, or a source folder as the one layer that it is.
func (s *scan) readerOf(img *image.Image) inventory.Reader {
	reader := s.reader
	if img.Origin == sourceFolder {
		reader.Documents, reader.Traits = s.wantsDocument, false
	}
	return reader
}

// documentsOf are those of a source folder; an image keeps none.
func documentsOf(img *image.Image, st *stack) []inventory.Document {
	if img.Origin != sourceFolder {
		return nil
	}
	return st.contents[0].Documents
}

// files looks at documents that a word named.
func (s *scan) document(ctx context.Context, id string, of *Files) {
	s.report.Targets = append(s.report.Targets, finding.Target{ID: id, Kind: of.Kind, Name: of.Name, Origin: "file"})
	for _, f := range families() {
		if f.name == of.Kind {
			s.family(ctx, f, of.Documents)
		}
	}
	s.secretsOf(id, of.Documents)
}

// documents judges what lies in a source folder.
func (s *scan) documents(ctx context.Context, docs []inventory.Document) {
	for _, f := range families() {
		if slices.ContainsFunc(docs, f.known) || f.name == manifests.name && len(s.renders.made) > 0 {
			s.family(ctx, f, docs)
		}
	}
}

// concerns says that a family's documents are looked at. The image that a Dockerfile makes is judged as one, and
// held against policies, whether or not the Dockerfile's own checks run.
func (s *scan) concerns(f family) bool {
	return s.o.runs(f.name) || f.name == manifests.name && (s.o.runs("rbac") || s.o.runs("network")) || f.name == "dockerfile" && (s.o.runs("image") || s.o.Lookup != nil && len(s.o.Policies) > 0)
}

func (s *scan) family(ctx context.Context, f family, docs []inventory.Document) {
	if !s.concerns(f) {
		return
	}
	t := &s.report.Targets[len(s.report.Targets)-1]
	seen, gaps := f.judge(ctx, s, t, docs)
	for _, g := range gaps {
		g.Target = t.ID
		s.report.Coverage = append(s.report.Coverage, g)
	}
	s.sights(t, seen)
}

// sight is what one check saw in one place, or in as many as its counts say.
type sight struct {
	card    *check.Card // shared by all sights of the check: there is one for each document
	applies bool        // there was something to look at
	hits    []check.Hit
	counts  *finding.Check // nil: of one place
}

// sights adds what checks saw in a target to the report. Hits that have one fingerprint are one finding,
// in several places.
func (s *scan) sights(t *finding.Target, all []sight) {
	hits := 0
	for _, one := range all {
		hits += len(one.hits)
	}
	s.report.Findings = slices.Grow(s.report.Findings, hits)
	counts, at := map[string]int{}, make(map[string]int, hits)
	for _, one := range all {
		if !s.o.runs(word(one.card.ID)) {
			continue
		}
		n, ok := counts[one.card.ID]
		if !ok {
			n = len(s.report.Checks)
			counts[one.card.ID] = n
			s.report.Checks = append(s.report.Checks, finding.Check{Rule: one.card.ID, Target: t.ID})
		}
		count(&s.report.Checks[n], one)
		s.findings(t.ID, one, at)
	}
}

// findings adds those of a check's hits to the report: made several at a time, where they are to stand, and then folded
// into the first that has their fingerprint. At says where that stands.
func (s *scan) findings(target string, of sight, at map[string]int) {
	first := len(s.report.Findings)
	made := s.report.Findings[first : first+len(of.hits)]
	var group errgroup.Group
	group.SetLimit(max(s.o.Jobs, 1))
	for from := 0; from < len(made); from += atOnce {
		group.Go(func() error {
			for i := from; i < min(from+atOnce, len(made)); i++ {
				made[i] = of.card.Finding(target, of.hits[i])
				made[i].Risk = s.risk(&made[i])
				risk.Of(&made[i])
				made[i].Fingerprint = finding.Fingerprint(made[i], "")
			}
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	for i := range made {
		f := &made[i]
		same := f.Fingerprint
		if len(f.Suppressed) > 0 {
			same += " suppressed"
		}
		n, ok := at[same]
		if !ok {
			at[same] = len(s.report.Findings)
			s.report.Findings = append(s.report.Findings, *f) // at its place, or before it
			continue
		}
		known := &s.report.Findings[n]
		for _, l := range f.Locations { // overlays of one base have their lines in common
			if !slices.Contains(known.Locations, l) {
				known.Locations = append(known.Locations, l)
			}
		}
	}
}

func count(c *finding.Check, one sight) {
	switch {
	case one.counts != nil:
		c.Evaluated += one.counts.Evaluated
		c.Failed += one.counts.Failed
		c.NotApplicable += one.counts.NotApplicable
		c.NotAssessed += one.counts.NotAssessed
	case !one.applies:
		c.NotApplicable++
	case len(one.hits) > 0:
		c.Evaluated++
		c.Failed++
	default:
		c.Evaluated++
	}
}

// word is the family of a check's id. ShellCheck is asked about Dockerfiles only.
func word(id string) string {
	family, _, _ := strings.Cut(id, "/")
	switch family {
	case "shellcheck":
		return "dockerfile"
	case "pod":
		return "manifest"
	}
	return family
}

// unreadable is the gap of a document that cannot be read.
func unreadable(path string, err error) finding.Gap {
	g := finding.Gap{Class: "unreadable-file", Blocking: true, What: err.Error(), Path: path, Count: 1}
	var e *tree.Error
	if errors.As(err, &e) {
		g.Path, g.What = cmp.Or(e.Path, path), e.What
		if e.Line > 0 {
			g.What = fmt.Sprintf("line %d: %s", e.Line, e.What)
		}
	}
	return g
}
