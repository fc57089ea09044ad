package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/suggest"
	"github.com/plimsoll/plimsoll/internal/read/flow"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// suggestOptions say what is suggested, and from what.
type suggestOptions struct {
	netOptions
	flows      []string
	namespaces []string
	declared   bool
	replace    bool
}

func newNetSuggest(g *global) *cobra.Command {
	o := suggestOptions{declared: true}
	cmd := &cobra.Command{
		Use: "suggest [flags] [TARGET...]", Short: "Write the NetworkPolicies that allow only what is needed", Args: words(0, -1),
		Long: "What is needed is what manifests declare (Services that settings and arguments of containers name, what is published, who is\n" +
			"asked for metrics, and the API server for those who have a use for it) and what was recorded: --flows reads Hubble's JSON,\n" +
			"Calico's flow logs, VPC flow logs and conntrack -L. Each namespace gets a policy that denies, one that lets its pods ask for\n" +
			"names, and one for each workload. They are held against all that is needed before they are written: what would be cut is told.\n" +
			"Nothing is applied.\n\n" +
			"Exit status: 0, 2 the call is wrong, 3 something that is needed would be cut, or not all is known.",
		Example: "  plimsoll net suggest ./k8s > policies.yaml\n  hubble observe -o jsonpb --since 24h > flows.json; plimsoll net suggest --flows flows.json --namespace shop\n" +
			"  plimsoll net suggest --declared=false --flows conntrack.txt ./prod-dump",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("yaml", "json"); err != nil {
				return err
			}
			if !o.declared && len(o.flows) == 0 {
				return usage("--declared=false leaves nothing that could be needed: name --flows FILE")
			}
			return o.run(cmd, g, args)
		},
	}
	f := cmd.Flags()
	o.flags(f, "yaml or json")
	carrierFlag(f, &o.carriers)
	f.Lookup("output").DefValue, o.format = "yaml", "yaml"
	f.Var(repeated(&o.flows), "flows", "`FILE` of recorded connections, or - for standard input; may be repeated")
	f.VarP(parted(&o.namespaces), "namespace", "n", "`NAMESPACES` whose pods get policies (default: all but kube-system)")
	f.BoolVar(&o.declared, "declared", o.declared, "count what manifests declare")
	f.Var(parted(&o.servers), "api-server", "`ADDRESSES` of the API server, with a port or on 6443 (default: what Service kubernetes and the control plane's nodes say)")
	f.BoolVar(&o.replace, "replace", false, "take the NetworkPolicies that these namespaces have for gone")
	return cmd
}

func (o *suggestOptions) run(cmd *cobra.Command, g *global, args []string) error {
	if o.declared {
		o.netOptions.also, o.netOptions.optional = fewKinds(), suggest.Kinds()
	}
	s, err := o.seen(cmd.Context(), g, args)
	if err != nil {
		return err
	}
	w, err := o.wire(cmd.Context(), s, nil)
	if err == nil {
		err = o.brought(w)
	}
	if err != nil {
		return err
	}
	log, err := o.readLog(g, w)
	if err != nil {
		return err
	}
	for _, ns := range o.namespaces {
		if err := w.has(ns); err != nil {
			return err
		}
	}
	w.tell(g)
	use := scan.ServerUse(s.Snapshot, s.whole)
	of := suggest.Options{Namespaces: o.namespaces, Replace: o.replace, Uses: func(w *kube.Workload) bool { is := use(w); return is.Token && is.Granted }}
	var declared suggest.Declaration
	if o.declared {
		declared = *suggest.Declared(w.model, s.Snapshot, of)
	}
	of.Unknown, of.Notes = declared.Unknown, declared.Notes
	recorded := suggest.Flows(w.model, log)
	a, err := suggest.Make(cmd.Context(), w.model, s.Snapshot, append(declared.Needs, recorded.Needs...), of)
	if cmd.Context().Err() != nil {
		return errStopped
	}
	if err != nil {
		return err
	}
	o.tell(g, log, recorded, a)
	if err := o.writeSuggested(g, w, log, recorded, a); err != nil {
		return err
	}
	if len(a.Cut)+len(a.Unknown)+len(recorded.Unknown)+log.Broken+log.Lost+log.Undirected > 0 {
		return exitError{exitIncomplete, nil}
	}
	return w.end(nil)
}

// readLog reads the flows.
func (o *suggestOptions) readLog(g *global, w *wires) (*flow.Log, error) {
	log := &flow.Log{Listens: suggest.Listens(w.model)}
	for _, name := range o.flows {
		if err := readFlows(g, log, name); err != nil {
			return nil, usage("--flows: %w", err)
		}
	}
	if err := log.Settle(); err != nil {
		return nil, usage("--flows: %w", err)
	}
	if len(o.flows) > 0 && len(log.Flows)+log.Undirected == 0 {
		return nil, usage("--flows: no flow in %s%s", count(log.Lines, "line"), strings.TrimSuffix("; "+log.First, "; "))
	}
	return log, nil
}

