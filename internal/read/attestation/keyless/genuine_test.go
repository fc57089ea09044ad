package keyless_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/attestation/keyless"
)

// TestGenuine reads what Sigstore's own programs wrote (testdata/README.md), whole and with each part of a log's entry
// changed.
func TestGenuine(t *testing.T) {
	for _, c := range []struct {
		name, root string
		change     [2]string // a pattern, and what is put in its place
		yes        bool
	}{
		{"rekor-v1", "rekor-v1", [2]string{}, true},
		{"rekor-v2", "rekor-v2", [2]string{}, true},
		{"rekor-v1", "rekor-v2", [2]string{}, false},
		{"rekor-v2", "rekor-v1", [2]string{}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"payload":"eyJf`, `"payload":"eyJg`}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"integratedTime":"1`, `"integratedTime":"2`}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"signedEntryTimestamp":"M...`, `"signedEntryTimestamp":"AAAA`}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"rootHash":"....`, `"rootHash":"AAAA`}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"logIndex":"`, `"logIndex":"9`}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"canonicalizedBody":"eyJh`, `"canonicalizedBody":"eyJi`}, false},
		{"rekor-v1", "rekor-v1", [2]string{`"tlogEntries":\[.*\}\],"time`, `"time`}, false},
		{"rekor-v2", "rekor-v2", [2]string{`"hashes":\["....`, `"hashes":["AAAA`}, false},
		{"rekor-v2", "rekor-v2", [2]string{`"logIndex":"`, `"logIndex":"9`}, false},
		{"rekor-v2", "rekor-v2", [2]string{`— rekor.test .......`, `— rekor.test AAAAAAA`}, false},
		{"rekor-v2", "rekor-v2", [2]string{`"canonicalizedBody":"eyJh`, `"canonicalizedBody":"eyJi`}, false},
		{"rekor-v2", "rekor-v2", [2]string{`"timestampVerificationData":\{[^}]*\}\]\}`, `"timestampVerificationData":{}`}, false},
	} {
		bundle := string(read(t, c.name+".sigstore.json"))
		if c.change[0] != "" {
			was := bundle
			if bundle = regexp.MustCompile(c.change[0]).ReplaceAllLiteralString(bundle, c.change[1]); bundle == was || !json.Valid([]byte(bundle)) {
				t.Fatalf("%s: %s changes nothing, or too much", c.name, c.change[0])
			}
		}
		ask := helper.Verify{Bundle: []byte(bundle), TrustedRoot: read(t, c.root+".root.json"), Identity: "me@example.com", IssuerRegexp: `http://127\.0\.0\.1:\d+`}
		a, err := keyless.Verify(ask)
		if err != nil || (a.No == "") != c.yes || c.yes && (a.Signer != "me@example.com" || a.At.Format("2006-01-02") != "2026-11-29" || !strings.Contains(string(a.Payload), "verification_summary")) {
			t.Errorf("%s by the root of %s, %q: %+v, %v", c.name, c.root, c.change, a, err)
		}
		if strings.Contains(a.No, "%!") {
			t.Errorf("%s: %s", c.name, a.No)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPublic reads a bundle of the public Sigstore: who published sigstore.js 2.0.0, by an entry of the public log.
func TestPublic(t *testing.T) {
	const publisher = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
	ask := helper.Verify{Bundle: read(t, "public.sigstore.json"), TrustedRoot: read(t, "public.root.json"), Identity: publisher, Issuer: issuer}
	a, err := keyless.Verify(ask)
	if err != nil || a.No != "" || a.Signer != publisher || a.Issuer != issuer || a.At.IsZero() || !strings.Contains(string(a.Payload), "pkg:npm/sigstore@2.0.0") {
		t.Errorf("%+v, %v", a, err)
	}
	ask.Identity = who
	if a, err := keyless.Verify(ask); err != nil || a.No == "" {
		t.Errorf("somebody else: %+v, %v", a, err)
	}
}
