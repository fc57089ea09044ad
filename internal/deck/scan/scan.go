// Package scan is the whole work of looking at one thing before it runs: images, folders and SBOMs in,
// a report out.
//
// Layers are read in parallel; what a layer holds is kept for the next image that has
// it. Then packages are judged, findings weighed, and the verdict given. Nothing is printed here, and
// nothing is fetched but what the caller hands in.
package scan

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/judge/license"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
	"github.com/plimsoll/plimsoll/internal/read/kube/render"
	"github.com/plimsoll/plimsoll/internal/read/shellcheck"
	"github.com/plimsoll/plimsoll/internal/weigh/baseline"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// Options of a scan.
type Options struct {
	Kinds    []ecosystem.Ecosystem
	Lookup   advisory.Lookup // nil: inventory only
	Tool     finding.Tool
	Line     gate.Line
	Policies []*policy.Policy
	// Admission are Kubernetes' own policies, for manifests; nil: none.
	Admission *native.Set
	// Signatures are those of an image that were verified, for policies; nil: nobody said who may sign.
	Signatures func(context.Context, *image.Image) ([]policy.Signature, error)
	Licenses   license.Rules // without any, no licence is judged
	Checks     []string      // families to run; empty: all
	// PodSecurity is the level of the Pod Security Standards that pods are held against; zero: each check is asked
	// for itself, in the newest version.
	PodSecurity standard.Span
	// Servers are where the API server takes connections, where what is read does not say.
	Servers []netip.AddrPort
	// Carriers are the workloads, as NAMESPACE/NAME, that bring what Ingresses and routes of Gateways publish; none: those that are
	// known by their labels.
	Carriers []string
	// PodRanges and NodeRanges are the addresses that pods and nodes have, where what is read does not say.
	PodRanges, NodeRanges []netip.Prefix
	// Values are what charts are rendered with; Render asks for that, the program plimsoll-render where it is nil.
	Values  render.Values
	Render  func(context.Context, render.Request) (render.Answer, error)
	Stage   string         // that is built of Dockerfiles; empty: the last, and all are judged
	Secrets *secret.Engine // what finds secrets; nil: our own rules
	// ShellCheck looks at what RUN lines of Dockerfiles tell shells; nil: nothing does.
	ShellCheck func([]shellcheck.Script) ([]shellcheck.Comment, error)
	Cache      Cache // nil: nothing is kept
	Jobs       int   // layers read at a time
	Verify     bool
	Skip       func(path string) string // the pattern that has a path passed over, or nothing; nil: none has
	Bases      Bases
	Bounds     Bounds
	TempDir    string // for what outgrows memory; the system's when empty
	Now        time.Time
	Progress   func(Progress) // nil: nobody wants to know
	Missing    []finding.Gap  // what the caller wanted looked at and could not open

	Exceptions   *exception.Set     // nil: nothing is let pass
	NoBeside     bool               // nor by a .hadolint.yaml beside a Dockerfile
	Baseline     *baseline.Baseline // nil: all findings count alike
	BaselineFile finding.File       // where the baseline was read

	// Enforcement is what a probe of the cluster's network came to; nil: nothing is known.
	Enforcement *enforcement.Known

	// EndOfLife is the day a distribution's support ends; false when that is not known.
	EndOfLife func(ecosystem.Release) (time.Time, bool)
}

// Cache keeps what layers hold.
type Cache interface {
	Get(key string) ([]byte, bool)
	Put(key string, value []byte) error
}

// Progress says that a layer was read.
type Progress struct {
	Target string
	Done   int
	Of     int
	Cached bool
}

// Memory and disk that files of compressed layers may take while they are read.
const (
	bufferMemory = 32 << 20
	bufferDisk   = 8 << 30
)

// Subject is one thing to look at: an image, what an SBOM says of one, or what one is made from.
type Subject struct {
	Image *image.Image
	Bill  *Bill
	Files *Files
	// Cluster is what a cluster holds, or held when it was dumped.
	Cluster *Cluster
	// Probed is what a machine's ports answered.
	Probed *Probed
	// Trial is what pods met in a cluster's network while policies came and went.
	Trial *pair.Trial
	// Host is what was read of one.
	Host *host.Host
}

// Objects says that Kubernetes' objects may be among what is looked at.
func (s *Subject) Objects() bool {
	return s.Cluster != nil || s.Files != nil && s.Files.Kind == manifests.name || s.Image != nil && s.Image.Origin == sourceFolder
}

