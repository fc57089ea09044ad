package cli

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
)

func newCluster(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "cluster", Short: "Judge what a cluster holds and what its machines answer, or take it home to be judged there",
		Example: "  plimsoll cluster scan\n" +
			"  plimsoll cluster scan --context prod --namespace shop,pay --fail-on medium\n" +
			"  plimsoll cluster dump ./prod && plimsoll scan --as dump ./prod\n" +
			"  plimsoll cluster probe --nodes",
	}
	cmd.AddCommand(newClusterScan(g), newClusterDump(g), newClusterProbe(g), newClusterHarden(g), newNetworkListen(), newNetworkAsk())
	return cmd
}

// clusterOptions say which cluster is read, and what of it.
type clusterOptions struct {
	kubeconfig string
	context    string
	namespaces []string
	kinds      []string
	rate       int
}

func (o *clusterOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.context, "context", "", "`NAME` of the context in it (default: the current one)")
	f.VarP(parted(&o.namespaces), "namespace", "n", "`NAMESPACES` that are read (default: all)")
	f.Var(parted(&o.kinds), "kinds", "`KINDS` that are read, as in Deployment,Pod; a custom one that holds pods is KIND.VERSION.GROUP, as in Rollout.v1alpha1.argoproj.io, and is read beside all others where it stands alone (default: all that make pods or count for them)")
	f.IntVar(&o.rate, "rate", 20, "how many `REQUESTS` a second the API server is asked, each for a page of 100 objects")
}

// selection reads what the flags select.
func (o *clusterOptions) selection() (s client.Selection, err error) {
	if o.rate < 1 {
		return s, usage("--rate %d: at least 1", o.rate)
	}
	s.Namespaces = slices.Compact(slices.Sorted(slices.Values(o.namespaces)))
	for _, n := range s.Namespaces {
		if wrong := validation.IsDNS1123Label(n); len(wrong) > 0 {
			return s, usage("--namespace %q is no name of a namespace: %s", n, wrong[0])
		}
	}
	all := kube.Read()
	var names []string
	for _, k := range all {
		names = append(names, k.Kind)
	}
	for _, word := range o.kinds {
		if i := slices.Index(names, word); i >= 0 {
			s.Kinds = append(s.Kinds, all[i])
			continue
		}
		custom, _ := schema.ParseKindArg(word)
		if custom == nil || custom.Kind == "" || custom.Version == "" || (&kube.Object{APIVersion: custom.GroupVersion().String()}).Known() {
			return s, usage("--kinds %q is no kind that is judged%s: use %s, or KIND.VERSION.GROUP of a custom one", word, suggestion(word, names), strings.Join(names, ", "))
		}
		s.Also = append(s.Also, *custom)
	}
	// In the order in which they are read, and each once.
	s.Kinds = slices.DeleteFunc(all, func(k schema.GroupVersionKind) bool { return !slices.Contains(s.Kinds, k) })
	return s, nil
}

// read reads the cluster.
func (o *clusterOptions) read(ctx context.Context, s client.Selection) (*client.Contents, error) {
	c, err := client.OpenReader(o.kubeconfig, o.context, float32(o.rate))
	if err != nil {
		return nil, usage("--kubeconfig: %w", err)
	}
	all, err := c.Read(ctx, s)
	switch {
	case errors.Is(err, client.ErrNoNamespace):
		return nil, usage("--namespace: %w", err)
	case err != nil:
		return nil, exitError{exitIncomplete, err}
	}
	return all, nil
}

const clusterLong = "Workloads are judged as in a scan of manifests, by what is in the cluster and not in a file: findings name the\n" +
	"owner, a Deployment, say, and not its pods. Secrets and ConfigMaps are not read. deploy/cluster/role.yaml is all\n" +
	"that it takes; a kind that the account may not list is a gap that keeps the verdict from passing.\n\n" +
	"The control plane is judged as far as the API shows it: static pods, /flagz of the API server, versions of nodes. What it\n" +
	"does not show is not visible, neither good nor bad; plimsoll node scan tells on the host.\n\n"

