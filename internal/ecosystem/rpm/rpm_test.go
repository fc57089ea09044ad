package rpm

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// layer holds the files of one layer by their path.
type layer map[string][]byte

func (l layer) open(path string) *ecosystem.File {
	r := bytes.NewReader(l[path])
	f := &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: r.Size()},
		Reader: r,
		At:     func() (io.ReaderAt, error) { return r, nil },
	}
	f.Sibling = func(path string) (*ecosystem.File, bool) {
		if _, ok := l[path]; !ok {
			return nil, false
		}
		return l.open(path), true
	}
	return f
}

func (l layer) read(t *testing.T, path string) ecosystem.Found {
	t.Helper()
	if !Ecosystem.Wants(ecosystem.Stat{Path: path}) {
		t.Errorf("%s is not wanted", path)
	}
	found, err := Ecosystem.Read(t.Context(), l.open(path))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func unzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(found ecosystem.Found) (n []string) {
	for _, p := range found.Packages {
		n = append(n, p.Name)
	}
	slices.Sort(n)
	return n
}

const (
	sqlitePath = "usr/lib/sysimage/rpm/rpmdb.sqlite"
	bdbPath    = "var/lib/rpm/Packages"
)

// TestRead reads a database that rpm wrote (testdata/make.sh).
func TestRead(t *testing.T) {
	found := layer{sqlitePath: unzip(t, "rpmdb.sqlite")}.read(t, sqlitePath)
	packages := map[string]ecosystem.Package{}
	for _, p := range found.Packages {
		packages[p.Name] = p
	}
	if n := len(packages["large"].Files); n != 400 || packages["large"].Files[7] != "usr/share/large/a-rather-long-name-of-a-file-105" {
		t.Errorf("large has %d files: %v …", n, packages["large"].Files[:min(n, 8)])
	}
	delete(packages, "large")
	want := map[string]ecosystem.Package{
		"plain": {
			Type: "rpm", Name: "plain", Version: "1.0-1.el9", Arch: "noarch", SourceName: "plain", Vendor: "AlmaLinux",
			Licenses: []string{"MIT"}, Files: []string{"usr/bin/plain"},
		},
		"epochal": {
			Type: "rpm", Name: "epochal", Version: "2:3.0.1-41.el9_0", Arch: "noarch", SourceName: "epochal", Vendor: "AlmaLinux",
			Licenses: []string{"MIT"}, Depends: []string{"plain"}, Files: []string{"etc/epochal.conf", "usr/bin/epochal"},
		},
		"modular": {
			Type: "rpm", Name: "modular", Version: "20.1-1.module_el8.9.0+3+abc", Arch: "noarch", SourceName: "modular", Vendor: "AlmaLinux",
			Module: "nodejs:20", Licenses: []string{"MIT"}, Files: []string{"usr/bin/modular"},
		},
	}
	if diff := cmp.Diff(want, packages); diff != "" {
		t.Error(diff)
	}
	if len(found.Notes) > 0 {
		t.Errorf("notes %v, want none", found.Notes)
	}
}

// TestReadHash reads a Berkeley DB that rpm wrote.
func TestReadHash(t *testing.T) {
	got := layer{bdbPath: unzip(t, "Packages")}.read(t, bdbPath)
	want := []ecosystem.Package{{
		Type: "rpm", Name: "hello", Version: "1:0.0.1-rls", Arch: "x86_64", SourceName: "hello",
		Licenses: []string{"GPL"}, Files: []string{"usr/bin/hello.sh"},
	}}
	if diff := cmp.Diff(want, got.Packages); diff != "" {
		t.Error(diff)
	}
}

// TestReadLog reads the database with its log, which takes one package away, and with a log that is
// cut short, which then does not count.
func TestReadLog(t *testing.T) {
	db, log := unzip(t, "rpmdb.sqlite"), unzip(t, "rpmdb.sqlite-wal")
	with, without := []string{"epochal", "large", "modular"}, []string{"epochal", "large", "modular", "plain"}
	corrupt := bytes.Clone(log)
	corrupt[len(corrupt)-1] ^= 1
	tests := []struct {
		name string
		log  []byte
		want []string
	}{
		{"whole", log, with},
		{"left-overs behind it", append(bytes.Clone(log), bytes.Repeat([]byte{7}, len(log))...), with},
		{"cut short", log[:len(log)-1], without},
		{"corrupt", corrupt, without},
		{"empty", nil, without},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := layer{sqlitePath: db, sqlitePath + "-wal": test.log}
			if diff := cmp.Diff(test.want, names(l.read(t, sqlitePath))); diff != "" {
				t.Error(diff)
			}
			if found := l.read(t, sqlitePath+"-wal"); len(found.Packages)+len(found.Notes) > 0 {
				t.Errorf("the log alone gives %v", found)
			}
		})
	}
	if found := (layer{sqlitePath + "-wal": log}).read(t, sqlitePath+"-wal"); len(found.Notes) != 1 {
		t.Error("a log without its database leaves no note")
	}
}

