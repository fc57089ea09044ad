package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/plimsoll/plimsoll/internal/tell/report/page"
	"github.com/plimsoll/plimsoll/internal/tell/report/page/pagetest"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

var made = Options{Hidden: 3, Now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}

// TestHTMLAlone wants the page to need nothing from elsewhere, and no name in a report to be markup in it.
func TestHTMLAlone(t *testing.T) {
	r := reporttest.Sample()
	r.Targets[0].Name = `<img src=x onerror=alert(1)>"'` + "\u202e"
	r.Findings[0].Title = `</details><script>alert(1)</script>`
	r.Findings[0].References = append(r.Findings[0].References, "javascript:alert(1)")
	out := string(write(t, "html", r, made))
	for _, bad := range []string{"<img", "<script>alert", "javascript:", "\u202e", "<link", "@import", "url(", "<iframe"} {
		if strings.Contains(out, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if m := regexp.MustCompile(`(?i)<[^>]*\s(on[a-z]+|style|src)=`).FindString(out); m != "" {
		t.Errorf("the page has an attribute that its policy forbids: %s", m)
	}
	for _, part := range []string{page.Style, htmlScript} {
		if !strings.Contains(out, "'"+page.Hash(part)+"'") || strings.Contains(part, "</") {
			t.Error("the policy does not name the page's own style and script")
		}
	}
	if n := strings.Count(out, "<script"); n != 1 {
		t.Errorf("%d scripts, want 1", n)
	}
}

// TestHTMLTells wants verdict, reasons, gaps and every finding on the page, also without its script.
func TestHTMLTells(t *testing.T) {
	r := reporttest.Sample()
	out := string(write(t, "html", r, made))
	for _, want := range []string{
		`<header class="verdict deny">`, "It must not ship as it is.", "1 finding that is known to be exploited", "upgrade @babel/traverse from 7.0.0 to 7.23.2",
		"feed-partial", "registry.example/none: not found", "Dockerfile:31", "3 not shown", "2026-11-24 12:00 UTC",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(out, "<details"); n != len(r.Findings) {
		t.Errorf("%d findings on the page, want %d", n, len(r.Findings))
	}
	if list := string(write(t, "html", inventoryOnly(), made)); !strings.Contains(list, "<td>log4j-core</td>") && !strings.Contains(list, "log4j-core</td>") {
		t.Error("an inventory does not list its packages")
	}
}

// TestHTMLBrowser has Chromium show the page, filters it by keyboard alone, and wants nothing on the console
// and nothing wider than a phone. PLIMSOLL_TEST_SHOTS names a folder for pictures of it.
func TestHTMLBrowser(t *testing.T) {
	r := reporttest.Sample()
	ctx, said := pagetest.Open(t, write(t, "html", r, made), 390, 844)
	var before, after, first, cleared, wide, denies string
	visible := `String(document.querySelectorAll(".finding:not([hidden])").length)`
	err := chromedp.Run(ctx,
		chromedp.WaitVisible("#filter"),
		chromedp.Evaluate(visible, &before),
		chromedp.Evaluate(`String(document.documentElement.scrollWidth)`, &wide),
		chromedp.KeyEvent("/"), chromedp.KeyEvent("log4j 44228"),
		chromedp.Evaluate(visible, &after),
		chromedp.Text("#shown", &first),
		chromedp.KeyEvent(kb.Escape), chromedp.Evaluate(visible, &cleared),
		// Tab from the search to the first box, and clear it with a space: nothing critical is left.
		chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(" "),
		chromedp.Evaluate(`String(document.querySelectorAll('.finding:not([hidden])[data-severity="critical"]').length)`, &denies),
	)
	if err != nil {
		t.Fatal(err)
	}
	all := len(r.Findings)
	if before != fmt.Sprint(all-1) || cleared != before || after != "1" || first != fmt.Sprintf("1 of %d shown", all) || denies != "0" {
		t.Errorf("shown %s, after a search %s (%q), cleared %s, critical left %s", before, after, first, cleared, denies)
	}
	if wide != "390" {
		t.Errorf("the page is %s columns wide on a phone of 390", wide)
	}
	if all := said(); len(all) > 0 {
		t.Errorf("the console says %q", all)
	}
	pagetest.Shoot(t, ctx, "phone")
}

// TestHTMLDesktop has the page open an entry by keyboard, in a window of a desktop.
func TestHTMLDesktop(t *testing.T) {
	ctx, said := pagetest.Open(t, write(t, "html", reporttest.Sample(), made), 1280, 900)
	var open string
	err := chromedp.Run(ctx, chromedp.Focus(".finding summary"), chromedp.KeyEvent(kb.Enter),
		chromedp.Evaluate(`String(document.querySelector(".finding").open)`, &open))
	if err != nil || open != "true" || len(said()) > 0 {
		t.Errorf("opened %s, %v, console %q", open, err, said())
	}
	pagetest.Shoot(t, ctx, "desktop")
}
