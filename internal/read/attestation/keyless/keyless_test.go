package keyless_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/attestation/keyless"
)

const (
	who    = "https://github.com/shop/cart/.github/workflows/build.yml@refs/heads/main"
	issuer = "https://token.actions.githubusercontent.com"
)

const statement = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}],"predicateType":"https://slsa.dev/verification_summary/v1","predicate":{}}`

// sigstore stands in for Fulcio, Rekor and a timestamping authority: the library's own virtual one. Its
// certificates, entries and timestamps are made as those are, and no server is asked.
func sigstore(t *testing.T) (*ca.VirtualSigstore, []byte) {
	t.Helper()
	v, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	return v, trustedRoot(t, v.FulcioCertificateAuthorities(), v.TimestampingAuthorities(), v.RekorLogs())
}

func trustedRoot(t *testing.T, cas []root.CertificateAuthority, tsas []root.TimestampingAuthority, logs map[string]*root.TransparencyLog) []byte {
	t.Helper()
	for id, log := range logs { // the stand-in writes down the hex of the id, a trusted root the id itself
		var err error
		if log.ID, err = hex.DecodeString(id); err != nil {
			t.Fatal(err)
		}
	}
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01, cas, nil, tsas, logs)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// parts are what somebody signed, in the forms that bundles and annotations hold.
type parts struct {
	certificate *x509.Certificate
	envelope    *protodsse.Envelope
	entry       *protorekor.TransparencyLogEntry
	timestamp   []byte
}

func signed(t *testing.T, v *ca.VirtualSigstore) parts {
	t.Helper()
	e, err := v.AttestAtTime(who, issuer, []byte(statement), time.Now().Add(5*time.Minute), true)
	if err != nil {
		t.Fatal(err)
	}
	vc, err := e.VerificationContent()
	if err != nil {
		t.Fatal(err)
	}
	sc, err := e.SignatureContent()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := e.TlogEntries()
	if err != nil {
		t.Fatal(err)
	}
	stamps, err := e.Timestamps()
	if err != nil {
		t.Fatal(err)
	}
	raw := sc.EnvelopeContent().RawEnvelope()
	payload, _ := base64.StdEncoding.DecodeString(raw.Payload)
	sig, _ := base64.StdEncoding.DecodeString(raw.Signatures[0].Sig)
	return parts{
		vc.Certificate(), &protodsse.Envelope{PayloadType: raw.PayloadType, Payload: payload, Signatures: []*protodsse.Signature{{Sig: sig}}},
		completed(t, v, entries[0].TransparencyLogEntry()), stamps[0],
	}
}

// completed adds what the library leaves out of an entry that it has made itself: its kind, and the log's
// promise to take it in.
func completed(t *testing.T, v *ca.VirtualSigstore, e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	t.Helper()
	var kind struct{ Kind, APIVersion string }
	if err := json.Unmarshal(e.CanonicalizedBody, &kind); err != nil {
		t.Fatal(err)
	}
	promise, err := v.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(e.CanonicalizedBody), IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex, LogID: hex.EncodeToString(e.LogId.KeyId),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion}
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return e
}

// bundle is the parts as a bundle of this version.
func (p parts) bundle(t *testing.T, version string) []byte {
	t.Helper()
	mediaType, err := bundle.MediaTypeString(version)
	if err != nil {
		t.Fatal(err)
	}
	b := &protobundle.Bundle{
		MediaType: mediaType,
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:                   &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: p.certificate.Raw}},
			TimestampVerificationData: &protobundle.TimestampVerificationData{Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: p.timestamp}}},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: p.envelope},
	}
	if p.entry != nil {
		b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{p.entry}
	}
	out, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVerify has the library look at what the stand-in signed, whole and broken.
func TestVerify(t *testing.T) {
	v, trusted := sigstore(t)
	_, other := sigstore(t)
	clocksOnly := trustedRoot(t, v.FulcioCertificateAuthorities(), v.TimestampingAuthorities(), nil)
	good := signed(t, v)
	base := helper.Verify{Bundle: good.bundle(t, "0.3"), TrustedRoot: trusted, Identity: who, Issuer: issuer}
	for _, c := range []struct {
		name   string
		change func(*helper.Verify)
		no     string // "" for yes
	}{
		{"as it was", func(*helper.Verify) {}, ""},
		{"patterns", func(a *helper.Verify) {
			a.Identity, a.Issuer, a.IdentityRegexp, a.IssuerRegexp = "", "", "https://github.com/shop/.*", "https://token.*"
		}, ""},
		{"a pattern for a part", func(a *helper.Verify) { a.Identity, a.IdentityRegexp = "", "github.com/shop" }, "identity"},
		{"another identity", func(a *helper.Verify) { a.Identity = "https://github.com/evil/cart" }, "identity"},
		{"another issuer", func(a *helper.Verify) { a.Issuer = "https://gitlab.com" }, "identity"},
		{"another root", func(a *helper.Verify) { a.TrustedRoot = other }, "verif"},
		{"no log asked", func(a *helper.Verify) { a.TrustedRoot = clocksOnly }, ""},
		{"no log asked, none there", func(a *helper.Verify) {
			p := good
			p.entry = nil
			a.TrustedRoot, a.Bundle = clocksOnly, p.bundle(t, "0.3")
		}, ""},
		{"a log asked, none there", func(a *helper.Verify) {
			p := good
			p.entry = nil
			a.Bundle = p.bundle(t, "0.3")
		}, "log"},
		{"another payload", func(a *helper.Verify) {
			p := good
			p.envelope = &protodsse.Envelope{PayloadType: p.envelope.PayloadType, Payload: []byte(strings.Replace(statement, "aaaa", "bbbb", 1)), Signatures: p.envelope.Signatures}
			a.Bundle = p.bundle(t, "0.3")
		}, "payload"},
		{"no bundle", func(a *helper.Verify) { a.Bundle = []byte(`{"mediaType":"x"}`) }, "bundle"},
	} {
		ask := base
		c.change(&ask)
		a, err := keyless.Verify(ask)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.no == "" && (a.No != "" || a.Signer != who || a.Issuer != issuer || string(a.Payload) != statement || a.Type != attestation.InToto):
			t.Errorf("%s: %+v", c.name, a)
		case c.no != "" && (a.No == "" || !strings.Contains(strings.ToLower(a.No), c.no)):
			t.Errorf("%s: %+v, want no because of %q", c.name, a, c.no)
		}
	}
}

// TestWrongQuestion is asked for nobody in particular, or with a root that is none.
func TestWrongQuestion(t *testing.T) {
	v, trusted := sigstore(t)
	b := signed(t, v).bundle(t, "0.3")
	for name, ask := range map[string]helper.Verify{
		"nobody":    {Bundle: b, TrustedRoot: trusted},
		"no issuer": {Bundle: b, TrustedRoot: trusted, Identity: who},
		"no root":   {Bundle: b, TrustedRoot: []byte("{}"), Identity: who, Issuer: issuer},
		"a pattern": {Bundle: b, TrustedRoot: trusted, IdentityRegexp: "(", Issuer: issuer},
		"a key":     {Bundle: b, TrustedRoot: trusted, Key: []byte("x")},
	} {
		if a, err := keyless.Verify(ask); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestOldCosign has what Cosign kept in annotations before there were bundles: we make the bundle, and the
// library takes it.
func TestOldCosign(t *testing.T) {
	v, trusted := sigstore(t)
	p := signed(t, v)
	entry, err := json.Marshal(map[string]any{
		"SignedEntryTimestamp": p.entry.InclusionPromise.SignedEntryTimestamp,
		"Payload": map[string]any{
			"body": p.entry.CanonicalizedBody, "integratedTime": p.entry.IntegratedTime,
			"logIndex": p.entry.LogIndex, "logID": hex.EncodeToString(p.entry.LogId.KeyId),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	annotations := map[string]string{
		"dev.sigstore.cosign/certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Raw})),
		"dev.sigstore.cosign/bundle":      string(entry),
	}
	envelope, err := json.Marshal(map[string]any{
		"payloadType": p.envelope.PayloadType, "payload": p.envelope.Payload, "signatures": []any{map[string]any{"keyid": "", "sig": p.envelope.Signatures[0].Sig}},
	})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := attestation.Attached("tag", envelope, annotations)
	if err != nil || !proof.Certified {
		t.Fatalf("%+v, %v", proof, err)
	}
	a, err := keyless.Verify(helper.Verify{Bundle: proof.Bundle, TrustedRoot: trusted, Identity: who, Issuer: issuer})
	if err != nil || a.No != "" || a.Signer != who || a.At.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
}
