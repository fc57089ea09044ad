package suggest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestParties finds hosts and ports in the forms that drivers and libraries take: Go's driver for MySQL, libpq, ADO.NET, JDBC,
// gRPC; and none in prose.
func TestParties(t *testing.T) {
	for text, want := range map[string]string{
		"user:p@ss=w0rd@tcp(pg:3306)/db?parseTime=true": "mysql pg 3306",
		"tcp(pg)/db":                                          "mysql pg 0",
		"dns:///pg.a:9000":                                    "dns pg.a 9000",
		"dns://10.96.0.10/pg.a:9000":                          "dns pg.a 9000",
		"dns:pg.a:9000":                                       "dns pg.a 9000",
		"passthrough:///pg:9000":                              "passthrough pg 9000",
		"host=pg port=5432 user=x password='y'":               " pg 5432",
		"host=pg1,pg2 port=5432,5433 dbname=x":                " pg1 5432,  pg2 5433",
		"host=/var/run/postgresql user=x":                     "",
		"Server=sql,1433;Database=x;User Id=y":                " sql 1433",
		"Data Source=tcp:sql.data,1433;Initial Catalog=x":     " sql.data 1433",
		"Host=pg;Port=5432;Database=x":                        " pg 5432",
		"pg.a.svc.cluster.local.:5432":                        " pg.a.svc.cluster.local 5432",
		"http://pg.a.svc.cluster.local.:8080/x":               "http pg.a.svc.cluster.local 8080",
		"jdbc:postgresql://pg:5432/db?user=a@b":               "postgresql pg 5432",
		"postgresql+asyncpg://u@pg/db":                        "postgresql pg 0",
		"pg:5432/db?sslmode=disable":                          " pg 5432",
		"--url=http://pg:80/?a=b":                             "http pg 80",
		"the host is pg. The port is not known, see pg.":      "",
		"exec app --api=http://api.a.svc:8080/v1 --level=one": "http api.a.svc 8080",
	} {
		var got []string
		for _, p := range parties(text) {
			got = append(got, fmt.Sprint(p.scheme, " ", p.name, " ", p.port))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", text, strings.Join(got, ", "), want)
		}
	}
}

// FuzzParties wants no text to break it, and hosts that are somewhere in the text.
func FuzzParties(f *testing.F) {
	f.Add("a=b;host=c,1,2 port=3,4")
	f.Add("x@tcp([::1]:3)/d dns://a/b:1")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parties(text) {
			if p.name == "" || !strings.Contains(text, p.name) {
				t.Errorf("%q of %q", p.name, text)
			}
		}
	})
}

func pod(name, more string) string {
	return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: a, labels: {app: " + name + "}}\nspec: {containers: [{name: c, image: x" + more + "}]}\n"
}

func declared(t *testing.T, text string, o network.Options, of Options) (needs []string, d *Declaration) {
	t.Helper()
	s := snapshot(t, text)
	d = Declared(network.New(s, o), s, of)
	return lines(d.Needs), d
}

