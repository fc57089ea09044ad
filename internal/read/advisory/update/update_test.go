package update_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/advisorytest"
	"github.com/plimsoll/plimsoll/internal/read/advisory/update"
)

var (
	key    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	other  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	trust  = []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}
	monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
)

// mirror writes a database whose npm shard says that a package is mended in a version.
func mirror(t *testing.T, built time.Time, fixed string, keys ...ed25519.PrivateKey) string {
	t.Helper()
	dir := t.TempDir()
	advisorytest.Write(t, dir, advisorytest.Database{
		Built: built, Keys: keys,
		Sources: []advisory.SourceStatus{{Source: finding.Source{Name: "osv/npm", Records: len(fixed) * 10, Complete: true}}},
		Packages: map[string]map[string][]advisory.Row{
			"npm": {"p": {{ID: "GHSA-1", Feed: "osv/npm", Ranges: []advisory.Range{{Fixed: fixed}}}}},
			"Go":  {"example.org/m": {{ID: "GO-1", Feed: "osv/Go", Ranges: []advisory.Range{{Fixed: "1.0.0"}}}}},
		},
	})
	return dir
}

func serve(t *testing.T, dir string) update.Mirror {
	t.Helper()
	return over(t, http.FileServer(http.Dir(dir)))
}

func over(t *testing.T, h http.Handler) update.Mirror {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	m, err := update.HTTP(s.URL, s.Client())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fixed is the version in which the database of a folder says that p is mended.
func fixed(t *testing.T, dir string) string {
	t.Helper()
	db, err := advisory.Open(dir)
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	rows, _, err := db.Package("npm", "p")
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	return rows[0].Ranges[0].Fixed
}

func options(dir string, mirrors ...update.Mirror) update.Options {
	return update.Options{Dir: dir, Mirrors: mirrors, Trusted: trust, Now: monday.Add(48 * time.Hour), Stall: 5 * time.Second}
}

func TestUpdate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	first, err := update.Run(t.Context(), options(dir, serve(t, mirror(t, monday, "1.0.0", key))))
	if err != nil || first.Fetched != 2 || first.Unchanged || first.SignedBy == "" || fixed(t, dir) != "1.0.0" {
		t.Fatalf("%+v, %v, %s", first, err, fixed(t, dir))
	}
	// A day later npm has changed and Go has not: one shard comes over.
	second, err := update.Run(t.Context(), options(dir, serve(t, mirror(t, monday.Add(24*time.Hour), "1.0.1", key))))
	if err != nil || second.Fetched != 1 || fixed(t, dir) != "1.0.1" {
		t.Fatalf("%+v, %v, %s", second, err, fixed(t, dir))
	}
	// The old shard is still there for who has the old database open, and goes with a later swap.
	if n := shards(t, dir); n != 3 {
		t.Errorf("%d shards, want 3", n)
	}
	later := options(dir, serve(t, mirror(t, monday.Add(36*time.Hour), "1.0.2", key)))
	later.Now = monday.Add(72 * time.Hour)
	if _, err := update.Run(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if n := shards(t, dir); n != 3 {
		t.Errorf("%d shards, want the two of this database and one of the last", n)
	}
}

func shards(t *testing.T, dir string) (n int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, strings.Repeat("?", 64)))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// TestConditional asks twice: the second time the mirror says that nothing changed, and gives no body.
func TestConditional(t *testing.T) {
	dir, from := t.TempDir(), mirror(t, monday, "1.0.0", key)
	var bodies atomic.Int32
	m := over(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") == `"one"` && strings.HasSuffix(r.URL.Path, advisory.ManifestName) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		bodies.Add(1)
		http.ServeFile(w, r, filepath.Join(from, filepath.Base(r.URL.Path)))
	}))
	for want := range 2 {
		r, err := update.Run(t.Context(), options(dir, m))
		if err != nil || r.Unchanged != (want == 1) || r.Unchanged && r.Bytes != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n := bodies.Load(); n != 4 {
		t.Errorf("%d files were fetched, want manifest, signature and two shards", n)
	}
	// A shard that was lost is fetched again, though the manifest is the same.
	db, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, db.Manifest().Shards[0].File)); err != nil {
		t.Fatal(err)
	}
	if r, err := update.Run(t.Context(), options(dir, m)); err != nil || r.Fetched != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestRefused lists what is not taken; the database at hand stays in force.
