package cli

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/ecosystem/distro"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/tell/layercache"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// readOptions say what is read and how; scan and sbom share them.
type readOptions struct {
	target   targetOptions
	outputs  []string
	template string
	skip     []string
	cacheDir string
	noCache  bool
	jobs     int
}

// reportFlags are the flags of commands that write a report.
func (o *readOptions) reportFlags(f *pflag.FlagSet, formats []string) {
	o.flags(f)
	o.outputFlags(f, formats)
	f.Var(repeated(&o.skip), "skip", "`PATH` inside the target that is not looked at, with * and ?; a folder means all below it; may be repeated")
}

func (o *readOptions) outputFlags(f *pflag.FlagSet, formats []string) {
	f.VarP(repeated(&o.outputs), "output", "o", "`FORMAT[=FILE]` of the report: "+strings.Join(formats, ", ")+"; may be repeated")
	f.StringVar(&o.template, "template", "", "Go template `FILE` for -o template; one called *.html is escaped as HTML")
}

func (o *readOptions) flags(f *pflag.FlagSet) {
	o.target.flags(f)
	f.StringVar(&o.cacheDir, "cache-dir", "", "`DIR` that keeps what layers hold (default: in the user's cache folder)")
	f.BoolVar(&o.noCache, "no-cache", false, "keep nothing, and use nothing that was kept")
	f.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "`NUMBER` of layers read at a time")
}

// cache opens the folder of kept layers; a nil cache keeps nothing.
func (o *readOptions) cache(g *global) scan.Cache {
	if o.noCache {
		return nil
	}
	dir := g.layerCacheDir(o.cacheDir)
	if dir == "" {
		return nil
	}
	c, err := layercache.Open(dir, 0)
	if err != nil {
		g.say("plimsoll: %v; going on without it", err)
		return nil
	}
	return c
}

type scanOptions struct {
	read        readOptions
	base        string
	bases       baseOptions
	db          dbOptions
	failOn      string
	podSecurity string
	unfixed     bool
	allowGap    []string
	severities  []string
	fixes       string
	filter      scan.Filter
	checks      []string
	servers     []string // the API server's
	carriers    []string // of what Ingresses and routes publish
	networks    rangeOptions
	except      exceptOptions
	policies    policyOptions
	licenses    licenseOptions
	secrets     secretOptions
	shellcheck  bool
	charts      chartOptions
	signer      signerOptions
	enforced    enforcedOptions
}

func (o *scanOptions) flags(f *pflag.FlagSet) {
	o.read.reportFlags(f, formats(false))
	o.db.flags(f)
	o.bases.flags(f)
	o.except.flags(f)
	o.policies.flags(f, "")
	o.licenses.flags(f)
	o.secrets.flags(f)
	f.StringVar(&o.base, "base", "", "known base `IMAGE` that the targets are built on (default: what they say, or their layers)")
	o.gateFlags(f)
	f.BoolVar(&o.unfixed, "fail-on-unfixed", false, "deny also what has no fix yet")
	f.BoolVar(&o.filter.OnlyFixed, "only-fixed", false, "show only what has a fix; the gate sees all")
	f.BoolVar(&o.filter.BaseOnly, "base-only", false, "show only what the base image brought; the gate sees all")
	f.BoolVar(&o.filter.AppOnly, "app-only", false, "show only what stands on the base image; the gate sees all")
	f.StringVar(&o.fixes, "fix", "", "show what can safely be rewritten in Dockerfiles and manifests that are named, as a diff on stderr; with --fix=write, rewrite it")
	f.Lookup("fix").NoOptDefVal = fixShow
	f.BoolVar(&o.shellcheck, "shellcheck", false, "have the program shellcheck, which must be on the PATH, look at what RUN lines of Dockerfiles tell shells")
	f.Var(parted(&o.checks), "checks", "`KINDS` of check to run: "+strings.Join(checkKinds, ", ")+" (default: all)")
}

