package netmap

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/judge/network/networktest"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
	"github.com/plimsoll/plimsoll/internal/tell/report/page/pagetest"
)

// asking has the script's own model answer of all pairs of ends, at least one of which is pods: a line of each answer.
const asking = `
globalThis.all = () => {
  const lines = [];
  ends.forEach((from, e) => ends.forEach((to, f) => {
    if (from.k > BLOCK || to.k > BLOCK || from.k !== PODS && to.k !== PODS) return;
    const told = ([yes, rules, isolating, passed]) => [Boolean(yes), rules.map((r) => data.rules[r].n), isolating.map((p) => data.policies[p].n), passed < 0 ? "" : data.rules[passed].n].join("/");
    for (const a of answers(e, f)) lines.push([full(e), full(f), portWords(a.ports), a.allowed, told(a.egress), told(a.ingress)].join(" | "));
    lines.push([full(e), full(f), portWords(between(thing("a", from.g, [e]), thing("b", to.g, [f])))].join(" | "));
  }));
  return lines.join("\n");
};`

// TestScriptAnswers holds what the script says of each two ends against the judge.
func TestScriptAnswers(t *testing.T) {
	for name, manifest := range map[string]string{"shop": shop, "placed": networktest.Placed, "estate": string(networktest.Estate(60)), "hostile": hostile()} {
		m := modelOf(t, manifest)
		all, err := m.Map(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		of := page.Page{Title: "t", Body: "<body></body>", Script: "(() => {" + modelScript + asking + "})();", Data: dataOf(Facts{Model: m}, all, usual)}
		if err := of.Write(&b, nil); err != nil {
			t.Fatal(err)
		}
		ctx, said := pagetest.Open(t, b.Bytes(), 800, 600)
		var got string
		if err := chromedp.Run(ctx, chromedp.Evaluate("all()", &got)); err != nil || len(said()) > 0 {
			t.Fatalf("%s: %v %q", name, err, said())
		}
		want := judged(t, m)
		lines := strings.Split(got, "\n")
		if len(want) < 10 || !slices.Equal(lines, want) {
			for i := range min(len(lines), len(want)) {
				if lines[i] != want[i] {
					t.Fatalf("%s: line %d of %d:\n%s\nwant\n%s", name, i, len(want), lines[i], want[i])
				}
			}
			t.Fatalf("%s: %d lines, want %d", name, len(lines), len(want))
		}
	}
}

// judged are the judge's answers, in the form of asking's.
func judged(t *testing.T, m *network.Model) (lines []string) {
	all, err := m.Map(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := func(r network.Reason) string {
		var rules, isolating []string
		for _, one := range r.Rules {
			rules = append(rules, short(one.String()))
		}
		for _, p := range r.Isolating {
			isolating = append(isolating, short(p.Kind+" "+p.Namespace+"/"+p.Name))
		}
		passed := ""
		if r.Passed != nil {
			passed = short(r.Passed.String())
		}
		return fmt.Sprintf("%t/%s/%s/%s", r.Allowed, strings.Join(rules, ","), strings.Join(isolating, ","), passed)
	}
	name := func(e *network.Endpoint) string {
		switch e.Kind {
		case network.Block:
			return short(e.Addresses.Words())
		case network.Node:
			return "node " + short(e.Name)
		}
		return short(e.Namespace) + "/" + short(e.Name)
	}
	for _, from := range m.Endpoints {
		reached := map[*network.Endpoint]network.Ports{}
		for to, ports := range all.Reaches(from) {
			reached[to] = ports
		}
		for _, to := range m.Endpoints {
			if from.Kind != network.Pods && to.Kind != network.Pods {
				continue
			}
			for _, a := range m.Ask(from, to) {
				lines = append(lines, fmt.Sprintf("%s | %s | %s | %t | %s | %s", name(from), name(to), a.Ports, a.OwnNode || a.Egress.Allowed && a.Ingress.Allowed, told(a.Egress), told(a.Ingress)))
			}
			lines = append(lines, fmt.Sprintf("%s | %s | %s", name(from), name(to), reached[to]))
		}
	}
	return lines
}

func openPage(t *testing.T, manifest string, width, height int64) (context.Context, func() []string) {
	t.Helper()
	return pagetest.Open(t, []byte(written(t, Facts{Model: modelOf(t, manifest), Gaps: []string{"a policy is not understood"}}, usual)), width, height)
}

// texts evaluates expressions one after the other, each to a text.
func texts(t *testing.T, ctx context.Context, expressions ...string) (all []string) {
	t.Helper()
	for _, e := range expressions {
		var is string
		if err := chromedp.Run(ctx, chromedp.Evaluate("String("+e+")", &is)); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		all = append(all, is)
	}
	return all
}

const (
	panelText = `document.getElementById("panel").innerText`
	shownText = `document.getElementById("shown").textContent`
	focused   = `document.activeElement.getAttribute("aria-label")||document.activeElement.textContent`
)

// TestClick has a person search, fold, and click a connection, whose reasons are then told.
func TestClick(t *testing.T) {
	ctx, said := openPage(t, shop, 1280, 900)
	edge := `[...document.querySelectorAll(".edge")].find((e) => e.querySelector("title").textContent === "shop/Deployment cart → shop/StatefulSet db: TCP 5432")`
	got := texts(t, ctx, edge+`.dispatchEvent(new MouseEvent("click", {bubbles: true}))`, panelText)[1]
	for _, want := range []string{"shop/Deployment cart → shop/StatefulSet db", "TCP 5432", "egress: allowed by", "NetworkPolicy shop/cart-out egress[0] k8s.yaml:", "ingress: allowed by", "NetworkPolicy shop/db ingress[0] k8s.yaml:", "Refused", "no rule allows it; isolated by"} {
		if !strings.Contains(got, want) {
			t.Errorf("the panel of the connection does not say %q:\n%s", want, got)
		}
	}
	pagetest.Shoot(t, ctx, "netmap-edge")
	node := `[...document.querySelectorAll(".node")].find((n) => n.getAttribute("aria-label").startsWith("shop/StatefulSet db"))`
	got = texts(t, ctx, node+`.dispatchEvent(new MouseEvent("click", {bubbles: true}))`, panelText)[1]
	for _, want := range []string{"app=db", "tier=data", "only what rules allow: isolated by a NetworkPolicy", "ClusterNetworkPolicy no-metadata", "selects pods with app=db of namespace shop", "Is reached by", "shop/Deployment cart TCP 5432"} {
		if !strings.Contains(got, want) {
			t.Errorf("the panel of the workload does not say %q:\n%s", want, got)
		}
	}
	is := texts(t, ctx, `document.querySelectorAll(".node.part").length`, `document.querySelector(".fold[aria-label='fold shop']").dispatchEvent(new MouseEvent("click", {bubbles: true}))`,
		`document.querySelectorAll(".node.part").length`, `document.querySelector("#foldall").click()`, `document.querySelectorAll(".node.part").length`)
	if is[0] != "3" || is[2] != "1" || is[4] != "0" {
		t.Errorf("things shown unfolded, with one folded, with all: %q", is)
	}
	got = texts(t, ctx, `[...document.querySelectorAll(".edge")].find((e) => e.querySelector("title").textContent.startsWith("Published")).dispatchEvent(new MouseEvent("click", {bubbles: true}))`, panelText)[1]
	if !strings.Contains(got, "Published → namespace shop") {
		t.Errorf("the panel of what is published says:\n%s", got)
	}
	if len(said()) > 0 {
		t.Errorf("the console says %q", said())
	}
}

// TestKeyboard has a person who uses no mouse search, go through the picture, unfold and ask.
func TestKeyboard(t *testing.T) {
	ctx, said := openPage(t, string(networktest.Estate(100)), 1280, 900)
	var all []string
	press := func(keys ...string) {
		for _, k := range keys {
			var event chromedp.Action = chromedp.KeyEvent(k)
			if k == "/" { // whose character the page keeps from being typed, which chromedp sends all the same
				event = input.DispatchKeyEvent(input.KeyRawDown).WithKey(k)
			}
			if err := chromedp.Run(ctx, event); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, texts(t, ctx, focused)[0])
	}
	press("/", "team1 app6")
	if got := texts(t, ctx, `document.getElementById("results").innerText`, `document.querySelectorAll(".node.found").length`); got[0] != "team1/Deployment app6" || got[1] != "1" {
		t.Errorf("the search finds %q", got)
	}
	press(kb.Enter) // chooses the first that was found, unfolds its namespace, and goes to what is told of it
	if got := texts(t, ctx, panelText)[0]; all[1] != "team1/Deployment app6" || !strings.Contains(got, "Policies that select it") || !strings.Contains(got, "NetworkPolicy team1/neighbour") {
		t.Errorf("Enter goes to %q, which tells\n%s", all[1], got)
	}
	press(kb.Escape)
	if got := texts(t, ctx, `document.getElementById("panel").hidden`)[0]; got != "true" {
		t.Error("Escape leaves the panel open")
	}
	if err := chromedp.Run(ctx, chromedp.Focus(`.node[tabindex="0"]`)); err != nil {
		t.Fatal(err)
	}
	press()
	press(kb.ArrowRight)
	if first, second := all[len(all)-2], all[len(all)-1]; first == second || second == "" {
		t.Errorf("the arrow goes from %q to %q", first, second)
	}
	if n := texts(t, ctx, `document.querySelectorAll('#map [tabindex="0"]').length`)[0]; n != "1" {
		t.Errorf("the picture is %s stops of the tab key", n)
	}
	texts(t, ctx, `[...document.querySelectorAll(".node")].find((n) => n.getAttribute("aria-label").startsWith("namespace team3")).focus()`)
	press("+")
	if got := all[len(all)-1]; !strings.HasPrefix(got, "team3/Deployment ") {
		t.Errorf("+ goes to %q", got)
	}
	press(kb.Enter)
	press(kb.Escape)
	if got := all[len(all)-1]; !strings.HasPrefix(got, "team3/Deployment ") {
		t.Errorf("Escape goes back to %q", got)
	}
	press("-")
	if got := all[len(all)-1]; !strings.HasPrefix(got, "namespace team3") {
		t.Errorf("- goes to %q", got)
	}
	// A port: only what connects on it is drawn.
	press("/", kb.Escape, "5432/tcp")
	if got := texts(t, ctx, shownText, `[...document.querySelectorAll(".edge title")].every((t) => /5432|all ports|TCP all/.test(t.textContent))`); got[1] != "true" || strings.HasPrefix(got[0], "0") {
		t.Errorf("of a port %q", got)
	}
	// The list of connections leads to their reasons.
	texts(t, ctx, `document.querySelector("#edgecount").parentElement.open = true`, `document.querySelector("#edges button").focus()`)
	press(kb.Enter)
	if got := texts(t, ctx, panelText)[0]; !strings.Contains(got, "Connections") && !strings.Contains(got, "Allowed") {
		t.Errorf("a row of the list tells %q", got)
	}
	if len(said()) > 0 {
		t.Errorf("the console says %q", said())
	}
}

// TestPhone wants nothing wider than a phone, in the light and in the dark, whatever things are called.
func TestPhone(t *testing.T) {
	for name, manifest := range map[string]string{"shop": shop, "hostile": hostile(), "estate": string(networktest.Estate(100))} {
		ctx, said := openPage(t, manifest, 390, 844)
		click := `document.querySelector(".node.namespace").dispatchEvent(new MouseEvent("click", {bubbles: true}))`
		wide := `document.documentElement.scrollWidth`
		got := texts(t, ctx, wide, click, wide, `document.querySelector("#panel").hidden`, `document.querySelector("#whole").open = document.querySelector("#edgecount").parentElement.open = true`, wide)
		if got[0] != "390" || got[2] != "390" || got[3] != "false" || got[5] != "390" {
			t.Errorf("%s: %q", name, got)
		}
		if len(said()) > 0 {
			t.Errorf("%s: the console says %q", name, said())
		}
		pagetest.Shoot(t, ctx, "netmap-phone-"+name)
		dark := emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}})
		if err := chromedp.Run(ctx, dark); err != nil {
			t.Fatal(err)
		}
		pagetest.Shoot(t, ctx, "netmap-phone-dark-"+name)
	}
}

