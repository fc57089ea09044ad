package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

func newNet(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "net", Short: "Say which pods can talk to which, to and from where, and which policies let them",
		Long: "Of manifests, charts, overlays, what cluster dump wrote, or, where no TARGET is named, of the cluster itself. Answers\n" +
			"are what the policies allow: NetworkPolicy, ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy,\n" +
			"of TCP, UDP and SCTP. They hold where the cluster's network enforces them: what cluster probe --network found out is\n" +
			"taken with --network-probe, and what nobody enforces then counts for nothing. What is not known makes an answer incomplete.",
		Example: "  plimsoll net allowed shop/cart shop/db 5432 ./k8s\n  plimsoll net map ./k8s\n  plimsoll net allowed internet service:shop/web",
	}
	cmd.AddCommand(newNetAllowed(g), newNetMap(g), newNetGaps(g), newNetDiff(g), newNetCheck(g), newNetSuggest(g))
	return cmd
}

// netOptions say what the network is read of.
type netOptions struct {
	accessOptions
	enforced enforcedOptions
	networks rangeOptions
	carriers []string
	servers  []string                  // the API server's addresses
	also     []schema.GroupVersionKind // kinds that are read beside those of networks
	optional []schema.GroupVersionKind // and those that a cluster may not serve
}

// rangeOptions say which addresses pods and nodes have.
type rangeOptions struct{ pods, nodes []string }

func (o *netOptions) flags(f *pflag.FlagSet, formats string) {
	o.accessOptions.flags(f, formats)
	o.networks.flags(f)
}

func (o *rangeOptions) flags(f *pflag.FlagSet) {
	f.Var(parted(&o.pods), "pod-cidr", "`CIDRS` that pods have addresses of (default: what nodes say)")
	f.Var(parted(&o.nodes), "node-cidr", "`CIDRS` that nodes have addresses of, where they are not among what is read")
}

// carrierFlag has the pods named that bring what Ingresses and routes publish.
func carrierFlag(f *pflag.FlagSet, to *[]string) {
	f.Var(repeated(to), "ingress-controller", "`NAMESPACE/NAME` of the workload that brings what Ingresses and routes publish (default: those with a label that is known); may be repeated")
}

// carriers are the names of workloads that bring what is published.
func carriers(words []string) ([]string, error) {
	for _, text := range words {
		if namespace, name, ok := strings.Cut(text, "/"); !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
			return nil, usage("--ingress-controller %q names no workload: write NAMESPACE/NAME, as in ingress-nginx/ingress-nginx-controller", text)
		}
	}
	return words, nil
}

// brought refuses names of what brings what is published that are of nothing that was read.
func (o *netOptions) brought(w *wires) error {
	for _, text := range o.carriers {
		if _, err := w.model.Find(text); err != nil {
			return usage("--ingress-controller: %v", err)
		}
	}
	return nil
}

// wires is what was read, and what is not known of it.
type wires struct {
	model   *network.Model // with what is not enforced everywhere void
	sure    *network.Model // with what is enforced nowhere void
	written *network.Model // as the policies are written: all are the same, where that is not known
	known   *enforcement.Known
	gaps    []string // all that is not known; of an answer about two ends, what may change it
	read    []string // of these what could not be read
	doubts  []network.Doubt
	untried []string // what is not known of whether the policies are enforced: what is refused rests on it
	untold  bool     // the person wants nothing told but errors: why the status is 3 is one
}

func (o *netOptions) read(ctx context.Context, g *global, targets []string) (*wires, error) {
	s, err := o.seen(ctx, g, targets)
	if err != nil {
		return nil, err
	}
	w, err := o.wire(ctx, s, nil)
	if err == nil {
		err = o.brought(w)
	}
	if err != nil {
		return nil, err
	}
	w.tell(g)
	return w, nil
}

// seen reads what networks are made of.
func (o *netOptions) seen(ctx context.Context, g *global, targets []string) (*seen, error) {
	own, optional := kube.Network()
	known, err := o.enforced.read(g)
	if err != nil {
		return nil, err
	}
	s, err := o.objects(ctx, g, targets, client.Selection{Kinds: slices.Concat(kube.Judged(), own, o.also), Optional: append(optional, o.optional...), Network: true})
	if err != nil {
		return nil, err
	}
	s.known = known
	return s, o.enforced.of(g, known, s.uid)
}

// unmade says why a map was not worked out: it is too large, and advice says what to do, or it was interrupted.
func unmade(err error, advice string) error {
	var large *network.TooLargeError
	if errors.As(err, &large) {
		return exitError{exitIncomplete, fmt.Errorf("%w: %s", err, advice)}
	}
	return errStopped
}

