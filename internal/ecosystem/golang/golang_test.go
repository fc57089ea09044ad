package golang

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// file is a file of an image with the given bytes.
func file(path string, b []byte) *ecosystem.File {
	return &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: int64(len(b)), Mode: 0o755, Head: b[:min(64, len(b))]},
		Reader: bytes.NewReader(b),
		At:     func() (io.ReaderAt, error) { return bytes.NewReader(b), nil },
	}
}

func TestWants(t *testing.T) {
	elf := func(class, order byte, kind ...byte) string {
		return "\x7fELF" + string([]byte{class, order}) + strings.Repeat("\x00", 10) + string(kind) + "\x3e\x00"
	}
	pad := strings.Repeat("\x00", 12)
	for _, tt := range []struct {
		path, head string
		want       bool
	}{
		{"usr/bin/x", elf(2, 1, 2, 0), true},
		{"usr/lib/libx.so", elf(2, 1, 3, 0), true},
		{"usr/lib/x.o", elf(2, 1, 1, 0), false},
		{"core", elf(2, 1, 4, 0), false},
		{"usr/bin/s390x", elf(2, 2, 0, 3), true},
		{"x.exe", "MZ\x90\x00\x03\x00\x00\x00" + pad, true},
		{"mac", "\xcf\xfa\xed\xfe\x07\x00\x00\x01" + pad, true},
		{"universal", "\xca\xfe\xba\xbe\x00\x00\x00\x02" + pad, true},
		{"A.class", "\xca\xfe\xba\xbe\x00\x00\x00\x3d" + pad, false},
		{"run.sh", "#!/bin/sh\necho", false},
		{"src/go.mod", "module x\n", true},
		{"go/pkg/mod/golang.org/x/net@v0.1.0/go.mod", "module golang.org/x/net\n", false},
		{"empty", "", false},
	} {
		if got := wants(ecosystem.Stat{Path: tt.path, Head: []byte(tt.head)}); got != tt.want {
			t.Errorf("wants(%s) = %v, want %v", tt.path, got, tt.want)
		}
	}
}

