package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/cli"
	"github.com/plimsoll/plimsoll/internal/tell/report"
)

// scanShop scans the example in process, with a cache folder that outlives the call.
func scanShop(t *testing.T, cache string, flags ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := cli.Run(context.Background(), cli.Env{
		Args:   append(append([]string{"scan", "-q", "--offline"}, flags...), filepath.Join("..", "..", "examples", "shop", "shop.tar")),
		Stdout: &stdout, Stderr: &stderr, Now: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
		Getenv: func(name string) string {
			return map[string]string{
				"XDG_CACHE_HOME": cache, "GITHUB_SHA": strings.Repeat("0", 40), "GITHUB_REF": "refs/heads/main",
			}[name]
		},
	})
	if status > 1 {
		t.Fatalf("%q: status %d: %s", flags, status, stderr.Bytes())
	}
	return stdout.Bytes()
}

// TestReadme wants the README to show what its first command prints, line for line; "…" stands for some.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "## What it looks like\n\n```\n")
	shown, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatal("the README shows no output")
	}
	printed := strings.Split(string(scanShop(t, t.TempDir(), "--fail-on", "none", "--policy", filepath.Join("..", "..", "examples", "shop", "policy.yaml"))), "\n")
	for line := range strings.SplitSeq(shown, "\n") {
		if line == "" || strings.TrimSpace(line) == "…" {
			continue
		}
		at := slices.Index(printed, line)
		if at < 0 {
			t.Fatalf("the README shows %q, which is not printed there", line)
		}
		printed = printed[at+1:]
	}
}

// TestSameBytes wants each format to be the same, from the cache or not, with layers read in any order.
func TestSameBytes(t *testing.T) {
	cache := t.TempDir()
	list := filepath.Join(t.TempDir(), "list.tmpl")
	if err := os.WriteFile(list, []byte("{{range .Findings}}{{.Rule}} {{.Title}}\n{{end}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Formats {
		flags := []string{"-o", f.Name}
		if f.Name == "template" {
			flags = append(flags, "--template", list)
		}
		cold := scanShop(t, cache, append(flags, "--no-cache", "--jobs", "1")...)
		for range 2 {
			if warm := scanShop(t, cache, append(flags, "--jobs", "4")...); !bytes.Equal(cold, warm) {
				t.Errorf("%s is not the same", f.Name)
			}
		}
	}
}
