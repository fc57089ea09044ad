package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
	"github.com/plimsoll/plimsoll/testbed/fixture"
)

// TestHelm wants the objects that Helm's own tests want of helm template (pkg/cmd/template_test.go and its golden files,
// in the module that we link), and every line of them to be traced into a file of the chart.
func TestHelm(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "helm.sh/helm/v4").Output()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(strings.TrimSpace(string(out)), "pkg", "cmd", "testdata")
	const deps = "chart-with-template-lib-"
	for _, c := range []struct {
		chart, golden string
		set           []string
		values        string
		release       string
		version       string
	}{
		{chart: "subchart", golden: "template-with-crds"},
		{chart: "subchart", golden: "template-with-kube-version", version: "1.16.0"},
		{chart: "subchart", golden: "template-set", set: []string{"service.name=apache"}},
		{chart: "subchart", golden: "template-values-files", values: "charts/subchartA/values.yaml"},
		{chart: "subchart", golden: "template-name-template", release: "foobar-ywjj-baz"},
		{chart: "subchart", golden: "template-subchart-cm", set: []string{"configmap.enabled=true", "subchartb.enabled=true"}},
		{chart: "subchart", golden: "template-subchart-cm-set", set: []string{"configmap.enabled=true", "subchartb.enabled=true", "configmap.value=baz"}},
		{chart: "subchart", golden: "template-subchart-cm-set-file", values: "extra_values.yaml"},
		{chart: deps + "dep", golden: "template-" + deps + "dep"},
		{chart: deps + "archive-dep", golden: "template-" + deps + "archive-dep"},
		{chart: "object-order", golden: "object-order"},
		{chart: "issue-9027", golden: "issue-9027"},
	} {
		want, err := os.ReadFile(filepath.Join(data, "output", c.golden+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		v := render.DefaultValues()
		v.Namespace, v.Set, v.KubeVersion = "default", c.set, "v1.20.0" // the version that Helm takes where no cluster is asked
		if c.release != "" {
			v.Release = c.release
		}
		if c.version != "" {
			v.KubeVersion = c.version
		}
		dir := filepath.Join(data, "testcharts", c.chart)
		if c.values != "" {
			b, err := os.ReadFile(filepath.Join(dir, c.values))
			if err != nil {
				t.Fatal(err)
			}
			v.Files = []render.File{{Path: c.values, Bytes: b}}
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		files, err := render.ChartFiles(root, ".")
		root.Close()
		if err != nil {
			t.Fatal(err)
		}
		a, err := Render(render.Chart{Files: files, Values: v})
		if err != nil {
			t.Errorf("%s: %v", c.golden, err)
			continue
		}
		crds := c.golden == "template-with-crds"
		var got []string
		for _, d := range a.Documents {
			if strings.HasPrefix(d.Path, "crds/") && !crds {
				continue
			}
			got = append(got, fixture.Objects(t, d.Text)...)
			if n := strings.Count(d.Text, "\n") + 1; len(d.Lines) != n {
				t.Errorf("%s: %s has %d lines, and %d are traced", c.golden, d.Path, n, len(d.Lines))
			}
			traced(t, files, &d)
		}
		slices.Sort(got)
		if diff := cmp.Diff(fixture.Objects(t, string(want)), got); diff != "" {
			t.Errorf("%s: %s", c.golden, diff)
		}
	}
}

// traced wants the places of a document's lines to be lines that are there, and a line without an action to be traced
// to one that reads the same.
func traced(t *testing.T, files []render.File, d *render.Document) {
	t.Helper()
	texts := map[string][]string{}
	for _, f := range files {
		texts[f.Path] = strings.Split(string(f.Bytes), "\n")
	}
	made := strings.Split(d.Text, "\n")
	for i, places := range d.Lines {
		if len(places) == 0 {
			t.Errorf("%s:%d is traced to nothing", d.Path, i+1)
			continue
		}
		at := places[0].Path
		if at == "" {
			at = d.Path
		}
		lines, ours := texts[at]
		if !ours {
			continue // packed, and so not among the files
		}
		if n := places[0].Line; n < 1 || n > len(lines) {
			t.Errorf("%s:%d is traced to line %d of %s, which has %d", d.Path, i+1, n, at, len(lines))
		} else if line := lines[n-1]; !strings.Contains(line, "{{") && strings.TrimSpace(line) != strings.TrimSpace(made[i]) && strings.TrimSpace(made[i]) != "" {
			t.Errorf("%s:%d %q is traced to %s:%d %q", d.Path, i+1, made[i], at, n, line)
		}
	}
}
