package apk

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func open(content string) *ecosystem.File {
	r := bytes.NewReader([]byte(content))
	return &ecosystem.File{
		Stat:   ecosystem.Stat{Path: "lib/apk/db/installed", Size: int64(len(content))},
		Reader: r,
		At:     func() (io.ReaderAt, error) { return r, nil },
	}
}

const installed = `C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:musl
V:1.2.4_git20230717-r4
A:x86_64
S:407278
I:667648
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Timo Teräs <timo.teras@iki.fi>
t:1700000000
c:ca7f2ab5e88794e4e654b40776f8a92256f50639
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1abc=
R:libc.musl-x86_64.so.1
F:

P:ssl_client
V:1.36.1-r15
A:x86_64
o:busybox
D:so:libc.musl-x86_64.so.1 musl>=1.2 !libressl /bin/sh so:gone.so.1
F:usr
F:usr/bin
R:ssl_client

P:.build-deps
V:20240101.000000
D:musl

P:build-deps
V:20240101.000000
A:noarch
T:virtual meta package
D:musl`

func TestRead(t *testing.T) {
	found, err := Ecosystem.Read(t.Context(), open(installed))
	if err != nil {
		t.Fatal(err)
	}
	want := ecosystem.Found{Packages: []ecosystem.Package{
		{
			Type: "apk", Name: "musl", Version: "1.2.4_git20230717-r4", Arch: "x86_64", SourceName: "musl",
			Maintainer: "Timo Teräs <timo.teras@iki.fi>", Licenses: []string{"MIT"},
			Digests: []string{"sha1:a7bf32bd32c6d3de2d1c4d7e753a0919b998cd01"},
			Files:   []string{"lib/ld-musl-x86_64.so.1", "lib/libc.musl-x86_64.so.1"},
		},
		{
			Type: "apk", Name: "ssl_client", Version: "1.36.1-r15", Arch: "x86_64", SourceName: "busybox",
			Depends: []string{"musl"}, Files: []string{"usr/bin/ssl_client"},
		},
	}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

// TestBroken wants an error for what is no list of packages, or not all of one: an empty inventory
// without a word would read as clean.
func TestBroken(t *testing.T) {
	tests := []struct {
		name, content string
		packages      int
		says          string
	}{
		{"empty", "", 0, ""},
		{"apk 3's format", "ADBd\x00\x01\x02", 0, "ADB"},
		{"zeros", strings.Repeat("\x00", 4096), 0, "at line 1"},
		{"a line that is no field", "P:a\nV:1\nno field\n\nP:b\nV:2\n", 2, "at line 3"},
		{"cut short within a package", "P:a\nV:1\n\nC:Q1\nP:b\n", 1, `"b" without`},
		{"a block of zeros", "P:a\nV:1\nF:usr" + strings.Repeat("\x00", 100) + "b\n", 1, "a zero byte"},
		{"a lost blank line", "P:a\nV:1\nP:b\nV:2\n", 1, `"a" and "b"`},
		{"cut short before the name", "P:a\nV:1\n\nC:Q1\n", 1, `"" without`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := readInstalled(open(test.content))
			if len(found.Packages) != test.packages {
				t.Errorf("%+v, want %d packages", found.Packages, test.packages)
			}
			if (err != nil) != (test.says != "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

func TestAdvisories(t *testing.T) {
	tests := []struct {
		on   ecosystem.Release
		want string
	}{
		{ecosystem.Release{ID: "alpine", Version: "3.19.1"}, "Alpine:v3.19"},
		{ecosystem.Release{ID: "alpine", Version: "3.11.0"}, "Alpine:v3.11"},
		{ecosystem.Release{ID: "alpine", Version: "3.22_alpha20250108", Name: "Alpine Linux edge"}, "Alpine:edge"},
		{ecosystem.Release{ID: "wolfi", Version: "20230201"}, "Wolfi"},
		{ecosystem.Release{ID: "chainguard", Version: "20230214"}, "Chainguard"},
		{ecosystem.Release{ID: "postmarketos", Version: "23.12", Like: "alpine"}, ""},
		{ecosystem.Release{ID: "alpine"}, ""},
	}
	for _, test := range tests {
		got, ok := advisories(ecosystem.Package{}, test.on)
		if ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%+v: %q, %t; want %q", test.on, got, ok, test.want)
		}
	}
}

func TestRepositories(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		says string
	}{
		"one branch": {"https://dl-cdn.alpinelinux.org/alpine/v3.19/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.19/community\n", ""},
		"edge": {
			"https://dl-cdn.alpinelinux.org/alpine/v3.19/main\r\n@testing https://dl-cdn.alpinelinux.org/alpine/edge/testing\r\n",
			"(edge, v3.19)",
		},
		"comment":  {"https://dl-cdn.alpinelinux.org/alpine/v3.19/main\n#https://dl-cdn.alpinelinux.org/alpine/edge/main\n", ""},
		"Wolfi":    {"https://packages.wolfi.dev/os\nhttps://example.com/edge-proxy/os\n", ""},
		"a folder": {"/media/cdrom/apks\nhttps://dl-cdn.alpinelinux.org/alpine/v3.19/main", ""},
		"empty":    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(test.text)
			f.Path = repositories
			found, err := Ecosystem.Read(t.Context(), f)
			if err != nil || !Ecosystem.Wants(f.Stat) {
				t.Fatal(err, Ecosystem.Wants(f.Stat))
			}
			if (len(found.Notes) > 0) != (test.says != "") || test.says != "" && !strings.Contains(found.Notes[0].What, test.says) {
				t.Errorf("%+v, want %q", found.Notes, test.says)
			}
		})
	}
}

func TestThirdParty(t *testing.T) {
	if !thirdParty(ecosystem.Package{Maintainer: "NGINX Packaging <nginx-packaging@f5.com>"}, ecosystem.Release{}) {
		t.Error("nginx.org's package passes for Alpine's")
	}
	if thirdParty(ecosystem.Package{Maintainer: "Natanael Copa <ncopa@alpinelinux.org>"}, ecosystem.Release{}) {
		t.Error("Alpine's package passes for a third party's")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(installed)
	f.Add("P:a\r\nV:1\nD:a=1 b\nF:\nR:x")
	f.Fuzz(func(t *testing.T, content string) {
		found, _ := readInstalled(open(content))
		_, _ = readRepositories(open(content))
		for _, p := range found.Packages {
			if p.Name == "" || p.Version == "" {
				t.Errorf("a package without name or version: %v", p)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	content := strings.Repeat(installed+"\n\n", 500)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readInstalled(open(content)); err != nil {
			b.Fatal(err)
		}
	}
}