// TestLeftOutBrowser wants a page that had no room for reasons to say so wherever they are asked for.
func TestLeftOutBrowser(t *testing.T) {
	out := written(t, Facts{Model: modelOf(t, shop)}, bounds{10, 1000, 1000, 10})
	ctx, said := pagetest.Open(t, []byte(out), 1280, 900)
	got := texts(t, ctx, `document.querySelectorAll(".node .fold").length`, `[...document.querySelectorAll(".edge")].find((e) => e.querySelector("title").textContent.startsWith("namespace shop")).dispatchEvent(new MouseEvent("click", {bubbles: true}))`, panelText,
		`document.getElementById("text").value = "db"`, `document.getElementById("text").dispatchEvent(new Event("input", {bubbles: true}))`, `document.querySelector("#results button").click()`, panelText)
	if got[0] != "0" || !strings.Contains(got[2], "Which ones was left out of this page") || !strings.Contains(got[6], "Its connections were left out of this page") || len(said()) > 0 {
		t.Errorf("%q, console %q", got, said())
	}
}

// TestLargeBrowser wants the page of 10,000 workloads to open folded, and to be searched and asked.
func TestLargeBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a page of 10,000 workloads")
	}
	out := written(t, Facts{Model: modelOf(t, string(networktest.Estate(10000)))}, usual)
	ctx, said := pagetest.Open(t, []byte(out), 1280, 900)
	opened := texts(t, ctx, `Math.round(performance.getEntriesByType("navigation")[0].loadEventEnd)`, shownText)
	if !strings.Contains(opened[1], "503 namespaces") || !strings.Contains(opened[1], "are too many to be drawn at once") {
		t.Errorf("the page opens with %q", opened[1])
	}
	got := texts(t, ctx, `(() => { const at = performance.now(), text = document.getElementById("text"); text.value = "app6 team77 tier=t2"; text.dispatchEvent(new Event("input", {bubbles: true})); return performance.now() - at; })()`,
		`(() => { const at = performance.now(); document.querySelector("#results button").click(); return performance.now() - at; })()`, panelText, shownText)
	if !strings.Contains(got[2], "team77/Deployment app6") || !strings.Contains(got[2], "NetworkPolicy team77/neighbour") || len(said()) > 0 {
		t.Errorf("chosen of 10,000: %q, console %q", got[2], said())
	}
	t.Logf("%.1f MB, loaded after %s ms, searched in %s ms, chosen in %s ms: %s", float64(len(out))/1e6, opened[0], got[0], got[1], got[3])
	pagetest.Shoot(t, ctx, "netmap-large")
}

