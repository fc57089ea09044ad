package packet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/testbed/cluster"
	"github.com/plimsoll/plimsoll/testbed/wire"
)

// Server is a real API server that knows the kinds that the agent knows.
type Server struct {
	*cluster.Cluster
	admin  *http.Client
	reader *client.Cluster
}

// resources are where the API server keeps objects of a kind.
var resources = map[string]struct {
	prefix, name string
	namespaced   bool
}{
	"Namespace":                  {"/api/v1", "namespaces", false},
	"Node":                       {"/api/v1", "nodes", false},
	"Pod":                        {"/api/v1", "pods", true},
	"NetworkPolicy":              {"/apis/networking.k8s.io/v1", "networkpolicies", true},
	"AdminNetworkPolicy":         {"/apis/policy.networking.k8s.io/v1alpha1", "adminnetworkpolicies", false},
	"BaselineAdminNetworkPolicy": {"/apis/policy.networking.k8s.io/v1alpha1", "baselineadminnetworkpolicies", false},
}

// Start brings up a server, and skips the test where packets cannot be tried.
func Start(t *testing.T) *Server {
	t.Helper()
	wire.New(t) // or there is no need for a server
	kinds := os.Getenv(cluster.EnvAgentKinds)
	if kinds == "" {
		t.Skipf("%s is not set: testbed/up sets it", cluster.EnvAgentKinds)
	}
	s := &Server{Cluster: cluster.Start(t)}
	s.admin = s.Client("admin", "system:masters")
	var err error
	if s.reader, err = client.OpenCluster(s.Kubeconfig("admin", "system:masters")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(kinds, "policy.*.yaml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%s has the kinds %v: %v", kinds, files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = yaml.YAMLToJSON(text); err != nil {
			t.Fatal(err)
		}
		s.must(t, http.MethodPost, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", text)
	}
	for _, kind := range []string{"AdminNetworkPolicy", "BaselineAdminNetworkPolicy"} {
		for range 300 { // until it serves them
			if status, _ := s.do(t, http.MethodGet, resources[kind].prefix+"/"+resources[kind].name, nil); status == http.StatusOK {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return s
}

func (s *Server) do(t *testing.T, method, path string, body []byte) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := s.admin.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}

func (s *Server) must(t *testing.T, method, path string, body []byte) {
	t.Helper()
	if status, answer := s.do(t, method, path, body); status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s\n%s", method, path, answer, body)
	}
}

// create makes objects, and says which ones the server refuses: they are in nobody's cluster.
func (s *Server) create(t *testing.T, objects []map[string]any) (refused []string) {
	t.Helper()
	for _, o := range objects {
		one := unstructured.Unstructured{Object: o}
		r, known := resources[one.GetKind()]
		if !known {
			t.Fatalf("a %s is not for the agent", one.GetKind())
		}
		path := r.prefix + "/" + r.name
		if r.namespaced {
			path = r.prefix + "/namespaces/" + one.GetNamespace() + "/" + r.name
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		status, answer := s.do(t, http.MethodPost, path, text)
		if status == http.StatusUnprocessableEntity {
			var why struct{ Message string }
			_ = json.Unmarshal(answer, &why)
			refused = append(refused, why.Message)
			continue
		}
		if status != http.StatusCreated {
			t.Fatalf("%s: %s\n%s", path, answer, text)
		}
		if is, _ := one.Object["status"].(map[string]any); len(is) > 0 {
			if text, err = json.Marshal(map[string]any{"status": is}); err != nil {
				t.Fatal(err)
			}
			s.must(t, http.MethodPatch, path+"/"+one.GetName()+"/status", text)
		}
	}
	return refused
}

// clear removes what create made. A namespace goes at once: nothing else would end it.
func (s *Server) clear(t *testing.T) {
	t.Helper()
	var all struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	_, text := s.do(t, http.MethodGet, "/api/v1/namespaces", nil)
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for kind, r := range resources {
		switch {
		case !r.namespaced && kind != "Namespace":
			s.must(t, http.MethodDelete, r.prefix+"/"+r.name, nil)
		case r.namespaced:
			for _, ns := range all.Items {
				s.must(t, http.MethodDelete, r.prefix+"/namespaces/"+ns.Metadata.Name+"/"+r.name+"?gracePeriodSeconds=0", nil)
			}
		}
	}
	for _, ns := range all.Items {
		if name := ns.Metadata.Name; name != "default" && !strings.HasPrefix(name, "kube-") {
			s.must(t, http.MethodDelete, "/api/v1/namespaces/"+name, nil)
			s.must(t, http.MethodPut, "/api/v1/namespaces/"+name+"/finalize", fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": %q}, "spec": {"finalizers": []}}`, name))
		}
	}
}

// model is of all that the server has, read as plimsoll net reads a cluster.
func (s *Server) model(t *testing.T) *network.Model {
	t.Helper()
	own, optional := kube.Network()
	c, err := s.reader.Read(t.Context(), client.Selection{Kinds: append(kube.Judged(), own...), Optional: optional, Network: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Missing {
		t.Fatal(m)
	}
	return network.New(kube.NewSnapshot(c.Objects, nil), network.Options{Whole: true})
}
