package cli

import (
	"context"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
)

// released is where the image of a release is, without its version.
const released = "ghcr.io/plimsoll/plimsoll"

// trialOptions say how it is tried whether a cluster's network enforces policies.
type trialOptions struct {
	network       bool
	namespace     string
	image         string
	settle, start time.Duration
	clusterPolicy bool
}

func (o *trialOptions) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.network, "network", false, "try whether the cluster's network enforces policies, between pods that are made for it and taken away again")
	f.StringVarP(&o.namespace, "namespace", "n", "", "`NAMESPACE` for these pods, which has to be there and keeps all else (default: "+pair.OwnNamespace+", made and taken away)")
	f.StringVar(&o.image, "image", "", "`IMAGE` of plimsoll that these pods run (default: that of this release)")
	f.DurationVar(&o.settle, "settle", 30*time.Second, "how `LONG` a policy may take to hold, and to be forgotten")
	f.DurationVar(&o.start, "pod-start", 2*time.Minute, "how `LONG` a pod may take to run")
	f.BoolVar(&o.clusterPolicy, "cluster-policy", false, "try a ClusterNetworkPolicy, too, which selects these pods alone")
}

// networkOnly are the flags that speak of the trial alone.
var networkOnly = []string{"namespace", "image", "settle", "pod-start", "cluster-policy"}

func (o *trialOptions) validate(f *pflag.FlagSet) error {
	if !o.network {
		for _, name := range networkOnly {
			if f.Changed(name) {
				return usage("--%s is for --network: give that, too", name)
			}
		}
		return nil
	}
	if o.namespace != "" {
		if wrong := validation.IsDNS1123Label(o.namespace); len(wrong) > 0 {
			return usage("--namespace %q is no name of a namespace: %s", o.namespace, wrong[0])
		}
	}
	if o.settle < 5*time.Second || o.settle > 10*time.Minute {
		return usage("--settle %s: give from 5s to 10m", o.settle)
	}
	if o.start < 5*time.Second || o.start > 30*time.Minute {
		return usage("--pod-start %s: give from 5s to 30m", o.start)
	}
	if o.image == "" {
		if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(version()) {
			return usage("--image: this build (%s) is no release, of which there is an image: name one that has plimsoll as its entry point", version())
		}
		o.image = released + ":" + version()
	}
	return nil
}

// open finds the cluster: a wrong kubeconfig is told before anybody is asked.
func (o *trialOptions) open(kubeconfig, context string) (*client.Cluster, error) {
	c, err := client.OpenReader(kubeconfig, context, 20)
	if err != nil {
		return nil, usage("--kubeconfig: %w", err)
	}
	return c, nil
}

// try tries it, and gives what came of it. A terminal that is closed, and a pipe that nobody reads any more, do not keep it
// from taking away what it made.
func (o *trialOptions) try(ctx context.Context, g *global, c *client.Cluster) scan.Subject {
	g.env.drain()                        // who is interrupted takes away what was made
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
	}
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	return scan.Subject{Trial: pair.Try(ctx, c, pair.Options{
		Namespace: o.namespace, Image: o.image, Settle: o.settle, Start: o.start, ClusterPolicy: o.clusterPolicy, Now: g.env.Now,
		Say: func(text string) { g.say("plimsoll: %s", printable(text)) },
	})}
}

// longestAsk bounds for how long an end of a probe asks.
const longestAsk = 15 * time.Minute

// newNetworkListen and newNetworkAsk are the commands that the pods run.
func newNetworkListen() *cobra.Command {
	var nonce string
	cmd := &cobra.Command{
		Use: pair.CommandListen + " PORT...", Short: "Answer what a pod of cluster probe --network asks", Hidden: true, Args: words(1, 8),
		RunE: func(cmd *cobra.Command, args []string) error {
			if nonce == "" {
				return usage("--nonce is missing: who does not know it is answered nothing")
			}
			var ports []int
			for _, word := range args {
				port, err := strconv.ParseUint(word, 10, 16)
				if err != nil || port == 0 {
					return usage("%q is no port", word)
				}
				ports = append(ports, int(port))
			}
			return pair.Listen(cmd.Context(), nonce, ports)
		},
	}
	cmd.Flags().StringVar(&nonce, "nonce", "", "`TEXT` that both ends know")
	return cmd
}

func newNetworkAsk() *cobra.Command {
	var nonce, to string
	var within time.Duration
	cmd := &cobra.Command{
		Use: pair.CommandAsk + " TARGET...", Short: "Ask a pod of cluster probe --network", Hidden: true, Args: words(1, 64),
		RunE: func(cmd *cobra.Command, args []string) error {
			if nonce == "" || within <= 0 || within > longestAsk {
				return usage("--nonce is missing, or --within is not above 0 and at most %s", longestAsk)
			}
			var targets []pair.Target
			for _, word := range args {
				t, err := pair.ParseTarget(word)
				if err != nil {
					return usage("%w", err)
				}
				targets = append(targets, t)
			}
			text, err := pair.Message(pair.Ask(cmd.Context(), nonce, targets, within))
			if err != nil {
				return err
			}
			return os.WriteFile(to, text, 0o600)
		},
	}
	f := cmd.Flags()
	f.StringVar(&nonce, "nonce", "", "`TEXT` that both ends know")
	f.StringVar(&to, "message", "/dev/stdout", "`FILE` for the answer")
	f.DurationVar(&within, "within", time.Minute, "how `LONG` at most")
	return cmd
}
