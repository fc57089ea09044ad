package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

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
			r, known := rbac.Find(q.Resource + "." + q.Group)
			o.about = func(g *rbac.Grant) bool {
				if g.Kind != "RoleBinding" {
					return true
				}
				// A Namespace is in the namespace of its name.
				return q.URL == "" && (!known || r.Namespaced || r.Name == "namespaces") && (q.Namespace == "" || q.Namespace == g.Namespace)
			}
			kinds := fewKinds()
			if via {
				kinds, o.about = allKinds(), nil
			}
			a, err := o.read(cmd.Context(), g, args[2:], kinds)
			if err != nil {
				return err
			}
			if err := knownVerb(a.model, q); err != nil {
				return a.end(err)
			}
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
				for _, r := range a.graph(cmd.Context(), g).Via(holders) {
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
