package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/finding"
	judge "github.com/plimsoll/plimsoll/internal/judge/directory"
	"github.com/plimsoll/plimsoll/internal/read/directory"
	"github.com/plimsoll/plimsoll/internal/read/directory/settings"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// censusTime is how long a server may take for the whole directory.
const censusTime = 5 * time.Minute

type reviewOptions struct {
	scan       scanOptions // of which the gate's and the report's are used
	from       clusterOptions
	exceptions []string
}

func newDirectoryReview(g *global) *cobra.Command {
	var o reviewOptions
	cmd := &cobra.Command{
		Use: "review [flags] FILE [MANIFESTS...]", Short: "Compare who has rights in a cluster with who is in the directory", Args: words(1, -1),
		Long: "Review reads all people and groups of the directory that FILE names, and all bindings of a cluster, or of manifests\n" +
			"(files, folders, dumps, - for the standard input). It finds people with rights who left or may not sign in, groups\n" +
			"that are not there or that nobody is in, and people who have rights by name and not by a group. Only subjects with\n" +
			"FILE's prefixes are the directory's. Of a cluster, it lists RoleBindings and ClusterRoleBindings, and nothing else.\n\n" +
			"Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 incomplete:\n" +
			"the directory or the cluster did not answer, or not all could be read, and nothing denied.",
		Example: "  plimsoll directory review directory.yaml\n" +
			"  plimsoll directory review --context prod -o html=people.html -o table directory.yaml\n" +
			"  plimsoll directory review --fail-on low directory.yaml ./rbac",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDirectoryReview(cmd.Context(), g, &o, args[0], args[1:])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.from.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.from.context, "context", "", "`NAME` of the context in it (default: the current one)")
	f.IntVar(&o.from.rate, "rate", 20, "how many `REQUESTS` a second the API server is asked, each for a page of 100 objects")
	o.scan.read.outputFlags(f, formats(false))
	o.scan.gateFlags(f)
	f.Var(repeated(&o.exceptions), "exceptions", "`FILE` of exceptions; may be repeated")
	return cmd
}

func runDirectoryReview(ctx context.Context, g *global, o *reviewOptions, file string, words []string) error {
	if err := o.scan.validate(); err != nil {
		return err
	}
	if o.from.rate < 1 {
		return usage("--rate %d: at least 1", o.from.rate)
	}
	line, err := o.scan.line()
	if err != nil {
		return err
	}
	out, err := parseOutputs(o.scan.read.outputs, "table", false)
	if err != nil {
		return err
	}
	options, err := out.options(g, o.scan.read.template)
	if err != nil {
		return err
	}
	excepted, err := o.excepted(g)
	if err != nil {
		return err
	}
	s, err := settings.Read(file, g.env.Now)
	if err != nil {
		return usage("%w", err)
	}
	r := &finding.Report{Schema: finding.Schema, Tool: finding.Tool{Name: "plimsoll", Version: version()}}
	bindings, err := o.bindings(ctx, g, r, words)
	if err != nil {
		return err
	}
	// One question is for everything: it takes longer than who is one person.
	s.Directory.Timeout = max(s.Directory.Timeout, censusTime)
	d := directory.Open(s.Directory)
	defer d.Close()
	census, err := d.Census(ctx)
	if err != nil {
		return fmt.Errorf("compare with the directory: %w", err)
	}
	known := &judge.Known{UserPrefix: s.Directory.Users.Prefix, GroupPrefix: s.Directory.Groups.Prefix, Person: census.Person, Group: census.Group}
	for _, b := range bindings {
		reviewed(r, b.target, b.objects, known)
	}
	if err := excepted.Use(r).Apply(); err != nil {
		return err
	}
	gate.Judge(r, line)
	finding.Sort(r)
	options.Hidden = o.scan.filter.Apply(r)
	return outcome(r.Verdict.Action, out.write(g, r, options))
}

func (o *reviewOptions) excepted(g *global) (*exception.Set, error) {
	var files []exceptionfile.File
	for _, name := range o.exceptions {
		f, err := exceptionfile.Read(name)
		if err != nil {
			return nil, usage("--exceptions %w", err)
		}
		files = append(files, f)
	}
	set, err := exception.Compile(files, nil, g.env.Now())
	return set, contradicted(err)
}

// bound are the bindings of one target.
type bound struct {
	target  string
	objects []*kube.Object
}

// bindings are those of manifests, or of the cluster where none are named.
func (o *reviewOptions) bindings(ctx context.Context, g *global, r *finding.Report, words []string) (all []bound, err error) {
	if len(words) == 0 {
		const group = "rbac.authorization.k8s.io"
		c, err := o.from.read(ctx, client.Selection{Kinds: []schema.GroupVersionKind{
			{Group: group, Version: "v1", Kind: "ClusterRoleBinding"}, {Group: group, Version: "v1", Kind: "RoleBinding"},
		}})
		if err != nil {
			return nil, err
		}
		r.Targets = append(r.Targets, finding.Target{ID: "t1", Kind: "cluster", Name: c.Name, Origin: "api"})
		for _, m := range c.Missing {
			r.Coverage = append(r.Coverage, finding.Gap{Class: m.Class, Blocking: m.Blocking, Target: "t1", What: m.What, Count: 1})
		}
		return []bound{{"t1", c.Objects}}, nil
	}
	files, err := g.manifests(ctx, words, new(chartOptions))
	if err != nil {
		return nil, err
	}
	some := false
	for i, f := range files {
		id := fmt.Sprintf("t%d", i+1)
		r.Targets = append(r.Targets, finding.Target{ID: id, Kind: "manifest", Name: f.name})
		for _, p := range f.problems {
			r.Coverage = append(r.Coverage, finding.Gap{Class: "unreadable-file", Blocking: true, Target: id, Path: p.Path, Count: 1, What: fmt.Sprintf("line %d: %s", p.Line, p.What)})
		}
		all, some = append(all, bound{id, f.objects}), some || len(f.problems) > 0 || slices.ContainsFunc(f.objects, judge.Is)
	}
	if !some {
		return nil, usage("%s: it holds no RoleBinding and no ClusterRoleBinding", words[0])
	}
	return all, nil
}

// reviewed judges the bindings of a target.
func reviewed(r *finding.Report, target string, objects []*kube.Object, known *judge.Known) {
	counts := map[string]*finding.Check{}
	for _, c := range judge.Checks() {
		counts[c.ID] = &finding.Check{Rule: c.ID, Target: target}
	}
	for _, o := range objects {
		if !judge.Is(o) {
			continue
		}
		result := judge.Look(o, known)
		for _, c := range judge.Checks() {
			counts[c.ID].Evaluated += result.Subjects
			counts[c.ID].Failed += len(result.Hits[c.ID])
			for _, h := range result.Hits[c.ID] {
				f := c.Finding(target, h)
				f.Fingerprint = finding.Fingerprint(f, "")
				r.Findings = append(r.Findings, f)
			}
		}
	}
	for _, c := range judge.Checks() {
		r.Checks = append(r.Checks, *counts[c.ID])
	}
}
