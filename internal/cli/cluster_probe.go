package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

// probeOptions say who is asked, as whom, and how gently.
type probeOptions struct {
	kubeconfig string
	context    string
	nodes      bool
	tokenFile  string
	account    string
	caFile     string
	rate       int
	parallel   int
	timeout    time.Duration
	trial      trialOptions
}

func (o *probeOptions) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.nodes, "nodes", false, "ask the cluster's API server and all its nodes, by the addresses that the kubeconfig and the API know")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster, for --nodes, --account and --network (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.context, "context", "", "`NAME` of the context in it (default: the current one)")
	f.StringVar(&o.tokenFile, "token-file", "", "`FILE` with the token of a plain service account, as who is asked, too; shown only to whom --ca-file signed for")
	f.StringVar(&o.account, "account", "", "`NAMESPACE/NAME` of a plain service account for which the API server is to make such a token, good for ten minutes: all that is ever made")
	f.StringVar(&o.caFile, "ca-file", "", "PEM `FILE` of the cluster's certificate authority (default: the kubeconfig's, where that is used)")
	f.IntVar(&o.rate, "rate", 20, "how many `QUESTIONS` a second are asked, of all together")
	f.IntVar(&o.parallel, "parallel", 16, "`NUMBER` of ports asked at a time")
	f.DurationVar(&o.timeout, "timeout", 5*time.Second, "how `LONG` an answer is waited for")
	o.trial.flags(f)
}

func (o *probeOptions) validate(f *pflag.FlagSet, words []string) error {
	if err := o.trial.validate(f); err != nil {
		return err
	}
	switch {
	case len(words) == 0 && !o.nodes && !o.trial.network:
		return usage("say who is asked: ADDRESS..., or --nodes for those that the kubeconfig's cluster has, or --network for its network")
	case o.rate < 1 || o.parallel < 1:
		return usage("--rate and --parallel: at least 1")
	case o.timeout <= 0:
		return usage("--timeout %s: give more than nothing", o.timeout)
	case o.tokenFile != "" && o.account != "":
		return usage("--token-file and --account both name a service account: use one of them")
	case o.tokenFile != "" && o.caFile == "" && !o.nodes:
		return usage("--token-file: a token is shown only to who is of the cluster: name its authority with --ca-file, or use --nodes")
	}
	if namespace, name, ok := strings.Cut(o.account, "/"); o.account != "" && (!ok || namespace == "" || name == "" || strings.Contains(name, "/")) {
		return usage("--account %q: write NAMESPACE/NAME", o.account)
	}
	return nil
}

const probeLong = "Probe shows what a cluster's machines do, and not what they are told to do. It asks the ports of API server, kubelet,\n" +
	"etcd, scheduler, controller-manager and kube-proxy as nobody, as a stranger with a certificate that nobody signed, and,\n" +
	"where a token is given, as a plain service account. An ADDRESS is a machine's (all ports are tried) or ADDRESS:PORT; what\n" +
	"listens on a port of its own is said with SERVICE=ADDRESS:PORT, SERVICE being one of " + "apiserver, kubelet, etcd, etcd-peer,\n" +
	"etcd-metrics, scheduler, controller-manager, proxy-metrics, proxy-health, kubelet-read-only, api-insecure, api-proxy, cadvisor.\n\n" +
	"It makes TLS handshakes, sends GET and OPTIONS, follows nothing, and asks no address but those. All questions and their\n" +
	"answers stand in the report. What could not be asked is a gap, and never passes. Ask only machines that are yours.\n\n" +
	"With --network it finds out whether the cluster's network enforces policies: pods that it makes ask each other without a\n" +
	"policy, while one forbids a part of it, and without it again, so that each direction, family of addresses, protocol and\n" +
	"placement is enforced, inert or inconclusive. All that is made is taken away again. deploy/cluster/probe.yaml has the\n" +
	"rights that it takes; --network-probe of net and scan takes the report.\n\n" +
	"Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 incomplete: not all was\n" +
	"answered, and nothing denied."

func newClusterProbe(g *global) *cobra.Command {
	var o scanOptions
	var from probeOptions
	cmd := &cobra.Command{
		Use: "probe [flags] [ADDRESS...]", Short: "Ask a cluster's machines from outside what they let whom do, and give a verdict",
		Long: probeLong, Args: words(0, -1),
		Example: "  plimsoll cluster probe 192.0.2.10 192.0.2.11\n" +
			"  plimsoll cluster probe --nodes --account default/default -o html=probe.html -o table\n" +
			"  plimsoll cluster probe --network -o json=network.json -o table && plimsoll net gaps --network-probe network.json\n" +
			"  plimsoll cluster probe apiserver=k8s.example.org:443 'etcd=[2001:db8::1]:2379'",
		RunE: func(cmd *cobra.Command, words []string) error {
			if err := from.validate(cmd.Flags(), words); err != nil {
				return err
			}
			return o.run(cmd.Context(), g, nil, func() (*opened, error) { return from.ask(cmd.Context(), g, words) })
		},
	}
	f := cmd.Flags()
	from.flags(f)
	o.read.outputFlags(f, formats(false))
	o.read.noCache, o.read.jobs = true, runtime.NumCPU()
	o.gateFlags(f)
	o.except.flags(f)
	o.policies.flags(f, "")
	return cmd
}

