package network_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	testcluster "github.com/plimsoll/plimsoll/testbed/cluster"
)

// written are policies, right and wrong. Which are which the API server says.
var written = map[string][]string{
	"networking.k8s.io/v1 NetworkPolicy": {
		"metadata: {name: x}, spec: {podSelector: {}}",
		"metadata: {generateName: x-}, spec: {podSelector: {}}",
		"metadata: {}, spec: {podSelector: {}}",
		"metadata: {name: X_Y}, spec: {podSelector: {}}",
		"metadata: {name: x, labels: {'a b': c}}, spec: {podSelector: {}}",
		"metadata: {name: x}, spec: {}",
		"metadata: {name: x}, spec: {podSelector: {matchLabels: {'a b': c}}}",
		"metadata: {name: x}, spec: {podSelector: {matchExpressions: [{key: a, operator: Inn, values: [b]}]}}",
		"metadata: {name: x}, spec: {podSelector: {matchExpressions: [{key: a, operator: In}]}}",
		"metadata: {name: x}, spec: {podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}",
		"metadata: {name: x}, spec: {podSelector: {}, policyTypes: [ingress]}",
		"metadata: {name: x}, spec: {podSelector: {}, policyTypes: [Ingress, Egress, Ingress]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: ['fd00::/64']}}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{protocol: tcp, port: 80}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{protocol: ICMP}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{protocol: SCTP, port: 80}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: '80'}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: http}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: HTTP}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: a-name-of-sixteen}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: ''}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: 0}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: 70000}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: 80, endPort: 79}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: 80, endPort: 80}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: http, endPort: 90}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{endPort: 90}]}]}",
		"metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: []}]}",
	},
	"policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy": {
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}}",
		"metadata: {name: x, namespace: shop}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}}",
		"metadata: {}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}}",
		"metadata: {name: x}, spec: {tier: Admin, subject: {namespaces: {}}}",
		"metadata: {name: x}, spec: {tier: admin, priority: 1, subject: {namespaces: {}}}",
		"metadata: {name: x}, spec: {priority: 1, subject: {namespaces: {}}}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1001, subject: {namespaces: {}}}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {}}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}, pods: {podSelector: {}}}}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {pods: {podSelector: {}}}}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {pods: {namespaceSelector: {}}}}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Accept, from: [{namespaces: {}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{from: [{namespaces: {}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: []}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{pods: {}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], protocols: []}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 80, end: 80}}}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 90, end: 80}}}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/33]}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{domainNames: ['*.example.com']}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{name: " + strings.Repeat("n", 101) + ", action: Deny, from: [{namespaces: {}}]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [" + strings.Repeat("{namespaces: {}}, ", 26) + "]}]}",
		"metadata: {name: x}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [" + strings.Repeat("{action: Deny, from: [{namespaces: {}}]}, ", 26) + "]}",
	},
}

// TestRefused wants a doubt about each policy that a real API server refuses, and about no other.
func TestRefused(t *testing.T) {
	c := testcluster.Start(t)
	admin := c.Client("admin", "system:masters")
	post := func(path string, body []byte) (int, string) {
		res, err := admin.Post(c.URL+path, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/network-policy-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	definition, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "config/crd/experimental/policy.networking.k8s.io_clusternetworkpolicies.yaml"))
	if err == nil {
		definition, err = yaml.YAMLToJSON(definition)
	}
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition); status != http.StatusCreated {
		t.Fatal(answer)
	}
	paths := map[string]string{
		"NetworkPolicy":        "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
		"ClusterNetworkPolicy": "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
	}
	for tries := 0; ; tries++ {
		res, err := admin.Get(c.URL + paths["ClusterNetworkPolicy"])
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			break
		}
		if tries == 100 {
			t.Fatal("the new kind is not served")
		}
		time.Sleep(100 * time.Millisecond)
	}
	refused := 0
	for what, texts := range written {
		version, kind, _ := strings.Cut(what, " ")
		for _, text := range texts {
			objects, problems := kube.Manifest("x.yaml", []byte("{apiVersion: "+version+", kind: "+kind+", "+text+"}"))
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}
			body, err := json.Marshal(objects[0].Fields)
			if err != nil {
				t.Fatal(err)
			}
			var broken []network.Doubt
			for _, d := range network.New(kube.NewSnapshot(objects, nil), network.Options{}).Doubts {
				if d.Broken {
					broken = append(broken, d)
				}
			}
			status, answer := post(paths[kind]+"?dryRun=All", body)
			switch wrong := status != http.StatusCreated; {
			case wrong && len(broken) == 0:
				t.Errorf("%s %s: no doubt; the API server says %s", kind, text, answer)
			case !wrong && len(broken) > 0:
				t.Errorf("%s %s: %v; the API server takes it", kind, text, broken)
			case wrong:
				refused++
			}
		}
	}
	if refused < 20 {
		t.Errorf("%d were refused", refused)
	}
}