// TestConfigMaps reads settings as the kubelet makes them, tells of ConfigMaps that were not read, and never reads Secrets.
func TestConfigMaps(t *testing.T) {
	db := pod("db", "") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: a}\nspec: {selector: {app: db}, ports: [{port: 5432}, {port: 5433}]}\n"
	conf := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: a}\ndata: {url: 'postgres://db:5432', HOST: db}\n"
	secret := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: conf, namespace: a}\nstringData: {url: 'postgres://db:5432'}\n"
	for name, c := range map[string]struct{ spec, needs, unknown, notes string }{
		"a key":    {", env: [{name: U, valueFrom: {configMapKeyRef: {name: conf, key: url}}}]", "a/Pod app to a/Pod db on TCP 5432", "", ""},
		"all":      {", envFrom: [{prefix: X_, configMapRef: {name: conf}}], args: ['--db=$(X_HOST):5433', '$$(X_HOST):1']", "a/Pod app to a/Pod db on TCP 5432 a/Pod app to a/Pod db on TCP 5433", "", ""},
		"gone":     {", envFrom: [{configMapRef: {name: gone}}]", "", "what settings of a/Pod app name that come of ConfigMap gone, which was not read", ""},
		"optional": {", envFrom: [{configMapRef: {name: gone, optional: true}}]", "", "", ""},
		"secret":   {", env: [{name: U, valueFrom: {secretKeyRef: {name: conf, key: url}}}]", "", "", "Secrets are never read, and what settings name that come of them is not allowed: a/Pod app (Secret conf)"},
	} {
		needs, d := declared(t, pod("app", c.spec)+db+conf+secret, network.Options{}, Options{})
		slices.Sort(needs)
		got := []string{strings.Join(slices.Compact(needs), " "), strings.Join(d.Unknown, " "), strings.Join(d.Notes, " ")}
		if diff := cmp.Diff([]string{c.needs, c.unknown, c.notes}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestPortsOfServices wants a port that a Service has not to be told, and taken as it is where pods are asked themselves.
func TestPortsOfServices(t *testing.T) {
	text := pod("app", ", env: [{name: U, value: 'http://db:6379'}]") + pod("db", "")
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: a}\nspec: {selector: {app: db}, ports: [{port: 5432, targetPort: 15432}]"
	needs, d := declared(t, text+service+"}\n", network.Options{}, Options{})
	if want := []string{"port 6379 of Service a/db is declared by U of a/Pod app: it has no such port"}; len(needs) > 0 || !slices.Equal(d.Unknown, want) {
		t.Errorf("%q, %q", needs, d.Unknown)
	}
	needs, d = declared(t, text+service+", clusterIP: None}\n", network.Options{}, Options{})
	if want := []string{"a/Pod app to a/Pod db on TCP 6379"}; len(d.Unknown) > 0 || !slices.Equal(needs, want) {
		t.Errorf("%q, %q", needs, d.Unknown)
	}
}

// TestMonitored wants those who ask for metrics to be let to whom monitors (Prometheus Operator, api.md) and annotations name.
func TestMonitored(t *testing.T) {
	prometheus := pod("prom", "") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a, labels: {app: web}}\nspec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: m, port: 81, targetPort: metrics}]}\n"
	prometheus = strings.Replace(prometheus, "image: x", "image: 'quay.io/prometheus/prometheus:v3@sha256:00'", 1)
	web := pod("web", ", ports: [{name: metrics, containerPort: 9100}]")
	monitor := func(kind, spec string) string {
		return "---\napiVersion: monitoring.coreos.com/v1\nkind: " + kind + "\nmetadata: {name: m, namespace: a}\nspec: {selector: {matchLabels: {app: web}}, " + spec + "}\n"
	}
	annotated := func(more string) string {
		return strings.Replace(web, "labels:", "annotations: {prometheus.io/scrape: 'true'"+more+"}, labels:", 1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"service's port":        {prometheus + web + monitor("ServiceMonitor", "endpoints: [{port: m}]"), "a/Pod prom to a/Pod web on TCP 9100"},
		"target port":           {prometheus + web + monitor("ServiceMonitor", "endpoints: [{targetPort: 7}]"), "a/Pod prom to a/Pod web on TCP 7"},
		"another namespace":     {prometheus + web + monitor("ServiceMonitor", "namespaceSelector: {matchNames: [b]}, endpoints: [{port: m}]"), ""},
		"any namespace":         {prometheus + web + monitor("ServiceMonitor", "namespaceSelector: {any: true}, endpoints: [{port: http}]"), "a/Pod prom to a/Pod web on TCP 8080"},
		"container's port":      {prometheus + web + monitor("PodMonitor", "podMetricsEndpoints: [{port: metrics}]"), "a/Pod prom to a/Pod web on TCP 9100"},
		"no such port":          {prometheus + web + monitor("PodMonitor", "podMetricsEndpoints: [{port: nope}]"), "unknown"},
		"a port that is none":   {prometheus + web + monitor("PodMonitor", "podMetricsEndpoints: [{portNumber: 70000}]"), "unknown"},
		"annotation":            {prometheus + annotated(""), "a/Pod prom to a/Pod web on TCP 9100"},
		"annotation, with port": {prometheus + annotated(", prometheus.io/port: '7'"), "a/Pod prom to a/Pod web on TCP 7"},
		"nobody asks":           {annotated(""), "unknown"},
	} {
		needs, d := declared(t, c.text, network.Options{}, Options{})
		if len(d.Unknown) > 0 {
			needs = append(needs, "unknown")
		}
		if got := strings.Join(needs, " "); got != c.want {
			t.Errorf("%s: %q, want %q (%q)", name, got, c.want, d.Unknown)
		}
	}
}

