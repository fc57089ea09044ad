package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/least"
	"github.com/plimsoll/plimsoll/internal/read/audit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

type leastOptions struct {
	access   accessOptions
	logs     []string
	subjects []string
	names    bool
}

func newRBACLeast(g *global) *cobra.Command {
	var o leastOptions
	cmd := &cobra.Command{
		Use: "least [flags] --audit-log FILE [TARGET...]", Short: "Say which rights nobody used, and write the smallest roles, from the audit log", Args: words(0, -1),
		Long: "Least holds the API server's audit log against who may do what: of each right that people gave it tells when it was used\n" +
			"last, and writes with -o yaml the smallest roles and bindings that would have let the same through, one for each\n" +
			"subject and namespace. They are held against the log again before they are written: every request that these rights let\n" +
			"through stays allowed, or the command fails. What was not done in the log's window is not in them.\n\n" +
			"Exit status: 0, 2 the call is wrong, 3 a log or an object could not be read in full, or the replay fails.",
		Example: "  plimsoll rbac least --audit-log audit.log ./k8s\n" +
			"  plimsoll rbac least --audit-log audit.log --audit-log audit-1.log --subject sa:shop/cart -o yaml ./prod-dump > cart.yaml\n" +
			"  plimsoll rbac least --audit-log - --names <audit.log",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.access.validate("table", "json", "yaml"); err != nil {
				return err
			}
			if len(o.logs) == 0 {
				return usage("--audit-log: name the API server's log, as in --audit-log audit.log")
			}
			return o.run(cmd.Context(), g, args)
		},
	}
	f := cmd.Flags()
	o.access.flags(f, "table, json, or yaml of the smallest roles")
	f.Var(repeated(&o.logs), "audit-log", "`FILE` of the API server's audit log, - for stdin; may be repeated")
	f.Var(repeated(&o.subjects), "subject", "`SUBJECT` that is told of; may be repeated (default: all)")
	f.BoolVar(&o.names, "names", false, "name in roles the objects that were used, up to ten")
	return cmd
}

// leastRow is a right and its last use.
type leastRow struct {
	Subject string `json:"subject"`
	Right   string `json:"right"`
	Binding string `json:"binding"`
	Last    string `json:"last,omitempty"` // absent: not once
}

func (o *leastOptions) run(ctx context.Context, g *global, targets []string) error {
	only := map[rbac.Subject]bool{}
	for _, word := range o.subjects {
		s, err := readSubject(word)
		if err != nil {
			return err
		}
		only[s] = true
	}
	a, err := o.access.read(ctx, g, targets, fewKinds())
	if err != nil {
		return err
	}
	u := least.New(a.model, o.names)
	if err := o.replayed(g, a, u); err != nil {
		return err
	}
	roles := u.Roles()
	text, err := leastYAML(roles)
	if err != nil {
		return err
	}
	deeds, refused, err := replay(a, u, text)
	if err != nil {
		return err
	}
	g.say("plimsoll: %s", window(u))
	if u.Foreign > 0 {
		g.say("plimsoll: let through by what was not read, as other bindings at that time, or another authorizer: %s", count(u.Foreign, "request"))
	}
	if len(refused) > 0 {
		return exitError{exitIncomplete, fmt.Errorf("the smallest roles would refuse %d of %d different requests that were let through: %s", len(refused), deeds, printable(strings.Join(refused[:min(5, len(refused))], "; ")))}
	}
	g.say("plimsoll: replayed: with the smallest roles in the place of these, all of %s that were let through stay allowed", count(deeds, "different request"))
	if len(only) > 0 {
		if text, err = leastYAML(slices.DeleteFunc(roles, func(r least.Role) bool { return !only[r.Subject] })); err != nil {
			return err
		}
	}
	return a.end(o.tell(g, a, u, only, text))
}

// replayed reads the logs.
func (o *leastOptions) replayed(g *global, a *access, u *least.Use) error {
	for _, name := range o.logs {
		events, broken, err := readLog(g, name, func(e audit.Event) {
			q := rbac.Request{Verb: e.Verb, Group: e.Group, Resource: e.Resource, Subresource: e.Subresource, Namespace: e.Namespace, Name: e.Name, URL: e.URL}
			u.Add(rbac.Identity{User: e.User, Groups: e.Groups}, q, e.At, e.Allowed)
			if e.By == nil && e.Allowed {
				u.Person(e.User, e.Agent, e.At)
			}
			if e.By != nil && e.Allowed {
				by := rbac.Identity{User: e.By.User, Groups: e.By.Groups}
				for _, q := range rbac.Impersonation(rbac.Identity{User: e.User, Groups: e.Groups}) {
					if len(a.model.Can(by, &q)) > 0 { // groups that the API server adds take no right
						u.Add(by, q, e.At, true)
					}
				}
			}
		})
		var wrong exitError
		if errors.As(err, &wrong) {
			return wrong
		}
		if err != nil {
			return exitError{exitIncomplete, fmt.Errorf("read %s: %w", name, err)}
		}
		if events == 0 {
			return usage("--audit-log %s: it holds no event of audit.k8s.io: the API server writes it with --audit-log-path", name)
		}
		if broken > 0 {
			a.gaps = append(a.gaps, fmt.Sprintf("%s: %s no event", name, count(broken, "line")+" with"))
			g.say("plimsoll: not seen: %s", a.gaps[len(a.gaps)-1])
		}
	}
	return nil
}