// ask asks all, and gives the machines with what they answered.
func (o *probeOptions) ask(ctx context.Context, g *global, words []string) (*opened, error) {
	var all opened
	var cluster *client.Cluster
	if o.trial.network {
		c, err := o.trial.open(o.kubeconfig, o.context)
		if err != nil {
			return nil, err
		}
		cluster = c
	}
	if len(words) > 0 || o.nodes {
		machines, err := o.machines(ctx, g, words)
		if err != nil {
			return nil, err
		}
		all.subjects = machines
	}
	if cluster != nil {
		all.subjects = append(all.subjects, o.trial.try(ctx, g, cluster))
	}
	return &all, nil
}

// machines asks the ports of machines.
func (o *probeOptions) machines(ctx context.Context, g *global, words []string) ([]scan.Subject, error) {
	places, err := placesOf(ctx, words)
	if err != nil {
		return nil, err
	}
	p := probe.Prober{Timeout: o.timeout, Rate: o.rate, Jobs: o.parallel, UserAgent: "plimsoll/" + version() + " (cluster probe)"}
	more, err := o.prepare(ctx, g, &p)
	if err != nil {
		return nil, err
	}
	if places = append(places, more...); len(places) == 0 {
		return nil, exitError{exitIncomplete, fmt.Errorf("--nodes: the cluster has no node, and so nothing was asked")}
	}
	ports, err := p.Ask(ctx, once(places))
	if err != nil {
		return nil, exitError{exitIncomplete, fmt.Errorf("probe: %w", err)}
	}
	return hosts(ports), nil
}

// once leaves out what is named again: one that a user named beside a host of which it is a port stands for both.
func once(places []probe.Place) (all []probe.Place) {
	at := map[string]int{}
	for _, p := range places {
		one := p.Service.Name + " " + p.Name + " " + p.String()
		n, ok := at[one]
		if !ok {
			at[one] = len(all)
			all = append(all, p)
			continue
		}
		all[n].Named = all[n].Named || p.Named
	}
	return all
}

// placesOf are those that words name.
func placesOf(ctx context.Context, words []string) (places []probe.Place, err error) {
	for _, word := range words {
		w, err := probe.ParseWord(word)
		if err != nil {
			return nil, usage("%w", err)
		}
		all, err := w.Places(ctx)
		if err != nil {
			return nil, exitError{exitIncomplete, err}
		}
		places = append(places, all...)
	}
	return places, nil
}

// prepare reads the token and the authority, and asks the API for what it is to give.
func (o *probeOptions) prepare(ctx context.Context, g *global, p *probe.Prober) (places []probe.Place, err error) {
	var authority []byte
	if o.caFile != "" {
		if authority, err = readFile(o.caFile, maxAuthority); err != nil {
			return nil, usage("--ca-file: %v", err)
		}
	}
	if o.tokenFile != "" {
		b, err := readFile(o.tokenFile, maxToken)
		if err != nil {
			return nil, usage("--token-file: %v", err)
		}
		if p.Token = strings.TrimSpace(string(b)); p.Token == "" || strings.ContainsAny(p.Token, " \r\n\t") {
			return nil, usage("--token-file %s: it holds no token", o.tokenFile)
		}
	}
	if o.nodes || o.account != "" {
		c, server, known, err := client.OpenMachines(o.kubeconfig, o.context)
		if err != nil {
			return nil, usage("--kubeconfig: %w", err)
		}
		if len(authority) == 0 {
			authority = known
		}
		if o.nodes {
			if places, err = ofCluster(ctx, c, server); err != nil {
				return nil, exitError{exitIncomplete, err}
			}
		}
		if namespace, name, ok := strings.Cut(o.account, "/"); ok {
			if p.Token, err = c.Token(ctx, namespace, name); err != nil {
				return nil, exitError{exitIncomplete, fmt.Errorf("--account: %w", err)}
			}
			g.say("plimsoll: the API server made a token of service account %s, good for ten minutes", o.account)
		}
	}
	if p.Token == "" && o.caFile == "" {
		return places, nil
	}
	p.Roots = x509.NewCertPool()
	if !p.Roots.AppendCertsFromPEM(authority) {
		return nil, usage("there is no certificate of the cluster's authority, and a token is shown to nobody without it: name its file with --ca-file")
	}
	return places, nil
}

const (
	maxAuthority = 1 << 20
	maxToken     = 64 << 10
)

// ofCluster are the places of a cluster's API server and nodes.
func ofCluster(ctx context.Context, c *client.Cluster, server *url.URL) (places []probe.Place, err error) {
	port := cmp.Or(server.Port(), map[string]string{"https": "443", "http": "80"}[server.Scheme])
	n, err := strconv.Atoi(port)
	if err != nil || server.Scheme != "https" {
		return nil, fmt.Errorf("the kubeconfig reaches the API server at %s, which is no address of https", server)
	}
	words := []probe.Word{{Service: "apiserver", Host: server.Hostname(), Port: n}}
	nodes, err := c.NodeAddresses(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range nodes {
		words = append(words, probe.Word{Host: a.String()})
	}
	for _, w := range words {
		all, err := w.Places(ctx)
		if err != nil {
			return nil, err
		}
		places = append(places, all...)
	}
	return places, nil
}

// hosts gathers ports by machine, in the order in which they were named.
func hosts(ports []probe.Port) (all []scan.Subject) {
	type key struct {
		name    string
		address netip.Addr
	}
	at := map[key]int{}
	for _, p := range ports {
		k := key{p.Name, p.Address}
		n, ok := at[k]
		if !ok {
			n = len(all)
			at[k] = n
			name := p.Address.String()
			if p.Name != "" {
				name = p.Name + " (" + name + ")"
			}
			all = append(all, scan.Subject{Probed: &scan.Probed{Name: name}})
		}
		all[n].Probed.Ports = append(all[n].Probed.Ports, p)
	}
	return all
}
