package keyless_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	check "github.com/plimsoll/plimsoll/internal/read/attestation/keyless"
	"github.com/plimsoll/plimsoll/internal/tell/attest/keyless"
)

const (
	who       = "build@example.com"
	statement = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}],"predicateType":"https://slsa.dev/verification_summary/v1","predicate":{}}`
)

// signAndCheck signs under a certificate of an authority, and has the verifier look at it.
func signAndCheck(t *testing.T, fulcio, issuer, token string, authority *x509.Certificate) {
	t.Helper()
	a, err := keyless.Sign(t.Context(), helper.Sign{Type: attestation.InToto, Payload: []byte(statement), Token: token, Fulcio: fulcio})
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := attestation.Parse("bundle", a.Bundle)
	if err != nil || !proofs[0].Certified {
		t.Fatalf("%v: %s", err, a.Bundle)
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, []root.CertificateAuthority{
		&root.FulcioCertificateAuthority{Root: authority, ValidityPeriodStart: authority.NotBefore, ValidityPeriodEnd: authority.NotAfter, URI: fulcio},
	}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := trusted.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	ask := helper.Verify{Bundle: a.Bundle, TrustedRoot: file, Identity: who, Issuer: issuer}
	if a, err := check.Verify(ask); err != nil || a.No != "" || a.Signer != who || a.Issuer != issuer {
		t.Errorf("%+v, %v", a, err)
	}
	ask.Identity = "somebody@example.com"
	if a, err := check.Verify(ask); err != nil || a.No == "" {
		t.Errorf("somebody else: %+v, %v", a, err)
	}
}

// TestStandIn signs under a certificate of a stand-in for Fulcio, which answers as its API says and believes
// any token.
func TestStandIn(t *testing.T) {
	const issuer = "https://issuer.example.com"
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stand-in"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			PublicKeyRequest struct{ PublicKey struct{ Content string } }
		}
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/api/v2/signingCert" || json.Unmarshal(b, &in) != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		block, _ := pem.Decode([]byte(in.PublicKeyRequest.PublicKey.Content))
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			http.Error(w, "no key", http.StatusBadRequest)
			return
		}
		value, _ := asn1.MarshalWithParams(issuer, "utf8")
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(10 * time.Minute), EmailAddresses: []string{who},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: value}},
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, authority, public, caKey)
		if err != nil {
			http.Error(w, "no certificate", http.StatusInternalServerError)
			return
		}
		chain := []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}))}
		_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}})
	}))
	defer s.Close()
	token := token(t, issuer)
	signAndCheck(t, s.URL, issuer, token, authority)
	for name, ask := range map[string]helper.Sign{
		"no address":    {Fulcio: "fulcio", Token: token},
		"a wrong log":   {Fulcio: s.URL, Token: token, Rekor: "rekor"},
		"nobody there":  {Fulcio: "http://127.0.0.1:1", Token: token},
		"no token":      {Fulcio: s.URL},
		"another place": {Fulcio: s.URL + "/elsewhere", Token: token},
	} {
		ask.Type, ask.Payload = attestation.InToto, []byte(statement)
		if a, err := keyless.Sign(t.Context(), ask); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

// token is one in form only: the stand-in looks at no signature.
func token(t *testing.T, issuer string) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"iss": issuer, "aud": "sigstore", "sub": "1", "email": who, "email_verified": true, "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims) + ".AAAA"
}
