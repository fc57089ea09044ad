package intent

import (
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const head = "apiVersion: plimsoll/v1\nkind: Intention\nmetadata: {name: a}\nspec:\n"

func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no intention":      {"---\n", "no intention"},
		"another kind":      {strings.Replace(head, "Intention", "Policy", 1) + "  expect: refused\n", `a.yaml:2: kind "Policy"`},
		"another version":   {strings.Replace(head, "plimsoll/v1", "v2", 1) + "  expect: refused\n", `a.yaml:1: apiVersion "v2"`},
		"no expectation":    {head + "  to: 'true'\n", "expect"},
		"what is expected":  {head + "  expect: maybe\n", `a.yaml:5: expect "maybe"`},
		"unknown key":       {head + "  expect: refused\n  form: 'true'\n", "form"},
		"a port":            {head + "  expect: refused\n  ports: [443]\n", `a.yaml:6: port "443"`},
		"a port too large":  {head + "  expect: refused\n  ports: [TCP 70000]\n", "from 1 to 65535"},
		"no ports":          {head + "  expect: refused\n  ports: []\n", "between 1 and 100"},
		"no bool":           {head + "  expect: refused\n  to: endpoint.name\n", "a.yaml:6"},
		"an unknown name":   {head + "  expect: refused\n  to: pod.name == 'a'\n", `"pod" is neither`},
		"no map":            {"[]\n", "a.yaml:1"},
		"broken YAML":       {"a: [\n", "a.yaml:"},
		"larger than it is": {strings.Repeat("#", MaxFile+1), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("a.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	all, err := Parse("a.yaml", []byte(head+"  expect: allowed\n  ports: [tcp 443, UDP 8000-8100, SCTP]\n"))
	if err != nil || !all[0].Allowed || all[0].Ports.String() != "TCP 443; UDP 8000-8100; SCTP all" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestEnds asks each field of an endpoint.
func TestEnds(t *testing.T) {
	objects, problems := kube.Manifest("a.yaml", []byte(`
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop}
spec: {hostNetwork: true, containers: [{name: c, image: x}]}
`))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	m, err := network.New(kube.NewSnapshot(objects, nil), network.Options{Blocks: Blocks()}).Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]string{
		`endpoint.kind == "node" && endpoint.labels["zone"] == "a"`:                            "node n1",
		`endpoint.kind == "host"`:                                                              "shop/Pod agent",
		`endpoint.workload == "Pod" && endpoint.name == "web" && endpoint.namespace == "shop"`: "shop/Pod web",
		`endpoint.kind == "pods" && "app" in endpoint.labels`:                                  "shop/Pod web",
		`endpoint.internet && endpoint.kind == "addresses"`:                                    "internet",
		`endpoint.labels["app"] == "web"`:                                                      "shop/Pod web", // which others have not
		`endpoint.labels.zone != "" && endpoint.labels["none"] == ""`:                          "node n1",
		`"app" in endpoint.labels && endpoint.labels["app"] != ""`:                             "shop/Pod web",
	} {
		all, err := Parse("a.yaml", []byte(head+"  expect: refused\n  to: '"+expression+"'\n"))
		if err != nil {
			t.Fatal(err)
		}
		ends, err := all[0].ends(t.Context(), m, all[0].to, "to")
		if err != nil || len(ends) != 1 {
			t.Errorf("%s: %v, %v", expression, ends, err)
		}
		for e := range ends {
			if want != "internet" && e.String() != want || want == "internet" && !e.Internet() {
				t.Errorf("%s: %s, want %s", expression, e, want)
			}
		}
	}
}

// TestFamilies: pods of both families reach each other where one of them is allowed; pods that have none in common do not.
func TestFamilies(t *testing.T) {
	const pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %, namespace: shop, labels: {app: %}}\nspec: {containers: [{name: c, image: x}]}\nstatus: {podIPs: [IPS]}\n"
	text := `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: both, namespace: shop}
spec: {podSelector: {matchLabels: {app: both}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}
`
	for name, ips := range map[string]string{"both": `{ip: 10.0.0.1}, {ip: "fd00::1"}`, "other": `{ip: 10.0.0.2}, {ip: "fd00::2"}`, "four": "{ip: 10.0.0.4}", "six": `{ip: "fd00::6"}`} {
		text += strings.ReplaceAll(strings.Replace(pod, "IPS", ips, 1), "%", name)
	}
	objects, problems := kube.Manifest("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	m, err := network.New(kube.NewSnapshot(objects, nil), network.Options{Blocks: Blocks()}).Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for pair, broken := range map[[2]string]bool{
		{"other", "both"}: false, // by IPv4
		{"four", "both"}:  false,
		{"six", "both"}:   true, // the rule names IPv4
		{"four", "six"}:   true,
		{"six", "other"}:  false,
		{"both", "four"}:  false,
	} {
		all, err := Parse("a.yaml", []byte(head+"  expect: allowed\n  from: endpoint.name == '"+pair[0]+"'\n  to: endpoint.name == '"+pair[1]+"'\n"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := all[0].Broken(t.Context(), m)
		if err != nil || len(rows) > 0 != broken {
			t.Errorf("%v: %v, %v; want it broken: %t", pair, rows, err, broken)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "  from: endpoint.internet\n  expect: refused\n  ports: [TCP 443]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Parse("a.yaml", b)
		if err == nil && (len(all) == 0 || len(all[0].Ports) == 0 || all[0].Name == "") {
			t.Errorf("taken, and nothing in it: %+v", all)
		}
	})
}
