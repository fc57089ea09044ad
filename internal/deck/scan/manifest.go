package scan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/risk"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// manifests say what runs in a cluster. They are known by what is in them: any YAML or JSON may be one.
var manifests = family{
	name: "manifest", title: "a Kubernetes manifest",
	wants: kube.MayBe, is: kube.Looks, most: kube.MaxFile,
	broken: brokenManifest,
	judge:  judgeManifests,
}

// manifest is a file of objects, read.
type manifest struct {
	objects  []*kube.Object
	problems []*kube.Problem
}

// brokenManifest wants a file to hold objects.
func brokenManifest(of *Files, _ string) error {
	if of.isPacked() {
		return nil // what is wrong with a chart is told when it is rendered
	}
	of.manifests = readManifests(of.Documents, 1)
	m := of.manifests[0]
	switch {
	case len(m.objects) > 0:
		return nil
	case len(m.problems) == 0:
		return fmt.Errorf("%s: it holds no Kubernetes object: one has apiVersion and kind", of.Name)
	case m.problems[0].Template:
		return fmt.Errorf("%w (%s)", m.problems[0], aTemplate)
	}
	return m.problems[0]
}

const aTemplate = "a template ({{ }}) is no YAML: scan what is made of it, as in helm template CHART | plimsoll scan --as manifest -"

