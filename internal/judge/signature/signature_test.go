package signature_test

import (
	"errors"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/judge/signature"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func verdict(change func(*attestation.Summary)) signature.Fact {
	s := &attestation.Summary{TimeVerified: now.Add(-time.Hour), VerificationResult: attestation.Passed, Policy: attestation.Line{FailOn: "high"}.Reference()}
	if change != nil {
		change(s)
	}
	return signature.Fact{Where: "w", Signer: "me", Claim: attestation.Claim{Predicate: attestation.SummaryV1, Digests: []string{"sha256:a"}, Summary: s}}
}

// TestTests has facts of which each fails one test: nothing of a stranger's is read, and one that says yes
// among others suffices.
func TestTests(t *testing.T) {
	stranger := verdict(nil)
	stranger.Signer, stranger.Why = "", "who knows"
	broken := verdict(nil)
	broken.Broken = errors.New("no statement")
	elsewhere := verdict(nil)
	elsewhere.Claim.Digests = []string{"sha256:b", ""}
	nothing := verdict(nil)
	nothing.Claim.Digests = nil
	plain := verdict(nil)
	plain.Claim = attestation.Claim{Digests: []string{"sha256:a"}, Signs: true}
	provenance := verdict(nil)
	provenance.Claim = attestation.Claim{Digests: []string{"sha256:a"}, Predicate: "https://slsa.dev/provenance/v1"}
	failed := verdict(func(s *attestation.Summary) { s.VerificationResult = attestation.Failed })
	future := verdict(func(s *attestation.Summary) { s.TimeVerified = now.Add(time.Hour) })
	nearly := verdict(func(s *attestation.Summary) { s.TimeVerified = now.Add(time.Minute) })
	base := signature.Want{Digests: []string{"sha256:a", "sha256:index"}}
	signed := base
	signed.Signed = true
	none := signature.Want{Digests: nil}
	baseline := verdict(func(s *attestation.Summary) {
		s.Policy = attestation.Line{FailOn: "high", Baseline: "sha256:b"}.Reference()
	})
	high := base
	high.FailOn = "high"
	line := base
	line.FailOn = "medium"
	unfixed := base
	unfixed.Unfixed = true
	strict := verdict(func(s *attestation.Summary) {
		s.Policy = attestation.Line{FailOn: "high", Unfixed: true}.Reference()
	})
	age := base
	age.MaxAge = time.Minute
	database := base
	database.MaxDatabase = time.Hour
	for _, c := range []struct {
		name string
		want signature.Want
		fact signature.Fact
		test string // that it fails; "" for yes
	}{
		{"good", base, verdict(nil), ""},
		{"a stranger", base, stranger, "signer"},
		{"broken", base, broken, "kind"},
		{"another image", base, elsewhere, "digest"},
		{"about nothing", base, nothing, "digest"},
		{"no image", none, nothing, "digest"},
		{"an empty digest", signature.Want{Digests: []string{""}}, elsewhere, "digest"},
		{"a signature", base, plain, "kind"},
		{"a signature, asked for", signed, plain, ""},
		{"a verdict for a signature", signed, verdict(nil), ""},
		{"a failed verdict for a signature", signed, failed, "kind"},
		{"a stranger's signature", signed, stranger, "signer"},
		{"provenance", base, provenance, "kind"},
		{"provenance for a signature", signed, provenance, "kind"},
		{"failed", base, failed, "result"},
		{"a looser line", line, verdict(nil), "policy"},
		{"as strict a line", high, verdict(nil), ""},
		{"as strict a line, with a baseline", high, baseline, "policy"},
		{"a baseline, of which nothing is asked", base, baseline, ""},
		{"what has no fix", unfixed, verdict(nil), "policy"},
		{"what has no fix, denied", unfixed, strict, ""},
		{"too old", age, verdict(nil), "age"},
		{"from the future", base, future, "age"},
		{"clocks differ", base, nearly, ""},
		{"no database", database, verdict(nil), "database"},
	} {
		a := signature.Judge(c.want, []signature.Fact{c.fact}, now)
		if a.Yes != (c.test == "") || !a.Yes && (len(a.Refused) != 1 || a.Refused[0].Test != c.test || a.Refused[0].Why == "" || a.Refused[0].Do == "") {
			t.Errorf("%s: %+v, want test %q", c.name, a, c.test)
		}
	}
	a := signature.Judge(base, []signature.Fact{stranger, failed, elsewhere}, now)
	if a.Yes || len(a.Refused) != 3 || a.Refused[0].Test != "result" || a.Refused[2].Test != "signer" {
		t.Errorf("that which came farthest is not first: %+v", a.Refused)
	}
	if a := signature.Judge(base, []signature.Fact{stranger, verdict(nil)}, now); !a.Yes {
		t.Errorf("one that says yes does not suffice: %+v", a)
	}
	if a := signature.Judge(base, nil, now); a.Yes {
		t.Error("nothing says yes")
	}
}