// gateFlags draw the gate's line.
func (o *scanOptions) gateFlags(f *pflag.FlagSet) {
	f.StringVar(&o.failOn, "fail-on", "high", "least `SEVERITY` that denies, when there is a fix: critical, high, medium, low, info or unknown; what is known to be exploited denies too; policy leaves it to policies alone, none only reports")
	f.Var(repeated(&o.allowGap), "allow-gap", "`CLASS` of what was not assessed that is accepted (plimsoll explain gaps); may be repeated")
	f.Var(parted(&o.severities), "severity", "show only these `SEVERITIES`; the gate sees all")
}

func (o *scanOptions) podSecurityFlag(f *pflag.FlagSet) {
	f.StringVar(&o.podSecurity, "pod-security", "", "`LEVEL[:VERSION]` of the Pod Security Standards (baseline:1.36) that denies pods; LEVEL:FROM..TO also tells what the newer version decides otherwise")
}

// line is the gate that the flags draw.
func (o *scanOptions) line() (gate.Line, error) {
	l := gate.Line{Unfixed: o.unfixed, Allow: o.allowGap, Disclosed: o.except.failOnDisclosed, Policies: o.failOn == "policy"}
	if !l.Policies && o.failOn != "none" {
		s, err := finding.ParseSeverity(o.failOn)
		if err != nil || o.failOn == "" {
			return l, usage("--fail-on %q: use critical, high, medium, low, info, unknown, policy or none", o.failOn)
		}
		l.FailOn = s
	}
	for _, class := range o.allowGap {
		if _, ok := catalog.FindGap(class); !ok {
			return l, usage("--allow-gap %q is no class of gap%s (plimsoll explain gaps lists them)", class, suggestion(class, gapClasses()))
		}
	}
	return l, nil
}

// checkKinds are the families that --checks chooses from.
var checkKinds = []string{"vuln", "image", "secret", "dockerfile", "compose", "pipeline", "manifest", "rbac", "network", "license"}

func (o *scanOptions) validate() error {
	if o.filter.BaseOnly && o.filter.AppOnly {
		return usage("--base-only and --app-only leave nothing: use one of them")
	}
	if o.unfixed && (o.failOn == "none" || o.failOn == "policy") {
		return usage("--fail-on-unfixed widens what --fail-on denies, and --fail-on %s denies nothing by severity: leave one of them out", o.failOn)
	}
	if o.failOn == "policy" && len(o.policies.words) == 0 {
		return usage("--fail-on policy denies nothing where no policy is named: give --policy, or --fail-on none to only report")
	}
	if err := o.licenses.validate(o.checks); err != nil {
		return err
	}
	for _, c := range o.checks {
		if !slices.Contains(checkKinds, c) {
			return usage("--checks %q: use %s", c, strings.Join(checkKinds, ", "))
		}
	}
	for _, word := range o.severities {
		s, err := finding.ParseSeverity(word)
		if err != nil {
			return usage("--severity %v", err)
		}
		o.filter.Severities = append(o.filter.Severities, s)
	}
	var err error
	o.filter.Since, err = o.except.classes()
	return err
}

func newScan(g *global) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan [flags] TARGET...",
		Short: "Find what is wrong with images, folders and SBOMs, and give a verdict",
		Long: "Scan takes an inventory of each target, compares it with known vulnerabilities and says what to do.\n\n" +
			"A TARGET is taken by its scheme (docker: containerd: podman: registry: oci: archive: rootfs: container:\n" +
			"sbom:), else as a path when it begins with . / or ~ or exists, else as an image of this host's engines,\n" +
			"else as an image of a registry; - is an archive or an SBOM on the standard input. What it was taken for\n" +
			"is said on stderr and in the report. All words are looked at before any is opened: a wrong one ends the\n" +
			"call with status 2, and one whose engine or registry does not answer is a gap beside the others.\n\n" +
			"Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong,\n" +
			"3 incomplete: something failed or was not assessed, and nothing denied.",
		Example: "  plimsoll scan debian:12\n" +
			"  plimsoll scan --fail-on critical -o sarif=out.sarif -o table ./image.tar\n" +
			"  docker save shop/cart | plimsoll scan -",
		Args: words(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error { return runScan(cmd.Context(), g, &o, args) },
	}
	o.flags(cmd.Flags())
	o.podSecurityFlag(cmd.Flags())
	cmd.Flags().StringVar(&o.read.target.stage, "target", "", "`STAGE` of Dockerfiles that is built, by name or number; what it does not need is not judged (default: the last, and all are judged)")
	o.charts.flags(cmd.Flags(), "namespace")
	o.enforced.flags(cmd.Flags())
	o.signer.flags(cmd.Flags(), "key")
	cmd.Flags().Lookup("key").Usage = seenByPolicies
	return cmd
}