func TestRefused(t *testing.T) {
	newer := monday.Add(24 * time.Hour)
	signed := func(t *testing.T) string { return mirror(t, newer, "2.0.0", key) }
	edit := func(t *testing.T, dir, name string, change func([]byte) []byte) string {
		file := filepath.Join(dir, name)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, change(b), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	flip := func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	shard := func(t *testing.T, dir string) string {
		db, err := advisory.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return db.Manifest().Shards[1].File
	}
	for name, c := range map[string]struct {
		mirror func(t *testing.T) update.Mirror
		want   string
	}{
		"unsigned":      {func(t *testing.T) update.Mirror { return serve(t, mirror(t, newer, "2.0.0")) }, "no trusted key has signed it"},
		"another's key": {func(t *testing.T) update.Mirror { return serve(t, mirror(t, newer, "2.0.0", other)) }, "no trusted key has signed it"},
		"changed manifest": {func(t *testing.T) update.Mirror {
			return serve(t, edit(t, signed(t), advisory.ManifestName, func(b []byte) []byte { return append(b, ' ') }))
		}, "the bytes were changed on their way"},
		"changed manifest, local": {func(t *testing.T) update.Mirror {
			return update.Folder(edit(t, signed(t), advisory.ManifestName, func(b []byte) []byte { return append(b, ' ') }))
		}, "the bytes were changed on their way"},
		"changed shard": {func(t *testing.T) update.Mirror { d := signed(t); return serve(t, edit(t, d, shard(t, d), flip)) }, "verify shard npm: the shard is damaged"},
		"shorter shard": {func(t *testing.T) update.Mirror {
			d := signed(t)
			return serve(t, edit(t, d, shard(t, d), func(b []byte) []byte { return b[:len(b)-5] }))
		}, "fetch shard npm"},
		"no shard": {func(t *testing.T) update.Mirror {
			d := signed(t)
			os.Remove(filepath.Join(d, shard(t, d)))
			return serve(t, d)
		}, "404"},
		"older":           {func(t *testing.T) update.Mirror { return serve(t, mirror(t, monday.Add(-time.Hour), "2.0.0", key)) }, "it is older than the present one"},
		"from the future": {func(t *testing.T) update.Mirror { return serve(t, mirror(t, monday.Add(960*time.Hour), "2.0.0", key)) }, "a clock is wrong"},
		"no mirror":       {func(t *testing.T) update.Mirror { return serve(t, t.TempDir()) }, "404"},
		"an error page": {func(t *testing.T) update.Mirror {
			return over(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
		}, "503 Service Unavailable"},
		"endless": {func(t *testing.T) update.Mirror {
			return over(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for _, err := w.Write(make([]byte, 1<<20)); err == nil; _, err = w.Write(make([]byte, 1<<20)) {
				}
			}))
		}, "more than 4194304 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, err := update.Run(t.Context(), options(dir, update.Folder(mirror(t, monday, "1.0.0", key)))); err != nil {
				t.Fatal(err)
			}
			_, err := update.Run(t.Context(), options(dir, c.mirror(t)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if got := fixed(t, dir); got != "1.0.0" {
				t.Errorf("the database in force says %s", got)
			}
		})
	}
}

