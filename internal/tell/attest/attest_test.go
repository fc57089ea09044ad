package attest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
	"github.com/plimsoll/plimsoll/internal/tell/attest"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	one   = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	two   = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	index = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

// input is a report that passes.
func input() attest.Input {
	return attest.Input{
		Report: &finding.Report{
			Schema: finding.Schema,
			Tool: finding.Tool{
				Name: "plimsoll", Version: "0.1.0", Database: &finding.Database{Built: now.AddDate(0, 0, -3), Digest: two},
				Policies: []finding.Policy{{Name: "no-root", Digest: index}},
			},
			Targets: []finding.Target{{ID: "t1", Kind: "image", Name: "registry.example.com/shop/cart:1.4", Digest: one, Verdict: finding.Pass}},
			Verdict: finding.Verdict{Action: finding.Pass},
		},
		Raw: []byte("{}"), Bill: []byte(`{"bomFormat":"CycloneDX"}`), Line: gate.Default, Version: "0.1.0", Now: now,
	}
}

var version = regexp.MustCompile(`,\s*"version":\s*{[^}]*}`)

// TestStatement is read by in-toto's own library, which refuses fields that it does not know.
func TestStatement(t *testing.T) {
	verdicts, err := attest.Verdicts(input())
	if err != nil || len(verdicts) != 1 || !verdicts[0].Passed {
		t.Fatalf("%+v, %v", verdicts, err)
	}
	b, err := json.Marshal(verdicts[0].Statement)
	if err != nil {
		t.Fatal(err)
	}
	var s intoto.Statement
	if err := protojson.Unmarshal(b, &s); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	predicate, err := protojson.Marshal(s.Predicate)
	if err != nil {
		t.Fatal(err)
	}
	// SLSA 1.1 lets the verifier say its version; the library is of the time before.
	predicate = bytes.Replace(predicate, version.Find(predicate), nil, 1)
	var sum vsa.VerificationSummary
	if err := protojson.Unmarshal(predicate, &sum); err != nil {
		t.Fatalf("%v: %s", err, predicate)
	}
	if sum.VerificationResult != "PASSED" || sum.ResourceUri != "oci:registry.example.com/shop/cart" || !sum.TimeVerified.AsTime().Equal(now) || len(sum.InputAttestations) != 3 {
		t.Errorf("%s", predicate)
	}
	if !strings.Contains(sum.Policy.Uri, "policy=no-root%40sha256%3Acc") {
		t.Errorf("policy %q", sum.Policy.Uri)
	}
}

// TestSigstore has Sigstore's own verifier look at what a key signed.
func TestSigstore(t *testing.T) {
	verdicts, err := attest.Verdicts(input())
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []any{ed, ec} {
		private, err := key.NewPrivate(k)
		if err != nil {
			t.Fatal(err)
		}
		b, err := attest.Sign(verdicts[0].Statement, private)
		if err != nil {
			t.Fatal(err)
		}
		var sb bundle.Bundle
		if err := sb.UnmarshalJSON(b); err != nil {
			t.Fatalf("%T: %v: %s", k, err, b)
		}
		check := func(public key.Public) error {
			v, err := signature.LoadDefaultVerifier(public.Crypto())
			if err != nil {
				t.Fatal(err)
			}
			material := root.NewTrustedPublicKeyMaterialFromMapping(map[string]*root.ExpiringKey{public.Hint(): root.NewExpiringKey(v, time.Time{}, time.Time{})})
			verifier, err := verify.NewVerifier(material, verify.WithNoObserverTimestamps())
			if err != nil {
				t.Fatal(err)
			}
			digest := make([]byte, 32)
			for i := range digest {
				digest[i] = 0xaa
			}
			_, err = verifier.Verify(&sb, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithKey()))
			return err
		}
		if err := check(private.Public); err != nil {
			t.Errorf("%T: Sigstore's verifier does not take it: %v", k, err)
		}
		proofs, err := attestation.Parse("file", b)
		if err != nil || !proofs[0].SignedBy(private.Public) {
			t.Errorf("%T: %v", k, err)
		}
	}
}

