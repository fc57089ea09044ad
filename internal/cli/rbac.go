package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
)

func newRBAC(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rbac", Short: "Say who may do what in a cluster, and what they can make of it",
		Long: "Of manifests, folders, what cluster dump wrote, or, where no TARGET is named, of the cluster itself.\n" +
			"Answers are those of the API server: RBAC, the group system:masters and the node authorizer. Of manifests,\n" +
			"the roles and bindings that every cluster has (Kubernetes 1.37) are taken to be there.",
		Example: "  plimsoll rbac who-can get secrets -n shop ./k8s\n  plimsoll rbac can sa:shop/cart\n  plimsoll rbac who-can create pods/exec --context prod",
	}
	cmd.AddCommand(newWhoCan(g), newCan(g), newRBACPaths(g), newRBACRisky(g), newRBACDiff(g), newRBACLeast(g))
	return cmd
}

// accessOptions say where RBAC is read, and how the answer is written.
type accessOptions struct {
	kubeconfig, context string
	rate                int
	format              string
}

func (o *accessOptions) flags(f *pflag.FlagSet, formats string) {
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster, where no TARGET is named (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.context, "context", "", "`NAME` of the context in it (default: the current one)")
	f.IntVar(&o.rate, "rate", 20, "how many `REQUESTS` a second the API server is asked, each for a page of 100 objects")
	f.StringVarP(&o.format, "output", "o", "table", "`FORMAT` of the answer: "+formats)
}

// access is what was read, and whether that is all.
type access struct {
	model *rbac.Model
	kube  *kube.Snapshot
	gaps  []string
}

// few are the kinds that tell who may do what; all are those that tell what can be made of it.
func fewKinds() []schema.GroupVersionKind {
	return append(kube.Access()[:4], schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"})
}

func allKinds() []schema.GroupVersionKind { return kube.Read() }

// read reads targets, or the cluster. What could not be read is said, and is a gap.
func (o *accessOptions) read(ctx context.Context, g *global, targets []string, kinds []schema.GroupVersionKind) (*access, error) {
	var objects []*kube.Object
	var problems []*kube.Problem
	var missing []client.Missing
	whole := false
	switch {
	case len(targets) == 0:
		if o.rate < 1 {
			return nil, usage("--rate %d: at least 1", o.rate)
		}
		from := clusterOptions{kubeconfig: o.kubeconfig, context: o.context, rate: o.rate}
		c, err := from.read(ctx, client.Selection{Kinds: kinds})
		if err != nil {
			return nil, err
		}
		objects, missing, whole = c.Objects, c.Missing, true
	case o.kubeconfig+o.context != "":
		return nil, usage("--kubeconfig and --context name a cluster, and %s is read: leave one of them out", targets[0])
	case len(targets) == 1 && dump.Is(targets[0]):
		c, err := dump.Read(targets[0])
		if err != nil {
			return nil, usage("%s: %w", targets[0], err)
		}
		objects, missing, whole = c.Objects, c.Missing, true
	default:
		files, err := g.manifests(targets)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			objects, problems = append(objects, f.objects...), append(problems, f.problems...)
		}
	}
	s := kube.NewSnapshot(objects, problems)
	a := &access{kube: s, model: rbac.New(s, rbac.Options{Whole: whole})}
	for _, m := range missing {
		if m.Blocking && m.Class != "unknown-kind" {
			a.gaps = append(a.gaps, m.What)
		}
	}
	for _, p := range a.model.Problems {
		if !p.Template {
			a.gaps = append(a.gaps, p.Error())
		}
	}
	for _, gap := range a.gaps {
		g.say("plimsoll: not seen: %s", printable(gap))
	}
	if a.model.Empty() {
		of := "every cluster has"
		if whole {
			of = "the API server itself allows"
		}
		g.say("plimsoll: no role or binding was read: the answer is of what %s", of)
	}
	return a, nil
}

// end is the status of an answer: what was not seen may change it.
func (a *access) end(err error) error {
	if err == nil && len(a.gaps) > 0 {
		return exitError{exitIncomplete, nil}
	}
	return err
}