func TestModules(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.22.3 X:boringcrypto",
		Path:      "example.com/shop/cmd/cart",
		Main:      debug.Module{Path: "example.com/shop", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "golang.org/x/net", Version: "v0.16.0"},
			{Path: "github.com/a/b", Version: "v1.0.0", Replace: &debug.Module{Path: "github.com/fork/b", Version: "v1.0.1"}},
			{Path: "github.com/a/c", Version: "v1.0.0", Replace: &debug.Module{Path: "../c", Version: "(devel)"}},
			{Path: "", Version: "v1.0.0"},
			{Path: "gotest.tools/v3", Version: "v3.5.1"},
		},
	}
	got, err := modules(info)
	if err != nil {
		t.Fatal(err)
	}
	want := ecosystem.Found{
		Packages: []ecosystem.Package{
			{Type: "golang", Name: "stdlib", Version: "1.22.3"},
			{Type: "golang", Namespace: "example.com", Name: "shop", Main: true},
			{Type: "golang", Namespace: "golang.org/x", Name: "net", Version: "v0.16.0"},
			{Type: "golang", Namespace: "github.com/fork", Name: "b", Version: "v1.0.1"},
			{Type: "golang", Namespace: "github.com/a", Name: "c"},
			{Type: "golang", Namespace: "gotest.tools", Name: "v3", Version: "v3.5.1"},
		},
		Notes: []ecosystem.Note{
			{Class: "unknown-version", What: "the program's own module example.com/shop has no version"},
			{Class: "unknown-version", What: "module github.com/a/c was built from a folder and has no version"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMainVersion(t *testing.T) {
	for version, want := range map[string]string{
		"(devel)":                            "",
		"":                                   "",
		"v1.4.0":                             "v1.4.0",
		"v1.4.0+dirty":                       "v1.4.0+dirty",
		"v0.0.0-20240102030405-abcdef012345": "",
		"v0.0.0-20240102030405-abcdef012345+dirty":  "",
		"v1.4.1-0.20240102030405-abcdef012345":      "v1.4.1-0.20240102030405-abcdef012345",
		"v2.0.0-rc.1.0.20240102030405-abcdef012345": "v2.0.0-rc.1.0.20240102030405-abcdef012345",
		"v28.0.1+incompatible":                      "v28.0.1+incompatible",
		"v2.0.0-20240102030405-abcdef012345":        "",
	} {
		if got := mainVersion(version); got != want {
			t.Errorf("mainVersion(%q) = %q, want %q", version, got, want)
		}
	}
}

// The forms are those that toolchains of the Go project, Red Hat, Debian, Microsoft and BoringCrypto write.
func TestLibraryVersion(t *testing.T) {
	for goVersion, want := range map[string]string{
		"go1.22.3":                               "1.22.3",
		"go1.20":                                 "1.20.0",
		"go1.21rc2":                              "1.21.0-rc.2",
		"go1.22beta1":                            "1.22.0-beta.1",
		"go1.26.5 (Red Hat 1.26.5-1.el10_2)":     "1.26.5",
		"go1.20.3 X:boringcrypto":                "1.20.3",
		"go1.22.3-X:nocoverageredesign":          "1.22.3",
		"go1.18.1b7":                             "1.18.1",
		"go1.25.1-microsoft":                     "1.25.1",
		"devel go1.24-3f4164f508 Tue Aug 6":      "",
		"devel +a1b2c3d Mon Jan 2 15:04:05 2017": "",
		"":                                       "",
		"go":                                     "",
		"gccgo":                                  "",
		"go1.x":                                  "",
	} {
		if got := libraryVersion(goVersion); got != want {
			t.Errorf("libraryVersion(%q) = %q, want %q", goVersion, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	// Ascending; from https://semver.org/#spec-item-11 and https://go.dev/ref/mod#pseudo-versions.
	order := []string{
		"0", "v0.0.0-20170915032832-14c0d48ead0c", "v0.0.0-20191109021931-daa7c04131f5", "0.0.0",
		"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "v1.0.0",
		"v1.2.3-pre.0.20191109021931-daa7c04131f5", "v1.2.3", "v1.2.4-0.20191109021931-daa7c04131f5", "v1.2.4",
		"1.21.0-0", "1.21.0-rc.2", "1.21.0", "1.21.10", "v2.0.0+incompatible", "v2.0.1",
	}
	for i, a := range order {
		for j, b := range order {
			got, err := compare(a, b)
			if want := sign(i - j); err != nil || sign(got) != want {
				t.Errorf("compare(%s, %s) = %d, %v, want %d", a, b, got, err, want)
			}
		}
	}
	if got, err := compare("v2.0.0+incompatible", "2.0.0"); got != 0 || err != nil {
		t.Errorf("+incompatible counts: %d, %v", got, err)
	}
	if _, err := compare("banana", "1.0.0"); err == nil {
		t.Error("banana is taken for a version")
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

// TestAgreesWithToolchain reads the programs and shared objects of this machine and holds the quick
// test against debug/buildinfo: same files, same modules.
func TestAgreesWithToolchain(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{self}
	limit := 300
	if os.Getenv("PLIMSOLL_TEST") == "all" {
		limit = 20_000
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{filepath.Join(strings.TrimSpace(string(goroot)), "bin"), "/usr/bin", "/usr/sbin", "/usr/lib"} {
		n := 0
		_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && n < limit {
				paths = append(paths, p)
				n++
			}
			return nil
		})
	}
	programs := 0
	for _, path := range paths {
		if agrees(t, path) {
			programs++
		}
	}
	t.Logf("%d files, %d Go programs", len(paths), programs)
	if programs == 0 {
		t.Error("not even this test is a Go program")
	}
}

// agrees compares one file and says whether it is a Go program.
func agrees(t *testing.T, path string) bool {
	t.Helper()
	f, st, ok := open(path)
	if !ok {
		return false
	}
	defer f.Close()
	var want ecosystem.Found
	info, infoErr := buildinfo.Read(f)
	if infoErr == nil {
		want, _ = modules(info)
	}
	var got ecosystem.Found
	if wants(st) {
		var err error
		got, err = readProgram(&ecosystem.File{Stat: st, Reader: f, At: func() (io.ReaderAt, error) { return f, nil }})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", path, diff)
	}
	return infoErr == nil
}

func open(path string) (*os.File, ecosystem.Stat, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, ecosystem.Stat{}, false
	}
	head := make([]byte, 64)
	n, _ := f.ReadAt(head, 0)
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, ecosystem.Stat{}, false
	}
	return f, ecosystem.Stat{Path: strings.TrimPrefix(path, "/"), Size: info.Size(), Mode: info.Mode(), Head: head[:n]}, true
}

// TestNoRecord wants a note for programs that name no module at all: those of GOPATH and of other build
// systems. A program of single files, and the Go distribution's own, need none.
func TestNoRecord(t *testing.T) {
	for path, want := range map[string]int{"github.com/x/y/cmd/z": 1, "": 1, "command-line-arguments": 0, "cmd/gofmt": 0} {
		got, err := modules(&debug.BuildInfo{GoVersion: "go1.22.3", Path: path})
		if err != nil || len(got.Notes) != want || len(got.Packages) == 0 {
			t.Errorf("%q: %+v, %v", path, got, err)
		}
	}
}

func TestPacked(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		mark int
	}{
		"ELF": {"\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02", 0xb4},
		"PE":  {"MZ" + strings.Repeat("\x00", 58) + "\x80", 0x3e0}, "Mach-O": {"\xcf\xfa\xed\xfe\x07\x00\x00\x01", 0x4a8},
	} {
		b := make([]byte, 8<<10)
		copy(b, c.head)
		copy(b[c.mark:], "UPX!")
		got, err := read(context.Background(), file("usr/bin/packed", b))
		if err != nil || len(got.Notes) != 1 || got.Notes[0].Class != "packed-program" {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func BenchmarkProgram(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for name, path := range map[string]string{"go": self, "other": "/bin/bash"} {
		f, st, ok := open(path)
		if !ok {
			continue
		}
		defer f.Close()
		b.Run("quick/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = readProgram(&ecosystem.File{Stat: st, At: func() (io.ReaderAt, error) { return f, nil }})
			}
		})
		b.Run("buildinfo/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = buildinfo.Read(f)
			}
		})
	}
}

func FuzzProgram(f *testing.F) {
	b := make([]byte, 256)
	copy(b, "\x7fELF\x02\x01\x01")
	f.Add(b)
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if f := file("x", b); wants(f.Stat) {
			_, _ = readProgram(f)
		}
	})
}
