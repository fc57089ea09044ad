package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/page/pagetest"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

// walk is a path through things, in steps of one kind.
func walk(names ...string) (path []finding.Step) {
	for i := 1; i < len(names); i++ {
		path = append(path, finding.Step{From: names[i-1], To: names[i], Edge: "may get a token of", Proof: "RoleBinding shop/deployers"})
	}
	return path
}

// paths is the sample report with a finding for each of some paths.
func paths(all ...[]finding.Step) *finding.Report {
	r := reporttest.Sample()
	for i, path := range all {
		r.Findings = append(r.Findings, finding.Finding{
			Fingerprint: fmt.Sprint("way", i), Deck: finding.Admit, Kind: finding.KindAccess, Rule: "rbac/path", Severity: finding.High,
			Title: "a pod reaches cluster-admin", Target: "t1", Path: path,
		})
	}
	return r
}

// TestPicture wants what paths begin at on the left, what they lead to on the right, shared things and steps drawn once,
// and nothing of what was let pass.
func TestPicture(t *testing.T) {
	r := paths(walk("pod shop/cart", "account shop/cart", "account kube-system/root", "cluster-admin"), walk("user ann", "account kube-system/root", "cluster-admin"), walk("user joe", "cluster-admin"))
	r.Findings[len(r.Findings)-1].Suppressed = []finding.Suppression{{By: "exception"}}
	p := pictureOf(r)
	if p == nil || p.Paths != 2 || p.More != 0 || len(p.Nodes) != 5 || len(p.Edges) != 4 {
		t.Fatalf("%+v", p)
	}
	at := map[string]int{}
	for _, n := range p.Nodes {
		at[n.Name] = n.X
		if n.X < 0 || n.Y < 0 || n.X+n.Width > p.Width || n.Y+n.Height > p.Height {
			t.Errorf("%s stands outside", n.Name)
		}
	}
	if at["pod shop/cart"] != at["user ann"] || at["account shop/cart"] >= at["account kube-system/root"] || at["cluster-admin"] <= at["account kube-system/root"] || at["user ann"] >= at["account shop/cart"] {
		t.Errorf("columns: %v", at)
	}
	out := string(write(t, "html", r, made))
	for _, want := range []string{"How far one gets", "2 paths, from where", "<b>user ann</b> may get a token of <b>account kube-system/root</b>", "RoleBinding shop/deployers"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if pictureOf(reporttest.Sample()) != nil {
		t.Error("there is a picture of nothing")
	}
}

// TestPictureBounds wants paths beyond what a picture holds counted, and those of others that go in circles or have holes
// drawn somewhere.
func TestPictureBounds(t *testing.T) {
	var all [][]finding.Step
	for i := range 30 {
		all = append(all, walk(fmt.Sprint("user ", i), fmt.Sprint("account ", i), "cluster-admin"))
	}
	if p := pictureOf(paths(all...)); len(p.Nodes) > maxDrawn || p.Paths+p.More != 30 || p.More == 0 {
		t.Errorf("%d things, %d paths, %d more", len(p.Nodes), p.Paths, p.More)
	}
	p := pictureOf(paths(walk("a", "b", "a", "a", "c"), []finding.Step{{From: "a", To: "b", Edge: "e"}, {From: "x", To: "y", Edge: "e"}}, []finding.Step{{}}))
	if p.Paths != 3 {
		t.Errorf("%+v", p)
	}
}

// TestPictureBrowser has Chromium show a picture that is wider than a phone, which scrolls in its frame, by keyboard too.
func TestPictureBrowser(t *testing.T) {
	r := paths(walk("pod shop/cart", "account shop/cart", "account kube-system/root", "cluster-admin"), walk("user ann", "account kube-system/root", "cluster-admin"), walk("user bob", "node n1"))
	for name, width := range map[string]int64{"paths-phone": 390, "paths-desktop": 1280} {
		ctx, said := pagetest.Open(t, write(t, "html", r, made), width, 900)
		var wide, stopped string
		err := chromedp.Run(ctx, chromedp.Evaluate(`String(document.documentElement.scrollWidth)`, &wide),
			chromedp.Focus(".picture"), chromedp.Evaluate(`document.activeElement.getAttribute("aria-label")`, &stopped))
		if err != nil || wide != fmt.Sprint(width) || stopped != "Picture of the paths" || len(said()) > 0 {
			t.Errorf("%s: %s columns wide, at %q, %v, console %q", name, wide, stopped, err, said())
		}
		pagetest.Shoot(t, ctx, name)
	}
}
