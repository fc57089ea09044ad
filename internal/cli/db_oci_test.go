package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/advisory/update"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// TestUpdateFromRegistry fetches a signed database that is an artifact of a registry.
func TestUpdateFromRegistry(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	exported := t.TempDir()
	if err := update.Export(db.FS(), exported, private); err != nil {
		t.Fatal(err)
	}
	l := imagetest.New()
	m := image.Manifest{
		MediaType: imagetest.ManifestType, ArtifactType: "application/vnd.plimsoll.db.v1",
		Config: l.Put("application/vnd.oci.empty.v1+json", []byte("{}")),
	}
	files, err := os.ReadDir(exported)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(exported, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d := l.Put("application/octet-stream", b)
		d.Annotations = map[string]string{"org.opencontainers.image.title": f.Name()}
		m.Layers = append(m.Layers, d)
	}
	l.Tag("docker.io/plimsoll/db:1", l.PutManifest(m))
	host := imagetest.Serve(t, l)

	mirror := ociMirror(host+"/plimsoll/db:1", registry.Options{PlainHTTP: []string{host}})
	dir := t.TempDir()
	o := update.Options{Dir: dir, Mirrors: []update.Mirror{mirror}, Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	if _, err := update.Run(context.Background(), o); err == nil {
		t.Error("a database that no trusted key signed is taken from a registry")
	}
	o.Trusted = []ed25519.PublicKey{public}
	r, err := update.Run(context.Background(), o)
	if err != nil || r.SignedBy == "" || r.Fetched == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	fetched, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer fetched.Close()
	if rows, _, err := fetched.Package("npm", "minimist"); err != nil || len(rows) == 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if r, err = update.Run(context.Background(), o); err != nil || !r.Unchanged {
		t.Errorf("the second time: %+v, %v", r, err)
	}

	var stderr bytes.Buffer
	e := Env{
		Args: []string{"db", "update", "--from", "oci:" + host + "/no/such:1", "--db", t.TempDir()}, Stdout: &bytes.Buffer{}, Stderr: &stderr,
		Getenv: func(string) string { return "" }, Now: time.Now,
	}
	if status := Run(context.Background(), e); status == exitPass || !strings.Contains(stderr.String(), "no/such") {
		t.Errorf("status %d: %s", status, stderr.String())
	}
}
