package harden

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/host/hosttest"
	"github.com/plimsoll/plimsoll/internal/tell/harden/remedy"
	"github.com/plimsoll/plimsoll/internal/tree"
	"github.com/plimsoll/plimsoll/testbed/cluster"
)

// TestServer has a real API server, set loosely, start with what is written for it: it starts, people without a name are
// sent away, what is done is logged, and a secret lies in the store encrypted. (AlwaysAllow is no part of it: with that the
// server itself sends people without a name away, and the test bench could not see that it is ready.)
func TestServer(t *testing.T) {
	c := cluster.Start(t, "--profiling=true", "--service-account-lookup=false")
	nobody := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ask := func(path string) int {
		t.Helper()
		res, err := nobody.Get(c.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for path, want := range map[string]int{"/api/v1/secrets": http.StatusForbidden, "/version": http.StatusOK} {
		if status := ask(path); status != want {
			t.Fatalf("before, nobody asks for %s: %d, want %d", path, status, want)
		}
	}

	var text strings.Builder
	text.WriteString("# /etc/kubernetes/manifests/kube-apiserver.yaml\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: kube-apiserver\n    image: registry.k8s.io/kube-apiserver:v1.37.2\n    command:\n    - kube-apiserver\n")
	for _, f := range c.Flags() {
		text.WriteString("    - " + f + "\n")
	}
	root := hosttest.FS(text.String())
	h, err := host.Read(t.Context(), &host.Source{FS: root})
	if err != nil {
		t.Fatal(err)
	}
	o := remedy.Options{Folder: filepath.Join(c.Dir, "plimsoll"), Log: filepath.Join(c.Dir, "audit", "audit.log")}
	r, err := Run(t.Context(), root, h, time.Now(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{o.Folder, filepath.Dir(o.Log)} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var flags []string
	for _, f := range r.Files {
		if strings.HasPrefix(f.Path, o.Folder) {
			if err := os.WriteFile(f.Path, f.After, f.Mode); err != nil {
				t.Fatal(err)
			}
			continue
		}
		d, err := tree.Parse(f.Path, f.After)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range d[0].Get("spec", "containers").Items()[0].Get("command").Items()[1:] {
			flags = append(flags, word.String())
		}
	}
	c.RestartServer(flags)

	for path, want := range map[string]int{"/api/v1/secrets": http.StatusUnauthorized, "/version": http.StatusUnauthorized, "/livez": http.StatusOK} {
		if status := ask(path); status != want {
			t.Errorf("after, nobody asks for %s: %d, want %d", path, status, want)
		}
	}
	admin := c.Client("admin", "system:masters")
	res, err := admin.Post(c.URL+"/api/v1/namespaces/default/secrets", "application/json", strings.NewReader(`{"metadata": {"name": "s"}, "stringData": {"word": "in-the-clear"}}`))
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(err, res)
	}
	res.Body.Close()
	logged, err := os.ReadFile(o.Log)
	if err != nil || !strings.Contains(string(logged), `"resource":"secrets"`) || strings.Contains(string(logged), "in-the-clear") {
		t.Errorf("the audit log: %v\n%s", err, logged)
	}
	kept := false
	err = filepath.WalkDir(filepath.Join(c.Dir, "etcd"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		kept = kept || strings.Contains(string(b), "k8s:enc:secretbox:v1:key1:")
		if strings.Contains(string(b), "in-the-clear") {
			t.Errorf("%s holds the secret in the clear", path)
		}
		return err
	})
	if err != nil || !kept {
		t.Errorf("the store holds nothing encrypted: %v", err)
	}
	if !slices.ContainsFunc(r.Mended, func(m remedy.Mended) bool { return m.Rule == "control/encryption" }) {
		t.Errorf("%+v", r.Mended)
	}
}