func newClusterScan(g *global) *cobra.Command {
	var o scanOptions
	var from clusterOptions
	cmd := &cobra.Command{
		Use: "scan [flags]", Short: "Find what is wrong with the workloads of a cluster, and give a verdict", Args: words(0, 0),
		Long: clusterLong + "Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 incomplete:\n" +
			"the cluster did not answer, or not all could be read, and nothing denied.",
		Example: "  plimsoll cluster scan\n" +
			"  plimsoll cluster scan --context prod --namespace shop,pay -o html=shop.html -o table\n" +
			"  plimsoll cluster scan --pod-security restricted --exceptions exceptions.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := from.selection()
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), g, nil, func() (*opened, error) {
				c, err := from.read(cmd.Context(), s)
				if err != nil {
					return nil, err
				}
				g.say("plimsoll: %s, Kubernetes %s: %s", c.Name, c.Version, count(len(c.Objects), "object"))
				return &opened{subjects: []scan.Subject{{Cluster: &scan.Cluster{Contents: c}}}}, nil
			})
		},
	}
	f := cmd.Flags()
	from.flags(f)
	o.read.outputFlags(f, formats(false))
	f.IntVar(&o.read.jobs, "jobs", runtime.NumCPU(), "`NUMBER` of workloads judged at a time")
	o.read.noCache = true
	o.gateFlags(f)
	o.podSecurityFlag(f)
	o.enforced.flags(f)
	o.except.flags(f)
	o.policies.flags(f, "")
	o.secrets.flags(f)
	return cmd
}

func newClusterDump(g *global) *cobra.Command {
	var from clusterOptions
	cmd := &cobra.Command{
		Use: "dump [flags] DIR", Short: "Write what a cluster holds into a folder, which scans to the same findings", Args: words(1, 1),
		Long: "Dump writes what cluster scan would judge as files that kubectl reads, for this user alone. plimsoll scan --as dump\n" +
			"DIR judges them without the cluster. Of nodes it holds names, labels and addresses, and DIR/dump.json the addresses of pods.\n" +
			"Secrets and ConfigMaps are not read; a secret that stands in a workload in the clear is\n" +
			"replaced by words that say which sort it is. What could not be read stands in DIR/dump.json.\n\n" +
			"Exit status: 0, 2 the call is wrong, 3 the cluster did not answer, or not all could be read.",
		Example: "  plimsoll cluster dump ./prod\n" +
			"  plimsoll cluster dump --context prod --namespace shop ./shop\n" +
			"  plimsoll scan --as dump ./prod",
		RunE: func(cmd *cobra.Command, args []string) error { return runClusterDump(cmd.Context(), g, &from, args[0]) },
	}
	from.flags(cmd.Flags())
	return cmd
}

func runClusterDump(ctx context.Context, g *global, from *clusterOptions, dir string) error {
	s, err := from.selection()
	if err != nil {
		return err
	}
	if err := dump.Check(dir); err != nil {
		return usage("%w", err)
	}
	engine, err := secret.New(nil)
	if err != nil {
		return err
	}
	c, err := from.read(ctx, s)
	if err != nil {
		return err
	}
	if err := dump.Write(dir, c, dump.Secrets{Worst: engine.Worst, Redact: engine.Redact}); err != nil {
		return exitError{exitIncomplete, err}
	}
	g.say("plimsoll: %s of %s are in %s", count(len(c.Objects), "object"), c.Name, dir)
	incomplete := false
	for _, m := range c.Missing {
		g.say("plimsoll: not read: %s", m.What)
		incomplete = incomplete || m.Blocking
	}
	if incomplete {
		return exitError{exitIncomplete, nil}
	}
	return nil
}

// asDump is the word of --as for a folder that cluster dump wrote.
const asDump = "dump"

// dumped reads a dump.
func dumped(dir string) (*scan.Cluster, error) {
	c, err := dump.Read(dir)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	return &scan.Cluster{Contents: c, Dumped: true}, nil
}
