package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
	"github.com/plimsoll/plimsoll/testbed/pods"
)

// TestNetwork runs testdata/network against a real API server. No kubelet runs pods here: a stand-in for scheduler,
// kubelets, network and policy agent does (testbed/pods), in which the pods' commands are real processes of this program, and their packets
// are real. $PROBER is the kubeconfig of an account that has the roles of deploy/cluster/probe.yaml and no other, and $GUEST that of one that
// may make pods in the namespaces of scripts alone; in the end each right has been used, and no other was asked for. The
// scripts have the commands
//
//	network NAMESPACE MODE...   makes the namespace, but for plimsoll-probe, and has the stand-in do as the mode says
//	rows REPORT RESULT N        wants so many ways of a probe to be enforced, inert or inconclusive
//	gone PATH                   waits until an object, or what a list holds, is gone; with ! it wants an object to be there
//	policy NAMESPACE            waits until a probe made a policy there
//	apply FILE                  makes the objects of a manifest
func TestNetwork(t *testing.T) {
	log, policy := filepath.Join(t.TempDir(), "audit.log"), filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, users: [prober, guest]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := cluster.Start(t, cluster.WithAccounts, "--audit-policy-file="+policy, "--audit-log-path="+log, "--audit-log-mode=blocking-strict")
	server.StartManager("--controllers=namespace-controller,serviceaccount-controller")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	world := pods.Start(t, server, pods.Options{Program: program, Nodes: []string{"n1", "n2"}})
	ask, apply := asker(t, server)
	role, err := os.ReadFile("../../deploy/cluster/probe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/network-policy-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	definition, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := apply("definition.yaml", string(definition)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "-pods", "-namespace", "-cluster-policy"} {
		role = fmt.Appendf(role, "\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: prober%s}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plimsoll-network-probe%[1]s}\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: prober}]\n", name)
	}
	role = append(role, "\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: guest}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plimsoll-network-probe}\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: guest}]\n"...)
	if err := apply("probe.yaml", string(role)); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{realClock: "1", "AUDIT": log, "PROBER": server.Kubeconfig("prober"), "GUEST": server.Kubeconfig("guest"), "ADMIN": server.Kubeconfig("admin", "system:masters"), "NOBODY": server.Kubeconfig("nobody")}

	p := params(t, "network")
	plain := p.Setup
	p.Setup = func(e *testscript.Env) error {
		for name, value := range env {
			e.Setenv(name, value)
		}
		return plain(e)
	}
	p.Cmds["apply"] = func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(apply(args[0], ts.ReadFile(args[0])))
	}
	p.Cmds["network"] = func(ts *testscript.TestScript, _ bool, args []string) {
		var mode pods.Mode
		for _, word := range args[1:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "inert":
				mode.Inert = strings.Split(value, ",")
			case "slow":
				slow, err := time.ParseDuration(value)
				ts.Check(err)
				mode.Slow = slow
			default:
				is := map[string]*bool{"drop": &mode.Drop, "all-ports": &mode.AllPorts, "sticky": &mode.Sticky, "no-node": &mode.NoNode, "one-node": &mode.OneNode, "no-image": &mode.NoImage, "one-family": &mode.OneFamily}[name]
				if is == nil {
					ts.Fatalf("%q is no mode", word)
				}
				*is = true
			}
		}
		world.Set(args[0], mode)
		if args[0] != "plimsoll-probe" {
			ts.Check(apply("ns", "{apiVersion: v1, kind: Namespace, metadata: {name: "+args[0]+", labels: {pod-security.kubernetes.io/enforce: restricted}}}"))
			ts.Check(apply("binding", "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: guest, namespace: "+args[0]+
				"}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plimsoll-network-probe-pods}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: guest}]}"))
		}
	}
	p.Cmds["rows"] = func(ts *testscript.TestScript, _ bool, args []string) {
		var r finding.Report
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
		for i := 1; i < len(args); i += 2 {
			n := 0
			for _, t := range r.Targets {
				for _, e := range t.Network.Enforcement {
					if words := strings.Join([]string{e.Policy, e.Direction, e.Family, e.Protocol, e.Placement, e.Result}, " "); all(strings.Split(args[i], ","), words) {
						n++
					}
				}
			}
			if fmt.Sprint(n) != args[i+1] {
				ts.Fatalf("%d ways are %s, want %s: %+v", n, args[i], args[i+1], r.Targets[0].Network)
			}
		}
	}
	p.Cmds["gone"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			if status, text := ask(http.MethodGet, args[0], nil); status != http.StatusOK {
				ts.Fatalf("%s: %d %s", args[0], status, text)
			}
			return
		}
		var text []byte
		if !within(func() bool {
			var status int
			var list struct{ Items []any }
			status, text = ask(http.MethodGet, args[0], nil)
			return status == http.StatusNotFound || status == http.StatusOK && bytes.Contains(text, []byte(`List"`)) && json.Unmarshal(text, &list) == nil && len(list.Items) == 0
		}) {
			ts.Fatalf("%s is still there: %s", args[0], text)
		}
	}
	p.Cmds["policy"] = func(ts *testscript.TestScript, _ bool, args []string) {
		if !within(func() bool {
			_, text := ask(http.MethodGet, "/apis/networking.k8s.io/v1/namespaces/"+args[0]+"/networkpolicies", nil)
			return bytes.Contains(text, []byte(`"plimsoll-`))
		}) {
			ts.Fatalf("namespace %s never has a policy of a probe", args[0])
		}
	}
	if t.Run("scripts", func(t *testing.T) { testscript.Run(t, p) }) && !strings.Contains(flag.Lookup("test.run").Value.String(), "/") { // all of them ran
		usedRights(t, log, string(role))
	}
}

