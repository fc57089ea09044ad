package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportsGuide wants every command that the guide to reports shows to be one that its script runs.
func TestReportsGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "reports.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "script", "reports_guide.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for line := range strings.Lines(string(guide)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "plimsoll ") {
			continue
		}
		shown++
		if !strings.Contains(string(script), line+"\n") {
			t.Errorf("no script runs %q", line)
		}
	}
	if shown < 10 {
		t.Errorf("only %d commands are shown", shown)
	}
}
