package dump

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

// words knows secrets by a word in them.
var words = Secrets{
	Worst: func(text string) (string, finding.Severity) {
		if strings.Contains(text, "hunter2") || strings.HasPrefix(text, "password=p") {
			return "a word", finding.High
		}
		return "", ""
	},
	Redact: func(text string) string { return strings.ReplaceAll(text, "hunter2", "[secret]") },
}

func TestHide(t *testing.T) {
	const object = `
metadata: {name: hunter2, labels: {a: hunter2}, annotations: {a: is hunter2}}
spec:
  containers:
  - name: c
    image: hunter2
    env: [{name: A, value: xhunter2}, {name: B, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: x}}}]
    command: [run, hunter2, "80"]
    args: [--password, plain, --port, "80"]
`
	const want = `
metadata: {name: hunter2, labels: {a: hunter2}, annotations: {a: "is [secret]"}}
spec:
  containers:
  - name: c
    image: hunter2
    env: [{name: A, value: "[secret: a word, high]"}, {name: B, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: x}}}]
    command: [run, "[secret: a word, high]", "[secret: a word, high]"]
    args: [--password, "[secret]", --port, "80"]
`
	var in, out map[string]any
	if err := yaml.Unmarshal([]byte(object), &in); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(want), &out); err != nil {
		t.Fatal(err)
	}
	before, _ := yaml.Marshal(in)
	if diff := cmp.Diff(out, words.hide(in)); diff != "" {
		t.Error(diff)
	}
	if after, _ := yaml.Marshal(in); string(after) != string(before) {
		t.Error("the object itself was changed")
	}
	if what, severity := Worst(words.Worst)("A=[secret: a word, high]"); what != "a word" || severity != finding.High {
		t.Errorf("%q %q", what, severity)
	}
	if what, _ := Worst(words.Worst)("B=b [secret] [secret: x, grave]"); what != "" {
		t.Errorf("%q", what)
	}
}

// TestHostile wants names that an API server would not give to write nothing outside of the folder, and links in a dump to
// lead nowhere.
func TestHostile(t *testing.T) {
	for _, o := range []*kube.Object{
		{APIVersion: "v1", Kind: "Pod", Namespace: "../x"},
		{APIVersion: "v1", Kind: "Pod", Namespace: ".."},
		{APIVersion: "v1", Kind: "../Pod", Namespace: "a"},
		{APIVersion: "../../x/v1", Kind: "Pod", Namespace: "a"},
	} {
		dir := filepath.Join(t.TempDir(), "d")
		if err := Write(dir, &client.Contents{Objects: []*kube.Object{o}}, words); err == nil {
			t.Errorf("%+v is written", o)
		}
		if Is(dir) {
			t.Errorf("%+v: what was not written whole is a dump", o)
		}
	}
	dir := filepath.Join(t.TempDir(), "d")
	object := &kube.Object{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "a", Fields: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "a", "namespace": "shop"}}}
	missing := []client.Missing{{Class: "unread-kind", Blocking: true, What: "w"}}
	if err := Write(dir, &client.Contents{Name: "n", Version: "v", Objects: []*kube.Object{object}, Missing: missing}, words); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %s %v", d.Name(), info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(dir)
	if err != nil || c.Name != "n" || c.Version != "v" || !cmp.Equal(c.Missing, missing) || len(c.Objects) != 1 || c.Objects[0].Source.Path != "" {
		t.Fatalf("%+v %v", c, err)
	}
	secret := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(secret, []byte("{apiVersion: v1, kind: Pod, metadata: {name: outside}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "shop", "Link.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "Link.yaml is no file of a dump") {
		t.Errorf("a link: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "shop", "Link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shop", "Broken.yaml"), []byte("apiVersion: v1\nkind: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Read(dir); err != nil || len(c.Missing) != 2 || !c.Missing[1].Blocking {
		t.Errorf("a broken file: %+v %v", c.Missing, err)
	}
}
