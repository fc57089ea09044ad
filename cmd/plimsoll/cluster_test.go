package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestCluster runs testdata/cluster against a real API server with its controllers.
func TestCluster(t *testing.T) {
	scripts(t, cluster.Start(t), "cluster")
}

// TestRights runs testdata/rights against one that keeps an audit log, $AUDIT.
func TestRights(t *testing.T) {
	log, policy := filepath.Join(t.TempDir(), "audit.log"), filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AUDIT", log)
	scripts(t, cluster.Start(t, "--audit-policy-file="+policy, "--audit-log-path="+log, "--audit-log-mode=blocking-strict"), "rights")
}

// TestNewer runs testdata/newer on a real API server that serves what is newer than we are.
func TestNewer(t *testing.T) { scripts(t, cluster.Start(t), "newer") }

// listOf is the path of the list that an object stands in.
func listOf(o *kube.Object) string {
	plural, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
	path := "/apis/" + o.APIVersion
	if o.Group() == "" {
		path = "/api/v1"
	}
	if o.Namespace != "" {
		path += "/namespaces/" + o.Namespace
	}
	return path + "/" + plural.Resource
}

// scripts runs those of a folder. $READER is the kubeconfig of an account that has the role of deploy/cluster and no other,
// $NOBODY that of one that has none. Besides those of TestScript, the scripts have the commands
//
//	apply FILE        makes the objects of a manifest
//	await PATH N      waits until a list of the API server has N items; of a word, until an answer has it in it
//	ask WHO PATH      gets what the API server gives somebody, USER or USER:GROUP; with ! it must refuse
//	agree A B         wants two JSON reports to say the same but for where their targets come from
func scripts(t *testing.T, server *cluster.Cluster, folder string) {
	server.StartManager()
	admin := server.Client("admin", "system:masters")
	ask := func(method, path string, body []byte) ([]byte, error) {
		req, err := http.NewRequest(method, server.URL+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := admin.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode >= http.StatusMultipleChoices {
			err = fmt.Errorf("%s %s: %s", method, path, text)
		}
		return text, err
	}
	apply := func(name string) error {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		objects, problems := kube.Manifest(name, text)
		if len(problems) > 0 {
			return problems[0]
		}
		for _, o := range objects {
			body, err := json.Marshal(o.Fields)
			if err != nil {
				return err
			}
			if _, err := ask(http.MethodPost, listOf(o), body); err != nil {
				return err
			}
		}
		return nil
	}
	if err := apply("../../deploy/cluster/role.yaml"); err != nil {
		t.Fatal(err)
	}
	binding := `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"reader"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"plimsoll-reader"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"reader"}]}`
	if _, err := ask(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", []byte(binding)); err != nil {
		t.Fatal(err)
	}
	reader, nobody := server.Kubeconfig("reader"), server.Kubeconfig("nobody")
	p := params(t, folder)
	plain := p.Setup
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("READER", reader)
		e.Setenv("NOBODY", nobody)
		e.Setenv("AUDIT", os.Getenv("AUDIT"))
		return plain(e)
	}
	p.Cmds["apply"] = func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(apply(ts.MkAbs(args[0])))
	}
	p.Cmds["ask"] = func(ts *testscript.TestScript, refused bool, args []string) {
		user, group, ok := strings.Cut(args[0], ":")
		var groups []string
		if ok {
			groups = append(groups, group)
		}
		res, err := server.Client(user, groups...).Get(server.URL + args[1])
		ts.Check(err)
		ts.Check(res.Body.Close())
		if want := map[bool]int{false: http.StatusOK, true: http.StatusForbidden}[refused]; res.StatusCode != want {
			ts.Fatalf("%s gets %s: %s, not %d", args[0], args[1], res.Status, want)
		}
	}
	p.Cmds["await"] = func(ts *testscript.TestScript, _ bool, args []string) {
		var last string
		if !within(func() bool {
			var list struct{ Items []any }
			text, err := ask(http.MethodGet, args[0], nil)
			if last = string(text); err != nil {
				last = err.Error()
				return false
			}
			if _, err := strconv.Atoi(args[1]); err != nil {
				return strings.Contains(last, args[1])
			}
			return json.Unmarshal(text, &list) == nil && fmt.Sprint(len(list.Items)) == args[1]
		}) {
			ts.Fatalf("%s never has %s: %s", args[0], args[1], last)
		}
	}
	p.Cmds["agree"] = func(ts *testscript.TestScript, _ bool, args []string) {
		var reports [2]finding.Report
		for i := range reports {
			ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[i])), &reports[i]))
			for n := range reports[i].Targets {
				reports[i].Targets[n].Origin = ""
			}
		}
		if len(reports[0].Findings) == 0 {
			ts.Fatalf("there is nothing to compare")
		}
		if diff := cmp.Diff(reports[0], reports[1]); diff != "" {
			ts.Fatalf("%s", strings.TrimSpace(diff))
		}
	}
	testscript.Run(t, p)
}

// within waits for half a minute until something holds.
func within(holds func() bool) bool {
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(100 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}
