package savedreport

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

func TestParse(t *testing.T) {
	want := reporttest.Sample()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrong(t *testing.T) {
	head := `{"schema": "` + finding.Schema + `", `
	for text, want := range map[string]string{
		"":                          "it is empty",
		"exceptions:":               "it is no report of Plimsoll's",
		`{"bomFormat": "x"}`:        `its schema is "" and not "plimsoll/report/v1"`,
		head[:10]:                   "it is no report",
		head + `"targets": []}{}`:   "more follows",
		head + `"targets": "none"}`: "it is no report",
		head + `"targets": [{"id": "t1"}, {"id": "t1"}]}`:        `two targets are called "t1"`,
		head + `"targets": [{}]}`:                                "has no id",
		head + `"packages": [{"id": "p1", "target": "t9"}]}`:     `of target "t9", which is not there`,
		head + `"packages": [{"id": "p1"}, {"id": "p1"}]}`:       `two packages are called "p1"`,
		head + `"findings": [{"rule": "x", "fingerprint": ""}]}`: "finding 1",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Error(err)
	}
}

// FuzzParse holds that what a report refers to is there.
func FuzzParse(f *testing.F) {
	b, err := json.Marshal(reporttest.Sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema": "plimsoll/report/v1", "targets": [{"id": "t1"}], "findings": [{"rule": "x", "fingerprint": "y", "target": "t1"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		targets := map[string]bool{"": true}
		for _, one := range r.Targets {
			targets[one.ID] = true
		}
		for _, one := range r.Findings {
			if !targets[one.Target] || one.Rule == "" {
				t.Errorf("%+v", one)
			}
		}
	})
}
