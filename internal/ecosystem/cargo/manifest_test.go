package cargo

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestManifest(t *testing.T) {
	got := readManifestText(t, `
[package]
name = "shop"
[dependencies]
time = "=0.1.40"
serde = { version = "1.0", features = ["derive"] }
own = { path = "../own" }
other = { package = "renamed", git = "https://example.org/x" }
shared.workspace = true
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[dev-dependencies]
criterion = "=0.5.0"
[build-dependencies]
cc = "1"
`)
	want := ecosystem.Found{
		Packages: []ecosystem.Package{{Type: "cargo", Name: "time", Version: "0.1.40", Declared: true}},
		Asks:     &ecosystem.Asks{Names: []string{"renamed", "serde", "shared", "time", "libc"}, Locks: []string{"Cargo.lock"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := readManifestText(t, "[package]\nname = \"shop\"\n"); got.Asks != nil {
		t.Errorf("a crate without dependencies asks for %+v", got.Asks)
	}
}

func readManifestText(t *testing.T, text string) ecosystem.Found {
	t.Helper()
	found, err := read(context.Background(), &ecosystem.File{Stat: ecosystem.Stat{Path: "app/Cargo.toml", Size: int64(len(text))}, Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func FuzzManifest(f *testing.F) {
	f.Add("[dependencies]\na = \"=1.2.3\"\nb = {package = \"c\"}\n[target.x.dependencies]\nd = \"1\"")
	f.Fuzz(func(_ *testing.T, s string) { _, _ = readManifest(file("Cargo.toml", s)) })
}
