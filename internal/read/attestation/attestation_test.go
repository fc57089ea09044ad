package attestation_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
)

func newKey(t testing.TB, ec bool) key.Private {
	t.Helper()
	var k any
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if ec {
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := key.NewPrivate(k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// library signs as go-securesystemslib wants it: an envelope that we did not make.
type library struct{ k key.Private }

func (l library) Sign(_ context.Context, b []byte) ([]byte, error) { return l.k.Sign(b) }
func (l library) KeyID() (string, error)                           { return "", nil }
func (l library) Public() crypto.PublicKey                         { return l.k.Public.Crypto() }
func (l library) Verify(_ context.Context, b, sig []byte) error {
	if !l.k.Public.Verify(b, sig) {
		return errors.New("it does not hold")
	}
	return nil
}

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func statement(predicateType, predicate string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`,
		strings.TrimPrefix(digest, "sha256:"), predicateType, predicate)
}

func envelope(t testing.TB, k key.Private, payloadType string, payload []byte) *dsse.Envelope {
	t.Helper()
	s, err := dsse.NewEnvelopeSigner(library{k})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.SignPayload(t.Context(), payloadType, payload)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTampered changes each part of an envelope that the library signed: the key does not answer for it.
func TestTampered(t *testing.T) {
	for _, ec := range []bool{false, true} {
		k := newKey(t, ec)
		good := func() *dsse.Envelope {
			return envelope(t, k, attestation.InToto, statement(attestation.SummaryV1, "{}"))
		}
		change := func(s string) string {
			b, _ := base64.StdEncoding.DecodeString(s)
			b[len(b)/2] ^= 1
			return base64.StdEncoding.EncodeToString(b)
		}
		for name, c := range map[string]struct {
			change func(*dsse.Envelope)
			want   bool
		}{
			"as it was": {func(*dsse.Envelope) {}, true},
			"a key id":  {func(e *dsse.Envelope) { e.Signatures[0].KeyID = "another" }, true}, // not signed, and not looked at
			"payload":   {func(e *dsse.Envelope) { e.Payload = change(e.Payload) }, false},
			"type":      {func(e *dsse.Envelope) { e.PayloadType = "application/vnd.in-toto+jsoN" }, false},
			"signature": {func(e *dsse.Envelope) { e.Signatures[0].Sig = change(e.Signatures[0].Sig) }, false},
			"another's": {func(e *dsse.Envelope) {
				e.Signatures = envelope(t, newKey(t, ec), e.PayloadType, []byte("x")).Signatures
			}, false},
			"one of several": {func(e *dsse.Envelope) { e.Signatures = append([]dsse.Signature{{Sig: "AAAA"}}, e.Signatures...) }, true},
		} {
			e := good()
			c.change(e)
			proofs, err := attestation.Parse("file", encode(t, e))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := proofs[0].SignedBy(k.Public); got != c.want {
				t.Errorf("ecdsa %t, %s: signed %t, want %t", ec, name, got, c.want)
			}
		}
	}
}

// TestRefused says of what is no attestation why it is none.
func TestRefused(t *testing.T) {
	k := newKey(t, false)
	many := envelope(t, k, "x", []byte("x"))
	for range 20 {
		many.Signatures = append(many.Signatures, many.Signatures[0])
	}
	bundle := func(content string) string {
		return `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}}` + content + `}`
	}
	for _, c := range []struct{ name, file, want string }{
		{"nothing", "", "is empty"},
		{"no JSON", "hello", "no attestation"},
		{"a list", "[]", "no attestation"},
		{"a number", "5", "no attestation"},
		{"another document", `{"bomFormat":"CycloneDX"}`, "neither"},
		{"no signature", `{"payloadType":"x","payload":"eA==","signatures":[]}`, "no signature"},
		{"no base64", `{"payloadType":"x","payload":"!","signatures":[{"sig":"eA=="}]}`, "base64"},
		{"no base64 signature", `{"payloadType":"x","payload":"eA==","signatures":[{"sig":"!"}]}`, "base64"},
		{"too many signatures", string(encode(t, many)), "at most 16"},
		{"a bundle of a file", bundle(`,"messageSignature":{}`), "without an envelope"},
		{"a bundle without a type", bundle(`,"dsseEnvelope":{"payload":"eA==","signatures":[{"sig":"eA=="}]}`), "what its payload is"},
		{"a huge one", `{"payloadType":"` + strings.Repeat("x", attestation.MaxProof) + `"}`, "too many"},
		{"a huge file", strings.Repeat(" ", attestation.MaxFile+1), "too many"},
		{"too many", strings.Repeat(string(encode(t, envelope(t, k, "x", []byte("x"))))+"\n", 101), "more than 100"},
	} {
		_, err := attestation.Parse("file", []byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "file") {
			t.Errorf("%s: %.300v, want %q", c.name, err, c.want)
		}
	}
}

// TestClaim reads what payloads say.
func TestClaim(t *testing.T) {
	const full = `{"verifier":{"id":"https://example.com/v"},"timeVerified":"2026-11-24T12:00:00Z","resourceUri":"oci:x","policy":{"uri":"u","digest":{"sha256":"00"}},"verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_3"]}`
	sum := &attestation.Summary{
		TimeVerified: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), ResourceURI: "oci:x",
		Policy: attestation.Reference{URI: "u", Digest: map[string]string{"sha256": "00"}}, VerificationResult: attestation.Passed, VerifiedLevels: []string{"SLSA_BUILD_LEVEL_3"},
	}
	sum.Verifier.ID = "https://example.com/v"
	simple := `{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"` + digest + `"},"type":"cosign container image signature"},"optional":null}`
	for _, c := range []struct {
		name, kind string
		payload    string
		want       attestation.Claim
		err        string
	}{
		{"verdict", attestation.InToto, string(statement(attestation.SummaryV1, full)), attestation.Claim{Predicate: attestation.SummaryV1, Digests: []string{digest}, Summary: sum}, ""},
		{"Cosign's new signature", attestation.InToto, string(statement(attestation.CosignSign, "{}")), attestation.Claim{Predicate: attestation.CosignSign, Digests: []string{digest}, Signs: true}, ""},
		{"Cosign's old signature", "", simple, attestation.Claim{Digests: []string{digest}, Signs: true}, ""},
		{"provenance", attestation.InToto, string(statement("https://slsa.dev/provenance/v1", "[]")), attestation.Claim{Predicate: "https://slsa.dev/provenance/v1", Digests: []string{digest}}, ""},
		{"another payload", "text/plain", "hello", attestation.Claim{}, "no in-toto statement"},
		{"no JSON", attestation.InToto, "hello", attestation.Claim{}, "no in-toto statement"},
		{"another type", attestation.InToto, `{"_type":"x"}`, attestation.Claim{}, "no in-toto statement"},
		{"a verdict that is none", attestation.InToto, string(statement(attestation.SummaryV1, `"hello"`)), attestation.Claim{}, "no verification summary"},
		{"a time that is none", attestation.InToto, string(statement(attestation.SummaryV1, `{"timeVerified":"yesterday"}`)), attestation.Claim{}, "no verification summary"},
		{"another simple type", "", `{"critical":{"type":"x"}}`, attestation.Claim{}, "not Cosign's"},
		{"too many subjects", attestation.InToto, `{"_type":"https://in-toto.io/Statement/v1","subject":[` + strings.Repeat(`{},`, 1000) + `{}]}`, attestation.Claim{}, "at most 1000"},
	} {
		got, err := attestation.Proof{Where: "file", Type: c.kind, Payload: []byte(c.payload)}.Claim()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
}

// TestSimple checks a signature in Cosign's old form.
func TestSimple(t *testing.T) {
	k := newKey(t, true)
	payload := []byte(`{"critical":{"type":"cosign container image signature"}}`)
	sig, err := k.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sig)}
	p, err := attestation.Simple("tag", payload, at)
	if err != nil || !p.SignedBy(k.Public) || p.Certified {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := attestation.Simple("tag", append(payload, ' '), at); err != nil || p.SignedBy(k.Public) {
		t.Errorf("tampered: %+v, %v", p, err)
	}
	if _, err := attestation.Simple("tag", payload, nil); err == nil {
		t.Error("a layer without a signature is one")
	}
}

// TestLine writes the line as a URI and reads it back: each difference makes another digest.
func TestLine(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range []attestation.Line{
		{FailOn: "high"},
		{FailOn: "critical"},
		{FailOn: "high", Unfixed: true},
		{FailOn: "high", AllowGap: []string{"a", "b"}},
		{FailOn: "high", Policies: []string{"x@sha256:1"}},
		{FailOn: "high", Policies: []string{"x@sha256:2"}},
	} {
		r := l.Reference()
		if seen[r.Digest["sha256"]] {
			t.Errorf("%+v has the digest of another", l)
		}
		seen[r.Digest["sha256"]] = true
		got, err := attestation.ParseLine(r.URI)
		if diff := cmp.Diff(l, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", r.URI, err, diff)
		}
	}
	if _, err := attestation.ParseLine("https://example.com/policy"); err == nil {
		t.Error("another's policy is a line")
	}
	built := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s := attestation.Summary{InputAttestations: []attestation.Reference{{URI: "x"}, attestation.Database("sha256:00", built, time.Time{})}}
	if got := s.DatabaseBuilt(); !got.Equal(built) {
		t.Errorf("database of %s", got)
	}
}

// FuzzParse takes any file for proofs: never a panic, and never a signature of a key that made none.
func FuzzParse(f *testing.F) {
	k := newKey(f, false)
	e := envelope(f, k, attestation.InToto, statement(attestation.SummaryV1, "{}"))
	f.Add(encode(f, e))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"certificate":{"rawBytes":"AA=="},"tlogEntries":[{}]},"dsseEnvelope":` + string(encode(f, e)) + `}`))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","verificationMaterial":{"x509CertificateChain":{"certificates":[]}}}`))
	f.Add([]byte(`{}{}`))
	stranger := newKey(f, true)
	f.Fuzz(func(t *testing.T, b []byte) {
		proofs, err := attestation.Parse("file", b)
		if err != nil {
			return
		}
		for _, p := range proofs {
			_, _ = p.Claim()
			if p.SignedBy(stranger.Public) {
				t.Error("signed by somebody who signed nothing")
			}
			if p.SignedBy(k.Public) && !bytes.Equal(p.Payload, statement(attestation.SummaryV1, "{}")) {
				t.Error("another payload counts as signed")
			}
		}
	})
}

// FuzzCosign reads hostile annotations.
func FuzzCosign(f *testing.F) {
	f.Add([]byte("{}"), "AA==", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "", `{"SignedEntryTimestamp":"AA==","Payload":{"body":"e30=","integratedTime":1,"logIndex":1,"logID":"00"}}`)
	f.Fuzz(func(_ *testing.T, payload []byte, sig, certificate, chain, bundle string) {
		at := map[string]string{
			"dev.cosignproject.cosign/signature": sig, "dev.sigstore.cosign/certificate": certificate,
			"dev.sigstore.cosign/chain": chain, "dev.sigstore.cosign/bundle": bundle,
		}
		if p, err := attestation.Simple("tag", payload, at); err == nil {
			_, _ = p.Claim()
		}
		if p, err := attestation.Attached("tag", payload, at); err == nil {
			_, _ = p.Claim()
		}
	})
}
