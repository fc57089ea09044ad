package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/vex"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
	"github.com/plimsoll/plimsoll/internal/weigh/exception"
)

// decided is a sample of which some was let pass, in every way there is.
func decided() *finding.Report {
	r := reporttest.Sample()
	for i := range r.Findings {
		f := &r.Findings[i]
		switch f.Rule {
		case "CVE-2021-44228":
			f.Suppressed = []finding.Suppression{{By: "exception", Reason: "the lookup is off", Owner: "shop", Ticket: "S-1", Until: "2027-01-01"}}
		case "CVE-2021-45046":
			f.Suppressed = []finding.Suppression{{By: "exception", Owner: "shop"}, {By: "vex", Reason: "no", VEX: &finding.VEX{Status: "not_affected"}}}
		case "CVE-2021-23337":
			f.Suppressed = []finding.Suppression{{By: "vex", Reason: "patched", VEX: &finding.VEX{Status: "fixed"}}}
		case "CVE-2023-45133":
			f.Suppressed = []finding.Suppression{{By: "exception", Reason: "never called", Owner: "web", VEX: &finding.VEX{Status: "not_affected", Justification: "vulnerable_code_not_in_execute_path"}}}
		}
	}
	return r
}

// TestOpenVEX holds the document against the official schema, and reads back what it says.
func TestOpenVEX(t *testing.T) {
	r := decided()
	b := write(t, "openvex", r, Options{Time: time.Unix(1e9, 0)})
	reporttest.Hold(t, b, "testdata/schema/openvex-0.2.0.schema.json")
	if again := write(t, "openvex", decided(), Options{Time: time.Unix(1e9, 0)}); !bytes.Equal(b, again) {
		t.Error("not the same bytes twice")
	}
	d, err := vex.Parse("x", b)
	if err != nil {
		t.Fatal(err)
	}
	if d.Author != "shop, web" {
		t.Errorf("by %s", d.Author)
	}
	got := map[string]string{}
	for _, s := range d.Statements {
		got[s.IDs[0]] = s.Status + " " + s.Justification + ": " + s.Note
	}
	want := map[string]string{
		"CVE-2021-44228": "affected : accepted: the lookup is off (S-1), until 2027-01-01",
		"CVE-2021-45046": "not_affected : no",
		"CVE-2021-23337": "fixed : patched",
		"CVE-2023-45133": "not_affected vulnerable_code_not_in_execute_path: never called",
		"CVE-2023-46218": "not_affected vulnerable_code_not_in_execute_path: only used at build time",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOpenVEXBack has what was written let the same pass, and not what somebody only lives with.
func TestOpenVEXBack(t *testing.T) {
	d, err := vex.Parse("x", write(t, "openvex", decided(), Options{}))
	if err != nil {
		t.Fatal(err)
	}
	r := decided()
	for i := range r.Findings {
		r.Findings[i].Suppressed = nil
	}
	set, err := exception.Compile(nil, []vex.Document{d}, time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	use := set.Use(r)
	if err := use.Apply(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		if len(f.Suppressed) > 0 {
			got = append(got, f.Rule)
		}
	}
	if diff := cmp.Diff([]string{"CVE-2021-45046", "CVE-2023-45133", "CVE-2023-46218", "CVE-2021-23337"}, got); diff != "" {
		t.Error(diff)
	}
	if notes := use.Notes(); len(notes) > 0 {
		t.Errorf("all is about the targets: %v", notes)
	}
}

// TestOpenVEXOfNothing has a list that is empty, which OpenVEX has no form for, and not null.
func TestOpenVEXOfNothing(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(write(t, "openvex", &finding.Report{}, Options{}), &doc); err != nil {
		t.Fatal(err)
	}
	if list, ok := doc["statements"].([]any); !ok || len(list) > 0 {
		t.Errorf("%v", doc)
	}
}

// TestShares says what is new and whose it is.
func TestShares(t *testing.T) {
	r := decided()
	var counts [3]int // of the first target's
	for i := range r.Findings {
		r.Findings[i].Since = []finding.Since{finding.SinceNew, finding.SinceDisclosed, finding.SinceKnown}[i%3]
		r.Findings[i].Owner = []string{"shop", "platform\x1b", ""}[i%3]
		if r.Findings[i].Target == "t1" && len(r.Findings[i].Suppressed) == 0 {
			counts[i%3]++
		}
	}
	since := fmt.Sprintf("As against the baseline: %d new, %d learned since, %d known.", counts[0], counts[1], counts[2])
	owners := fmt.Sprintf("shop %d, nobody %d.", counts[0], counts[2])
	for _, format := range []string{"table", "markdown"} {
		b := write(t, format, r, Options{Width: 100})
		for _, want := range []string{since, owners, "(new)", "(learned since)", "Let pass"} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s lacks %q:\n%s", format, want, b)
			}
		}
	}
}