// TestRefused makes no verdict of PASSED of what did not pass.
func TestRefused(t *testing.T) {
	high := finding.Finding{Fingerprint: "f", Kind: finding.KindVulnerability, Rule: "CVE-1", Severity: finding.High, Target: "t1", Fixed: "2"}
	gap := finding.Gap{Class: "no-feed", Blocking: true, Target: "t1", What: "x", Count: 1}
	for _, c := range []struct {
		name   string
		change func(*attest.Input)
		action finding.Action // of the error; "" for another error
		want   string         // "" where it passes
	}{
		{"passes", func(*attest.Input) {}, "", ""},
		{"warns", func(in *attest.Input) { in.Report.Verdict.Action = finding.Warn }, "", ""},
		{"an accepted gap", func(in *attest.Input) { g := gap; g.Allowed = true; in.Report.Coverage = []finding.Gap{g} }, "", ""},
		{"deny", func(in *attest.Input) { in.Report.Verdict.Action = finding.Deny }, finding.Deny, "deny"},
		{"incomplete", func(in *attest.Input) { in.Report.Verdict.Action = finding.Incomplete }, finding.Incomplete, "incomplete"},
		{"a gap, by a gate that only reported", func(in *attest.Input) { in.Report.Coverage = []finding.Gap{gap} }, finding.Incomplete, "no-feed"},
		{"a finding, by a gate that only reported", func(in *attest.Input) { in.Report.Findings = []finding.Finding{high} }, finding.Deny, "fixable finding"},
		{"a gate that only reports", func(in *attest.Input) { in.Line = gate.Line{} }, "", "name a severity"},
		{"a verdict that is none", func(in *attest.Input) { in.Report.Verdict.Action = "fine" }, "", "none"},
		{"filters hid findings", func(in *attest.Input) { in.Report.Tool.Hidden = 1 }, "", "filters"},
		{"only some checks", func(in *attest.Input) { in.Report.Tool.Checks = []string{"license"} }, "", "checks"},
		{"an SBOM", func(in *attest.Input) { in.Report.Targets[0].Kind = "sbom" }, "", "SBOM"},
		{"an inventory", func(in *attest.Input) { in.Report.Verdict.Action = "" }, "", "nobody judged"},
		{"another schema", func(in *attest.Input) { in.Report.Schema = "plimsoll/report/v2" }, "", "schema"},
		{"no target", func(in *attest.Input) { in.Report.Targets = nil }, "", "no target"},
		{"no digest", func(in *attest.Input) { in.Report.Targets[0].Digest = "" }, "", "no digest"},
		{"no database", func(in *attest.Input) { in.Report.Tool.Database = nil }, "", "advisories"},
	} {
		in := input()
		c.change(&in)
		verdicts, err := attest.Verdicts(in)
		if c.want == "" {
			if err != nil || !verdicts[0].Passed {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var refused *attest.RefusedError
		if err == nil || !strings.Contains(err.Error(), c.want) || c.action != "" && (!errors.As(err, &refused) || refused.Action != c.action) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		in.Failing = true
		verdicts, err = attest.Verdicts(in)
		if c.action == "" && err == nil || c.action != "" && (err != nil || verdicts[0].Passed || !strings.Contains(string(verdicts[0].Statement.Predicate), `"FAILED"`)) {
			t.Errorf("%s, failing: %+v, %v", c.name, verdicts, err)
		}
	}
}

// TestLine has the line name all that let something pass; what a baseline knew was not held against it.
func TestLine(t *testing.T) {
	in := input()
	in.Report.Tool.Files = []finding.File{{Kind: "exceptions", Digest: one}, {Kind: "baseline", Digest: two}}
	verdicts, err := attest.Verdicts(in)
	if err != nil {
		t.Fatal(err)
	}
	var sum attestation.Summary
	if err := json.Unmarshal(verdicts[0].Statement.Predicate, &sum); err != nil {
		t.Fatal(err)
	}
	line, err := attestation.ParseLine(sum.Policy.URI)
	if err != nil || len(line.Exceptions) != 1 || line.Exceptions[0] != one || line.Baseline != two || len(sum.VerifiedLevels) > 0 {
		t.Errorf("%+v %v %v", line, sum.VerifiedLevels, err)
	}
}

// TestPlatforms gives the platforms of one image one statement, and another image its own.
func TestPlatforms(t *testing.T) {
	in := input()
	in.Report.Targets = []finding.Target{
		{ID: "t1", Name: "a:1", Digest: one, IndexDigest: index, Platform: "linux/amd64"},
		{ID: "t2", Name: "b:1", Digest: "sha256:" + strings.Repeat("d", 64)},
		{ID: "t3", Name: "a:1", Digest: two, IndexDigest: index, Platform: "linux/arm64"},
	}
	verdicts, err := attest.Verdicts(in)
	if err != nil || len(verdicts) != 2 || len(verdicts[0].Subjects) != 2 || len(verdicts[0].Statement.Subject) != 2 || len(verdicts[1].Subjects) != 1 {
		t.Errorf("%+v, %v", verdicts, err)
	}
}