// answer writes an answer as a table or as JSON.
func (o *accessOptions) answer(g *global, rows [][]string, document any) error {
	switch o.format {
	case "json":
		e := json.NewEncoder(g.env.Stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(document)
	case "table":
		for _, row := range rows {
			for i := range row {
				row[i] = printable(strings.ReplaceAll(row[i], "\n", "?"))
			}
		}
		return columns(g.env.Stdout, g.width(), rows)
	}
	return usage("-o %q: use table or json", o.format)
}

func (o *accessOptions) validate(formats ...string) error {
	if !slices.Contains(formats, o.format) {
		return usage("-o %q is no format%s: use %s", o.format, suggestion(o.format, formats), strings.Join(formats, " or "))
	}
	return nil
}

// readSubject reads the words for a subject.
func readSubject(word string) (rbac.Subject, error) {
	kind, name, ok := strings.Cut(word, ":")
	switch {
	case word == "":
		return rbac.Subject{}, usage("SUBJECT is empty: write user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME")
	case ok && kind == "sa" || ok && kind == "serviceaccount":
		namespace, account, ok := strings.Cut(name, "/")
		if !ok || namespace == "" || account == "" {
			return rbac.Subject{}, usage("%q: an account is written sa:NAMESPACE/NAME", word)
		}
		return rbac.NewSubject(rbac.ServiceAccount, namespace, account), nil
	case ok && kind == "group" && name != "":
		return rbac.NewSubject(rbac.Group, "", name), nil
	case ok && kind == "node" && name != "":
		return rbac.NewSubject(rbac.User, "", "system:node:"+name), nil
	case ok && kind == "user" && name != "":
		return rbac.NewSubject(rbac.User, "", name), nil
	case ok && kind == "system":
		return rbac.NewSubject(rbac.User, "", word), nil
	}
	return rbac.Subject{}, usage("%q: write user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME", word)
}

// readQuestion reads a verb and a resource: pods, pods/exec, secrets/db, pods/web/exec, widgets.example.com, /metrics.
func readQuestion(g *global, verb, word, namespace string) (*rbac.Request, error) {
	q := &rbac.Request{Verb: verb, Namespace: namespace}
	if verb == "" || word == "" {
		return nil, usage("VERB and RESOURCE: neither may be empty")
	}
	if strings.HasPrefix(word, "/") {
		if q.URL = word; namespace != "" {
			return nil, usage("--namespace %s: %s is in none", namespace, word)
		}
		return q, nil
	}
	parts := strings.Split(word, "/")
	r, known := rbac.Find(parts[0])
	q.Resource, q.Group, _ = strings.Cut(parts[0], ".")
	if known {
		q.Resource, q.Group = r.Name, r.Group
	}
	switch {
	case !known && q.Group == "" && !strings.HasSuffix(parts[0], ".") && q.Resource != "*":
		var names []string
		for _, r := range rbac.Resources() {
			names = append(names, r.Name)
		}
		return nil, usage("%q is no resource of Kubernetes: name the group of another's, as in widgets.example.com%s", parts[0], suggestion(parts[0], names))
	case known && !r.Namespaced && namespace != "":
		return nil, usage("--namespace %s: %s belong to none", namespace, r.Name)
	case known && r.Asked() && r.Name != "userextras" && len(parts) > 1:
		_, q.Name, _ = strings.Cut(word, "/") // a user's and a signer's name may have a slash
	case len(parts) == 2 && (r.Name == "userextras" || slices.Contains(r.Subs, parts[1]) || !known && slices.Contains([]string{"status", "scale"}, parts[1])):
		g.say("%s: taken for the subresource; the object of that name is %s/%s/", word, parts[0], parts[1])
		q.Subresource = parts[1]
	case len(parts) == 2:
		if !known {
			g.say("%s: taken for the object of that name; the subresource is %s//%s", word, parts[0], parts[1])
		}
		q.Name = parts[1]
	case len(parts) == 3:
		q.Name, q.Subresource = parts[1], parts[2]
	case len(parts) > 3:
		return nil, usage("%q: write RESOURCE, RESOURCE/SUBRESOURCE, RESOURCE/NAME or RESOURCE/NAME/SUBRESOURCE", word)
	}
	return q, nil
}

// knownVerb refuses a verb that nothing asks about: the answer would read as that nobody may.
func knownVerb(m *rbac.Model, q *rbac.Request) error {
	all := m.Verbs()
	if slices.Contains(all, q.Verb) || strings.HasPrefix(q.Verb, "impersonate:") || strings.HasPrefix(q.Verb, "impersonate-on:") {
		return nil
	}
	return usage("%q is no verb of the API server, and no role names it: use get, list, watch, create, update, patch, delete, deletecollection, or one such as bind, impersonate or approve%s", q.Verb, suggestion(strings.ToLower(q.Verb), all))
}

// whoRow is one line of who-can's answer.
type whoRow struct {
	Subject   string `json:"subject"`
	Namespace string `json:"namespace,omitempty"`
	Binding   string `json:"binding,omitempty"`
	Role      string `json:"role,omitempty"`
	Rule      string `json:"rule,omitempty"`
	By        string `json:"by,omitempty"`
	Only      string `json:"only,omitempty"`
	Builtin   bool   `json:"builtin,omitempty"`
	At        string `json:"at,omitempty"`

	// Idle is what of the rule has no effect: of no namespace, in a RoleBinding.
	Idle []string `json:"withoutEffect,omitempty"`
}

func rowOf(subject rbac.Subject, namespace string, r rbac.Reason) whoRow {
	row := whoRow{Subject: subject.String(), Namespace: namespace, By: r.By, Only: r.Only}
	if r.Grant != nil {
		row.Binding, row.Rule, row.Builtin = r.Grant.String(), r.Rule.String(), r.Grant.Builtin || r.Grant.Assumed
		if row.Role = title(r.Grant.Role); r.Rule.From != "" {
			row.Role += " (from ClusterRole " + r.Rule.From + ")"
		}
	}
	for _, l := range r.At() {
		row.At = fmt.Sprintf("%s:%d", l.Path, l.StartLine)
	}
	return row
}

func title(r *rbac.Role) string {
	if r.Assumed {
		return r.String() + ", of every cluster"
	}
	return r.String()
}

// because is a reason in words.
func (r *whoRow) because() string {
	if r.By != "" {
		return strings.TrimSpace(r.By + " " + r.Only)
	}
	why := r.Binding + " gives " + r.Role + ": " + r.Rule
	if r.At != "" {
		why += " (" + r.At + ")"
	}
	return why
}

func (r *whoRow) where() string { return cmp.Or(r.Namespace, "all") }

func newWhoCan(g *global) *cobra.Command {
	var o accessOptions
	var namespace string
	var via bool
	cmd := &cobra.Command{
		Use: "who-can [flags] VERB RESOURCE[/NAME] [TARGET...]", Short: "List who may do something, and which binding, role and rule let them", Args: words(2, -1),
		Long: "Without --namespace who-can tells who may do it in all of the cluster and who in a single namespace. A group's\n" +
			"members may do what it may: who they are, the API server's authenticator knows. pods/exec is the subresource,\n" +
			"secrets/db the object; a path that begins with / is no resource. An object's name matters to rules that name\n" +
			"objects: without one they are left out, as the API server does it for a list.\n\n" +
			"Exit status: 0, 2 the call is wrong, 3 not all could be read, so that there may be more.",
		Example: "  plimsoll rbac who-can get secrets -n shop ./k8s\n" +
			"  plimsoll rbac who-can create pods/exec\n" +
			"  plimsoll rbac who-can get secrets/db -n shop ./prod-dump\n" +
			"  plimsoll rbac who-can get /metrics",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("table", "json"); err != nil {
				return err
			}
			q, err := readQuestion(g, args[0], args[1], namespace)
			if err != nil {
				return err
			}
			kinds := fewKinds()
			if via {
				kinds = allKinds()
			}
			a, err := o.read(cmd.Context(), g, args[2:], kinds)
			if err != nil {
				return err
			}
			if err := knownVerb(a.model, q); err != nil {
				return a.end(err)
			}
			r, known := rbac.Find(q.Resource + "." + q.Group)
			all := a.model.WhoCan(q, !known || r.Namespaced)
			answer := struct {
				Holders []whoRow   `json:"holders"`
				Via     []reachRow `json:"via,omitempty"`
				Gaps    []string   `json:"gaps,omitempty"`
			}{Holders: []whoRow{}, Gaps: a.gaps}
			rows := [][]string{{"WHO", "NAMESPACE", "WHY"}}
			var holders []rbac.Subject
			for _, h := range all {
				holders = append(holders, h.Subject)
				row := rowOf(h.Subject, h.Namespace, h.Reason)
				answer.Holders = append(answer.Holders, row)
				rows = append(rows, []string{row.Subject, row.where(), row.because()})
			}
			if via {
				for _, r := range path.Build(a.model, a.kube).Via(holders) {
					steps := stepRows(r.Paths[0])
					answer.Via = append(answer.Via, reachRow{r.Source, [][]stepRow{steps}})
					var how []string
					for i := range steps {
						how = append(how, steps[i].line())
					}
					rows = append(rows, []string{"via " + r.Source, "", strings.Join(how, "; then ")})
				}
			}
			return a.end(o.answer(g, rows, answer))
		},
	}
	o.flags(cmd.Flags(), "table or json")
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`NAMESPACE` that it is done in (default: all, and each)")
	cmd.Flags().BoolVar(&via, "via", false, "list also who can become one of those, and how")
	return cmd
}

