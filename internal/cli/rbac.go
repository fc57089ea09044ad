package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/judge/network/enforcement"
	"github.com/plimsoll/plimsoll/internal/judge/rbac"
	"github.com/plimsoll/plimsoll/internal/judge/rbac/path"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/read/kube/dump"
)

func newRBAC(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rbac", Short: "Say who may do what in a cluster, and what they can make of it",
		Long: "Of manifests, charts, overlays, what cluster dump wrote, or, where no TARGET is named, of the cluster itself.\n" +
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
	charts              chartOptions
	mayBeEmpty          bool                   // what is read need not have roles
	about               func(*rbac.Grant) bool // the grants that the question is about; nil: all
}

// flags are all of them; without formats all but that of the output, which the command has of its own.
func (o *accessOptions) flags(f *pflag.FlagSet, formats string) {
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster, where no TARGET is named (default: the pod's own account, or KUBECONFIG)")
	f.StringVar(&o.context, "context", "", "`NAME` of the context in it (default: the current one)")
	f.IntVar(&o.rate, "rate", 20, "how many `REQUESTS` a second the API server is asked, each for a page of 100 objects")
	if formats != "" {
		f.StringVarP(&o.format, "output", "o", "table", "`FORMAT` of the answer: "+formats)
	}
	o.charts.flags(f, "release-namespace")
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

func allKinds() []schema.GroupVersionKind { return append(kube.Read(), path.Kinds()...) }

// read reads targets, or the cluster. What could not be read is said, and is a gap.
func (o *accessOptions) read(ctx context.Context, g *global, targets []string, kinds []schema.GroupVersionKind) (*access, error) {
	seen, err := o.objects(ctx, g, targets, client.Selection{Kinds: kinds})
	if err != nil {
		return nil, err
	}
	if err := o.charts.idle(); err != nil {
		return nil, err
	}
	a := &access{kube: seen.Snapshot, model: rbac.New(seen.Snapshot, rbac.Options{Whole: seen.whole}), gaps: seen.gaps}
	for _, p := range a.model.Problems {
		if !p.Template {
			a.gaps = append(a.gaps, p.Error())
		}
	}
	for _, b := range a.model.Unread(o.about) {
		a.gaps = append(a.gaps, b.Unread())
	}
	if a.model.Empty() && !o.mayBeEmpty {
		of := "every cluster has"
		if seen.whole {
			of = "the API server itself allows"
		}
		a.gaps = append(a.gaps, "no role or binding was read: the answer is of what "+of)
	}
	for _, gap := range a.gaps {
		g.say("plimsoll: not seen: %s", printable(gap))
	}
	return a, nil
}

// seen are the objects that questions are answered of.
type seen struct {
	*kube.Snapshot
	whole bool   // they are all that a cluster has
	uid   string // by which the cluster is known; empty: it is not
	known *enforcement.Known
	gaps  []string // what was not read of a cluster
	// addresses are those of the pods that an object made; nil: nobody knows.
	addresses func(*kube.Object) []string
}

// objects reads the objects of targets, or of the cluster.
func (o *accessOptions) objects(ctx context.Context, g *global, targets []string, of client.Selection) (*seen, error) {
	var objects []*kube.Object
	var problems []*kube.Problem
	var missing []client.Missing
	whole, uid := false, ""
	var addresses func(*kube.Object) []string
	switch {
	case len(targets) == 0:
		if o.rate < 1 {
			return nil, usage("--rate %d: at least 1", o.rate)
		}
		from := clusterOptions{kubeconfig: o.kubeconfig, context: o.context, rate: o.rate}
		c, err := from.read(ctx, of)
		if err != nil {
			return nil, err
		}
		objects, missing, whole, addresses, uid = c.Objects, c.Missing, true, c.Addresses.Of, c.UID
	case o.kubeconfig+o.context != "":
		return nil, usage("--kubeconfig and --context name a cluster, and %s is read: leave one of them out", targets[0])
	case len(targets) == 1 && dump.Is(targets[0]):
		c, err := dump.Read(targets[0])
		if err != nil {
			return nil, usage("%s: %w", targets[0], err)
		}
		objects, missing, whole, addresses, uid = c.Objects, c.Missing, true, c.Addresses.Of, c.UID
	default:
		files, err := g.manifests(ctx, targets, &o.charts)
		if err == nil {
			err = madeOnce(files)
		}
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			objects, problems = append(objects, f.objects...), append(problems, f.problems...)
		}
	}
	all := &seen{Snapshot: kube.NewSnapshot(objects, problems), whole: whole, addresses: addresses, uid: uid}
	for _, m := range missing {
		if m.Blocking && m.Class != "unknown-kind" {
			all.gaps = append(all.gaps, m.What)
		}
	}
	return all, nil
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
