package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// event is one that a policy is asked about.
type event struct {
	group, resource, verb string
	cluster               bool // it is of no namespace
}

// events are those of verbs on resources, both parted by blanks.
func events(group string, cluster bool, resources, verbs string) (all []event) {
	for r := range strings.FieldsSeq(resources) {
		for v := range strings.FieldsSeq(verbs) {
			all = append(all, event{group, r, v, cluster})
		}
	}
	return all
}

// telling are those that must not be missed. A way into a pod is a get by WebSocket, and a create by SPDY.
func telling() []event {
	const rbac = "rbac.authorization.k8s.io"
	return slices.Concat(
		events("", false, "secrets", "get list"),
		events("", false, "pods/exec pods/attach pods/portforward", "get create"),
		events("", true, "nodes/proxy", "get create"),
		events("", false, "serviceaccounts/token pods", "create"),
		events(rbac, false, "roles rolebindings", "create update patch delete"),
		events(rbac, true, "clusterroles clusterrolebindings", "create update patch delete"),
	)
}

// holding are those whose bodies are secret.
func holding() []event {
	return slices.Concat(
		events("", false, "secrets", "get list watch create update patch"),
		events("", false, "serviceaccounts/token", "create"),
		events("authentication.k8s.io", true, "tokenreviews", "create"),
	)
}

// what names events by their resources, each with its verbs.
func what(events []event) string {
	var all []string
	for i, e := range events {
		name := e.resource
		if e.group != "" {
			name += "." + e.group
		}
		if i > 0 && events[i-1].resource == e.resource {
			all[len(all)-1] = strings.Replace(all[len(all)-1], " ", "/"+e.verb+" ", 1)
			continue
		}
		all = append(all, e.verb+" "+name)
	}
	return strings.Join(all, ", ")
}

// level is the one of the first rule that decides an event, whoever it is of and in whichever namespace. A rule for
// some alone decides where it is bad, unless one before it took them.
func (e event) level(rules []*tree.Value, bad func(r *tree.Value, level string) bool) (level string, at int) {
	var before []*tree.Value
	for i, r := range rules {
		if !e.meets(r) {
			continue
		}
		level = r.Get("level").String()
		if !narrow(r) || bad(r, level) && !slices.ContainsFunc(before, func(b *tree.Value) bool { return takes(b, r) }) {
			return level, i
		}
		before = append(before, r)
	}
	return "None", -1
}

// whom are the fields that make a rule one for some alone.
var whom = []string{"users", "userGroups", "namespaces"}

func narrow(r *tree.Value) bool {
	return slices.ContainsFunc(whom, func(field string) bool { return len(r.Get(field).Items()) > 0 && !everybody(r, field) })
}

func everybody(r *tree.Value, field string) bool {
	return field == "userGroups" && slices.ContainsFunc(r.Get(field).Items(), func(g *tree.Value) bool { return g.Is("system:authenticated") })
}

// takes says that one rule is for all whom another one is for.
func takes(one, other *tree.Value) bool {
	return !slices.ContainsFunc(whom, func(field string) bool {
		its, others := one.Get(field).Items(), other.Get(field).Items()
		if len(its) == 0 || everybody(one, field) {
			return false
		}
		return len(others) == 0 || slices.ContainsFunc(others, func(o *tree.Value) bool {
			return !slices.ContainsFunc(its, func(i *tree.Value) bool { return i.Text == o.Text })
		})
	})
}

// meets says that a rule is about an event, as kube-apiserver matches them (apiserver pkg/audit/policy/checker.go), of
// whomever it may be.
func (e event) meets(r *tree.Value) bool {
	if verbs := r.Get("verbs").Items(); len(verbs) > 0 && !slices.ContainsFunc(verbs, func(v *tree.Value) bool { return v.Text == e.verb }) {
		return false
	}
	resources, namespaces := r.Get("resources").Items(), r.Get("namespaces").Items()
	if len(namespaces) > 0 && !slices.ContainsFunc(namespaces, func(n *tree.Value) bool { return n.String() == "" || !e.cluster }) {
		return false
	}
	if len(resources) == 0 {
		return len(namespaces) > 0 || len(r.Get("nonResourceURLs").Items()) == 0
	}
	main, sub, _ := strings.Cut(e.resource, "/")
	for _, one := range resources {
		if group := one.Get("group").String(); group != e.group && group != "*" {
			continue
		}
		names := one.Get("resources").Items()
		if len(names) == 0 {
			return true
		}
		if len(one.Get("resourceNames").Items()) > 0 {
			continue
		}
		for _, n := range names {
			if n.Is(e.resource, "*", main+"/*") || sub != "" && n.Is("*/"+sub) {
				return true
			}
		}
	}
	return false
}

// silent says that a rule leaves out what many do. One for users by their names leaves out those, who are known.
func silent(r *tree.Value, level string) bool {
	return level == "None" && len(r.Get("users").Items()) == 0
}

func auditGaps(l *node.Look) {
	f, d := document(l, "audit-policy-file")
	rules := d.Get("rules").Items()
	if d == nil {
		if v := l.Value("audit-policy-file"); v.Text == "" {
			l.Hit(v, "")
		}
		return
	}
	missed := map[int][]event{}
	for _, e := range telling() {
		if level, i := e.level(rules, silent); level == "None" {
			missed[i] = append(missed[i], e)
		}
	}
	for i := -1; i < len(rules); i++ {
		if len(missed[i]) > 0 {
			at := d.Get("rules")
			field := "rules"
			if i >= 0 {
				at, field = rules[i], fmt.Sprintf("rules[%d]", i)
			}
			l.Hit(in(f, field, at), "not logged: "+what(missed[i]))
		}
	}
}

func auditLeaks(l *node.Look) {
	f, d := document(l, "audit-policy-file")
	rules := d.Get("rules").Items()
	leaks := map[int][]event{}
	for _, e := range holding() {
		bodies := func(_ *tree.Value, level string) bool {
			asks := slices.Contains([]string{"get", "list", "watch"}, e.verb) // of which only the response holds them
			return level == "RequestResponse" || level == "Request" && !asks
		}
		if level, i := e.level(rules, bodies); bodies(nil, level) {
			leaks[i] = append(leaks[i], e)
		}
	}
	for i := range rules {
		if len(leaks[i]) > 0 {
			l.Hit(in(f, fmt.Sprintf("rules[%d].level", i), rules[i].Get("level")), "bodies of: "+what(leaks[i]))
		}
	}
}
