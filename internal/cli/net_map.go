package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/tell/report/netmap"
)

// mostEdges is how many arrows a drawing has at most: beyond it nobody sees anything, and drawing takes for ever.
const mostEdges = 2000

// mapOptions say what of the map is told.
type mapOptions struct {
	netOptions
	namespace string
	formats   []string
}

func newNetMap(g *global) *cobra.Command {
	var o mapOptions
	formats := []string{"table", "json", "csv", "dot", "mermaid", "html"}
	cmd := &cobra.Command{
		Use: "map [flags] [TARGET...]", Short: "Show all connections that the policies allow", Args: words(0, -1),
		Long: "Who reaches the same stands in one row, and so does whom they reach on the same ports: shop/* are all pods of a\n" +
			"namespace. A pod reaches itself, and its node reaches it, whatever policies say; neither is in the map. Pods in the\n" +
			"network of their node count as nodes. csv has a line for each two workloads. html is one page for a browser that needs\n" +
			"nothing else: a picture that is searched, folded and asked for the reasons of each connection.\n\n" +
			"Exit status: 0, 2 the call is wrong, 3 not all is known, so that the map may be another one.",
		Example: "  plimsoll net map ./k8s\n  plimsoll net map --namespace shop ./prod-dump\n  plimsoll net map -o html=map.html ./k8s\n  plimsoll net map -o mermaid ./k8s\n  plimsoll net map -o dot ./k8s | dot -Tsvg > map.svg",
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := parseFormats(o.formats, "table", formats)
			if err != nil {
				return err
			}
			w, err := o.read(cmd.Context(), g, args)
			if err != nil {
				return err
			}
			if o.namespace != "" {
				if err := w.has(o.namespace); err != nil {
					return err
				}
			}
			return w.end(o.writeAll(cmd.Context(), g, w, to))
		},
	}
	f := cmd.Flags()
	o.flags(f, "")
	f.VarP(repeated(&o.formats), "output", "o", "`FORMAT` of the answer: table (the default), json, csv, dot, mermaid or html; FORMAT=FILE writes it to a file; may be repeated")
	o.enforced.flags(f)
	carrierFlag(f, &o.carriers)
	f.StringVarP(&o.namespace, "namespace", "n", "", "only what pods of this `NAMESPACE` reach, and who reaches them")
	return cmd
}

// writeAll writes the map in each format to where it goes. All are tried.
func (o *mapOptions) writeAll(ctx context.Context, g *global, w *wires, to outputs) error {
	var errs []error
	for _, one := range to {
		o.format = one.format
		if one.file == "" {
			errs = append(errs, o.write(ctx, g, w))
			continue
		}
		errs = append(errs, writeFile(one.file, func(file io.Writer) error {
			there := *g
			there.env.Stdout, there.env.Width = file, 0
			return o.write(ctx, &there, w)
		}))
	}
	return errors.Join(errs...)
}

func (o *mapOptions) write(ctx context.Context, g *global, w *wires) error {
	if o.format == "html" {
		made := g.epoch()
		if made.IsZero() {
			made = g.env.Now()
		}
		err := netmap.Write(ctx, g.env.Stdout, netmap.Facts{Model: w.model, Gaps: w.unknown(), Enforced: w.known.Words(), Namespace: o.namespace, Version: version(), Made: made})
		if err != nil && ctx.Err() != nil || errors.As(err, new(*network.TooLargeError)) {
			return unmade(err, fewer)
		}
		return err
	}
	all, err := w.model.Map(ctx)
	if err != nil {
		return unmade(err, fewer)
	}
	rows, err := all.Rows(ctx, o.namespace)
	if err != nil {
		return unmade(err, "choose a --namespace, or -o html")
	}
	switch o.format {
	case "csv":
		return writePairs(g.env.Stdout, all, rows, o.namespace)
	case "dot", "mermaid":
		return o.draw(g.env.Stdout, rows)
	}
	table := [][]string{{"FROM", "PORTS", "TO"}}
	answer := struct {
		Connections []connectionRow `json:"connections"`
		Published   []publishedRow  `json:"published"`
		Enforcement string          `json:"enforcement,omitempty"`
		Gaps        []string        `json:"gaps,omitempty"`
	}{connectionRows(rows, "", &table), publishedRows(w.model, o.namespace), w.known.Words(), w.unknown()}
	if err := o.answer(g, table, answer); err != nil || o.format == "json" || len(answer.Published) == 0 {
		return err
	}
	fmt.Fprintln(g.env.Stdout, "\nFrom outside of the cluster:")
	table = [][]string{{"BY", "TO", "PORTS", "LET IN"}}
	for _, p := range answer.Published {
		table = append(table, p.cells())
	}
	return o.answer(g, table, nil)
}

// writePairs writes a line for each two endpoints, one of which reaches the other.
func writePairs(to io.Writer, all *network.Map, rows []network.Row, namespace string) error {
	w := csv.NewWriter(to)
	line := func(from, to *network.Endpoint, ports network.Ports) error {
		return w.Write([]string{cell(from.String()), cell(to.String()), ports.String()})
	}
	if err := w.Write([]string{"from", "to", "ports"}); err != nil {
		return err
	}
	onNodes := func(e *network.Endpoint) bool { return e.Kind == network.Node || e.Kind == network.Host }
	for i := range rows {
		for _, from := range rows[i].From.All() {
			if onNodes(from) {
				continue // what they reach of the pods that run on them stands in other rows
			}
			for _, one := range rows[i].To.All() {
				if from == one && !from.Several {
					continue
				}
				if err := line(from, one, rows[i].Ports); err != nil {
					return err
				}
			}
		}
	}
	for _, from := range all.Endpoints {
		if !onNodes(from) {
			continue
		}
		for one, ports := range all.Reaches(from) {
			if namespace != "" && from.Namespace != namespace && one.Namespace != namespace {
				continue
			}
			if err := line(from, one, ports); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

// cell is a text that no spreadsheet takes for a formula.
func cell(text string) string {
	text = printable(strings.ReplaceAll(text, "\n", "?"))
	if strings.ContainsAny(text[:min(1, len(text))], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

// draw writes the rows as Graphviz or Mermaid reads them: an arrow for each two names.
func (o *mapOptions) draw(to io.Writer, rows []network.Row) error {
	edges := 0
	for i := range rows {
		edges += len(rows[i].From.Words()) * len(rows[i].To.Words())
	}
	if edges > mostEdges {
		return usage("the map has %d arrows, more than the %d that can be drawn: choose a --namespace", edges, mostEdges)
	}
	var b strings.Builder
	if o.format == "dot" {
		b.WriteString("digraph network {\n  rankdir=LR;\n  node [shape=box];\n")
	} else {
		b.WriteString("flowchart LR\n")
	}
	names := map[string]string{}
	name := func(text string) string {
		if names[text] != "" {
			return names[text]
		}
		names[text] = fmt.Sprintf("n%d", len(names))
		return names[text] + `["` + quoteMermaid(text) + `"]`
	}
	for i := range rows {
		for _, from := range rows[i].From.Words() {
			for _, one := range rows[i].To.Words() {
				if o.format == "dot" {
					fmt.Fprintf(&b, "  %s -> %s [label=%s];\n", quoteDOT(from), quoteDOT(one), quoteDOT(rows[i].Ports.String()))
					continue
				}
				fmt.Fprintf(&b, "  %s -->|\"%s\"| %s\n", name(from), quoteMermaid(rows[i].Ports.String()), name(one))
			}
		}
	}
	if o.format == "dot" {
		b.WriteString("}\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}
