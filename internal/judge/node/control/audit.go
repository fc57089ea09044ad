package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/tree"
)

const policy = "--audit-log-path=/var/log/audit.log --audit-policy-file=/etc/kubernetes/audit.yaml\n# /etc/kubernetes/audit.yaml\napiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"

func audit() []node.Check {
	const full = "--audit-log-path=/var/log/audit.log --audit-log-maxage=30 --audit-log-maxbackup=10 --audit-log-maxsize=100"
	return []node.Check{
		of(server, "audit-log", "nobody writes down who asked what of the API server", finding.Medium, "cis-k8s-1.12/1.2.16 nsa-1.2/audit-logging kubescape/C-0067", check.Page{
			Why: "After a break-in nothing tells what was read, made or changed.", Fix: "Set --audit-log-path, or a webhook that stores events elsewhere, and --audit-policy-file.", Bad: "--profiling=false", Good: full,
		}, func(l *node.Look) {
			if l.Value("audit-webhook-config-file").Text == "" {
				node.Set("audit-log-path")(l)
			}
		}),
		of(server, "audit-log-age", "the audit log is not kept for 30 days", finding.Low, "cis-k8s-1.12/1.2.17 nsa-1.2/audit-logging", check.Page{
			Why: "Break-ins are seen after weeks.", Fix: "Set --audit-log-maxage=30, or more.", Bad: "--audit-log-path=/var/log/audit.log --audit-log-maxage=7", Good: full,
		}, kept("audit-log-maxage", 30)),
		of(server, "audit-log-backups", "fewer than 10 files of the audit log are kept", finding.Low, "cis-k8s-1.12/1.2.18 nsa-1.2/audit-logging", check.Page{
			Why: "Who wants to hide what he did asks so much that the file with it is deleted.", Fix: "Set --audit-log-maxbackup=10, or more.", Bad: "--audit-log-path=/var/log/audit.log --audit-log-maxbackup=2", Good: full,
		}, kept("audit-log-maxbackup", 10)),
		of(server, "audit-log-size", "files of the audit log are not let grow to 100 MB", finding.Low, "cis-k8s-1.12/1.2.19 nsa-1.2/audit-logging", check.Page{
			Why: "With small files the number that is kept holds some hours.", Fix: "Set --audit-log-maxsize=100, or more.", Bad: "--audit-log-path=/var/log/audit.log --audit-log-maxsize=1", Good: full,
		}, kept("audit-log-maxsize", 100)),
		of(server, "audit-policy", "no policy says what the audit log holds", finding.Medium, "cis-k8s-1.12/3.2.1 nsa-1.2/audit-logging", check.Page{
			Why: "Without --audit-policy-file nothing is logged, wherever it would go.", Fix: "Write a policy and name it.", Bad: "--audit-log-path=/var/log/audit.log", Good: policy + "- level: Metadata",
		}, node.Set("audit-policy-file")),
		of(server, "audit-policy-gaps", "the audit policy leaves out what matters most", finding.Medium, "cis-k8s-1.12/3.2.2 nsa-1.2/audit-logging", check.Page{
			Why: "Who reads secrets, changes rights, makes tokens, or goes into pods by exec, attach, port-forward or proxy is what one looks for afterwards.", Fix: "Log these at level Metadata at least, before any rule of level None that meets them.",
			Bad: policy + "- level: None\n  resources: [{group: '', resources: [secrets]}]\n- level: Metadata", Good: policy + "- level: None\n  users: ['system:kube-proxy']\n  verbs: [watch]\n  resources: [{group: '', resources: [endpoints]}]\n- level: Metadata",
		}, auditGaps),
		of(server, "audit-policy-leaks", "the audit log holds secrets", finding.Medium, "nsa-1.2/audit-logging", check.Page{
			Why: "At level Request or RequestResponse the log has what secrets hold, tokens that were made, and what TokenReviews asked, and many may read a log.", Fix: "Log secrets, configmaps, tokenreviews and serviceaccounts/token at level Metadata, by a rule before the others.",
			Bad: policy + "- level: RequestResponse", Good: policy + "- level: Metadata\n  resources:\n  - {group: '', resources: [secrets, configmaps, serviceaccounts/token]}\n  - {group: authentication.k8s.io, resources: [tokenreviews]}\n- level: RequestResponse",
		}, auditLeaks),
	}
}

