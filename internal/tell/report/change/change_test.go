package change

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/weigh/baseline"
)

func sample() *baseline.Diff {
	e := func(rule, title, why string) baseline.Entry {
		return baseline.Entry{Fingerprint: "f", Kind: "vulnerability", Rule: rule, Severity: "high", Title: title, Target: "shop|cart\x1b[2J", Why: why}
	}
	graver := e("CVE-3", "c: CVE-3", "")
	graver.Was = "low"
	return &baseline.Diff{
		Schema: baseline.DiffSchema, Added: []baseline.Entry{e("CVE-1", "a: <b> CVE-1\u202e", "")}, Disclosed: []baseline.Entry{e("CVE-2", "b: CVE-2", "")},
		Severity: []baseline.Entry{graver}, Passed: []baseline.Entry{e("CVE-4", "d: CVE-4", "exception: r")}, Fixed: []baseline.Entry{e("CVE-5", "e: CVE-5", "now 2")},
		Surface: []baseline.Measure{{Target: "shop", What: "SUID files", Was: 3, Is: 5}}, Verdict: [2]string{"pass", "deny"}, Notes: []string{"it did not assess all"},
		Counts: baseline.DiffCounts{Before: 3, After: 3},
	}
}

const wantTable = `Added by the change
  shop|cart?[2J
    high      a: <b> CVE-1?

Learned since, with nothing changed
  shop|cart?[2J
    high      b: CVE-2

Of another severity
  shop|cart?[2J
    high      c: CVE-3 (was low)

Let pass since
  shop|cart?[2J
    high      d: CVE-4 (exception: r)

Found no more
  shop|cart?[2J
    high      e: CVE-5 (now 2)

Attack surface
    shop: SUID files 3 → 5 (+2)

Note: of the first report: it did not assess all
1 added, 1 learned since, 1 of another severity, 1 let pass, 1 found no more: 3 before, 3 after
Verdict: pass → deny
`

func TestWrite(t *testing.T) {
	out := map[string]string{}
	for _, format := range Formats() {
		var b bytes.Buffer
		if err := Write(&b, format, sample()); err != nil {
			t.Fatal(err)
		}
		out[format] = b.String()
		if format != "json" && strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%s steers the terminal: %q", format, b.String())
		}
	}
	if diff := cmp.Diff(wantTable, out["table"]); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"# Plimsoll: pass → deny\n", "| high | a: &lt;b&gt; CVE-1? | shop\\|cart?\\[2J |", "| shop | SUID files | 3 | 5 |"} {
		if !strings.Contains(out["markdown"], want) {
			t.Errorf("Markdown lacks %q:\n%s", want, out["markdown"])
		}
	}
	var back baseline.Diff
	if err := json.Unmarshal([]byte(out["json"]), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), &back); diff != "" {
		t.Error(diff)
	}
	if err := Write(&bytes.Buffer{}, "csv", sample()); err == nil {
		t.Error("writes what it does not know")
	}
}
