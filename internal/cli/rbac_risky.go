package cli

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
)

func newRBACRisky(g *global) *cobra.Command {
	return newFamily(g, "rbac", &cobra.Command{
		Use: "risky [flags] [TARGET...]", Short: "Find what is wrong with who may do what, and give a verdict", Args: words(0, -1),
		Long: "Risky runs the checks rbac/… (plimsoll explain lists them) on manifests, charts, overlays, what cluster dump wrote, or, where no\n" +
			"TARGET is named, on the cluster. plimsoll scan and cluster scan run them, too, beside all others.\n\n" +
			"Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 incomplete:\n" +
			"not all could be read, and nothing denied.",
		Example: "  plimsoll rbac risky ./k8s\n  plimsoll rbac risky --context prod --fail-on none\n  plimsoll rbac risky -o html=rbac.html -o table ./prod-dump",
	})
}

// newFamily is a command that runs the checks of one family on manifests, a dump or the cluster.
func newFamily(g *global, family string, cmd *cobra.Command) *cobra.Command {
	var o scanOptions
	var from clusterOptions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.checks = []string{family}
		if len(args) > 0 && from.kubeconfig+from.context != "" {
			return usage("--kubeconfig and --context name a cluster, and %s is read: leave one of them out", args[0])
		}
		if len(args) == 1 && dump.Is(args[0]) {
			o.read.target.as = asDump
		}
		s, err := from.selection()
		if err != nil {
			return err
		}
		return o.run(cmd.Context(), g, args, func() (*opened, error) {
			if len(args) > 0 {
				return o.objects(cmd.Context(), g, args)
			}
			c, err := from.read(cmd.Context(), s)
			if err != nil {
				return nil, err
			}
			return &opened{subjects: []scan.Subject{{Cluster: &scan.Cluster{Contents: c}}}}, nil
		})
	}
	f := cmd.Flags()
	f.StringVar(&from.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster, where no TARGET is named (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&from.context, "context", "", "`NAME` of the context in it (default: the current one)")
	f.IntVar(&from.rate, "rate", 20, "how many `REQUESTS` a second the API server is asked, each for a page of 100 objects")
	o.read.outputFlags(f, formats(false))
	f.IntVar(&o.read.jobs, "jobs", runtime.NumCPU(), "`NUMBER` of files read at a time")
	o.read.noCache = true
	o.gateFlags(f)
	if family == "network" {
		o.enforced.flags(f)
	}
	o.except.flags(f)
	o.charts.flags(f, "release-namespace")
	if family == "network" {
		o.networks.flags(f)
		f.Var(parted(&o.servers), "api-server", "`ADDRESSES` of the API server, with a port or on 6443 (default: what Service kubernetes and the control plane's nodes say)")
		carrierFlag(f, &o.carriers)
	}
	return cmd
}

// objects opens what the words name, which is no image: a folder that is misspelt is not looked for in registries.
func (o *scanOptions) objects(ctx context.Context, g *global, words []string) (*opened, error) {
	for _, word := range words {
		if _, err := os.Stat(word); err != nil && word != "-" {
			return nil, usage("%w", err)
		}
	}
	all, err := o.read.target.open(ctx, g, words)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all.subjects, func(s scan.Subject) bool { return !s.Objects() }); i >= 0 {
		all.close()
		return nil, usage("%s: it holds no objects of Kubernetes: name manifests, a folder of them, a chart, an overlay, or what cluster dump wrote", strings.Join(words, ", "))
	}
	return all, nil
}
