package suggest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/flow"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart, version: "4"}}
    spec:
      containers:
      - {name: c, image: x, env: [{name: DB_URL, value: "postgres://cart@db:5432/cart"}, {name: NOT_A_HOST, value: the db is here}], args: [--queue=queue.jobs.svc.cluster.local]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db, controller-revision-hash: a1}}
spec: {containers: [{name: c, image: x, ports: [{name: sql, containerPort: 15432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 5432, targetPort: sql}]}
---
apiVersion: v1
kind: Pod
metadata: {name: queue, namespace: jobs, labels: {app: queue}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: queue, namespace: jobs}
spec: {selector: {app: queue}, ports: [{port: 4222}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: jobs}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {dns: ours}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {selector: {dns: ours}, ports: [{port: 53, targetPort: 1053, protocol: UDP}]}
`

func snapshot(t *testing.T, text string) *kube.Snapshot {
	t.Helper()
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return kube.NewSnapshot(objects, nil)
}

func lines(needs []*Need) (all []string) {
	for _, n := range needs {
		all = append(all, n.String())
	}
	return all
}

// TestDeclared wants the Services that settings and arguments name, on the ports of the pods behind them, and no word that is
// a Service's name by chance.
func TestDeclared(t *testing.T) {
	s := snapshot(t, shop)
	m := network.New(s, network.Options{})
	want := []string{"shop/Deployment cart to shop/Pod db-0 on TCP 15432", "shop/Deployment cart to jobs/Pod queue on TCP 4222"}
	if diff := cmp.Diff(want, lines(Declared(m, s, Options{}).Needs)); diff != "" {
		t.Error(diff)
	}
}

// TestCalled wants the API server to be let to the webhooks that it calls, from the nodes of the control plane.
func TestCalled(t *testing.T) {
	s := snapshot(t, shop+`
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {node-role.kubernetes.io/control-plane: ""}}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: jobs}
webhooks: [{name: a.example.org, clientConfig: {service: {namespace: jobs, name: queue, port: 4222}}, admissionReviewVersions: [v1], sideEffects: None}]
`)
	if got := lines(Declared(network.New(s, network.Options{}), s, Options{}).Needs); !slices.Contains(got, "node n1 to jobs/Pod queue on TCP 4222") {
		t.Errorf("%q", got)
	}
}

// TestMake holds what is made against the engine: what is needed is allowed, and nothing else.
func TestMake(t *testing.T) {
	s := snapshot(t, shop)
	m := network.New(s, network.Options{})
	a, err := Make(t.Context(), m, s, Declared(m, s, Options{}).Needs, Options{})
	if err != nil || len(a.Cut) > 0 || len(a.Kept) != 2 {
		t.Fatalf("%v, cut %v, kept %v", err, lines(a.Cut), lines(a.Kept))
	}
	if !strings.Contains(strings.Join(a.Unknown, "\n"), "jobs/Pod bare has no labels") {
		t.Errorf("unknown: %q", a.Unknown)
	}
	made, problems := kube.Manifest("made.yaml", []byte(a.Text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	after := network.New(kube.NewSnapshot(append(s.Objects, made...), nil), network.Options{})
	got := map[string]string{}
	all, err := after.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range after.Endpoints {
		for to, ports := range all.Reaches(from) {
			got[from.String()+" > "+to.String()] = ports.String()
		}
	}
	const anybody = "0.0.0.0/0, ::/0"
	want := map[string]string{
		"shop/Deployment cart > shop/Pod db-0": "TCP 15432", "shop/Deployment cart > jobs/Pod queue": "TCP 4222",
		"shop/Deployment cart > kube-system/Pod coredns": "TCP 1053; UDP 1053", "shop/Pod db-0 > kube-system/Pod coredns": "TCP 1053; UDP 1053",
		"jobs/Pod queue > kube-system/Pod coredns": "TCP 1053; UDP 1053", "jobs/Pod bare > kube-system/Pod coredns": "TCP 1053; UDP 1053",
		// kube-system is left as it is.
		"kube-system/Pod coredns > " + anybody: "all ports", anybody + " > kube-system/Pod coredns": "all ports",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFlows finds the ends of flows by workload, by the names of pods, and by address; and wants what refuses a recorded
// connection, as a ClusterNetworkPolicy that nobody may overrule, to be told as a cut.
func TestFlows(t *testing.T) {
	s := snapshot(t, shop+`
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: closed}
spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [198.51.100.0/24]}]}]}
`)
	m := network.New(s, network.Options{})
	var log flow.Log
	text := `{"flow":{"verdict":"FORWARDED","l4":{"TCP":{"destination_port":15432}},"source":{"namespace":"shop","pod_name":"cart-7d4b9c8f5d-x2x9z"},"destination":{"namespace":"shop","pod_name":"db-0"}}}
{"flow":{"verdict":"FORWARDED","IP":{"destination":"198.51.100.7"},"l4":{"TCP":{"destination_port":443}},"source":{"namespace":"shop","pod_name":"x","workloads":[{"name":"cart","kind":"Deployment"}]},"destination":{"labels":["reserved:world"]}}}
{"flow":{"verdict":"FORWARDED","IP":{"destination":"203.0.113.7"},"l4":{"TCP":{"destination_port":443}},"source":{"namespace":"shop","pod_name":"cart-*"},"destination":{"labels":["reserved:world"]}}}
{"flow":{"verdict":"DROPPED","l4":{"TCP":{"destination_port":1}},"source":{"namespace":"shop","pod_name":"cart-*"},"destination":{"namespace":"shop","pod_name":"db-0"}}}
{"flow":{"verdict":"FORWARDED","l4":{"UDP":{"destination_port":53}},"source":{"namespace":"shop","pod_name":"db-0"},"destination":{"namespace":"kube-system","pod_name":"coredns"}}}
{"flow":{"verdict":"FORWARDED","l4":{"TCP":{"destination_port":80}},"source":{"namespace":"gone","pod_name":"a"},"destination":{"namespace":"shop","pod_name":"db-0"}}}
`
	if err := log.Read("flows", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	r := Flows(m, &log)
	if r.Refused != 1 || r.Names != 1 || r.Connections != 5 || r.Explained != 4 || len(r.Unknown) != 1 {
		t.Errorf("%+v", r)
	}
	a, err := Make(t.Context(), m, s, r.Needs, Options{Namespaces: []string{"shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop/Deployment cart to shop/Pod db-0 on TCP 15432", "shop/Deployment cart to 203.0.113.7 on TCP 443"}, lines(a.Kept)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"shop/Deployment cart to 198.51.100.7 on TCP 443"}, lines(a.Cut)); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(a.Text, `namespace: "jobs"`) || !strings.Contains(a.Text, "recorded once") {
		t.Error(a.Text)
	}
}

// TestListens knows the end that answers by what containers, Services and nodes' ports say, whatever port asks.
func TestListens(t *testing.T) {
	m := network.New(snapshot(t, `
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: s, labels: {app: a}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 50051}]}]}
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: s, labels: {app: b}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.0.0.2}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: s}
spec: {type: NodePort, selector: {app: b}, ports: [{port: 80, targetPort: 9000, nodePort: 30080}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}
`), network.Options{})
	log := flow.Log{Listens: Listens(m)}
	text := "version srcaddr dstaddr srcport dstport protocol action\n" +
		"2 10.0.0.2 10.0.0.1 9999 50051 6 ACCEPT\n2 10.0.0.1 10.0.0.2 2000 9000 6 ACCEPT\n2 10.0.0.2 10.0.0.1 9000 2000 6 ACCEPT\n2 8.8.8.8 10.9.0.1 2000 30080 6 ACCEPT\n"
	if err := log.Read("vpc", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := log.Settle(); err != nil || log.Undirected > 0 {
		t.Fatalf("%v, %d undirected", err, log.Undirected)
	}
	want := []string{"s/Pod b to s/Pod a on TCP 50051", "s/Pod a to s/Pod b on TCP 9000", "8.8.8.8 to node n1 on TCP 30080"}
	if diff := cmp.Diff(want, lines(Flows(m, &log).Needs)); diff != "" {
		t.Error(diff)
	}
}

// TestSettings finds the hosts that settings name, in whatever form, and tells of those that no policy can name.
func TestSettings(t *testing.T) {
	services := ""
	for _, name := range []string{"ka", "kb", "kc", "es"} {
		services += "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "-0, namespace: s, labels: {app: " + name + "}}\nspec: {containers: [{name: c, image: x}]}\n" +
			"---\napiVersion: v1\nkind: Service\nmetadata: {name: " + name + ", namespace: s}\nspec: {selector: {app: " + name + "}, ports: [{port: 9092}]}\n"
	}
	services += "---\napiVersion: v1\nkind: Service\nmetadata: {name: legacy, namespace: s}\nspec: {ports: [{port: 1521}]}\n"
	for text, want := range map[string]string{
		"ka:9092,kb:9092,kc:9092":               "ka-0 9092,kb-0 9092,kc-0 9092",
		"mongodb://ka,kb/db":                    "ka-0 9092,kb-0 9092",
		"--peers=ka:9092":                       "ka-0 9092",
		"es-0.es:9300":                          "es-0 9300",
		"es-0.es.s.svc.cluster.local:9300":      "es-0 9300",
		"http://user:pass@ka.s.svc:9092/a?b=kb": "ka-0 9092",
		"ka":                                    "ka-0 9092",
		"all of ka and kb":                      "",
		"ka:1":                                  "unknown",
		"tcp://legacy:1521":                     "unknown",
		"https://api.stripe.com/v1":             "unknown",
		"10.7.7.7:1433":                         "10.7.7.7 1433",
		"https://127.0.0.1/":                    "",
		"1.4.2":                                 "",
	} {
		o := snapshot(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: app, namespace: s, labels: {app: app}}\nspec: {containers: [{name: c, image: x, env: [{name: A, value: '"+text+"'}]}]}\n"+services)
		d := Declared(network.New(o, network.Options{}), o, Options{})
		var got []string
		for _, n := range d.Needs {
			to := strings.TrimPrefix(n.To.String(), "s/Pod ")
			if n.To.Kind == network.Block {
				to = n.Address.String()
			}
			got = append(got, fmt.Sprintf("%s %d", to, n.Port))
		}
		if len(d.Unknown) > 0 {
			got = append(got, "unknown")
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%s: %q, want %q", text, strings.Join(got, ","), want)
		}
	}
}
