package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
)

// pathOptions say which paths are told.
type pathOptions struct {
	access accessOptions
	to     []string
	from   []string
	trust  []string
	most   int
}

// grantRow is a grant as it is told.
type grantRow struct {
	Binding string `json:"binding"`
	Subject string `json:"subject"`
	Role    string `json:"role"`
	Builtin bool   `json:"builtin,omitempty"`
}

func grantRows(grants []*rbac.Grant) []grantRow {
	all := make([]grantRow, 0, len(grants))
	for _, g := range grants {
		all = append(all, grantRow{g.String(), g.Subject.String(), g.RoleKind + " " + g.RoleName, g.Builtin || g.Assumed})
	}
	return all
}

type stepRow struct {
	From      string     `json:"from"`
	To        string     `json:"to"`
	Primitive string     `json:"primitive,omitempty"`
	Does      string     `json:"does"`
	Rule      string     `json:"rule,omitempty"`
	Why       string     `json:"why,omitempty"`
	When      string     `json:"when,omitempty"` // what has to be so, and is not known
	Closes    string     `json:"closes,omitempty"`
	Grants    []grantRow `json:"grants,omitempty"`
}

type reachRow struct {
	From  string      `json:"from"`
	Paths [][]stepRow `json:"paths"`
}

type cutRow struct {
	Grants  []grantRow `json:"grants"`
	Exact   bool       `json:"exact"`
	None    bool       `json:"none,omitempty"` // no removal of what people made closes any path
	Kept    []string   `json:"kept,omitempty"` // sources whose path none closes: the cut is of all others
	OnPaths int        `json:"grantsOnPaths"`
	Unknown []string   `json:"unknown,omitempty"` // objects that roles name and that were not read
}

type endRow struct {
	To      string     `json:"to"`
	Reaches []reachRow `json:"reaches"`
	Cut     cutRow     `json:"cut"`
}

func newRBACPaths(g *global) *cobra.Command {
	o := pathOptions{most: 1, to: []string{path.ToAdmin, path.ToNode}}
	formats := []string{"table", "json", "dot", "mermaid"}
	cmd := &cobra.Command{
		Use: "paths [flags] [TARGET...]", Short: "Show who can become the cluster's master, how, and which grants to take away", Args: words(0, -1),
		Long: "A path begins at a user, a group, an account, or a pod that somebody broke into, and ends at all of the cluster, at a\n" +
			"node's root, or at the Secrets of a namespace; where it is asked for, at an identity in the cloud, at the traffic of\n" +
			"others (network), at what admission forbids (policies), at logs and settings of the control plane (logs), at volumes and\n" +
			"devices of others (data), or at their work (outage). Each step says what is done, by which rule, and why it works. Then come the\n" +
			"grants (a binding's one subject) whose removal leaves no path: no fewer do it where each step needs one grant; else they\n" +
			"are found greedily, and that is said. What Kubernetes and kubeadm bind themselves is no source, and is not taken away.\n\n" +
			"Exit status: 0, paths or none; 2 the call is wrong, 3 not all could be read, so that there may be more.",
		Example: "  plimsoll rbac paths ./k8s\n" +
			"  plimsoll rbac paths --from sa:shop/cart --alternatives 5\n" +
			"  plimsoll rbac paths --to secrets:shop --trust group:ops ./prod-dump\n" +
			"  plimsoll rbac paths -o dot ./k8s | dot -Tsvg > paths.svg",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.access.validate(formats...); err != nil {
				return err
			}
			p, err := o.read()
			if err != nil {
				return err
			}
			a, err := o.access.read(cmd.Context(), g, args, allKinds())
			if err != nil {
				return err
			}
			if err := p.known(g, a); err != nil {
				return a.end(err)
			}
			ends := p.ends(a.graph(cmd.Context(), g))
			return a.end(o.write(g, ends, a.gaps))
		},
	}
	f := cmd.Flags()
	o.access.flags(f, "table, json, dot or mermaid")
	f.Var(parted(&o.to), "to", "`ENDS` of paths: cluster-admin, node, secrets (of all namespaces), secrets:NAMESPACE, cloud, network, policies, logs, data or outage (default: cluster-admin,node)")
	f.Var(repeated(&o.from), "from", "`SUBJECT` that paths begin at; may be repeated (default: all, and all pods)")
	f.Var(repeated(&o.trust), "trust", "`SUBJECT` that may be the cluster's master; may be repeated")
	f.IntVar(&o.most, "alternatives", o.most, "how many `PATHS` are shown for each source and end, 1 to 10")
	return cmd
}

// question is which paths are told, read.
type pathQuestion struct {
	to          [][2]string
	from, trust map[rbac.Subject]bool
	words       []string // for them, as they were written
	most        int
}