// Bill is an inventory that somebody else made.
type Bill struct {
	Name     string
	Kind     string // sbom
	Origin   string // its format
	Digest   string
	Release  *ecosystem.Release
	Packages []inventory.Package
	Gaps     []finding.Gap // what the document says that cannot be used
}

// Run looks at every subject and returns one report; an inventory alone has no verdict. Layers that subjects share are read once. What
// goes wrong with one subject is a gap of the report; an error means that there is no report at all.
func Run(ctx context.Context, subjects []Subject, o Options) (*finding.Report, error) {
	s := &scan{o: o, report: &finding.Report{Schema: finding.Schema, Tool: o.Tool}, reader: inventory.Reader{
		Ecosystems: o.Kinds, Buffer: layer.NewBuffer(bufferMemory, bufferDisk, o.TempDir), Verify: o.Verify,
		Kept: o.Bounds.orDefault().Kept, Limits: layer.DefaultLimits, Traits: true,
	}, bounds: o.Bounds.orDefault(), upgrades: map[string]string{}, kinds: map[string]string{}}
	s.passed.seed = maphash.MakeSeed()
	s.reader.Skip = s.skipper(passed{}) // for second looks, which count nothing
	s.report.Coverage = slices.Clone(o.Missing)
	if err := s.search(); err != nil {
		return nil, err
	}
	for _, one := range subjects {
		if one.Files != nil {
			s.files = append(s.files, one.Files)
			if one.Files.isPacked() && s.concerns(manifests) {
				s.renderNamed(ctx, one.Files)
			}
		}
	}
	for _, one := range subjects {
		if err := s.subject(ctx, one); err != nil {
			return nil, err
		}
	}
	if err := s.missed(); err != nil {
		return nil, err
	}
	s.nothingAsked()
	if o.Lookup != nil {
		s.once()
		s.ofTheImage()
		if err := s.decided(ctx); err != nil {
			return nil, err
		}
		s.group()
		gate.Judge(s.report, o.Line)
	}
	finding.Sort(s.report)
	return s.report, nil
}

// decided holds findings against what the user decided: exceptions, then policies, which see what is excepted
// and what they find may be excepted, too.
func (s *scan) decided(ctx context.Context) error {
	if err := s.except(); err != nil {
		return err
	}
	s.policies(ctx)
	if err := s.except(); err != nil {
		return err
	}
	s.exceptionsTold()
	return nil
}

// runs says whether a family of checks was asked for.
func (o *Options) runs(family string) bool {
	return o.Lookup != nil && (len(o.Checks) == 0 || slices.Contains(o.Checks, family))
}

type scan struct {
	o        Options
	report   *finding.Report
	reader   inventory.Reader
	read     memo
	passed   passedBy
	bounds   Bounds
	listed   int64             // of the bound on all targets
	upgrades map[string]string // package id → the version that clears what is known of it
	kinds    map[string]string // package id → the name of its ecosystem
	excepted excepted
	aimed    aimed
	recipes  []recipe
	products []product
	card     func(word string) []check.Card // the checks of an id or alias
	known    map[string]*policy.Facts       // target id → what policies may ask beyond the report
	objects  []asked                        // what admission policies may ask
	files    []*Files                       // that words named
	named    *kube.Snapshot                 // what the manifests among them hold
	renders  renders                        // of the target that is looked at
	exposed  map[workloadKey]network.Exposure
	terms    *license.Table
	redact   *secret.Engine        // takes secrets out of what is shown
	cards    map[string]check.Card // of secrets, by id
}

func (s *scan) subject(ctx context.Context, one Subject) error {
	id := fmt.Sprintf("t%d", len(s.report.Targets)+1)
	if one.Bill != nil {
		s.bill(id, one.Bill)
		s.emptyGap(id, one.Bill.Packages, 0)
		return s.judge(id, one.Bill.Packages, one.Bill.Release)
	}
	if one.Files != nil {
		s.document(ctx, id, one.Files)
		return nil
	}
	if one.Cluster != nil {
		return s.cluster(ctx, id, one.Cluster)
	}
	if one.Host != nil {
		return s.host(id, one.Host)
	}
	if one.Trial != nil {
		s.tried(id, one.Trial)
		return nil
	}
	if one.Probed != nil {
		s.probed(id, one.Probed)
		return nil
	}
	img := one.Image
	var gaps []finding.Gap
	for _, g := range img.Gaps {
		gaps = append(gaps, finding.Gap{Class: g.Class, Blocking: true, Target: id, What: g.What, Count: 1})
	}
	st := s.layers(ctx, img)
	gaps = append(gaps, s.skipped(id, st.contents)...)
	s.passed.drop(&s.read)
	inv, more := s.squash(ctx, id, img, st)
	for i, of := range inv.Layers {
		gaps = append(gaps, layerGaps(id, i, of, st.errs[i])...)
	}
	gaps = append(gaps, more...)
	s.target(ctx, id, img, st.contents, inv)
	s.report.Coverage = append(s.report.Coverage, gaps...)
	s.distributionGap(&s.report.Targets[len(s.report.Targets)-1], inv.Packages)
	docs := documentsOf(img, st)
	s.emptyGap(id, inv.Packages, len(docs))
	s.configuration(img, &inv)
	s.ask(ctx, id, img, &inv)
	s.secrets(img, &inv)
	s.history(img)
	var err error
	if s.renders, err = s.renderFolder(ctx, img, docs); err != nil {
		return err
	}
	linked, gaps := s.linked(id, img, st, docs)
	s.report.Coverage = append(s.report.Coverage, gaps...)
	s.documents(ctx, append(docs, linked...))
	if err := s.judge(id, inv.Packages, inv.Release); err != nil {
		return err
	}
	return s.newer(&s.report.Targets[len(s.report.Targets)-1])
}

