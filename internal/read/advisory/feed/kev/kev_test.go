package kev

import (
	"strings"
	"testing"
	"time"
)

const whole = `{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"2025.08.25","dateReleased":"2025-08-25T17:00:04.2034Z","count":2,
"vulnerabilities":[{"cveID":"CVE-2021-44228","vendorProject":"Apache","dateAdded":"2021-12-10","knownRansomwareCampaignUse":"Known"},{"cveID":"CVE-2023-4863","dateAdded":"2023-09-13"}]}`

func TestRead(t *testing.T) {
	listed, info, err := Read(strings.NewReader(whole))
	if err != nil || len(listed) != 2 || info.Records != 2 || info.Modified.Format(time.DateOnly) != "2025-08-25" {
		t.Fatalf("%v, %+v, %v", listed, info, err)
	}
	if day := listed["CVE-2021-44228"]; day.Format(time.DateOnly) != "2021-12-10" {
		t.Errorf("listed on %s", day)
	}
}

func TestBroken(t *testing.T) {
	for cut := range len(whole) {
		if _, _, err := Read(strings.NewReader(whole[:cut])); err == nil {
			t.Errorf("the first %d bytes are taken for the catalogue", cut)
		}
	}
	for _, document := range []string{`{}`, strings.Replace(whole, `"count":2`, `"count":3`, 1), whole + "x"} {
		if _, _, err := Read(strings.NewReader(document)); err == nil {
			t.Errorf("%s is read", document)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(whole)
	f.Fuzz(func(t *testing.T, document string) {
		if listed, info, err := Read(strings.NewReader(document)); err == nil && info.Records != len(listed) {
			t.Errorf("%+v of %v", info, listed)
		}
	})
}