func (o *pathOptions) read() (*pathQuestion, error) {
	p := &pathQuestion{from: map[rbac.Subject]bool{}, trust: map[rbac.Subject]bool{}, most: o.most}
	to := o.to
	if len(to) > 2 { // those of the call go before the defaults
		to = to[2:]
	}
	for _, word := range to {
		end, namespace, parted := strings.Cut(word, ":")
		if !slices.Contains(path.Ends(), end) || parted && (end != path.ToSecrets || namespace == "") {
			return nil, usage("--to %q: use %s, or secrets:NAMESPACE", word, strings.Join(path.Ends(), ", "))
		}
		p.to = append(p.to, [2]string{end, namespace})
	}
	for list, into := range map[*[]string]map[rbac.Subject]bool{&o.from: p.from, &o.trust: p.trust} {
		for _, word := range *list {
			s, err := readSubject(word)
			if err != nil {
				return nil, err
			}
			into[s] = true
			p.words = append(p.words, word)
		}
	}
	if o.most < 1 || o.most > 10 {
		return nil, usage("--alternatives %d: give 1 to 10", o.most)
	}
	return p, nil
}

// known refuses what a path cannot begin or end at, since no path would read as a good answer, and puts what is asked about into
// the model. Who holds a right in all namespaces holds it in one that no file lists; a cluster lists all that it has.
func (p *pathQuestion) known(g *global, a *access) error {
	var subjects []rbac.Subject
	for _, word := range p.words {
		s, err := readSubject(word)
		if err == nil {
			err = knownSubject(g, a.model, s, word, "")
		}
		if err != nil {
			return err
		}
		if p.from[s] {
			subjects = append(subjects, s)
		}
	}
	var listed, asked []string
	for _, o := range a.kube.Objects {
		if o.Is("", "Namespace") {
			listed = append(listed, o.Name)
		}
	}
	for _, to := range p.to {
		if to[1] == "" {
			continue
		}
		if asked = append(asked, to[1]); a.model.Whole && len(listed) > 0 && !slices.Contains(listed, to[1]) {
			return usage("--to secrets:%s: the cluster has no such namespace%s", to[1], suggestion(to[1], listed))
		}
	}
	a.model.Ask(subjects, asked)
	return nil
}

// ends asks the graph for each end.
func (p *pathQuestion) ends(g *path.Graph) (all []endRow) {
	passed := func(s rbac.Subject) bool { return p.trust[s] || len(p.from) > 0 && !p.from[s] }
	for _, to := range p.to {
		end := endRow{To: strings.TrimSuffix(to[0]+":"+to[1], ":"), Reaches: []reachRow{}}
		for _, r := range g.From(to[0], to[1], passed, p.most) {
			row := reachRow{From: r.Source}
			for _, one := range r.Paths {
				row.Paths = append(row.Paths, stepRows(one))
			}
			end.Reaches = append(end.Reaches, row)
		}
		c := g.Cut(to[0], to[1], passed)
		end.Cut = cutRow{Grants: grantRows(c.Grants), Exact: c.Exact, None: len(c.Kept) > 0 && len(c.Grants) == 0, OnPaths: c.OnPaths, Unknown: c.Unknown}
		for _, k := range c.Kept {
			end.Cut.Kept = append(end.Cut.Kept, k.From)
		}
		all = append(all, end)
	}
	return all
}

func stepRows(p path.Path) (all []stepRow) {
	for _, s := range p.Steps {
		does := strings.TrimSpace(s.Does + " " + strings.Join(s.Terms, ", "))
		all = append(all, stepRow{s.From, s.To, s.Primitive, does, s.Proof, s.Why, s.When, s.Closes, grantRows(s.Grants)})
	}
	return all
}

// line is a step in words.
func (s *stepRow) line() string {
	text := s.From + " " + s.Does
	if s.When != "" {
		text += ", " + s.When
	}
	text += ": " + s.To
	var by []string
	for _, g := range s.Grants {
		by = append(by, g.Binding)
	}
	if len(by) > 0 {
		text += " [" + strings.Join(by, ", ") + ": " + s.Rule + "]"
	}
	return text
}

func (o *pathOptions) write(g *global, ends []endRow, gaps []string) error {
	switch o.access.format {
	case "json":
		return o.access.answer(g, nil, struct {
			Ends []endRow `json:"ends"`
			Gaps []string `json:"gaps,omitempty"`
		}{ends, gaps})
	case "dot":
		return drawDOT(g.env.Stdout, ends)
	case "mermaid":
		return drawMermaid(g.env.Stdout, ends)
	}
	for _, end := range ends {
		if err := o.table(g, &end, len(gaps) > 0); err != nil {
			return err
		}
	}
	return nil
}

