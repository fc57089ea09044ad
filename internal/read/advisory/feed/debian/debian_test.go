package debian

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

func read(document string) (map[string]feed.Affected, feed.Info, error) {
	rows := map[string]feed.Affected{}
	info, err := Read(context.Background(), strings.NewReader(document), "debian", func(r feed.Record) error {
		for _, a := range r.Affected {
			rows[a.Ecosystem+" "+r.ID] = a
		}
		return nil
	})
	return rows, info, err
}

// TestStatuses reads every word that the tracker has for the state of a release, in the form in which
// it publishes them. Decisions about the fix are statuses, never severities.
func TestStatuses(t *testing.T) {
	const all, at = 1, 2
	for name, c := range map[string]struct {
		release    string
		status     finding.Status
		severity   finding.Severity
		affects    int // all versions, those before 1.2-3, or none
		unaffected bool
	}{
		"resolved":                  {`"status":"resolved","fixed_version":"1.2-3","urgency":"not yet assigned"`, "", "", at, false},
		"resolved, rated":           {`"status":"resolved","fixed_version":"1.2-3","urgency":"high"`, "", finding.High, at, false},
		"resolved, unimportant":     {`"status":"resolved","fixed_version":"1.2-3","urgency":"unimportant"`, finding.StatusUnimportant, finding.Info, at, false},
		"never affected":            {`"status":"resolved","fixed_version":"0","urgency":"not yet assigned"`, "", "", 0, true},
		"resolved, but not told in": {`"status":"resolved","urgency":"not yet assigned"`, finding.StatusAffected, "", all, false},
		"open":                      {`"status":"open","urgency":"not yet assigned"`, finding.StatusAffected, "", all, false},
		"open, rated by a machine":  {`"status":"open","urgency":"medium**"`, finding.StatusAffected, finding.Medium, all, false},
		"undetermined":              {`"status":"undetermined","urgency":"not yet assigned"`, finding.StatusAffected, "", all, false},
		"no DSA":                    {`"status":"open","nodsa":"Minor issue","nodsa_reason":"","urgency":"low"`, finding.StatusDeferred, finding.Low, all, false},
		"postponed":                 {`"status":"open","nodsa":"Can be fixed along in next DSA","nodsa_reason":"postponed","urgency":"not yet assigned"`, finding.StatusDeferred, "", all, false},
		"ignored":                   {`"status":"open","nodsa":"Too intrusive to backport","nodsa_reason":"ignored","urgency":"not yet assigned"`, finding.StatusWillNotFix, "", all, false},
		"end of life":               {`"status":"open","urgency":"end-of-life"`, finding.StatusEndOfLife, "", all, false},
		"unimportant":               {`"status":"open","urgency":"unimportant"`, finding.StatusUnimportant, finding.Info, all, false},
	} {
		t.Run(name, func(t *testing.T) {
			rows, info, err := read(`{"src":{"CVE-2026-1":{"description":"x","scope":"remote","debianbug":1,"releases":{"bookworm":{` + c.release + `,"repositories":{"bookworm":"1.2-1"}}}}}}`)
			if err != nil || info.Records != 1 {
				t.Fatal(info, err)
			}
			want := feed.Affected{Ecosystem: "Debian:12", Package: "src", Row: advisory.Row{ID: "CVE-2026-1", Feed: "debian", Status: c.status, Severity: c.severity, Unaffected: c.unaffected}}
			switch c.affects {
			case all:
				want.Row.Ranges = []advisory.Range{{}}
			case at:
				want.Row.Ranges = []advisory.Range{{Fixed: "1.2-3"}}
			}
			if diff := cmp.Diff(want, rows["Debian:12 CVE-2026-1"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReleases files each release under its number, and passes over names that are no release.
func TestReleases(t *testing.T) {
	open := `{"status":"open","urgency":"low"}`
	rows, _, err := read(`{"src":{"CVE-1":{"releases":{"bullseye":` + open + `,"sid":` + open + `,"trixie":` + open + `,"experimental":` + open + `}},"TEMP-0000001-ABCDEF":{"releases":{"buster":` + open + `}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range []string{"Debian:10 TEMP-0000001-ABCDEF", "Debian:11 CVE-1", "Debian:13 CVE-1", "Debian:sid CVE-1"} {
		if _, ok := rows[key]; !ok {
			got = append(got, key)
		}
	}
	if len(got) > 0 || len(rows) != 4 {
		t.Errorf("missing %v of %v", got, rows)
	}
}

func TestBroken(t *testing.T) {
	whole := `{"src":{"CVE-1":{"releases":{"sid":{"status":"open"}}}}}`
	for cut := range len(whole) {
		if _, _, err := read(whole[:cut]); err == nil || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("%s: %v", whole[:cut], err)
		}
	}
	for _, document := range []string{`[]`, whole + `{}`, `{"src":[]}`, `{"src":{"CVE-1":{"releases":{"sid":{"status":1}}}}}`} {
		if _, _, err := read(document); err == nil {
			t.Errorf("%s is read", document)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"src":{"CVE-1":{"releases":{"sid":{"status":"open","urgency":"low","nodsa":"x","nodsa_reason":"ignored"}}}}}`)
	f.Add(`{"src":{"CVE-1":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0"}}}}}`)
	f.Fuzz(func(t *testing.T, document string) {
		rows, _, err := read(document)
		for key, a := range rows {
			if err == nil && len(a.Row.Ranges) == 0 && !a.Row.Unaffected {
				t.Errorf("%s says nothing: %+v", key, a)
			}
		}
	})
}
