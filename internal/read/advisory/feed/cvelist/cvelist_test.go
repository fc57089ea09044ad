package cvelist

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/feedtest"
)

const (
	v31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	v40 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
)

// TestRead takes ratings of the CNA and of every ADP, each under its name; of one metric the newest
// CVSS; and from a rejected record nothing but that it is.
func TestRead(t *testing.T) {
	b := feedtest.Zip(t,
		`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-1","state":"PUBLISHED","datePublished":"2024-02-01T10:00:00.000Z","dateUpdated":"2024-08-01T17:00:00.000Z"},
		"containers":{"cna":{"metrics":[{"format":"CVSS","cvssV3_1":{"vectorString":"`+v31+`"},"cvssV4_0":{"vectorString":"`+v40+`"}},{"cvssV3_1":{"vectorString":"nonsense"}}],
		"problemTypes":[{"descriptions":[{"type":"CWE","cweId":"CWE-89"},{"type":"text"}]}]},
		"adp":[{"providerMetadata":{"shortName":"CISA-ADP"},"metrics":[{"other":{"type":"ssvc","content":{}}},{"cvssV3_1":{"vectorString":"`+v31+`"}}],"problemTypes":[{"descriptions":[{"cweId":"CWE-89"}]}]}]}}`,
		`{"cveMetadata":{"cveId":"CVE-2024-2","state":"REJECTED"},"containers":{"cna":{"rejectedReasons":[]}}}`)
	var got []feed.Record
	info, err := Read(context.Background(), bytes.NewReader(b), int64(len(b)), func(r feed.Record) error { got = append(got, r); return nil })
	if err != nil || len(got) != 2 || info.Records != 2 || info.Modified.Format(time.DateOnly) != "2024-08-01" {
		t.Fatalf("%+v, %+v, %v", got, info, err)
	}
	want := []finding.Rating{{Source: "cna", Severity: finding.Critical, Vector: v40, Score: 9.3}, {Source: "cisa-adp", Severity: finding.Critical, Vector: v31, Score: 9.8}}
	if diff := cmp.Diff(want, got[0].Ratings); diff != "" || got[0].Rejected || !cmp.Equal(got[0].CWEs, []string{"CWE-89"}) {
		t.Errorf("%s\n%+v", diff, got[0])
	}
	if !got[1].Rejected || got[1].ID != "CVE-2024-2" {
		t.Errorf("%+v", got[1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"cveMetadata":{"cveId":"CVE-2024-1"},"containers":{"cna":{"metrics":[{"cvssV3_1":{"vectorString":"` + v31 + `"}}]}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parse(b); err == nil && r.ID == "" {
			t.Error("a record without an id")
		}
	})
}
