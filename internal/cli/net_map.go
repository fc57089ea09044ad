package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
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
			to, err := parseFormats([]string{o.format}, "", formats)
			if err != nil {
				return err
			}
			o.format = to[0].format
			w, err := o.read(cmd.Context(), g, args)
			if err != nil {
				return err
			}
			if o.namespace != "" {
				if err := w.has(o.namespace); err != nil {
					return err
				}
			}
			if to[0].file == "" {
				return w.end(o.write(cmd.Context(), g, w))
			}
			return w.end(writeFile(to[0].file, func(file io.Writer) error {
				there := *g
				there.env.Stdout, there.env.Width = file, 0
				return o.write(cmd.Context(), &there, w)
			}))
		},
	}
	f := cmd.Flags()
	o.flags(f, "table, json, csv, dot, mermaid or html; FORMAT=FILE writes it to a file")
	o.enforced.flags(f)
	carrierFlag(f, &o.carriers)
	f.StringVarP(&o.namespace, "namespace", "n", "", "only what pods of this `NAMESPACE` reach, and who reaches them")
	return cmd
}

// connectionRow is one row of the map.
type connectionRow struct {
	From  []string `json:"from"`
	To    []string `json:"to"`
	Ports string   `json:"ports"`
}

func (o *mapOptions) write(ctx context.Context, g *global, w *wires) error {
	if o.format == "html" {
		made := g.epoch()
		if made.IsZero() {
			made = g.env.Now()
		}
		err := netmap.Write(ctx, g.env.Stdout, netmap.Facts{Model: w.model, Gaps: w.gaps, Enforced: w.known.Words(), Namespace: o.namespace, Version: version(), Made: made})
		if err != nil && ctx.Err() != nil {
			return errStopped
		}
		return err
	}
	all, err := w.model.Map(ctx)
	if err != nil {
		return errStopped
	}
	rows, err := all.Rows(ctx, o.namespace)
	if err != nil {
		return errStopped
	}
	switch o.format {
	case "csv":
		return writePairs(g.env.Stdout, rows)
	case "dot", "mermaid":
		return o.draw(g.env.Stdout, rows)
	}
	table := [][]string{{"FROM", "PORTS", "TO"}}
	answer := struct {
		Connections []connectionRow `json:"connections"`
		Published   []publishedRow  `json:"published"`
		Enforcement string          `json:"enforcement,omitempty"`
		Gaps        []string        `json:"gaps,omitempty"`
	}{connectionRows(rows, "", &table), publishedRows(w.model, o.namespace), w.known.Words(), w.gaps}
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

// publishedRow is a way from outside to pods.
type publishedRow struct {
	By      string `json:"by"`
	To      string `json:"to"`
	Ports   string `json:"ports"`
	Reached string `json:"reached"`
	Unknown bool   `json:"unknown,omitempty"`
	// Detached is why a route leads to nobody, and Doubtful what is not known of that.
	Detached string `json:"notAttached,omitempty"`
	Doubtful string `json:"notKnown,omitempty"`

	let string
}

// cells are the row in a table.
func (r *publishedRow) cells() []string {
	return []string{r.By, r.To, r.Ports, r.let}
}

func publishedRows(m *network.Model, namespace string) []publishedRow {
	all := m.Published()
	if namespace != "" {
		all = slices.DeleteFunc(all, func(p network.Publication) bool { return p.To.Namespace != namespace })
	}
	return publishedOf(all)
}

func publishedOf(of []network.Publication) []publishedRow {
	all := []publishedRow{}
	for _, p := range of {
		by := p.By.Kind + " " + p.By.Namespace + "/" + p.By.Name
		switch {
		case p.How != p.By.Kind && len(network.Internet().Minus(p.Within)) > 0:
			by += " (" + p.How + ", from " + p.Within.Words() + ")"
		case p.How != p.By.Kind:
			by += " (" + p.How + ")"
		}
		all = append(all, publishedRow{by, p.To.String(), p.Ports.String(), p.Reached.String(), p.Unknown, p.Detached, p.Doubtful, p.LetIn()})
	}
	return all
}

// writePairs writes a line for each two endpoints.
func writePairs(to io.Writer, rows []network.Row) error {
	w := csv.NewWriter(to)
	if err := w.Write([]string{"from", "to", "ports"}); err != nil {
		return err
	}
	for i := range rows {
		for _, from := range rows[i].From.All() {
			for _, one := range rows[i].To.All() {
				if from == one && !from.Several {
					continue
				}
				if err := w.Write([]string{cell(from.String()), cell(one.String()), rows[i].Ports.String()}); err != nil {
					return err
				}
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