// TestNewestWins has an old database lie beside a new one.
func TestNewestWins(t *testing.T) {
	old := hashFile(t, rpmHeader("old", "1", "1"))
	l := layer{bdbPath: old, sqlitePath: unzip(t, "rpmdb.sqlite")}
	if found := l.read(t, bdbPath); len(found.Packages) > 0 {
		t.Errorf("the old database still gives %v", names(found))
	}
	if found := l.read(t, sqlitePath); len(found.Packages) != 4 {
		t.Errorf("the new database gives %v", names(found))
	}
	l[sqlitePath] = nil // made by a newer rpm that found nothing, and never filled
	if diff := cmp.Diff([]string{"old"}, names(l.read(t, bdbPath))); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownModule(t *testing.T) {
	l := layer{bdbPath: hashFile(t, rpmHeader("nodejs", "18", "1.module+el8.9.0"), rpmHeader("gpg-pubkey", "a", "b"))}
	found := l.read(t, bdbPath)
	if len(found.Packages) != 1 || len(found.Notes) != 1 || !found.Notes[0].Blocking {
		t.Errorf("%v and notes %v; want one package and one gap", names(found), found.Notes)
	}
}

func TestBroken(t *testing.T) {
	db := unzip(t, "rpmdb.sqlite")
	for name, b := range map[string][]byte{"cut": db[:len(db)/2], "text": []byte("not a database"), "zeros": make([]byte, 8192)} {
		if _, err := Ecosystem.Read(t.Context(), layer{sqlitePath: b}.open(sqlitePath)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRpmQuery holds the reader against rpm itself, on databases that rpm makes now.
func TestRpmQuery(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		skip(t, "rpm is not here")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rpmdb.sqlite"), unzip(t, "rpmdb.sqlite"), 0o644); err != nil {
		t.Fatal(err)
	}
	query := exec.Command("rpm", "--dbpath", dir, "--define", "_db_backend sqlite", "-qa", "--qf",
		"%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} %{VENDOR} [%{FILENAMES} ]\n")
	out, err := query.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(out), " 0:", " ")), "\n")
	b, err := os.ReadFile(filepath.Join(dir, "rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range (layer{sqlitePath: b}).read(t, sqlitePath).Packages {
		line := strings.Join([]string{p.Name, p.Version, p.Arch, p.Vendor}, " ")
		for _, f := range p.Files {
			line += " /" + f
		}
		got = append(got, line)
	}
	for i := range want {
		want[i] = strings.TrimSpace(want[i])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("PLIMSOLL_TEST") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func FuzzHeader(f *testing.F) {
	f.Add(rpmHeader("a", "1", "2"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		g := gather{provided: map[string]int{}, texts: map[string]string{}}
		_ = g.add(b)
		g.found()
	})
}

func BenchmarkRead(b *testing.B) {
	l := layer{sqlitePath: unzip(b, "rpmdb.sqlite")}
	b.SetBytes(int64(len(l[sqlitePath])))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Ecosystem.Read(b.Context(), l.open(sqlitePath)); err != nil {
			b.Fatal(err)
		}
	}
}
