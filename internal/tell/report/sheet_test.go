package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
	"github.com/plimsoll/plimsoll/internal/tell/report/page/pagetest"
	"github.com/plimsoll/plimsoll/internal/weigh/comply"
)

// sheet is a framework filled in, of a target whose name is markup.
func sheet() *comply.Sheet {
	const name = `<img src=x onerror=alert(1)>|` + "\u202e"
	found := comply.Found{Rule: "container/privileged", Severity: finding.High, Title: "a container is privileged: </details><script>alert(1)</script> | web", Target: name}
	excepted := found
	excepted.Excepted = "exception, ana"
	s := &comply.Sheet{
		Framework: "cis-docker-1.7", Title: "CIS Docker Benchmark 1.7", Reports: []string{"node.json"}, Targets: []string{name},
		Totals: map[comply.Outcome]int{comply.Fail: 1, comply.Excepted: 1, comply.Pass: 1, comply.Manual: 1},
		Sections: []comply.Totals{
			{ID: "4", Title: "Images", Counts: map[comply.Outcome]int{comply.Manual: 1}},
			{ID: "5", Title: "Containers", Counts: map[comply.Outcome]int{comply.Fail: 1, comply.Excepted: 1, comply.Pass: 1}},
		},
		Controls: []comply.Result{
			{ID: "4.2", Section: "4", Title: "base images are trusted", Outcome: comply.Manual, Why: "whom to trust is for an organisation to say (--policy)"},
			{ID: "5.5", Section: "5", Title: "no container is privileged", Outcome: comply.Fail, Why: "9 times", Checks: []string{"compose/privileged", "container/privileged"}, Looked: 9},
			{ID: "5.6", Section: "5", Title: "no folder of the host that matters is mounted", Outcome: comply.Excepted, Why: "excepted by exception, ana", Found: []comply.Found{excepted}},
			{ID: "5.32", Section: "5", Title: "the engine's socket is not mounted", Outcome: comply.Pass},
		},
	}
	for range 9 {
		s.Controls[1].Found = append(s.Controls[1].Found, found)
	}
	return s
}

func sheetIn(t *testing.T, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSheet(&b, format, sheet(), made); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSheetHTML wants all on the page, nothing of it to be markup, and nothing that needs a script or another place.
func TestSheetHTML(t *testing.T) {
	out := sheetIn(t, "html")
	for _, bad := range []string{"<img", "<script", "\u202e", "<link", "@import", "url(", "<iframe"} {
		if strings.Contains(out, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if m := regexp.MustCompile(`(?i)<[^>]*\s(on[a-z]+|style|src)=`).FindString(out); m != "" {
		t.Errorf("the page has an attribute that its policy forbids: %s", m)
	}
	for _, want := range []string{
		"script-src 'none'", "'" + page.Hash(page.Style) + "'", `<header class="verdict deny">`, "1 fail, 1 excepted, 1 manual, 1 pass", "node.json", "2026-11-24 12:00 UTC",
		"compose/privileged container/privileged", "(excepted by exception, ana)", "whom to trust is for an organisation to say",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if open, all := strings.Count(out, "<details class=\"finding\" open>"), strings.Count(out, "<details"); open != 1 || all != 4 {
		t.Errorf("%d of %d controls are open, want 1 of 4", open, all)
	}
	if n := strings.Count(out, "<li>&lt;img"); n != 10 {
		t.Errorf("%d findings on the page, want all 10", n)
	}
}

// TestSheetBrowser has Chromium show the page on a phone, and opens a control by keyboard.
func TestSheetBrowser(t *testing.T) {
	ctx, said := pagetest.Open(t, []byte(sheetIn(t, "html")), 390, 844)
	var wide, before, after string
	open := `String(document.querySelectorAll("details[open]").length)`
	err := chromedp.Run(ctx,
		chromedp.Evaluate(`String(document.documentElement.scrollWidth)`, &wide), chromedp.Evaluate(open, &before),
		chromedp.Focus("#s1 ~ details summary"), chromedp.KeyEvent(kb.Enter), chromedp.Evaluate(open, &after))
	if err != nil || wide != "390" || before != "1" || after != "2" || len(said()) > 0 {
		t.Errorf("%v; %s columns wide, %s open and then %s, console %q", err, wide, before, after, said())
	}
	pagetest.Shoot(t, ctx, "sheet")
}

// TestSheetMarkdown wants tables that no name breaks, and says how much is left out.
func TestSheetMarkdown(t *testing.T) {
	out := sheetIn(t, "markdown")
	for _, want := range []string{
		"# CIS Docker Benchmark 1.7: 1 fail, 1 excepted, 1 manual, 1 pass\n", "| 5 Containers | 1 fail, 1 excepted, 1 pass |\n",
		"| 5.32 the engine's socket is not mounted | pass |  |\n", fmt.Sprintf("<br>and %d more |", 9-maxPlaces), "(excepted by exception, ana) |",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		cells := strings.Count(line, "|") - strings.Count(line, `\|`)
		if strings.HasPrefix(line, "|") && cells != 3 && cells != 4 {
			t.Errorf("%d bars in %q", cells, line)
		}
		if strings.Contains(line, "<img") || strings.Contains(line, "<script") {
			t.Errorf("markup in %q", line)
		}
	}
}