// TestTaken lists what is taken when the user says so, or because it lies on this machine's disk.
func TestTaken(t *testing.T) {
	newer := monday.Add(24 * time.Hour)
	for name, change := range map[string]func(o *update.Options){
		"unsigned, allowed": func(o *update.Options) {
			o.Unsigned, o.Mirrors = true, []update.Mirror{serve(t, mirror(t, newer, "2.0.0"))}
		},
		"unsigned folder": func(o *update.Options) { o.Mirrors = []update.Mirror{update.Folder(mirror(t, newer, "2.0.0"))} },
		"older, allowed": func(o *update.Options) {
			o.Older, o.Mirrors = true, []update.Mirror{serve(t, mirror(t, monday.Add(-time.Hour), "2.0.0", key))}
		},
		"own key": func(o *update.Options) {
			o.Trusted = append(o.Trusted, other.Public().(ed25519.PublicKey))
			o.Mirrors = []update.Mirror{serve(t, mirror(t, newer, "2.0.0", other))}
		},
		"second mirror": func(o *update.Options) {
			o.Mirrors = []update.Mirror{serve(t, t.TempDir()), serve(t, mirror(t, newer, "2.0.0", key))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := update.Run(t.Context(), options(dir, update.Folder(mirror(t, monday, "1.0.0")))); err != nil {
				t.Fatal(err)
			}
			o := options(dir)
			change(&o)
			if _, err := update.Run(t.Context(), o); err != nil || fixed(t, dir) != "2.0.0" {
				t.Errorf("%v, %s", err, fixed(t, dir))
			}
		})
	}
}

// TestShrunk warns of a feed that lost more than half.
func TestShrunk(t *testing.T) {
	dir := t.TempDir()
	if _, err := update.Run(t.Context(), options(dir, update.Folder(mirror(t, monday, "1.0.0000000000")))); err != nil {
		t.Fatal(err)
	}
	r, err := update.Run(t.Context(), options(dir, update.Folder(mirror(t, monday.Add(time.Hour), "1.0.1"))))
	if diff := cmp.Diff([]string{"feed osv/npm has 50 records, it had 140"}, r.Warnings); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestFloor does not take a database that is older than the one in the program.
func TestFloor(t *testing.T) {
	o := options(t.TempDir(), update.Folder(mirror(t, monday, "1.0.0")))
	o.Floor = monday.Add(time.Hour)
	if _, err := update.Run(t.Context(), o); !errors.Is(err, update.ErrOlder) {
		t.Errorf("%v", err)
	}
	o.Older = true
	if _, err := update.Run(t.Context(), o); err != nil {
		t.Error(err)
	}
}

// TestExport makes a mirror of a database and signs it; another machine updates from it.
func TestExport(t *testing.T) {
	db, err := advisory.Open(mirror(t, monday, "1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out, dir := filepath.Join(t.TempDir(), "mirror"), t.TempDir()
	if err := update.Export(db.FS(), out, key); err != nil {
		t.Fatal(err)
	}
	if r, err := update.Run(t.Context(), options(dir, serve(t, out))); err != nil || r.SignedBy == "" || fixed(t, dir) != "1.0.0" {
		t.Errorf("%+v, %v", r, err)
	}
	// Without a key the signature goes along.
	again := filepath.Join(t.TempDir(), "mirror")
	if err := update.Export(os.DirFS(out), again); err != nil {
		t.Fatal(err)
	}
	if _, err := update.Run(t.Context(), options(t.TempDir(), serve(t, again))); err != nil {
		t.Error(err)
	}
}

// TestWithoutRanges is a mirror as an OCI artifact is one: whole files, no tags.
func TestWithoutRanges(t *testing.T) {
	from, dir := mirror(t, monday, "1.0.0", key), t.TempDir()
	m := update.Mirror{Name: "registry.example.org/db", Fetch: func(_ context.Context, r update.Request) (update.Answer, error) {
		b, err := os.ReadFile(filepath.Join(from, r.Name))
		return update.Answer{Body: io.NopCloser(bytes.NewReader(b))}, err
	}}
	if _, err := update.Run(t.Context(), options(dir, m)); err != nil || fixed(t, dir) != "1.0.0" {
		t.Error(err)
	}
}