func newCan(g *global) *cobra.Command {
	var o accessOptions
	var groups []string
	cmd := &cobra.Command{
		Use: "can [flags] SUBJECT [TARGET...]", Short: "List what somebody may do, and which binding and role let them", Args: words(1, -1),
		Long: "SUBJECT is user:NAME, group:NAME, sa:NAMESPACE/NAME or node:NAME. An account has the groups that the API server\n" +
			"puts it in; those of a user are given with --group, and system:authenticated is one of them.\n\n" +
			"Exit status: 0, 2 the call is wrong, or nothing knows the subject, 3 not all could be read, so that there may be more.",
		Example: "  plimsoll rbac can sa:shop/cart ./k8s\n  plimsoll rbac can user:ann --group devs\n  plimsoll rbac can node:n1 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("table", "json"); err != nil {
				return err
			}
			s, err := readSubject(args[0])
			if err != nil {
				return err
			}
			a, err := o.read(cmd.Context(), g, args[1:], fewKinds())
			if err != nil {
				return err
			}
			if err := knownSubject(g, a.model, s, args[0], "; name its groups with --group where it has any"); err != nil && len(groups) == 0 {
				return a.end(err)
			}
			return a.end(o.rights(g, a, s.Identity(groups...)))
		},
	}
	o.flags(cmd.Flags(), "table or json")
	cmd.Flags().Var(repeated(&groups), "group", "`GROUP` that a user is in; may be repeated")
	return cmd
}

