package deb

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// open makes the file that a walk would hand over.
func open(path string, content []byte) *ecosystem.File {
	r := bytes.NewReader(content)
	return &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: int64(len(content)), Mode: fs.FileMode(0o644)},
		Reader: r,
		At:     func() (io.ReaderAt, error) { return r, nil },
	}
}

func parse(t *testing.T, path, content string) ecosystem.Found {
	t.Helper()
	found, err := read(t.Context(), open(path, []byte(content)))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const status = `Package: libssl3
Status: install ok installed
Priority: optional
Section: libs
Maintainer: Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>
Architecture: amd64
Multi-Arch: same
Source: openssl
Version: 3.0.11-1~deb12u2
Depends: libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0
Pre-Depends: dpkg (>= 1.15.6~)
Description: Secure Sockets Layer toolkit
 Package: not-a-field
 .
 more

Package: removed
Status: deinstall ok config-files
Version: 1

Package: bash
status: install ok installed
VERSION: 5.2.15-2+b7
Source: bash (5.2.15-2)
Architecture: amd64
Depends: base-files (>= 2.1.12),
 debianutils:any (>= 5.6-0.1),
	python3 [amd64]

Package: half
Status: install ok half-configured
Version: 1:2-3
Architecture: all

Package: tzdata
Status: install ok triggers-pending
Version: 2024a-0+deb12u1
Architecture: all`

var statusPackages = []ecosystem.Package{
	{
		Type: "deb", Name: "libssl3", Version: "3.0.11-1~deb12u2", Arch: "amd64", SourceName: "openssl",
		Maintainer: "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>",
		Depends:    []string{"libc6", "debconf", "debconf-2.0", "dpkg"},
	},
	{
		Type: "deb", Name: "bash", Version: "5.2.15-2+b7", Arch: "amd64", SourceName: "bash", SourceVer: "5.2.15-2",
		Depends: []string{"base-files", "debianutils", "python3"},
	},
	{Type: "deb", Name: "half", Version: "1:2-3", Arch: "all"},
	{Type: "deb", Name: "tzdata", Version: "2024a-0+deb12u1", Arch: "all", Data: true},
}

func TestReadStatus(t *testing.T) {
	for name, text := range map[string]string{
		"plain": status,
		"CRLF":  strings.ReplaceAll(status, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(statusPackages, parse(t, dpkgStatus, text).Packages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBroken wants an error for what is no list of packages, or not all of one: an empty inventory
// without a word would read as clean.
func TestBroken(t *testing.T) {
	tests := []struct {
		name, path, content string
		packages            int
		says                string
	}{
		{"bytes of something else", dpkgStatus, "\x00\x01\x02\xff\xfe rest\nof it\n", 0, "at line 1"},
		{"zeros", dpkgStatus, strings.Repeat("\x00", 4096), 0, "at line 1"},
		{"a line that is no field", dpkgStatus, "Package: a\nStatus: install ok installed\nVersion: 1\ngarbage\n\n", 1, "at line 4"},
		{"cut short within a package", dpkgStatus, "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n", 1, `"b" without a version`},
		{"cut short before its status", dpkgStatus, "Package: a\nVersion: 1\n", 0, `"a" without a status`},
		{"without a name", dpkgStatus, "Status: install ok installed\nVersion: 1\n", 0, "without a name"},
		{"removed, without a version", dpkgStatus, "Package: a\nStatus: unknown ok not-installed\nPriority: extra\n", 0, ""},
		{"a block of zeros", dpkgStatus, "Package: a\nStatus: install ok installed\nVersion: 1\nDescription: x\n y" + strings.Repeat("\x00", 100) + "z\n", 1, "a zero byte"},
		{"an unknown status", dpkgStatus, "Package: a\nStatus: install ok instalked\nVersion: 1\n", 0, "unknown status"},
		{"a lost blank line", dpkgStatus, "Package: a\nStatus: install ok installed\nVersion: 1\nPackage: b\nStatus: install ok installed\nVersion: 2\n", 1, `"a" and "b"`},
		{"distroless, no control file", "var/lib/dpkg/status.d/x", "\x1f\x8b\x08", 0, "at line 1"},
		{"distroless, without a version", "var/lib/dpkg/status.d/x", "Package: a\n", 0, "without a version"},
		{"blank lines only", dpkgStatus, "\n\n\n", 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := read(t.Context(), open(test.path, []byte(test.content)))
			if len(found.Packages) != test.packages {
				t.Errorf("%+v, want %d packages", found.Packages, test.packages)
			}
			if (err != nil) != (test.says != "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

// TestCutInLine wants a note, and all packages, where the last line has no end: that is how a file is
// cut short, and how some tools write it.
func TestCutInLine(t *testing.T) {
	whole := "Package: a\nStatus: install ok installed\nVersion: 1\n"
	for text, want := range map[string]int{whole: 0, whole + "\n": 0, whole + "Description: cut he": 1, strings.TrimSpace(whole): 1} {
		found := parse(t, dpkgStatus, text)
		if len(found.Packages) != 1 || len(found.Notes) != want || want > 0 && found.Notes[0].Blocking {
			t.Errorf("%q: %+v", text, found)
		}
	}
}

func TestReadFolders(t *testing.T) {
	tests := []struct {
		name, path, content string
		want                ecosystem.Found
	}{
		{
			name: "distroless package without Status", path: "var/lib/dpkg/status.d/base",
			content: "Package: base-files\nVersion: 12.4+deb12u5\nArchitecture: amd64\n",
			want:    ecosystem.Found{Packages: []ecosystem.Package{{Type: "deb", Name: "base-files", Version: "12.4+deb12u5", Arch: "amd64"}}},
		},
		{
			name: "distroless digests", path: "var/lib/dpkg/status.d/libc6.md5sums",
			content: "4f7c  lib/x86_64-linux-gnu/libc.so.6\nab12 *usr/share/doc/libc6/copyright",
			want:    ecosystem.Found{Owned: []ecosystem.Owned{{Package: "libc6", Paths: []string{"lib/x86_64-linux-gnu/libc.so.6", "usr/share/doc/libc6/copyright"}}}},
		},
		{
			name: "name in base64", path: "var/lib/dpkg/status.d/bGliYzY=.md5sums", content: "4f7c  lib/x\n",
			want: ecosystem.Found{Owned: []ecosystem.Owned{{Package: "libc6", Paths: []string{"lib/x"}}}},
		},
		{
			name: "list with architecture, folders left out", path: "var/lib/dpkg/info/libc6:amd64.list",
			content: "/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n/usr\n/usr/share\n/usr/share/a b\n",
			want:    ecosystem.Found{Owned: []ecosystem.Owned{{Package: "libc6:amd64", Paths: []string{"lib/x86_64-linux-gnu/libc.so.6", "usr/share/a b"}}}},
		},
		{
			name: "opkg", path: "usr/lib/opkg/status",
			content: "Package: busybox\nVersion: 1.36.1-1\nStatus: install user installed\nArchitecture: x86_64\n",
			want:    ecosystem.Found{Packages: []ecosystem.Package{{Type: "opkg", Name: "busybox", Version: "1.36.1-1", Arch: "x86_64"}}},
		},
		{name: "empty", path: "var/lib/dpkg/status"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !wants(ecosystem.Stat{Path: test.path}) {
				t.Errorf("%s is not wanted", test.path)
			}
			if diff := cmp.Diff(test.want, parse(t, test.path, test.content)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWants(t *testing.T) {
	for _, p := range []string{"var/lib/dpkg/status-old", "var/lib/dpkg/info/bash.md5sums", "var/lib/dpkg/status.d/a/b", "home/var/lib/dpkg/status"} {
		if wants(ecosystem.Stat{Path: p}) {
			t.Errorf("%s is wanted", p)
		}
	}
}

func TestReadManifest(t *testing.T) {
	const manifest = `{"jsonwall":"1.0","schema":"1.0","count":4}
{"kind":"content","slice":"libc6_libs","path":"/lib/libc.so.6"}
{"kind":"package","name":"libc6","version":"2.39-0ubuntu8.3","sha256":"00","arch":"amd64"}
{"kind":"path","path":"/lib/","mode":"0755","slices":["libc6_libs"]}
{"kind":"path","path":"/lib/libc.so.6","mode":"0755","slices":["libc6_libs"],"sha256":"00","size":1}
{"kind":"slice","name":"libc6_libs"}
`
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(z, manifest)
	z.Close()
	got := parse(t, chiselManifest, b.String())
	if len(got.Notes) != 1 || !got.Notes[0].Blocking {
		t.Errorf("notes %v, want the gap that sources are unknown", got.Notes)
	}
	got.Notes = nil
	want := ecosystem.Found{
		Packages: []ecosystem.Package{{Type: "deb", Name: "libc6", Version: "2.39-0ubuntu8.3", Arch: "amd64"}},
		Owned:    []ecosystem.Owned{{Package: "libc6", Paths: []string{"lib/libc.so.6"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := read(t.Context(), open(chiselManifest, b.Bytes()[:b.Len()-4])); err == nil {
		t.Error("a manifest that is cut short gives no error")
	}
}

func TestLongLine(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine)
	found, err := read(t.Context(), open(dpkgStatus, []byte("Package: a\nStatus: install ok installed\nDescription: "+long+"\nVersion: 1\n")))
	if err != nil || len(found.Packages) != 1 {
		t.Errorf("a long description: %d packages, %v", len(found.Packages), err)
	}
	if _, err := read(t.Context(), open(dpkgStatus, []byte("Package: a\nDepends: "+long+"\n"))); err == nil {
		t.Error("a field that is cut gives no error")
	}
}

// TestDpkgQuery holds the reader against dpkg itself, on the machine that the test runs on.
func TestDpkgQuery(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n").Output()
	if err != nil {
		skip(t, "dpkg-query is not here")
	}
	var want []string
	for line := range strings.Lines(string(out)) {
		state, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if there, _ := onDisk([]byte(state)); there {
			want = append(want, rest)
		}
	}
	b, err := os.ReadFile("/" + dpkgStatus)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range parse(t, dpkgStatus, string(b)).Packages {
		source := p.SourceVer
		if source == "" {
			source = p.Version
		}
		got = append(got, strings.Join([]string{p.Name, p.Version, p.Arch, cmpOr(p.SourceName, p.Name), source}, " "))
	}
	sort.Strings(want)
	sort.Strings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("PLIMSOLL_TEST") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func FuzzRead(f *testing.F) {
	f.Add(dpkgStatus, []byte(status))
	f.Add("var/lib/dpkg/status.d/x.md5sums", []byte("00  a/b\n"))
	f.Add("var/lib/dpkg/info/x:amd64.list", []byte("/.\n/a\n/a/b\n"))
	f.Add(chiselManifest, []byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, path string, b []byte) {
		if !wants(ecosystem.Stat{Path: path}) {
			return
		}
		found, _ := read(t.Context(), open(path, b))
		for _, p := range found.Packages {
			if p.Name == "" {
				t.Errorf("a package without a name: %v", p)
			}
		}
	})
}

func BenchmarkReadStatus(b *testing.B) {
	content := bytes.Repeat([]byte(status+"\n\n"), 500)
	if real, err := os.ReadFile("/" + dpkgStatus); err == nil {
		content = real
	}
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := read(b.Context(), open(dpkgStatus, content)); err != nil {
			b.Fatal(err)
		}
	}
}
