package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/cli"
)

// TestGuideExceptions follows docs/guide/exceptions.md from top to bottom: writes its files, runs its commands
// and wants their status, and the lines that stand below them.
func TestGuideExceptions(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "exceptions.md"))
	if err != nil {
		t.Fatal(err)
	}
	shop, err := filepath.Abs(filepath.Join("..", "..", "examples", "shop", "shop.tar"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(shop, "shop.tar"); err != nil {
		t.Fatal(err)
	}
	var out string
	ran := 0
	blocks := strings.Split(strings.ReplaceAll(string(guide), "\r\n", "\n"), "\n```")
	for i := 1; i < len(blocks); i += 2 {
		kind, body, _ := strings.Cut(blocks[i], "\n")
		switch kind {
		case "yaml", "json":
			name, rest, _ := strings.Cut(strings.TrimPrefix(body, "# "), "\n")
			if kind == "yaml" {
				rest = body
			}
			if err := os.WriteFile(name, []byte(rest), 0o644); err != nil {
				t.Fatal(err)
			}
		case "sh":
			for line := range strings.SplitSeq(body, "\n") {
				out = follow(t, line)
				ran++
			}
		case "text":
			for line := range strings.SplitSeq(body, "\n") {
				if !strings.Contains(oneSpace(out), oneSpace(line)) {
					t.Errorf("not shown: %q in\n%s", line, out)
				}
			}
		}
	}
	if ran < 9 {
		t.Errorf("only %d commands were found", ran)
	}
}

// oneSpace forgets where lines were broken.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// follow runs a line of the guide, "plimsoll … # status N".
func follow(t *testing.T, line string) string {
	t.Helper()
	command, comment, _ := strings.Cut(line, "      # status ")
	var want int
	if _, err := fmt.Sscanf(comment, "%d", &want); err != nil {
		t.Fatalf("%q does not say how it ends", line)
	}
	var stdout, stderr bytes.Buffer
	status := cli.Run(context.Background(), cli.Env{
		Args: strings.Fields(strings.TrimPrefix(command, "plimsoll ")), Stdout: &stdout, Stderr: &stderr,
		Now:    func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
		Getenv: func(string) string { return "" },
	})
	if status != want {
		t.Errorf("%s: status %d, want %d\n%s%s", command, status, want, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}