// shut publishes the database on a port on which no policy lets anybody in, and gives the cart a neighbour that reaches all.
const shut = shop + `---
{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {type: LoadBalancer, selector: {app: db}, ports: [{port: 9090}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: any, namespace: shop, labels: {app: any}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: any, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: any}}}], ports: [{port: 5432}]}]}
`

// TestFolded wants what is wrong to be seen of what is folded, too: ends that are open, and what is published in vain beside
// what is let in.
func TestFolded(t *testing.T) {
	ctx, _ := openPage(t, shut, 1280, 900)
	ways := `[...document.querySelectorAll(".edge.published title")].map((e) => e.textContent).join("|")`
	dots := `[...document.querySelectorAll(".node.namespace")].map((n) => n.querySelector(".open title")?.textContent ?? "none").join("|")`
	got := texts(t, ctx, `document.querySelector("#foldall").click()`, ways, dots, `document.querySelectorAll(".edge.shut").length`)
	want := []string{
		"Published → namespace shop: TCP 8080, as published|Published → namespace shop: let in by nobody known, as published",
		"1 of 1 take connections from everybody, or open them to everybody|2 of 3 take connections from everybody, or open them to everybody", "1",
	}
	if !slices.Equal(got[1:], want) {
		t.Errorf("folded:\n%q\nwant\n%q", got[1:], want)
	}
}

