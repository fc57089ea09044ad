package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
)

// changeRow is one right that is in one state alone.
type changeRow struct {
	Subject   string `json:"subject"`
	Namespace string `json:"namespace,omitempty"`
	Rule      string `json:"rule"`
	Binding   string `json:"binding"`
	Role      string `json:"role"`
}

// stateDiff is what one state has and another has not.
type stateDiff struct {
	Gained []changeRow `json:"gained"`
	Lost   []changeRow `json:"lost"`
	Opened []opening   `json:"opened"`
	Closed []opening   `json:"closed"`
}

// opening is a path that is in one state alone.
type opening struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Steps []stepRow `json:"steps,omitempty"`
}

func newRBACDiff(g *global) *cobra.Command {
	o := accessOptions{mayBeEmpty: true} // one of the two: roles may be new, or gone
	var fail bool
	cmd := &cobra.Command{
		Use: "diff [flags] BEFORE AFTER", Short: "Say who gained what between two states, and which paths opened", Args: words(2, 2),
		Long: "BEFORE and AFTER are each a file, a folder, or what cluster dump wrote. A right counts where what the subject had before\n" +
			"does not cover it: a rule that was split, or moved to another role, is no change, and of one that grew the rest is told. Paths are those of rbac paths.\n\n" +
			"Exit status: 0; 1 with --fail-on-path, where a path opened; 2 the call is wrong, 3 not all could be read.",
		Example: "  plimsoll rbac diff main/k8s ./k8s\n  plimsoll rbac diff --fail-on-path ./dump-monday ./dump-friday\n  plimsoll rbac diff -o json before.yaml after.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("table", "json"); err != nil {
				return err
			}
			before, err := o.read(cmd.Context(), g, args[:1], nil)
			if err != nil {
				return err
			}
			after, err := o.read(cmd.Context(), g, args[1:], nil)
			if err != nil {
				return err
			}
			if before.model.Empty() && after.model.Empty() {
				return exitError{exitIncomplete, errors.New("neither BEFORE nor AFTER has a role or binding: there is nothing to compare")}
			}
			d := compare(before, after, pathsOf(before.graph(cmd.Context(), g)), pathsOf(after.graph(cmd.Context(), g)))
			if err := o.answer(g, d.rows(), d); err != nil {
				return err
			}
			if fail && len(d.Opened) > 0 {
				return exitError{exitDeny, nil}
			}
			after.gaps = append(after.gaps, before.gaps...)
			return after.end(nil)
		},
	}
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "`FORMAT` of the answer: table or json")
	cmd.Flags().BoolVar(&fail, "fail-on-path", false, "deny where a path opened")
	return cmd
}

func compare(before, after *access, was, is map[[2]string][]stepRow) *stateDiff {
	d := &stateDiff{Gained: beyond(before.model, after.model), Lost: beyond(after.model, before.model), Opened: []opening{}, Closed: []opening{}}
	add := func(into *[]opening, from, other map[[2]string][]stepRow) {
		for key, steps := range from {
			if other[key] == nil {
				*into = append(*into, opening{key[0], key[1], steps})
			}
		}
		slices.SortFunc(*into, func(a, b opening) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From)) })
	}
	add(&d.Opened, is, was)
	add(&d.Closed, was, is)
	return d
}

// beyond are the rights of one state that another does not cover.
func beyond(other, m *rbac.Model) []changeRow {
	all := []changeRow{}
	type asked struct {
		subject   rbac.Subject
		namespace string
		rule      *rbac.Rule
	}
	lacked := map[asked][]rbac.Rule{} // by several bindings of one role it is asked once
	for _, g := range m.Grants {
		if g.Role == nil || g.Assumed {
			continue
		}
		for i := range g.Role.Rules {
			rule := &g.Role.Rules[i]
			key := asked{g.Subject, g.Namespace, rule}
			rest, known := lacked[key]
			if !known {
				if gives := g.Effect(rule); gives != nil {
					rest = other.Lacks(g.Subject, g.Namespace, gives)
				}
				lacked[key] = rest
			}
			for i := range rest {
				all = append(all, changeRow{g.Subject.String(), g.Namespace, rest[i].String(), g.String(), g.Role.String()})
			}
		}
	}
	slices.SortFunc(all, func(a, b changeRow) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Binding, b.Binding))
	})
	return slices.Compact(all)
}

// pathsOf are the shortest paths of a state, by source and end.
func pathsOf(graph *path.Graph) map[[2]string][]stepRow {
	all := map[[2]string][]stepRow{}
	for _, to := range []string{path.ToAdmin, path.ToNode} {
		for _, r := range graph.From(to, "", func(rbac.Subject) bool { return false }, 1) {
			all[[2]string{r.Source, to}] = stepRows(r.Paths[0])
		}
	}
	return all
}

func (d *stateDiff) rows() [][]string {
	rows := [][]string{{"CHANGE", "WHO", "WHAT"}}
	for _, c := range d.Gained {
		rows = append(rows, []string{"gained", c.Subject, c.words()})
	}
	for _, c := range d.Lost {
		rows = append(rows, []string{"lost", c.Subject, c.words()})
	}
	for _, p := range d.Opened {
		for i := range p.Steps {
			rows = append(rows, []string{"path", p.From, "to " + p.To + ": " + p.Steps[i].line()})
		}
	}
	for _, p := range d.Closed {
		rows = append(rows, []string{"closed", p.From, "to " + p.To})
	}
	if len(rows) == 1 {
		return [][]string{{"Nobody gained or lost a right."}}
	}
	return rows
}

func (c *changeRow) words() string {
	where := "in all namespaces"
	if c.Namespace != "" {
		where = "in " + c.Namespace
	}
	return fmt.Sprintf("%s, %s, by %s (%s)", c.Rule, where, c.Binding, c.Role)
}