// seenByPolicies says what a signer's key is for in a scan.
const seenByPolicies = "PEM `FILE` of a public key or certificate whose signatures policies see (image.signatures); may be repeated"

func runScan(ctx context.Context, g *global, o *scanOptions, words []string) error {
	return o.run(ctx, g, words, func() (*opened, error) { return o.read.target.open(ctx, g, words) })
}

// run scans what open opens: what the words name, where there are some.
func (o *scanOptions) run(ctx context.Context, g *global, words []string, open func() (*opened, error)) error {
	if err := o.validate(); err != nil {
		return err
	}
	out, err := parseOutputs(o.read.outputs, "table", false)
	if err != nil {
		return err
	}
	options, err := out.options(g, o.read.template)
	if err != nil {
		return err
	}
	settings, err := o.settings(ctx, g)
	if err != nil {
		return err
	}
	db, err := o.db.open(ctx, g)
	if err != nil {
		return err
	}
	defer db.Close()
	given, err := o.except.open(g)
	if err != nil {
		return err
	}
	known, err := o.enforced.read(g)
	if err != nil {
		return err
	}
	if o.fixes != "" { // nothing is rewritten by a call that is wrong in something else
		if err := o.fix(ctx, g, words); err != nil {
			return err
		}
	}
	r, err := read(ctx, g, &o.read, open, func(so *scan.Options, subjects []scan.Subject) error {
		idle(g, subjects)
		settings(so)
		so.Lookup, so.Tool.Database = db, db.Describe()
		if err := o.enforced.into(g, so, subjects, known); err != nil {
			return err
		}
		return given.into(g, so, subjects)
	})
	if err != nil {
		return contradicted(err)
	}
	if err := o.charts.idle(); err != nil {
		return err
	}
	o.enforced.idle(g, r)
	given.tell(g, r)
	options.Hidden, options.Part = o.filter.Apply(r), o.filter.BaseOnly || o.filter.AppOnly
	if options.Part {
		o.baseless(g, r)
	}
	return outcome(r.Verdict.Action, out.write(g, r, options))
}

// settings opens what a scan judges by, but for the advisories and what was decided of single findings.
func (o *scanOptions) settings(ctx context.Context, g *global) (func(*scan.Options), error) {
	line, err := o.line()
	if err != nil {
		return nil, err
	}
	secrets, err := o.secrets.engine()
	if err != nil {
		return nil, err
	}
	check, err := o.shellchecker(ctx)
	if err != nil {
		return nil, err
	}
	known, err := o.bases.known(g, o.base)
	if err != nil {
		return nil, err
	}
	policies, admission, err := o.policies.scans(ctx, &o.read.target)
	if err != nil {
		return nil, err
	}
	signatures, err := o.signatures(g)
	if err != nil {
		return nil, err
	}
	values, err := o.charts.read()
	if err != nil {
		return nil, err
	}
	var level standard.Span
	if o.podSecurity != "" {
		if level, err = standard.ParseSpan(o.podSecurity); err != nil {
			return nil, usage("--pod-security: %v", err)
		}
		line.Controls = level.Controls()
	}
	servers, err := serverAddresses(o.servers)
	if err != nil {
		return nil, err
	}
	named, err := carriers(o.carriers)
	if err != nil {
		return nil, err
	}
	pods, nodes, err := o.networks.read()
	if err != nil {
		return nil, err
	}
	return func(so *scan.Options) {
		so.Servers, so.Carriers = servers, named
		so.PodRanges, so.NodeRanges = pods, nodes
		so.PodSecurity, so.Values, so.Render = level, values, o.charts.ask
		so.Line, so.Checks, so.Stage, so.Now = line, o.checks, o.read.target.stage, g.env.Now()
		so.Policies, so.Admission, so.Signatures, so.Licenses = policies, admission, signatures, o.licenses.rules
		so.Secrets, so.ShellCheck = secrets, check
		so.Bases = scan.Bases{Known: known, Named: o.base}
	}, nil
}