// TestServer wants those who have a use for the API server, and those whose settings name it, to be let to it alone; and to be
// told where nobody says where it is.
func TestServer(t *testing.T) {
	text := pod("user", "") + pod("other", "") + pod("named", ", env: [{name: U, value: 'https://kubernetes.default.svc'}]") +
		"---\napiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 443, targetPort: 6443}]}\n"
	of := Options{Uses: func(w *kube.Workload) bool { return w.Name == "user" }}
	known := network.Options{Servers: []netip.AddrPort{netip.MustParseAddrPort("192.168.0.10:6443")}}
	needs, d := declared(t, text, known, of)
	want := []string{"a/Pod named to 192.168.0.10 on TCP 6443", "a/Pod user to 192.168.0.10 on TCP 6443"}
	if !slices.Equal(needs, want) || len(d.Unknown) > 0 {
		t.Errorf("%q, %q", needs, d.Unknown)
	}
	needs, d = declared(t, text, network.Options{}, of)
	if len(needs) > 0 || len(d.Unknown) != 2 || !strings.Contains(d.Unknown[1], "for a/Pod user (") {
		t.Errorf("%q, %q", needs, d.Unknown)
	}
	s := snapshot(t, text)
	m := network.New(s, known)
	a, err := Make(t.Context(), m, s, Declared(m, s, of).Needs, of)
	if err != nil || len(a.Cut) > 0 || len(a.Kept) != 2 {
		t.Errorf("%v, cut %q", err, lines(a.Cut))
	}
}

// TestNodesBring wants nodes to be let in where they bring a load balancer's connections with their own addresses.
func TestNodesBring(t *testing.T) {
	text := pod("web", "") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]"
	from := func(needs []string, d *Declaration) string {
		slices.Sort(needs)
		if len(d.Unknown) > 0 {
			needs = append(needs, "unknown")
		}
		return strings.Join(needs, "; ")
	}
	nodes := network.Options{NodeRanges: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")}}
	if got := from(declared(t, text+"}\n", network.Options{}, Options{})); !strings.HasSuffix(got, "unknown") {
		t.Error(got)
	}
	if got := from(declared(t, text+"}\n", nodes, Options{})); !strings.Contains(got, "10.9.0.0/24 to a/Pod web on TCP 80") || strings.HasSuffix(got, "unknown") {
		t.Error(got)
	}
	if got := from(declared(t, text+", externalTrafficPolicy: Local}\n", nodes, Options{})); strings.Contains(got, "10.9.0.0/24") || strings.HasSuffix(got, "unknown") {
		t.Error(got)
	}
}

// TestStrays tells of a Service that an Ingress names and that is not there.
func TestStrays(t *testing.T) {
	_, d := declared(t, pod("web", "")+"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: in, namespace: a}\nspec: {defaultBackend: {service: {name: gone, port: {number: 80}}}}\n", network.Options{}, Options{})
	if want := []string{"Ingress a/in: spec.defaultBackend: there is no Service a/gone"}; !slices.Equal(d.Notes, want) {
		t.Errorf("%q", d.Notes)
	}
}

// TestCarriedToNode wants the pods of a controller to be let to pods in the network of their node, and nobody else to be told of.
func TestCarriedToNode(t *testing.T) {
	text := strings.Replace(pod("web", ""), "{containers", "{hostNetwork: true, containers", 1) + strings.Replace(pod("nginx", ""), "app: nginx", "app: ingress-nginx", 1) +
		"---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: a}\nspec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}\n" +
		"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: in, namespace: a}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n"
	needs, d := declared(t, text, network.Options{}, Options{})
	if want := []string{"a/Pod nginx to a/Pod web on TCP 80"}; !slices.Equal(needs, want) || len(d.Unknown) > 0 {
		t.Errorf("%q, %q", needs, d.Unknown)
	}
}
