package golang

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const shopMod = `module example.com/shop

go 1.22
toolchain go1.22.5

require (
	golang.org/x/net v0.16.0
	github.com/a/b v1.0.0 // indirect
)
require github.com/a/c v1.2.0
require github.com/a/d v1.2.0
require github.com/a/e v1.2.0

replace github.com/a/b => github.com/fork/b v1.0.1
replace github.com/a/c v1.2.0 => ../c
replace github.com/a/d v1.1.0 => ../d
exclude github.com/a/e v1.2.0
`

func TestReadMod(t *testing.T) {
	got, err := readMod(file("src/go.mod", []byte(shopMod)))
	if err != nil {
		t.Fatal(err)
	}
	want := ecosystem.Found{
		Packages: []ecosystem.Package{
			{Type: "golang", Namespace: "example.com", Name: "shop", Declared: true, Main: true, Line: 1},
			{Type: "golang", Namespace: "golang.org/x", Name: "net", Version: "v0.16.0", Declared: true, Line: 7},
			{Type: "golang", Namespace: "github.com/fork", Name: "b", Version: "v1.0.1", Declared: true, Line: 8},
			{Type: "golang", Namespace: "github.com/a", Name: "c", Declared: true, Line: 10},
			{Type: "golang", Namespace: "github.com/a", Name: "d", Version: "v1.2.0", Declared: true, Line: 11},
			{Type: "golang", Namespace: "github.com/a", Name: "e", Declared: true, Line: 12},
		},
		Notes: []ecosystem.Note{
			{Class: "unknown-version", What: "module github.com/a/c is replaced by a folder and has no version"},
			{Class: "unknown-version", What: "the required version of module github.com/a/e is excluded; the go command takes a later one"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadModForms(t *testing.T) {
	later, err := readMod(file("go.mod", []byte("module x\nfuture thing\nrequire a.org/b v1.0.0\n")))
	if err != nil || len(later.Packages) != 2 || len(later.Notes) != 1 {
		t.Errorf("directive of a later Go: %+v, %v", later, err)
	}
	std, err := readMod(file("usr/local/go/src/go.mod", []byte("module std\nrequire golang.org/x/net v0.1.0\n")))
	if err != nil || len(std.Packages) != 0 {
		t.Errorf("the distribution's own go.mod: %+v, %v", std, err)
	}
	if _, err := readMod(file("go.mod", []byte("require (\n"))); err == nil {
		t.Error("a broken go.mod is taken")
	}
}

func FuzzMod(f *testing.F) {
	f.Add([]byte(shopMod))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = readMod(file("go.mod", b))
	})
}