// baseless says of which targets no part could be told apart.
func (o *scanOptions) baseless(g *global, r *finding.Report) {
	flag, shown := "--base-only", "nothing of it is shown"
	if o.filter.AppOnly {
		flag, shown = "--app-only", "all of it is shown"
	}
	for _, t := range r.Targets {
		if t.Base == nil || t.Base.Layers == 0 {
			g.say("plimsoll: %s: which layers of %s are its base is not known, and so %s; name the base with --base, or enter it with plimsoll base add", flag, t.Name, shown)
		}
	}
}

// read scans what is opened.
func read(ctx context.Context, g *global, o *readOptions, open func() (*opened, error), more func(*scan.Options, []scan.Subject) error) (*finding.Report, error) {
	skipped, err := o.skips()
	if err != nil {
		return nil, err
	}
	if o.jobs < 1 {
		return nil, usage("--jobs %d: at least 1", o.jobs)
	}
	targets, err := open()
	if err != nil {
		return nil, err
	}
	defer targets.close()
	bar := newBar(g)
	defer bar.clear()
	log := g.logger()
	so := scan.Options{
		Kinds: all.Ecosystems(), Tool: finding.Tool{Name: "plimsoll", Version: version()}, Cache: o.cache(g), Jobs: o.jobs,
		Verify: o.target.verify, Skip: skipped.question(), Progress: func(p scan.Progress) {
			log.Debug("layer done", "target", p.Target, "done", p.Done, "of", p.Of, "kept", p.Cached)
			bar.show(p)
		}, EndOfLife: distro.EndOfLife, Missing: targets.missing,
	}
	if first := targets.subjects[0].Image; first != nil {
		bar.show(scan.Progress{Target: first.Name, Of: len(first.Layers)})
	}
	if err := more(&so, targets.subjects); err != nil {
		return nil, err
	}
	r, err := scan.Run(ctx, targets.subjects, so)
	bar.clear()
	for _, p := range skipped.idle() {
		g.say("plimsoll: --skip %s: no file stands there, and nothing was passed over for it", p)
	}
	return r, err
}

// outcome is how a scan ends: a report that could not be written does not lift a denial.
func outcome(a finding.Action, err error) error {
	switch {
	case a == finding.Deny:
		return exitError{exitDeny, err}
	case a == finding.Incomplete, err != nil:
		return exitError{exitIncomplete, err}
	}
	return nil
}

// bar shows on a terminal how far a scan has come.
type bar struct {
	g     *global
	last  time.Time
	shown bool
}

func newBar(g *global) *bar { return &bar{g: g} }

func (b *bar) show(p scan.Progress) {
	if !b.g.env.Progress || b.g.quiet || time.Since(b.last) < 50*time.Millisecond && p.Done < p.Of {
		return
	}
	b.last, b.shown = time.Now(), true
	const counts = len(": 9999 of 9999 layers") + 1
	room := max(cmp.Or(b.g.env.Width, 80)-counts, 8)
	if strings.ContainsFunc(p.Target, func(r rune) bool { return r >= wide }) {
		room /= 2
	}
	// One line, or what it leaves behind could not be cleared.
	fmt.Fprintf(b.g.env.Stderr, "\r\x1b[K%.*s: %d of %s", room, strings.ReplaceAll(printable(p.Target), "\n", "?"), p.Done, count(p.Of, "layer"))
}

// wide is the first character that may take two columns.
const wide = 0x1100

func (b *bar) clear() {
	if b.shown {
		fmt.Fprint(b.g.env.Stderr, "\r\x1b[K")
	}
}

// told is what goes to stderr. A foreign name with a line end in it does not begin a line that looks like
// one of ours.
func told(s string) string {
	return printable(strings.ReplaceAll(strings.TrimSuffix(strings.ReplaceAll(s, "\t", "  "), "\n"), "\n", "\n  "))
}

// printable keeps foreign names from steering the terminal: controls, and turns of the writing
// direction, become "?". Lines stay lines.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