func (o *pathOptions) table(g *global, end *endRow, gaps bool) error {
	sources := count(len(end.Reaches), "source")
	switch {
	case gaps && len(end.Reaches) == 0:
		sources = "not known, as not all could be read"
	case gaps:
		sources = "at least " + sources + ", as not all could be read"
	}
	fmt.Fprintf(g.env.Stdout, "To %s: %s\n", end.To, sources)
	for _, what := range end.Cut.Unknown {
		fmt.Fprintf(g.env.Stdout, "Not known: where %s.\n", printable(strings.ReplaceAll(what, "\n", "?")))
	}
	if len(end.Reaches) == 0 {
		return nil
	}
	rows := [][]string{{"FROM", "STEPS", "HOW"}}
	for _, r := range end.Reaches {
		for i, p := range r.Paths {
			from := r.From
			if i > 0 {
				from = "  or"
			}
			for n := range p {
				steps := ""
				if n == 0 {
					steps = strconv.Itoa(len(p))
				} else {
					from = ""
				}
				rows = append(rows, []string{from, steps, p[n].line()})
			}
		}
	}
	if err := o.access.answer(g, rows, nil); err != nil {
		return err
	}
	fmt.Fprintf(g.env.Stdout, "%s. ", count(end.Cut.OnPaths, "grant")+" on paths")
	left := "no path is left"
	if kept := end.Cut.Kept; len(kept) > 0 {
		fmt.Fprintln(g.env.Stdout, "No removal of grants that people made closes the path of these: it needs none, or is Kubernetes' own.")
		for _, from := range kept {
			fmt.Fprintln(g.env.Stdout, printable(strings.ReplaceAll("  "+from, "\n", "?")))
		}
		left = "no other path is left"
	}
	switch {
	case end.Cut.None:
		return nil
	case end.Cut.Exact:
		fmt.Fprintf(g.env.Stdout, "Remove %s and %s; no fewer do:\n", these(len(end.Cut.Grants)), left)
	case len(end.Cut.Unknown) > 0:
		fmt.Fprintf(g.env.Stdout, "Remove %s and %s:\n", these(len(end.Cut.Grants)), strings.Replace(left, "path is", "path that is known is", 1))
	default:
		fmt.Fprintf(g.env.Stdout, "Remove %s and %s (found greedily, as some steps need several grants):\n", these(len(end.Cut.Grants)), left)
	}
	for _, c := range end.Cut.Grants {
		fmt.Fprintln(g.env.Stdout, printable(strings.ReplaceAll("  "+c.Subject+" in "+c.Binding+" ("+c.Role+")", "\n", "?")))
	}
	return nil
}

func these(n int) string {
	if n == 1 {
		return "this grant"
	}
	return fmt.Sprintf("these %d grants", n)
}

// drawDOT writes the shortest paths as Graphviz reads it; what a cut takes away is red.
func drawDOT(w io.Writer, ends []endRow) error {
	var b strings.Builder
	b.WriteString("digraph rbac {\n  rankdir=LR;\n  node [shape=box];\n")
	eachStep(ends, func(s *stepRow, cut bool) {
		color := ""
		if cut {
			color = ", color=red"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s];\n", quoteDOT(s.From), quoteDOT(s.To), quoteDOT(s.Does), color)
	})
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func quoteDOT(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(printable(s)) + `"`
}

// drawMermaid writes them as Mermaid reads it, which code hosts draw.
func drawMermaid(w io.Writer, ends []endRow) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	names := map[string]string{}
	name := func(s string) string {
		if names[s] != "" {
			return names[s]
		}
		names[s] = "v" + strconv.Itoa(len(names))
		return names[s] + `["` + quoteMermaid(s) + `"]`
	}
	eachStep(ends, func(s *stepRow, cut bool) {
		arrow := "-->"
		if cut {
			arrow = "==>"
		}
		from := name(s.From)
		fmt.Fprintf(&b, "  %s %s|\"%s\"| %s\n", from, arrow, quoteMermaid(s.Does), name(s.To))
	})
	_, err := io.WriteString(w, b.String())
	return err
}

func quoteMermaid(s string) string {
	return strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;", "\n", " ").Replace(printable(s))
}

// eachStep calls f for each different step of the paths, and says whether the cut takes away a grant of it.
func eachStep(ends []endRow, f func(s *stepRow, cut bool)) {
	seen := map[[3]string]bool{}
	for _, end := range ends {
		for _, r := range end.Reaches {
			for _, p := range r.Paths {
				for i := range p {
					key := [3]string{p[i].From, p[i].Does, p[i].To}
					if seen[key] {
						continue
					}
					seen[key] = true
					f(&p[i], slices.ContainsFunc(p[i].Grants, func(g grantRow) bool { return slices.Contains(end.Cut.Grants, g) }))
				}
			}
		}
	}
}