// knownSubject refuses a subject that nothing knows. An account is in groups, whether or not it is there: it is told where no
// binding names it.
func knownSubject(g *global, m *rbac.Model, s rbac.Subject, word, hint string) error {
	var names []string
	for _, known := range m.Subjects() {
		if m.Named(known) {
			names = append(names, subjectWord(known))
		}
	}
	switch {
	case !m.Knows(s):
		return usage("%s: no binding names it%s%s", word, hint, suggestion(word, names))
	case s.Kind == rbac.ServiceAccount && !m.Named(s):
		g.say("%s: no binding names it, and no account of that name was read: what it has, it has of its groups%s", printable(word), suggestion(word, names))
	}
	return nil
}

// subjectWord is a subject as it is written in a call.
func subjectWord(s rbac.Subject) string {
	switch s.Kind {
	case rbac.ServiceAccount:
		return "sa:" + s.Namespace + "/" + s.Name
	case rbac.Group:
		return "group:" + s.Name
	}
	return "user:" + s.Name
}

// rights writes all that an identity may do.
func (o *accessOptions) rights(g *global, a *access, id rbac.Identity) error {
	answer := struct {
		User   string   `json:"user,omitempty"`
		Groups []string `json:"groups"`
		Rights []whoRow `json:"rights"`
		Gaps   []string `json:"gaps,omitempty"`
	}{User: id.User, Groups: id.Groups, Rights: []whoRow{}, Gaps: a.gaps}
	rows := [][]string{{"NAMESPACE", "MAY", "BY"}}
	for _, own := range rbac.Beyond(id) {
		row := rowOf(own.Subject, "", own.Reason)
		row.Rule = own.Rule.String()
		answer.Rights = append(answer.Rights, row)
		rows = append(rows, []string{"all", row.Rule, row.because()})
	}
	for _, grant := range a.model.Rights(id) {
		if grant.Role == nil {
			continue
		}
		for i := range grant.Role.Rules {
			row := rowOf(grant.Subject, grant.Namespace, rbac.Reason{Grant: grant, Rule: &grant.Role.Rules[i]})
			by := row.Binding + ", " + row.Role + ", as " + row.Subject
			if grant.Kind == "RoleBinding" {
				if row.Idle = grant.Role.Rules[i].Idle(); len(row.Idle) > 0 {
					by += "; without effect in a RoleBinding: " + strings.Join(row.Idle, ",")
				}
			}
			answer.Rights = append(answer.Rights, row)
			rows = append(rows, []string{row.where(), row.Rule, by})
		}
	}
	return o.answer(g, rows, answer)
}
