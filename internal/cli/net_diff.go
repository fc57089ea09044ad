package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// netDiff are the connections that one state has and the other has not.
type netDiff struct {
	Gained []connectionRow `json:"gained"`
	Lost   []connectionRow `json:"lost"`
	// Published is what comes from outside of the cluster now, and Withdrawn what does no more.
	Published []publishedRow `json:"published"`
	Withdrawn []publishedRow `json:"withdrawn"`
	Gaps      []string       `json:"gaps,omitempty"`
}

func newNetDiff(g *global) *cobra.Command {
	var o netOptions
	var fail bool
	cmd := &cobra.Command{
		Use: "diff [flags] BEFORE AFTER", Short: "Say which connections two states allow one of", Args: words(2, 2),
		Long: "BEFORE and AFTER are each a file, a folder, a chart, an overlay, or what cluster dump wrote. Workloads are the same where kind,\n" +
			"namespace and name are; of one that is new, all that it reaches and all who reach it are gained.\n" +
			"Told is, too, what load balancers, node ports, Ingresses and routes of Gateways newly let in from outside, and no more.\n\n" +
			"Exit status: 0; 1 with --fail-on-gain, where a connection was gained or something published; 2 the call is wrong, 3 not all is known.",
		Example: "  plimsoll net diff main/k8s ./k8s\n  plimsoll net diff --fail-on-gain ./dump-monday ./dump-friday\n  plimsoll net diff -o json before.yaml after.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("table", "json"); err != nil {
				return err
			}
			var seen [2]*seen
			var wires [2]*wires
			var beside []network.Addresses
			for i := range seen {
				var err error
				if seen[i], err = o.seen(cmd.Context(), g, args[i:i+1]); err != nil {
					return err
				}
			}
			for i := range seen {
				var err error
				if wires[i], err = o.wire(cmd.Context(), seen[i], nil); err != nil {
					return err
				}
				beside = append(beside, wires[i].model.Blocks()...)
			}
			var maps [2]*network.Map
			for i := range seen { // so that both tell the same addresses apart
				var err error
				if wires[i], err = o.wire(cmd.Context(), seen[i], beside); err != nil {
					return err
				}
				wires[i].tell(g)
				if maps[i], err = wires[i].model.Map(cmd.Context()); err != nil {
					return unmade(err, fewer)
				}
			}
			d := netDiff{Gaps: append(wires[0].gaps, wires[1].gaps...)}
			gained, lost, err := changed(cmd.Context(), maps[0], maps[1])
			if err != nil {
				return unmade(err, fewer)
			}
			rows := [][]string{{"CHANGE", "FROM", "PORTS", "TO"}}
			d.Gained, d.Lost = connectionRows(gained, "gained", &rows), connectionRows(lost, "lost", &rows)
			was, is := maps[0].Published(), maps[1].Published()
			d.Published, d.Withdrawn = publishedOf(network.Beyond(is, was)), publishedOf(network.Beyond(was, is))
			if err := o.answer(g, rows, d); err != nil {
				return err
			}
			if err := o.tellPublished(g, d); err != nil {
				return err
			}
			if fail && len(d.Gained)+len(d.Published) > 0 {
				return exitError{exitDeny, nil}
			}
			wires[1].gaps = d.Gaps
			return wires[1].end(nil)
		},
	}
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "`FORMAT` of the answer: table or json")
	o.networks.flags(cmd.Flags())
	carrierFlag(cmd.Flags(), &o.carriers)
	o.charts.flags(cmd.Flags(), "release-namespace")
	cmd.Flags().BoolVar(&fail, "fail-on-gain", false, "deny where a connection was gained, or something published")
	return cmd
}

// changed are the connections that were gained, and those that were lost.
func changed(ctx context.Context, before, after *network.Map) (gained, lost []network.Row, err error) {
	more, less, err := network.Diff(ctx, before, after)
	if err != nil {
		return nil, nil, err
	}
	if gained, err = more.Rows(ctx, ""); err != nil {
		return nil, nil, err
	}
	lost, err = less.Rows(ctx, "")
	return gained, lost, err
}

// tellPublished tells in a table what is published now, and no more.
func (o *netOptions) tellPublished(g *global, d netDiff) error {
	if o.format == "json" || len(d.Published)+len(d.Withdrawn) == 0 {
		return nil
	}
	fmt.Fprintln(g.env.Stdout, "\nFrom outside of the cluster:")
	table := [][]string{{"CHANGE", "BY", "TO", "PORTS", "LET IN"}}
	for i, rows := range [][]publishedRow{d.Published, d.Withdrawn} {
		for _, row := range rows {
			table = append(table, append([]string{[...]string{"published", "withdrawn"}[i]}, row.cells()...))
		}
	}
	return o.answer(g, table, nil)
}
