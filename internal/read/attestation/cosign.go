package attestation

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// The annotations under which Cosign keeps what belongs to a layer of its artifacts
// (sigstore/cosign, specs/SIGNATURE_SPEC.md).
const (
	atSignature   = "dev.cosignproject.cosign/signature"
	atCertificate = "dev.sigstore.cosign/certificate"
	atChain       = "dev.sigstore.cosign/chain"
	atBundle      = "dev.sigstore.cosign/bundle"
)

// Simple reads a layer of Cosign's artifact of signatures (sha256-….sig): the payload, and its signature
// among the annotations of its descriptor.
func Simple(where string, payload []byte, annotations map[string]string) (Proof, error) {
	sig, err := decode(annotations[atSignature])
	if err != nil || len(sig) == 0 {
		return Proof{}, fmt.Errorf("%s: its layer carries no signature", where)
	}
	p := Proof{Where: where, Payload: payload, Signatures: [][]byte{sig}}
	sum := sha256.Sum256(payload)
	content := map[string]any{"messageSignature": map[string]any{
		"messageDigest": map[string]any{"algorithm": "SHA2_256", "digest": sum[:]}, "signature": sig,
	}}
	return p, p.certify(annotations, content)
}

// Attached reads a layer of Cosign's artifact of attestations (sha256-….att) or of a referrer: an envelope
// or a bundle.
func Attached(where string, b []byte, annotations map[string]string) (Proof, error) {
	p, err := parse(where, b)
	if err != nil || p.Bundle != nil || p.Certified {
		return p, err
	}
	e := dsse.Envelope{PayloadType: p.Type, Payload: base64.StdEncoding.EncodeToString(p.Payload)}
	for _, s := range p.Signatures {
		e.Signatures = append(e.Signatures, dsse.Signature{Sig: base64.StdEncoding.EncodeToString(s)})
	}
	return p, p.certify(annotations, map[string]any{"dsseEnvelope": e})
}

// certify makes the Sigstore bundle of what old versions of Cosign keep in annotations: a certificate, and
// the promise of a log to take the entry in.
func (p *Proof) certify(annotations map[string]string, content map[string]any) error {
	if annotations[atCertificate] == "" {
		return nil
	}
	p.Certified = true
	chain := certificates([]byte(annotations[atCertificate] + "\n" + annotations[atChain]))
	if len(chain) == 0 {
		return fmt.Errorf("%s: its certificate is no PEM", p.Where)
	}
	material := map[string]any{"x509CertificateChain": map[string]any{"certificates": chain}}
	if b := annotations[atBundle]; b != "" {
		entry, err := logEntry([]byte(b))
		if err != nil {
			return fmt.Errorf("%s: the log's entry: %w", p.Where, err)
		}
		material["tlogEntries"] = []any{entry}
	}
	content["mediaType"], content["verificationMaterial"] = bundleType+"+json;version=0.1", material
	var err error
	p.Bundle, err = json.Marshal(content)
	return err
}

// maxChain bounds the certificates of a chain.
const maxChain = 10

// certificates reads PEM; the leaf comes first, and a root that stands last is left out: who trusts it has it.
func certificates(b []byte) (chain []certificate) {
	for len(chain) < maxChain {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" && !isRoot(block.Bytes) {
			chain = append(chain, certificate{block.Bytes})
		}
	}
	return chain
}

// logEntry turns Cosign's form of an entry of Rekor into that of a bundle.
func logEntry(b []byte) (map[string]any, error) {
	var in struct {
		SignedEntryTimestamp []byte
		Payload              struct {
			Body           []byte
			IntegratedTime int64
			LogIndex       int64
			LogID          string
		}
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	var kind struct{ Kind, APIVersion string }
	if err := json.Unmarshal(in.Payload.Body, &kind); err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(in.Payload.LogID)
	if err != nil {
		return nil, errors.New("the log's id is no hex")
	}
	return map[string]any{
		"logIndex": strconv.FormatInt(in.Payload.LogIndex, 10), "integratedTime": strconv.FormatInt(in.Payload.IntegratedTime, 10),
		"logId":            map[string]any{"keyId": id},
		"kindVersion":      map[string]any{"kind": kind.Kind, "version": kind.APIVersion},
		"inclusionPromise": map[string]any{"signedEntryTimestamp": in.SignedEntryTimestamp}, "canonicalizedBody": in.Payload.Body,
	}, nil
}

// decode reads base64 as DSSE allows it: standard or for addresses.
func decode(s string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b, nil
	}
	return base64.URLEncoding.DecodeString(s)
}

func isRoot(der []byte) bool {
	c, err := x509.ParseCertificate(der)
	return err == nil && c.IsCA && bytes.Equal(c.RawIssuer, c.RawSubject)
}