// usedRights holds what accounts asked for, by the log, against their roles: all was allowed, and each right was used.
func usedRights(t *testing.T, log, roles string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for line := range bytes.Lines(text) {
		var e struct {
			Verb, RequestURI, Stage string
			ObjectRef               struct{ APIGroup, Resource, Name string }
			Annotations             map[string]string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Stage != "ResponseComplete" {
			continue
		}
		if e.Annotations["authorization.k8s.io/decision"] != "allow" {
			t.Errorf("%s %s was not allowed", e.Verb, e.RequestURI)
		}
		r := e.ObjectRef
		used[e.Verb+" "+r.APIGroup+"/"+r.Resource], used[e.Verb+" "+r.APIGroup+"/"+r.Resource+" "+r.Name] = true, true
	}
	objects, _ := kube.Manifest("probe.yaml", []byte(roles))
	for _, o := range objects {
		if o.Kind != "ClusterRole" {
			continue
		}
		var of rbacv1.ClusterRole
		b, err := json.Marshal(o.Fields)
		if err != nil || json.Unmarshal(b, &of) != nil {
			t.Fatal(err)
		}
		for _, rule := range of.Rules {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range append([]string{""}, rule.ResourceNames...) {
						right := strings.TrimSuffix(verb+" "+rule.APIGroups[0]+"/"+resource+" "+name, " ")
						if !used[right] && resource != "adminnetworkpolicies" { // which this server does not have
							t.Errorf("%s: nobody needed the right to %s", of.Name, right)
						}
					}
				}
			}
		}
	}
}

// all says that a text has all of some words.
func all(words []string, text string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !slices.Contains(strings.Fields(text), word) })
}

// asker asks an API server as who may all, and makes the objects of manifests that are not there yet.
func asker(t *testing.T, server *cluster.Cluster) (ask func(method, path string, body []byte) (int, []byte), apply func(name, text string) error) {
	admin := server.Client("admin", "system:masters")
	ask = func(method, path string, body []byte) (int, []byte) {
		req, err := http.NewRequest(method, server.URL+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := admin.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, text
	}
	apply = func(name, text string) error {
		objects, problems := kube.Manifest(name, []byte(text))
		if len(problems) > 0 {
			return problems[0]
		}
		for _, o := range objects {
			body, err := json.Marshal(o.Fields)
			if err != nil {
				return err
			}
			if status, said := ask(http.MethodPost, listOf(o), body); status >= http.StatusMultipleChoices && status != http.StatusConflict {
				return fmt.Errorf("%s %s: %d %s", o.Kind, o.Name, status, said)
			}
		}
		return nil
	}
	return ask, apply
}

// TestNetworkAgent tries it under a policy agent that somebody else wrote, kube-network-policies of sigs.k8s.io: the policies of
// the probe mean to it what they mean to the probe. Pods are still the stand-in's.
func TestNetworkAgent(t *testing.T) {
	server := cluster.Start(t)
	ask, apply := asker(t, server)
	kinds, err := filepath.Glob(filepath.Join(os.Getenv(cluster.EnvAgentKinds), "policy.*.yaml"))
	if err != nil || os.Getenv(cluster.EnvAgentKinds) == "" {
		t.Skipf("%s is not set: testbed/up sets it", cluster.EnvAgentKinds)
	}
	for _, name := range kinds {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := apply(name, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"adminnetworkpolicies", "baselineadminnetworkpolicies"} {
		if !within(func() bool {
			status, _ := ask(http.MethodGet, "/apis/policy.networking.k8s.io/v1alpha1/"+name, nil)
			return status == http.StatusOK
		}) {
			t.Fatalf("%s are not served", name)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := apply("ns", "{apiVersion: v1, kind: Namespace, metadata: {name: probes}}"); err != nil {
		t.Fatal(err)
	}
	world := pods.Start(t, server, pods.Options{Program: program, Nodes: []string{"router"}, Agent: true})
	probe := func(settle string) *finding.Network {
		t.Helper()
		file := filepath.Join(t.TempDir(), "report.json")
		cmd := exec.CommandContext(t.Context(), program, "cluster", "probe", "--network", "--namespace", "probes", "--settle", settle, "--fail-on", "none",
			"--kubeconfig", server.Kubeconfig("admin", "system:masters"), "--image", "example/plimsoll:1", "-o", "json="+file)
		cmd.Args[0], cmd.Env = "plimsoll", append(os.Environ(), realClock+"=1")
		said, _ := cmd.CombinedOutput()
		var r finding.Report
		text, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(text, &r) != nil {
			t.Fatalf("%v: %s", err, said)
		}
		if n := r.Targets[0].Network; len(n.Enforcement) == 8 { // two directions, families and protocols
			return n
		}
		t.Fatalf("%s\n%s", text, said)
		return nil
	}
	want := func(result, settle string) {
		t.Helper()
		for _, e := range probe(settle).Enforcement {
			if e.Result != result {
				t.Errorf("want %s: %+v", result, e)
			}
		}
	}
	want(finding.Inert, "6s") // nobody is there yet
	server.StartAgent(world.Router())
	want(finding.Enforced, "20s")
	let := `{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: let}, spec: {priority: 1, subject: {namespaces: {}},
		ingress: [{action: Allow, from: [{namespaces: {}}]}], egress: [{action: Allow, to: [{namespaces: {}}]}]}}`
	if err := apply("let", let); err != nil {
		t.Fatal(err)
	}
	want(finding.Inconclusive, "6s") // which it enforces, but not the probe's
}