func readLog(g *global, name string, do func(audit.Event)) (events, broken int, err error) {
	var in io.Reader = g.env.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return 0, 0, usage("--audit-log: %w", err)
		}
		defer f.Close()
		in = f
	}
	return audit.Read(in, do)
}

// window says over how long was looked, and what that is worth.
func window(u *least.Use) string {
	days := u.Last.Sub(u.First).Hours() / 24
	worth := "high: more than a month, though what is done once a quarter may be missing"
	switch {
	case days < 7:
		worth = "low: less than a week; what weekly and monthly jobs, upgrades and failures need is missing"
	case days < 31:
		worth = "medium: less than a month; what monthly jobs, upgrades and failures need may be missing"
	}
	return fmt.Sprintf("%s let through and %d refused, from %s to %s (%.1f days). Confidence %s", count(u.Events, "request"), u.Refused, u.First.UTC().Format(time.RFC3339), u.Last.UTC().Format(time.RFC3339), days, worth)
}

// replay holds the smallest roles, as they are written, against what was let through.
func replay(a *access, u *least.Use, text []byte) (deeds int, refused []string, err error) {
	objects, problems := kube.Manifest("least.yaml", text)
	if len(problems) > 0 {
		return 0, nil, errors.Join(problems[0], errors.New("the smallest roles cannot be written"))
	}
	mine := map[*kube.Object]bool{}
	for _, b := range a.model.Bindings {
		if !b.Builtin && !b.Assumed {
			mine[b.Object] = true
		}
	}
	for _, o := range a.kube.Objects {
		if !mine[o] {
			objects = append(objects, o)
		}
	}
	deeds, refused = u.Replay(rbac.New(kube.NewSnapshot(objects, nil), rbac.Options{Whole: a.model.Whole}))
	return deeds, refused, nil
}

// leastYAML are the roles and bindings, for kubectl apply.
func leastYAML(roles []least.Role) ([]byte, error) {
	var out bytes.Buffer
	const group = "rbac.authorization.k8s.io"
	for _, r := range roles {
		kind, meta := "Role", map[string]any{"name": r.Name, "namespace": r.Namespace}
		if r.Namespace == "" {
			kind, meta = "ClusterRole", map[string]any{"name": r.Name}
		}
		to := map[string]any{"kind": r.Subject.Kind, "name": r.Subject.Name, "apiGroup": group}
		if r.Subject.Kind == rbac.ServiceAccount {
			to = map[string]any{"kind": r.Subject.Kind, "name": r.Subject.Name, "namespace": r.Subject.Namespace}
		}
		for _, o := range []map[string]any{
			{"apiVersion": group + "/v1", "kind": kind, "metadata": meta, "rules": r.Rules},
			{"apiVersion": group + "/v1", "kind": kind + "Binding", "metadata": meta, "roleRef": map[string]any{"apiGroup": group, "kind": kind, "name": r.Name}, "subjects": []any{to}},
		} {
			text, err := yaml.Marshal(o)
			if err != nil {
				return nil, err
			}
			out.WriteString("---\n")
			out.Write(text)
		}
	}
	return out.Bytes(), nil
}

func (o *leastOptions) tell(g *global, a *access, u *least.Use, only map[rbac.Subject]bool, text []byte) error {
	if o.access.format == "yaml" {
		_, err := fmt.Fprintf(g.env.Stdout, "# %s.\n%s", window(u), text)
		return err
	}
	answer := struct {
		From    time.Time  `json:"from"`
		To      time.Time  `json:"to"`
		Events  int        `json:"events"`
		Refused int        `json:"refused"`
		Rights  []leastRow `json:"rights"`
		People  []person   `json:"people"` // who use accounts of programs
		Gaps    []string   `json:"gaps,omitempty"`
	}{u.First, u.Last, u.Events, u.Refused, []leastRow{}, people(u), a.gaps}
	rows := [][]string{{"SUBJECT", "LAST USED", "RIGHT"}}
	for _, r := range u.Rights() {
		if len(only) > 0 && !only[r.Grant.Subject] {
			continue
		}
		row := leastRow{Subject: r.Grant.Subject.String(), Right: r.What, Binding: r.Grant.String()}
		last := "never"
		if !r.Last.IsZero() {
			row.Last = r.Last.UTC().Format(time.RFC3339)
			last = row.Last
		}
		answer.Rights = append(answer.Rights, row)
		rows = append(rows, []string{row.Subject, last, row.Right + " (" + row.Binding + ")"})
	}
	if err := o.access.answer(g, rows, answer); err != nil || o.access.format == "json" || len(answer.People) == 0 {
		return err
	}
	fmt.Fprintln(g.env.Stdout, "\nAccounts of programs that people seem to use, by their tools; give them accounts of their own:")
	rows = [][]string{{"ACCOUNT", "TOOL", "REQUESTS", "LAST"}}
	for _, p := range answer.People {
		rows = append(rows, []string{p.Account, p.Tool, strconv.Itoa(p.Requests), p.Last})
	}
	return o.access.answer(g, rows, nil)
}

// person is an account that a person's tool uses, as it is told.
type person struct {
	Account  string `json:"account"`
	Tool     string `json:"tool"`
	Requests int    `json:"requests"`
	Last     string `json:"last"`
}

func people(u *least.Use) []person {
	all := []person{}
	for _, p := range u.People() {
		all = append(all, person{p.Account, p.Tool, p.Count, p.Last.UTC().Format(time.RFC3339)})
	}
	return all
}
