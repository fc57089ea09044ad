package golang

import (
	"bytes"
	"debug/elf"
	"debug/gosym"
	"io"
	"os"
	"testing"
)

// TestFunctions holds the answer against debug/gosym on this test's own program.
func TestFunctions(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	object, err := elf.NewFile(f)
	if err != nil {
		return // built on a system whose programs are no ELF
	}
	linked, err := Functions(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, symbol string
		want         bool
	}{
		{"github.com/google/go-cmp/cmp", "Diff", true},
		{"golang.org/x/mod/semver", "Compare", true},
		{"bytes", "Buffer.Write", true},
		{"testing", "B.Loop", true},
		{"net/http", "ListenAndServe", false},
		{"bytes", "Buffer", false},
		{"golang.org/x/mod/sumdb/dirhash", "HashDir", false},
	} {
		if got := linked(tt.path, tt.symbol); got != tt.want {
			t.Errorf("%s.%s is linked: %v", tt.path, tt.symbol, got)
		}
	}
	data, err := object.Section(".gopclntab").Data()
	if err != nil {
		t.Fatal(err)
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, object.Section(".text").Addr))
	if err != nil {
		t.Fatal(err)
	}
	names, err := functionNames(io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))))
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range table.Funcs {
		if !bytes.Contains(names, []byte("\x00"+fn.Name+"\x00")) {
			t.Errorf("%s is missing", fn.Name)
		}
	}
	t.Logf("%d functions", len(table.Funcs))
}

func TestEscape(t *testing.T) {
	for path, want := range map[string]string{
		"gopkg.in/yaml.v3": "gopkg.in/yaml%2ev3",
		"golang.org/x/net": "golang.org/x/net",
		"example.com":      "example%2ecom",
		"a.b/c%d":          "a.b/c%25d",
	} {
		if got := escape(path); got != want {
			t.Errorf("escape(%s) = %s, want %s", path, got, want)
		}
	}
}

func FuzzFunctions(f *testing.F) {
	table := make([]byte, 128)
	table[0], table[1], table[2], table[3], table[7] = 0xf1, 0xff, 0xff, 0xff, 8
	table[32], table[40] = 72, 90
	copy(table[72:], "main.main\x00a.b\x00")
	f.Add(table)
	f.Fuzz(func(_ *testing.T, b []byte) {
		if names, err := functionNames(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))); err == nil {
			isLinked(names, "a", "b.c")
		}
		_, _ = Functions(bytes.NewReader(b))
	})
}