// TestExact wants the ports that are told of several peers to be those of each of them.
func TestExact(t *testing.T) {
	ctx, _ := openPage(t, shut, 1280, 900)
	node := `[...document.querySelectorAll(".node")].find((n) => n.getAttribute("aria-label").startsWith("shop/Pod any")).dispatchEvent(new MouseEvent("click", {bubbles: true}))`
	got := texts(t, ctx, node, `[...document.querySelectorAll("#panel section")].find((s) => s.innerText.startsWith("Reaches")).innerText`)[1]
	for _, want := range []string{"shop/Deployment cart all ports", "shop/StatefulSet db TCP 5432", "far/Pod other all ports"} {
		if !strings.Contains(got, want) {
			t.Errorf("not told that it reaches %s:\n%s", want, got)
		}
	}
}

// TestSearchPort wants a search for a port to find who takes connections on it, and one for a label that nobody has to say so.
func TestSearchPort(t *testing.T) {
	ctx, _ := openPage(t, shut, 1280, 900)
	find := func(text string) []string {
		return texts(t, ctx, `(document.getElementById("text").value = "`+text+`", document.getElementById("text").dispatchEvent(new Event("input", {bubbles: true})))`,
			shownText, `document.getElementById("results").innerText`, `[...document.querySelectorAll(".edge title")].every((e) => e.textContent.includes("shop/Deployment cart:"))`)[1:]
	}
	if got := find("8080"); !strings.Contains(got[0], "finds 1 end, listening on it") || got[1] != "shop/Deployment cart" || got[2] != "true" {
		t.Errorf("8080: %q", got)
	}
	if got := find("5432/tcp"); !strings.Contains(got[0], "let in on it by a rule") || got[1] != "shop/StatefulSet db" {
		t.Errorf("5432/tcp: %q", got)
	}
	if got := find("5433"); !strings.Contains(got[0], "nobody says that it listens on it, and no rule names it") || got[1] != "" {
		t.Errorf("5433: %q", got)
	}
	if got := find("name=data"); !strings.Contains(got[0], "no label name=data; there is tier=data") {
		t.Errorf("name=data: %q", got)
	}
}

// TestReadable wants no text to be smaller than 11 px, however many namespaces there are, and them in the order that people count.
func TestReadable(t *testing.T) {
	var all strings.Builder
	for i := range 120 {
		fmt.Fprintf(&all, "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: n%d}, spec: {containers: [{name: c, image: x}]}}\n---\n", i)
	}
	for _, width := range []int64{1280, 390} {
		ctx, _ := openPage(t, all.String(), width, 900)
		got := texts(t, ctx, `Math.min(...[...document.querySelectorAll("#map text")].map((x) => parseFloat(getComputedStyle(x).fontSize) * document.getElementById("map").getBoundingClientRect().width / document.getElementById("map").viewBox.baseVal.width)) >= 11`,
			`[...document.querySelectorAll(".node.namespace .name")].slice(0, 12).map((x) => x.textContent).join(" ")`)
		if got[0] != "true" || got[1] != "n0 n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11" {
			t.Errorf("%d px wide: %q", width, got)
		}
	}
}
