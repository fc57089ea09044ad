package finding

import (
	"encoding/json"
	"os"
	"testing"
)

// TestFingerprintPairs holds the pairs of testdata that must and must not be equal.
func TestFingerprintPairs(t *testing.T) {
	type side struct {
		PURL    string  `json:"purl"`
		Finding Finding `json:"finding"`
	}
	var pairs []struct {
		Why   string `json:"why"`
		Equal bool   `json:"equal"`
		A, B  side
	}
	b, err := os.ReadFile("testdata/fingerprints.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &pairs); err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		a, b := Fingerprint(p.A.Finding, p.A.PURL), Fingerprint(p.B.Finding, p.B.PURL)
		if (a == b) != p.Equal {
			t.Errorf("%s: %s and %s, want equal: %v", p.Why, a, b, p.Equal)
		}
	}
}

// TestFingerprintStands holds one value for ever: exceptions and baselines that people keep name it.
func TestFingerprintStands(t *testing.T) {
	f := Finding{Kind: KindVulnerability, Rule: "CVE-2024-5535", Locations: []Location{{Path: "var/lib/dpkg/status"}}}
	const want = "01b93fd76ab52eafb0d07c7fb7813668"
	if got := Fingerprint(f, "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"); got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}