// readManifests reads documents, several at a time.
func readManifests(docs []inventory.Document, jobs int) []manifest {
	all := make([]manifest, len(docs))
	var reader kube.Reader
	var group errgroup.Group
	group.SetLimit(max(jobs, 1))
	for i, d := range docs {
		group.Go(func() error {
			all[i].objects, all[i].problems = reader.Manifest(d.Path, d.Bytes)
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	return all
}

// snapshot puts together what files hold, so that the namespace in one counts for the pod in another.
func snapshot(files []manifest) *kube.Snapshot {
	var all manifest
	for _, m := range files {
		all.objects = append(all.objects, m.objects...)
		all.problems = append(all.problems, m.problems...)
	}
	return kube.NewSnapshot(all.objects, all.problems)
}

// lot is objects that are judged together, among others that they stand with.
type lot struct {
	around *kube.Snapshot
	own    map[string]bool // the files whose objects are judged
	whole  bool            // what is not around is nowhere
	// addresses are those of the pods that an object made; nil: nobody knows.
	addresses func(*kube.Object) []string
}

// lots are those of a target: its own files; and, each for itself, what charts and overlays make, beside those files.
func (s *scan) lots(t *finding.Target, docs []inventory.Document) (all []lot, gaps []finding.Gap) {
	own := map[string]bool{}
	if t.Kind != sourceFolder {
		for _, of := range s.files {
			if len(docs) > 0 && &of.Documents[0] == &docs[0] {
				gaps = of.gaps
				for _, m := range of.manifests {
					m.own(own)
				}
			}
		}
		own[docs[0].Path] = true
		return []lot{{around: s.around(), own: own}}, gaps
	}
	docs = slices.DeleteFunc(slices.Clone(docs), func(d inventory.Document) bool { return !isManifest(d) || s.renders.parts(d.Path) })
	for _, d := range docs {
		own[d.Path] = true
	}
	files := readManifests(docs, s.o.Jobs)
	all = []lot{{around: snapshot(files), own: own}}
	for _, r := range s.renders.made {
		gaps = append(gaps, r.gaps...)
		its := map[string]bool{}
		r.own(its)
		all = append(all, lot{around: snapshot(append([]manifest{r.manifest}, files...)), own: its})
	}
	return all, gaps
}

// around is what files that are named are judged among: all that one call names.
func (s *scan) around() *kube.Snapshot {
	if s.named == nil {
		var all []manifest
		for _, of := range s.files {
			all = append(all, of.manifests...)
		}
		s.named = snapshot(all)
	}
	return s.named
}

// judgeManifests runs all checks on each workload, and says what was passed over.
func judgeManifests(ctx context.Context, s *scan, t *finding.Target, docs []inventory.Document) (seen []sight, gaps []finding.Gap) {
	lots, gaps := s.lots(t, docs)
	seen, more := s.judgeLots(ctx, t.ID, lots, s.redact.Worst)
	return seen, append(gaps, more...)
}

// judgeLots runs all checks on each workload of a target. Worst tells what the worst secret in a setting is.
func (s *scan) judgeLots(ctx context.Context, id string, lots []lot, worst func(string) (string, finding.Severity)) (seen []sight, gaps []finding.Gap) {
	var facts []pod.Facts
	strange, tiers := map[string]int{}, false
	for _, l := range lots {
		s.askObjects(id, l.around, l.own)
		makes := map[*kube.Object]bool{}
		for i := range l.around.Workloads {
			if w := &l.around.Workloads[i]; l.own[w.Source.Path] {
				s.excepted.object(id, w.Object)
				facts = append(facts, pod.Facts{Workload: w, Around: l.around, Whole: l.whole, Standard: s.o.PodSecurity, Secret: worst})
				makes[w.Object] = true
			}
		}
		for _, o := range l.around.Objects {
			tiers = tiers || network.Tiered(o)
			if l.own[o.Source.Path] && !o.Known() && !makes[o] {
				strange[o.Kind]++
			}
		}
		seen = append(seen, lookAtNamespaces(l.around, l.own)...)
		rights, wrong := s.lookAtRights(id, l)
		seen, gaps = append(seen, rights...), append(gaps, wrong...)
		wires, doubts := s.lookAtNetwork(ctx, id, l)
		seen, gaps = append(seen, wires...), append(gaps, doubts...)
		gaps = append(gaps, manifestGaps(id, l.around.Problems, l.own)...)
	}
	if s.o.Enforcement != nil && s.o.runs("network") {
		s.report.Targets[len(s.report.Targets)-1].Network = s.o.Enforcement.Network
		seen, gaps = append(seen, inert(s.o.Enforcement)...), append(append(gaps, s.o.Enforcement.Gaps(tiers)...), s.o.Enforcement.Notes()...)
	}
	if !s.o.runs("manifest") {
		facts = nil
	}
	pods, unknown := lookAtPods(facts, s.o.Jobs)
	return append(pods, seen...), append(append(gaps, unknown...), strangeGap(strange)...)
}

// isManifest knows one in a folder of sources.
func isManifest(d inventory.Document) bool {
	return kube.MayBe(d.Path) && kube.Looks(d.Bytes[:min(len(d.Bytes), inventory.DocumentHead)])
}

// manifestGaps tells of what could not be read.
func manifestGaps(id string, problems []*kube.Problem, own map[string]bool) []finding.Gap {
	var broken []inventory.Gap
	templates := map[string]bool{}
	for _, p := range problems {
		switch {
		case !own[p.Path]:
		case p.Template:
			templates[p.Path] = true
		default:
			what := p.What
			if p.Path != "" { // and it is no object of a cluster
				what = fmt.Sprintf("line %d: %s", p.Line, what)
			}
			broken = append(broken, inventory.Gap{Class: "unreadable-file", Blocking: true, What: what, Path: p.Path, Count: 1})
		}
	}
	gaps := fewer(id, nil, broken)
	if n := len(templates); n > 0 {
		first := slices.Min(slices.Collect(maps.Keys(templates)))
		gaps = append(gaps, finding.Gap{Class: "template", Path: first, Count: n, What: plural(n, "file") + " of objects not judged: " + aTemplate})
	}
	return gaps
}

// strangeGap tells of objects of kinds that are not Kubernetes' own, and in which no pod was found.
func strangeGap(kinds map[string]int) []finding.Gap {
	n := 0
	for _, of := range kinds {
		n += of
	}
	if n == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(kinds))
	return []finding.Gap{{Class: "unknown-kind", Count: n, What: fmt.Sprintf("no pod in %s of %s: %s", plural(n, "object"), plural(len(names), "kind"), some(names))}}
}

// atOnce is how many workloads one goroutine looks at.
const atOnce = 128

// podsSeen is what checks saw in some workloads, by check.
type podsSeen struct {
	counts  []finding.Check
	hits    [][]check.Hit
	unknown [][]string
}

// lookAtPods runs all checks, on several workloads at a time.
func lookAtPods(facts []pod.Facts, jobs int) (seen []sight, gaps []finding.Gap) {
	checks := pod.Checks()
	parts := slices.Collect(slices.Chunk(facts, atOnce))
	all := make([]podsSeen, len(parts))
	var group errgroup.Group
	group.SetLimit(max(jobs, 1))
	for i, part := range parts {
		group.Go(func() error {
			all[i] = lookAtSome(checks, part)
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	for i := range checks {
		one := sight{card: &checks[i].Card, counts: &finding.Check{}}
		var hits [][]check.Hit
		var unknown []string
		for _, l := range all {
			count(one.counts, sight{counts: &l.counts[i]})
			hits = append(hits, l.hits[i])
			unknown = append(unknown, l.unknown[i]...)
		}
		one.hits = slices.Concat(hits...)
		seen = append(seen, one)
		if len(unknown) > 0 {
			slices.Sort(unknown)
			unknown = slices.Compact(unknown)
			gaps = append(gaps, finding.Gap{Class: "unknown-fact", Count: len(unknown), What: checks[i].ID + " would have to know " + some(unknown)})
		}
	}
	return seen, gaps
}

// lookAtNamespaces runs all checks of namespaces.
func lookAtNamespaces(around *kube.Snapshot, own map[string]bool) (seen []sight) {
	checks := pod.NamespaceChecks()
	for _, o := range around.Objects {
		if !own[o.Source.Path] || !pod.IsNamespace(o) {
			continue
		}
		for i := range checks {
			seen = append(seen, sight{card: &checks[i].Card, applies: true, hits: checks[i].Look(o)})
		}
	}
	return seen
}

// lookAtRights runs all checks of RBAC on what is judged together: what one binding gives, another may make more of.
func (s *scan) lookAtRights(id string, l lot) (seen []sight, gaps []finding.Gap) {
	if !s.o.runs("rbac") {
		return nil, nil
	}
	facts := risk.Read(l.around, func(o *kube.Object) bool { return l.own[o.Source.Path] }, l.whole)
	if facts == nil {
		return nil, nil
	}
	for _, o := range l.around.Objects {
		if l.own[o.Source.Path] && risk.Is(o) {
			s.excepted.object(id, o)
		}
	}
	checks := risk.Checks()
	for i := range checks {
		hits, applies := checks[i].Look(facts)
		seen = append(seen, sight{card: &checks[i].Card, applies: applies, hits: hits})
	}
	gaps = manifestGaps(id, facts.Problems(), l.own)
	if unread := facts.Unread(); len(unread) > 0 {
		only := len(s.o.Checks) == 1 // else a manifest may well bind to another's role: the gap is told
		gaps = append(gaps, finding.Gap{Class: "unknown-fact", Blocking: only, Count: len(unread), What: "roles that bindings name were not read, and what they give is not known: " + some(unread)})
	}
	return seen, gaps
}

// nothingAsked tells of a call that asks for nothing but who may do what, or who reaches whom, where nothing says so.
func (s *scan) nothingAsked() {
	if s.o.runs("rbac") && len(s.o.Checks) == 1 && !slices.ContainsFunc(s.report.Checks, func(c finding.Check) bool { return word(c.Rule) == "rbac" }) {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{Class: "no-role", Blocking: true, Count: 1, What: "no role, binding or account was read: who may do what is not known"})
	}
	if s.o.runs("network") && len(s.o.Checks) == 1 && !slices.ContainsFunc(s.report.Checks, func(c finding.Check) bool { return word(c.Rule) == "network" }) {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{Class: "no-pod", Blocking: true, Count: 1, What: "no pod, and nothing that makes pods, was read: who reaches whom is not known"})
	}
}

func lookAtSome(checks []pod.Check, facts []pod.Facts) podsSeen {
	l := podsSeen{make([]finding.Check, len(checks)), make([][]check.Hit, len(checks)), make([][]string, len(checks))}
	for i := range facts {
		for n, c := range checks {
			hits, unknown := c.Look(&facts[i])
			switch {
			case len(hits) > 0:
				l.counts[n].Evaluated++
				l.counts[n].Failed++
			case len(unknown) > 0:
				l.counts[n].NotAssessed++
			default:
				l.counts[n].Evaluated++
			}
			l.hits[n] = append(l.hits[n], hits...)
			for _, u := range unknown {
				l.unknown[n] = append(l.unknown[n], strings.TrimSpace(facts[i].Kind+" "+facts[i].Name)+": "+u)
			}
		}
	}
	return l
}
