// Package keyless has Sigstore's own verifier look at a bundle. It alone imports it, and only the program
// plimsoll-sigstore imports this package.
package keyless

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/plimsoll/plimsoll/internal/read/attestation/helper"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
)

// Verify says who signed a bundle, or why it does not hold. An error means that the question is wrong.
//
// What the trusted root names is demanded: an entry of a log where it names logs, a timestamp where it names
// clocks and no log, a certificate that was logged where it names logs of certificates. Where it names
// neither log nor clock, the certificate must be valid now.
func Verify(ask helper.Verify) (helper.Answer, error) {
	trusted, err := root.NewTrustedRootFromJSON(ask.TrustedRoot)
	if err != nil {
		return helper.Answer{}, fmt.Errorf("--trusted-root: read Sigstore's trusted root: %w", err)
	}
	return verifyWith(trusted, ask)
}

func verifyWith(trusted root.TrustedMaterial, ask helper.Verify) (helper.Answer, error) {
	var b bundle.Bundle
	if err := json.Unmarshal(ask.Bundle, &b); err != nil {
		return helper.Answer{No: fmt.Sprintf("it is no Sigstore bundle: %v", err)}, nil
	}
	who, err := signer(ask)
	if err != nil {
		return helper.Answer{}, err
	}
	material := trusted
	if len(ask.Key) > 0 {
		if material, err = withKey(trusted, ask.Key); err != nil {
			return helper.Answer{}, err
		}
	}
	verifier, err := verify.NewVerifier(material, demands(trusted, len(ask.Key) > 0)...)
	if err != nil {
		return helper.Answer{}, err
	}
	what := verify.WithoutArtifactUnsafe() // an envelope: what its statement is about, plimsoll reads itself
	if len(ask.Payload) > 0 {
		what = verify.WithArtifact(bytes.NewReader(ask.Payload))
	}
	result, err := verifier.Verify(&b, verify.NewPolicy(what, who))
	if err != nil {
		return helper.Answer{No: strings.TrimSuffix(err.Error(), "; error: %!w(<nil>)")}, nil // the library's slip
	}
	a := answer(result)
	if e := b.GetDsseEnvelope(); e != nil {
		a.Type, a.Payload = e.PayloadType, e.Payload
	}
	return a, nil
}

func answer(result *verify.VerificationResult) helper.Answer {
	var a helper.Answer
	if result.Signature != nil && result.Signature.Certificate != nil {
		c := result.Signature.Certificate
		a.Signer, a.Issuer = c.SubjectAlternativeName, c.Issuer
	}
	for _, t := range result.VerifiedTimestamps {
		if t.Type != "CurrentTime" && (a.At.IsZero() || t.Timestamp.Before(a.At)) {
			a.At = t.Timestamp.UTC()
		}
	}
	return a
}

// signer is whom the certificate must name; a certificate of nobody in particular is no question.
func signer(ask helper.Verify) (verify.PolicyOption, error) {
	if len(ask.Key) > 0 {
		return verify.WithKey(), nil
	}
	if ask.Identity == "" && ask.IdentityRegexp == "" || ask.Issuer == "" && ask.IssuerRegexp == "" {
		return nil, errors.New("a certificate is checked by whom it names and by who vouched for that: --certificate-identity and --certificate-oidc-issuer")
	}
	id, err := verify.NewShortCertificateIdentity(ask.Issuer, whole(ask.IssuerRegexp), ask.Identity, whole(ask.IdentityRegexp))
	if err != nil {
		return nil, err
	}
	return verify.WithCertificateIdentity(id), nil
}

// whole has a pattern match all of a name, and not only a part of it.
func whole(pattern string) string {
	if pattern == "" {
		return ""
	}
	return `\A(?:` + pattern + `)\z`
}

func demands(trusted root.TrustedMaterial, byKey bool) []verify.VerifierOption {
	var all []verify.VerifierOption
	logs, clocks := len(trusted.RekorLogs()), len(trusted.TimestampingAuthorities())
	if logs > 0 {
		all = append(all, verify.WithTransparencyLog(1))
	}
	switch {
	case logs > 0, clocks > 0 && !byKey:
		all = append(all, verify.WithObserverTimestamps(1))
	case byKey:
		all = append(all, verify.WithNoObserverTimestamps())
	default:
		all = append(all, verify.WithCurrentTime())
	}
	if len(trusted.CTLogs()) > 0 && !byKey {
		all = append(all, verify.WithSignedCertificateTimestamps(1))
	}
	return all
}

// withKey trusts a key as well, whatever name a bundle gives it.
func withKey(trusted root.TrustedMaterial, file []byte) (root.TrustedMaterial, error) {
	k, err := key.ParsePublic(file)
	if err != nil {
		return nil, err
	}
	v, err := signature.LoadDefaultVerifier(k.Crypto())
	if err != nil {
		return nil, err
	}
	always := root.NewExpiringKey(v, time.Time{}, time.Time{})
	return root.TrustedMaterialCollection{trusted, root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return always, nil
	})}, nil
}