// fewer is the advice where a command looks at all that it was given.
const fewer = "name fewer files, or those of some namespaces"

// wire makes the model. Beside are addresses that are told apart beside those of the policies.
func (o *netOptions) wire(ctx context.Context, s *seen, beside []network.Addresses) (*wires, error) {
	if err := o.charts.idle(); err != nil {
		return nil, err
	}
	of := network.Options{Blocks: beside, Whole: s.whole, PodAddresses: s.addresses}
	var err error
	if of.PodRanges, of.NodeRanges, err = o.networks.read(); err != nil {
		return nil, err
	}
	if of.Carriers, err = carriers(o.carriers); err != nil {
		return nil, err
	}
	if of.Servers, err = serverAddresses(o.servers); err != nil {
		return nil, err
	}
	w := &wires{written: network.New(s.Snapshot, of), read: slices.Clone(s.gaps), known: s.known}
	w.model, w.sure = w.written, w.written
	if of.Void = w.known.Void(false); of.Void != nil {
		of.Blocks = append(slices.Clone(beside), w.written.Blocks()...) // all tell the same ends apart
		w.model = network.New(s.Snapshot, of)
		if of.Void = w.known.Void(true); of.Void != nil {
			w.sure = network.New(s.Snapshot, of)
		}
	}
	w.enforcement()
	for _, p := range s.Problems {
		what := p.Error()
		if p.Template {
			what = fmt.Sprintf("%s:%d: is a template that nothing here renders, and what it makes is not counted", p.Path, p.Line)
		}
		w.read = append(w.read, what)
	}
	if w.doubts, err = w.written.Unsure(ctx); err != nil {
		return nil, errStopped
	}
	if !slices.ContainsFunc(w.model.Endpoints, func(e *network.Endpoint) bool { return e.Workload != nil }) {
		w.read = append(w.read, "no pod, and nothing that makes pods, was read")
	}
	w.unsure(func(network.Doubt) bool { return true })
	return w, nil
}

// unsure has the gaps be those that bear on an answer, beside what could not be read.
func (w *wires) unsure(bears func(network.Doubt) bool) {
	w.gaps = slices.Clone(w.read)
	for _, d := range w.doubts {
		if bears(d) {
			w.gaps = append(w.gaps, d.String())
		}
	}
}

// errStopped says that an answer was not worked out to its end.
var errStopped = exitError{exitIncomplete, errors.New("interrupted: who reaches whom was not worked out to its end, and nothing is told")}

func (o *rangeOptions) read() (pods, nodes []netip.Prefix, err error) {
	if pods, err = prefixes("--pod-cidr", o.pods); err == nil {
		nodes, err = prefixes("--node-cidr", o.nodes)
	}
	return pods, nodes, err
}

func prefixes(flag string, words []string) (all []netip.Prefix, err error) {
	for _, text := range words {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, usage("%s %q is no CIDR: write an address and the number of its fixed bits, as in 10.244.0.0/16", flag, text)
		}
		all = append(all, p)
	}
	return all, nil
}

// has refuses a namespace of which no pod was read.
func (w *wires) has(namespace string) error {
	var all []string
	for _, e := range w.model.Endpoints {
		if e.Namespace == namespace {
			return nil
		}
		if e.Namespace != "" && !slices.Contains(all, e.Namespace) {
			all = append(all, e.Namespace)
		}
	}
	return usage("--namespace %s: no pod of it was read%s", namespace, suggestion(namespace, all))
}

// tell says what is not certain.
func (w *wires) tell(g *global) {
	w.untold = g.quiet
	for _, gap := range w.unknown() {
		g.say("plimsoll: not certain: %s", printable(gap))
	}
	if slices.ContainsFunc(w.gaps, func(gap string) bool { return strings.Contains(gap, " holds addresses of ") }) {
		g.say("plimsoll: name the ranges with --pod-cidr and --node-cidr")
	}
	if len(w.written.Policies) == 0 {
		g.say("plimsoll: no network policy was read: everybody reaches everybody")
	}
}

// end is the status of an answer: what is not known may change it.
func (w *wires) end(err error) error {
	if err == nil && len(w.gaps) > 0 {
		return incomplete(w.untold, w.gaps)
	}
	return err
}

// incomplete is the status of an answer that may be another one, with why, where that was not told.
func incomplete(untold bool, why []string) error {
	if !untold || len(why) == 0 {
		return exitError{exitIncomplete, nil}
	}
	text := "not certain: " + printable(why[0])
	if n := len(why) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more, which are told without --quiet", n)
	}
	return exitError{exitIncomplete, errors.New(text)}
}