// kept wants a number of the log in files; what goes to a webhook alone is kept there.
func kept(name string, least int) func(*node.Look) {
	return func(l *node.Look) {
		if l.Value("audit-log-path").Text == "" && l.Value("audit-webhook-config-file").Text != "" {
			l.Skip()
			return
		}
		node.Least(name, least)(l)
	}
}

// event is one that a policy is asked about.
type event struct{ group, resource, verb string }

// telling are those that must not be missed, and holding those whose bodies are secret.
var (
	telling = []event{
		{"", "secrets", "get"},
		{"", "secrets", "list"},
		{"", "pods/exec", "get"},
		{"", "pods/attach", "get"},
		{"", "pods/portforward", "get"},
		{"", "nodes/proxy", "get"},
		{"", "serviceaccounts/token", "create"},
		{"", "pods", "create"},
		{"rbac.authorization.k8s.io", "clusterrolebindings", "create"},
		{"rbac.authorization.k8s.io", "rolebindings", "update"},
	}
	holding = []event{
		{"", "secrets", "get"},
		{"", "secrets", "update"},
		{"", "serviceaccounts/token", "create"},
		{"authentication.k8s.io", "tokenreviews", "create"},
	}
)

func (e event) String() string {
	if e.group == "" {
		return e.verb + " " + e.resource
	}
	return e.verb + " " + e.resource + "." + e.group
}

// level is the one of the first rule that meets an event, of whomever, in whichever namespace. One for some users,
// groups or namespaces alone does not decide for all.
func (e event) level(rules []*tree.Value) (level string, at int) {
	for i, r := range rules {
		if e.meets(r) {
			return r.Get("level").String(), i
		}
	}
	return "None", -1
}

func (e event) meets(r *tree.Value) bool {
	for _, narrow := range []string{"users", "userGroups", "namespaces", "nonResourceURLs"} {
		if len(r.Get(narrow).Items()) > 0 && !everybody(r.Get(narrow)) {
			return false
		}
	}
	if verbs := r.Get("verbs").Items(); len(verbs) > 0 && !slices.ContainsFunc(verbs, func(v *tree.Value) bool { return v.Is(e.verb, "*") }) {
		return false
	}
	resources := r.Get("resources").Items()
	if len(resources) == 0 {
		return true
	}
	main, sub, _ := strings.Cut(e.resource, "/")
	for _, one := range resources {
		if group := one.Get("group").String(); group != e.group && group != "*" || len(one.Get("resourceNames").Items()) > 0 {
			continue
		}
		names := one.Get("resources").Items()
		if len(names) == 0 {
			return true
		}
		for _, n := range names {
			if n.Is(e.resource, "*") || sub != "" && n.Is(main+"/*", "*/"+sub) {
				return true
			}
		}
	}
	return false
}

func everybody(groups *tree.Value) bool {
	return slices.ContainsFunc(groups.Items(), func(g *tree.Value) bool { return g.Is("system:authenticated") })
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
	missed := map[int][]string{}
	for _, e := range telling {
		if level, i := e.level(rules); level == "None" {
			missed[i] = append(missed[i], e.String())
		}
	}
	for i := -1; i < len(rules); i++ {
		if what := missed[i]; len(what) > 0 {
			at := d.Get("rules")
			field := "rules"
			if i >= 0 {
				at, field = rules[i], fmt.Sprintf("rules[%d]", i)
			}
			l.Hit(in(f, field, at), "not logged: "+strings.Join(what, ", "))
		}
	}
}

func auditLeaks(l *node.Look) {
	f, d := document(l, "audit-policy-file")
	rules := d.Get("rules").Items()
	leaks := map[int][]string{}
	for _, e := range holding {
		level, i := e.level(rules)
		if level == "RequestResponse" || level == "Request" && e.verb != "get" {
			leaks[i] = append(leaks[i], e.String())
		}
	}
	for i := range rules {
		if what := leaks[i]; len(what) > 0 {
			l.Hit(in(f, fmt.Sprintf("rules[%d].level", i), rules[i].Get("level")), "bodies of: "+strings.Join(what, ", "))
		}
	}
}