// squash lays the layers over each other, and reads what turns out to be wanted only then: files that
// links lead to, or that others include.
func (s *scan) squash(ctx context.Context, id string, img *image.Image, st *stack) (inventory.Inventory, []finding.Gap) {
	var gaps []finding.Gap
	asked := map[inventory.Need]bool{}
	inv := inventory.Squash(st.contents, s.o.Kinds)
	for round := 0; ; round++ {
		needs := slices.DeleteFunc(inv.Needs, func(n inventory.Need) bool { return asked[n] })
		if len(needs) == 0 {
			return inv, append(gaps, fewer(id, nil, inv.Gaps)...)
		}
		if round == maxRounds {
			deep := finding.Gap{Class: "limit-reached", Blocking: true, Target: id, What: "files include each other too deep", Path: needs[0].Path, Count: len(needs)}
			return inv, append(append(gaps, fewer(id, nil, inv.Gaps)...), deep)
		}
		for _, n := range needs {
			asked[n] = true
		}
		gaps = append(gaps, s.again(ctx, id, img, st, needs)...)
		inv = inventory.Squash(st.contents, s.o.Kinds)
	}
}

// maxRounds bounds how deep files include each other. Each round reads the layers that hold them once more.
const maxRounds = 5

// layerGaps turns what a layer could not tell into gaps of the report.
func layerGaps(id string, i int, of []inventory.Gap, err error) []finding.Gap {
	var gaps []finding.Gap
	if err != nil {
		class, what := "unreadable-layer", err.Error()
		var unread *layer.UnreadError
		switch {
		case errors.Is(err, layer.ErrLimit):
			class = "limit-reached"
		case errors.Is(err, layer.ErrDigest):
			class = "digest-mismatch"
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			class, what = "interrupted", "not read to its end, because the scan was interrupted"
		case errors.As(err, &unread):
			class = "unreadable-file"
		}
		gaps = append(gaps, finding.Gap{Class: class, Blocking: true, Target: id, What: what, Layer: &i, Count: 1})
	}
	return append(gaps, fewer(id, &i, of)...)
}

// maxAlike is how many gaps of one class a layer may list one by one.
const maxAlike = 3

// fewer turns the gaps of a layer into gaps of the report. Many of a class become one, with the first
// as its example.
func fewer(id string, layer *int, of []inventory.Gap) []finding.Gap {
	type class struct {
		name     string
		blocking bool
	}
	counts := map[class]int{}
	for _, g := range of {
		counts[class{g.Class, g.Blocking}]++
	}
	var gaps []finding.Gap
	at := map[class]int{}
	for _, g := range of {
		c := class{g.Class, g.Blocking}
		if n, listed := at[c]; listed && counts[c] > maxAlike {
			gaps[n].Count += g.Count
			continue
		}
		at[c] = len(gaps)
		gaps = append(gaps, finding.Gap{Class: g.Class, Blocking: g.Blocking, Target: id, What: g.What, Path: within(g), Layer: layer, Count: max(g.Count, 1)})
	}
	for n := range gaps {
		if g := &gaps[n]; g.Count > 1 {
			g.What = fmt.Sprintf("%s, and %d more", g.What, g.Count-1)
		}
	}
	return gaps
}

// within is the path of a gap, as the report writes what lies in an archive.
func within(g inventory.Gap) string {
	if g.Inner == "" {
		return g.Path
	}
	return g.Path + "!/" + g.Inner
}