func readFlows(g *global, log *flow.Log, name string) error {
	if name == "-" {
		return log.Read("standard input", g.env.Stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return log.Read(name, io.Reader(f))
}

// mostTold is how many flows of a kind are told one by one.
const mostTold = 10

// tell says on stderr what a person has to know before applying anything.
func (o *suggestOptions) tell(g *global, log *flow.Log, r *suggest.Recorded, a *suggest.Answer) {
	if log.Broken > 0 {
		g.say("plimsoll: %s of flows not understood; the first: %s", count(log.Broken, "line"), printable(log.First))
	}
	if log.Lost > 0 {
		g.say("plimsoll: %s were lost while flows were recorded: what is needed may be among them", count(log.Lost, "event"))
	}
	if log.Undirected > 0 {
		g.say("plimsoll: %s not allowed, as it is not known which end opened it; the first: %s", count(log.Undirected, "recorded connection"), printable(log.Which))
	}
	if r.Connections > 0 {
		window := ""
		if from, to := log.Window(); !from.IsZero() {
			window = fmt.Sprintf(" from %s to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		g.say("plimsoll: %s recorded%s; %.1f %% of them are between ends that are known", count(r.Connections, "connection"), window, 100*float64(r.Explained)/float64(r.Connections))
	}
	if r.Refused > 0 {
		g.say("plimsoll: %s were refused when they were recorded: they are not allowed", count(r.Refused, "flow"))
	}
	for i, what := range r.Unknown {
		if i == mostTold {
			g.say("plimsoll: and %d more of nobody who was read", len(r.Unknown)-i)
			break
		}
		g.say("plimsoll: not allowed, as one end is nobody who was read: %s", printable(what))
	}
	for _, what := range a.Unknown {
		g.say("plimsoll: needed, and not allowed: %s", printable(what))
	}
	for _, note := range a.Notes {
		g.say("plimsoll: %s", printable(note))
	}
	for _, n := range a.Cut {
		if by := a.Refused[n]; by != "" {
			g.say("plimsoll: needed, and refused already by %s, as it would be: %s (%s)", printable(by), printable(n.String()), printable(n.Why))
			continue
		}
		g.say("plimsoll: would be cut: %s (%s)", printable(n.String()), printable(n.Why))
	}
	g.say("plimsoll: %s; %d of %d that are needed are allowed by them", count(len(a.Policies), "policy"), len(a.Kept), len(a.Kept)+len(a.Cut))
}

// needRow is a need as it is told.
type needRow struct {
	From       string    `json:"from"`
	To         string    `json:"to"`
	Ports      string    `json:"ports"`
	Why        string    `json:"why"`
	Count      int       `json:"count,omitempty"`
	FromEnd    netEnd    `json:"fromEnd"`
	ToEnd      netEnd    `json:"toEnd"`
	PortRanges []portRow `json:"portRanges"`
	RefusedBy  string    `json:"refusedBy,omitempty"` // the policies that refuse it already
}

func needRows(needs []*suggest.Need, refused map[*suggest.Need]string) []needRow {
	all := []needRow{}
	for _, n := range needs {
		from, to := n.Ends()
		end := func(e *network.Endpoint) netEnd {
			if e.Kind == network.Block {
				e = &network.Endpoint{Kind: network.Block, Addresses: n.Address}
			}
			return netEndOf(e)
		}
		all = append(all, needRow{from, to, n.Ports().String(), n.Why, n.Count, end(n.From), end(n.To), portRows(n.Ports()), refused[n]})
	}
	return all
}

func (o *suggestOptions) writeSuggested(g *global, w *wires, log *flow.Log, r *suggest.Recorded, a *suggest.Answer) error {
	if o.format == "yaml" {
		_, err := io.WriteString(g.env.Stdout, a.Text)
		return err
	}
	policies := []map[string]any{}
	made, _ := kube.Manifest("suggested.yaml", []byte(a.Text)) // which was read so before it was held against what is needed
	for _, p := range made {
		policies = append(policies, p.Fields)
	}
	return o.answer(g, nil, struct {
		Policies   []map[string]any `json:"policies"`
		YAML       string           `json:"yaml"` // the same, with the reason beside each rule
		Kept       []needRow        `json:"kept"`
		Cut        []needRow        `json:"cut"`
		Unknown    []string         `json:"unknown,omitempty"` // needed, and not allowed, as it cannot be named
		Recorded   int              `json:"recorded"`
		Explained  int              `json:"explained"`
		Refused    int              `json:"refused"`
		Broken     int              `json:"broken"`
		Lost       int              `json:"lost"`
		Undirected int              `json:"undirected"`
		Notes      []string         `json:"notes,omitempty"`
		Gaps       []string         `json:"gaps,omitempty"`
	}{policies, a.Text, needRows(a.Kept, nil), needRows(a.Cut, a.Refused), append(a.Unknown, r.Unknown...), r.Connections, r.Explained, r.Refused, log.Broken, log.Lost, log.Undirected, a.Notes, w.gaps})
}
