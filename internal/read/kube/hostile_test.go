package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProblems has what is wrong told with its line, and the rest read.
func TestProblems(t *testing.T) {
	const good = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\n"
	for _, c := range []struct{ name, text, want string }{
		{"duplicate keys", good + "---\n" + good + "kind: Pod\n", `good | m.yaml:8: key "kind" already set in map`},
		{"a NUL byte", good + "---\napiVersion: v1\nkind: \x00Pod\n", "good | m.yaml:6: it holds a NUL byte, and so is no text"},
		{"a tab", good + "---\napiVersion: v1\n\tkind: Pod\n", "good | m.yaml:6: found a tab character that violates indentation"},
		{"UTF-16", "\xff\xfea\x00p\x00", " | m.yaml:1: it is in UTF-16: save it in UTF-8"},
		{"a mark of UTF-8", "\xef\xbb\xbf" + good, "good | "},
		{"CRLF", strings.ReplaceAll(good+"---\n"+good, "\n", "\r\n"), "good good | "},
		{"too deep", good + "a: " + strings.Repeat("[", 150) + strings.Repeat("]", 150), " | m.yaml:1: it is nested deeper than 100 levels"},
		{"too large", good + "a: " + strings.Repeat("x", maxObject), " | m.yaml:1: the document is larger than 6 MiB, which no API server takes"},
		{"a template", "apiVersion: v1\nkind: {{ .Kind }}\n", " | m.yaml:1: template"},
		{"a template in a text", good + "data: '{{ .Values }}'\n", "good | "},
		{"a List with what is no object", "apiVersion: v1\nkind: List\nitems: [1]\n", " | m.yaml:1: items[0] of the List is no object"},
		{"a List of an indented one", "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Pod, metadata: {name: a}}\n", "a | "},
		{"a List whose items repeat each other", "kind: List\napiVersion: v1\nitems:\n- &a\n  {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- *a\n", "a a | "},
		{"a List with a dash alone", "kind: List\napiVersion: v1\nitems:\n-\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n", "a | "},
		{"a List of JSON with what is no object", `{"kind":"List","apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}},` + "\n1]}", "a | m.yaml:2: items[1] is no object"},
		{"JSON that is cut", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}` + "\n" + `{"apiVersion":"v1","kind":`, "a | m.yaml:2: from here on it is no JSON: unexpected EOF"},
		{"duplicate keys in JSON", `{"apiVersion":"v1","kind":"Pod","kind":"Pod"}`, ` | m.yaml:1: duplicate field "kind"`},
		{"JSON with tabs", "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}}", "a | "},
		{"a stream of JSON", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}`, "a b | "},
		{"a List of YAML with one that is broken", "apiVersion: v1\nitems:\n- metadata: {name: a}\n- metadata: {name\n- metadata:\n    name: c\n\nkind: PodList\n", "a c | m.yaml:4: did not find expected ',' or '}'"},
		{"a key that is merged in, and written", "x: &a {kind: Service, apiVersion: v1}\n<<: *a\nkind: Pod\nmetadata: {name: mine}\n", "mine | "},
		{"a key that is merged in, and written twice", "x: &a {kind: Service, apiVersion: v1}\n<<: *a\nkind: Pod\nkind: Job\n", ` | m.yaml:3: key "kind" already set in map;  line 4: key "kind" already set in map`},
		{"a namespace that YAML takes for false", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\n", " | m.yaml:1: metadata.namespace of the Pod is false and no text, which no API server takes: put it in quotes (YAML reads n, y, on, off, yes and no as true or false)"},
		{"an empty one", "---\n---\n", " | "},
		{"scalars", "a\n---\n- apiVersion\n", " | "},
	} {
		objects, problems := Manifest("m.yaml", []byte(c.text))
		var names, wrong []string
		for _, o := range objects {
			names = append(names, o.Name)
		}
		for _, p := range problems {
			if p.Template {
				p.What = "template"
			}
			wrong = append(wrong, p.Error())
		}
		if got := strings.Join(names, " ") + " | " + strings.Join(wrong, " "); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestPlaces finds lines where Lists were taken apart.
func TestPlaces(t *testing.T) {
	for _, text := range []string{
		"apiVersion: v1\nitems:\n- spec:\n    containers:\n    - name: a\n# no end\n\n- metadata: {name: b}\n  spec:\n    containers:\n    - name: b\nkind: PodList\n",
		"{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"items\": [{\n\"spec\":\n{\"containers\":\n[{\n\"name\": \"a\"}]}}\n,\n{\"metadata\": {\"name\": \"b\"},\n\"spec\":\n\n{\"containers\": [{\n\"name\": \"b\"}]}}]}",
	} {
		objects, problems := Manifest("m", []byte(text))
		if len(problems) > 0 || len(objects) != 2 {
			t.Fatal(problems, objects)
		}
		for i, want := range []int{5, 11} {
			if at := objects[i].At("spec.containers[0].name")[0]; at.StartLine != want {
				t.Errorf("%q: line %d, want %d", text, at.StartLine, want)
			}
		}
	}
}

func TestLooks(t *testing.T) {
	for text, want := range map[string]bool{
		"apiVersion: v1\nkind: Pod":                                       true,
		"# a\n---\nkind: Pod\napiVersion: v1":                             true,
		"{\"kind\": \"List\", \"items\": [{}], \"apiVersion\"":            true,
		"{apiVersion: v1, kind: Pod}":                                     true,
		"\xff\xfea\x00p\x00i\x00V\x00e\x00r\x00s\x00i\x00o\x00n\x00:\x00": true,
		"{\"metadata\": {\"apiVersion\": \"2016\"}, \"a\":":               false,
		"{\"a\": \"apiVersion\", \"b\": [\"apiVersion\"]}":                false,
		"spec:\n  apiVersion: v1":                                         false,
		"":                                                                false,
	} {
		if Looks([]byte(text)) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte(`{"kind":"List","apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a"}]}}]}`))
	f.Add([]byte("apiVersion: v1\nkind: PodList\nitems:\n- metadata:\n    name: a\n  spec:\n    containers: [{name: a}]\n- *a\n"))
	f.Add([]byte("a: &a [*a]\napiVersion: v1\nkind: {{ x }}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s := NewSnapshot(Manifest("m", content))
		last := 1 + strings.Count(string(content), "\n")
		for _, p := range s.Problems {
			if p.Line < 1 || p.Line > last+1 || strings.Contains(p.What, "\n") {
				t.Errorf("%v: there are %d lines", p, last)
			}
		}
		for i := range s.Workloads {
			w := &s.Workloads[i]
			if at := w.At(w.Path("spec.containers[0]")); at[0].StartLine < 1 || at[0].StartLine > last {
				t.Errorf("%+v: there are %d lines", at, last)
			}
		}
		if len(s.Objects) > 0 {
			_ = Looks(content)
		}
	})
}

func FuzzWorkloads(f *testing.F) {
	f.Add("apps/v1", "Deployment", `{"template":{"spec":{"containers":[{"name":"a","image":"a"}]}}}`)
	f.Add("x.io/v1", "Job", `{"a":[{"spec":{"containers":[{"name":"a","x":1}]}}]}`)
	f.Fuzz(func(t *testing.T, version, kind, spec string) {
		objects, _ := Manifest("m", fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"spec":%s}`, version, kind, spec))
		for _, o := range objects {
			all, err := Workloads(o)
			again, errAgain := Workloads(o)
			if (err == nil) != (errAgain == nil) || len(all) != len(again) {
				t.Error("twice is not the same")
			}
			for _, w := range all {
				if diff := cmp.Diff(w.Unknown, w.Unknown); diff != "" || w.Written == nil {
					t.Errorf("%+v", w)
				}
			}
		}
	})
}

// ordinary is a Deployment as people write them.
func ordinary(i int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-%d
  namespace: team-%d
  labels:
    app.kubernetes.io/name: app
    app.kubernetes.io/part-of: shop
spec:
  replicas: 3
  selector:
    matchLabels: {app: app-%d}
  template:
    metadata:
      labels: {app: app-%d}
      annotations:
        prometheus.io/scrape: "true"
    spec:
      serviceAccountName: app
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      initContainers:
      - name: migrate
        image: registry.example.com/shop/migrate:1.2.3
        args: ["--wait", "--timeout=30s"]
      containers:
      - name: app
        image: registry.example.com/shop/app:1.2.3
        ports:
        - {name: http, containerPort: 8080}
        env:
        - name: DATABASE
          valueFrom: {secretKeyRef: {name: database, key: url}}
        - {name: LOG_LEVEL, value: info}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        readinessProbe:
          httpGet: {path: /ready, port: http}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          readOnlyRootFilesystem: true
        volumeMounts:
        - {name: tmp, mountPath: /tmp}
      volumes:
      - {name: tmp, emptyDir: {}}
`, i, i%20, i, i)
}

// BenchmarkManifests reads 1,000 ordinary manifests and reduces them to their pods.
func BenchmarkManifests(b *testing.B) {
	var all [][]byte
	for i := range 1000 {
		all = append(all, []byte(ordinary(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		var objects []*Object
		for i, text := range all {
			one, problems := Manifest(fmt.Sprint(i), text)
			if len(problems) > 0 {
				b.Fatal(problems)
			}
			objects = append(objects, one...)
		}
		if s := NewSnapshot(objects, nil); len(s.Workloads) != len(all) {
			b.Fatal(len(s.Workloads))
		}
	}
}

// TestNoItems has Lists whose items are none, which fuzzing found: the others remain.
func TestNoItems(t *testing.T) {
	for _, item := range []string{"", "[1]", "7", "~"} {
		objects, problems := Manifest("l.yaml", []byte("apiVersion: v1\nkind: PodList\nitems:\n- "+item+"\n- {metadata: {name: a}}\n"))
		if len(problems) != 1 || problems[0].Error() != "l.yaml:4: an item of the PodList is no object" || len(objects) != 1 || objects[0].Kind != "Pod" {
			t.Errorf("%q: %v %v", item, objects, problems)
		}
	}
	objects, problems := Manifest("l.json", []byte(`{"apiVersion": "v1", "kind": "PodList", "items": [null, {"metadata": {"name": "a"}}]}`))
	if len(problems) != 1 || len(objects) != 1 || objects[0].Kind != "Pod" {
		t.Errorf("%v %v", objects, problems)
	}
}
