// Package attestation reads what was signed about an image: in-toto statements in a DSSE envelope or a
// Sigstore bundle, and Cosign's signatures over its "simple signing" payload.
//
// [Parse] turns a file into proofs, [Simple] and [Attached] turn what Cosign keeps in a registry into one.
// A [Proof] says whether a key signed it, and what it claims. Whether the claim is the one that was asked
// for is judge/signature's question. A proof under a certificate is checked by folder keyless; where proofs
// lie beside an image is the business of folder place; keys are that of folder key.
package attestation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
)

// The media types by which proofs are known.
const (
	InToto      = "application/vnd.in-toto+json"
	BundleV03   = "application/vnd.dev.sigstore.bundle.v0.3+json"
	DSSE        = "application/vnd.dsse.envelope.v1+json"
	SimpleLayer = "application/vnd.dev.cosign.simplesigning.v1+json"

	bundleType = "application/vnd.dev.sigstore.bundle"
)

// Bounds of what is read.
const (
	MaxProof      = 4 << 20 // bytes of one envelope or bundle
	MaxFile       = 16 << 20
	maxProofs     = 100 // in one file
	maxSignatures = 16  // of one envelope
	maxSubjects   = 1000
)

// Proof is one signed thing. Nothing of it is to be believed before somebody whom one trusts is known to
// have signed it.
type Proof struct {
	Where   string // for people: which referrer, tag or file it is
	Type    string // of the payload, as DSSE signs it; empty for Cosign's simple signing
	Payload []byte
	// Signatures are over the payload and its type, or over the payload alone where Type is empty.
	Signatures [][]byte
	// Bundle is the proof as a Sigstore bundle in JSON, where it has a certificate or a log's entry.
	Bundle []byte
	// Certified says that a certificate goes with the signature: a key of one's own does not check it.
	Certified bool
}

// SignedBy says whether the key made one of the signatures.
func (p Proof) SignedBy(k key.Public) bool {
	message := p.Payload
	if p.Type != "" {
		message = dsse.PAE(p.Type, p.Payload)
	}
	for _, s := range p.Signatures {
		if k.Verify(message, s) {
			return true
		}
	}
	return false
}

// Parse reads a file: an envelope, a Sigstore bundle, or several of them one after the other.
func Parse(where string, file []byte) ([]Proof, error) {
	if len(file) > MaxFile {
		return nil, fmt.Errorf("%s: %d bytes are too many for attestations", where, len(file))
	}
	var all []Proof
	d := json.NewDecoder(bytes.NewReader(file))
	for {
		var one json.RawMessage
		err := d.Decode(&one)
		switch {
		case errors.Is(err, io.EOF) && len(all) > 0:
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%s is empty", where)
		case err != nil:
			return nil, fmt.Errorf("%s is no attestation: %w", where, err)
		case len(all) == maxProofs:
			return nil, fmt.Errorf("%s has more than %d attestations", where, maxProofs)
		}
		p, err := parse(where, one)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// bundle is a Sigstore bundle (protobuf-specs, sigstore_bundle.proto) as far as it is read here.
type bundle struct {
	MediaType            string
	VerificationMaterial struct {
		Certificate          *certificate
		X509CertificateChain *struct{ Certificates []certificate }
		PublicKey            *struct{ Hint string }
		TlogEntries          []json.RawMessage
	}
	DSSEEnvelope     *dsse.Envelope
	MessageSignature json.RawMessage
}

type certificate struct {
	RawBytes []byte `json:"rawBytes"`
}

func parse(where string, b []byte) (Proof, error) {
	if len(b) > MaxProof {
		return Proof{}, fmt.Errorf("%s: %d bytes are too many for an attestation", where, len(b))
	}
	var head struct{ MediaType, PayloadType string }
	if err := json.Unmarshal(b, &head); err != nil {
		return Proof{}, fmt.Errorf("%s is no attestation: %w", where, err)
	}
	switch {
	case head.PayloadType != "":
		var e dsse.Envelope
		if err := json.Unmarshal(b, &e); err != nil {
			return Proof{}, fmt.Errorf("%s is no envelope: %w", where, err)
		}
		return envelope(where, &e)
	case strings.HasPrefix(head.MediaType, bundleType):
		return parseBundle(where, b)
	}
	return Proof{}, fmt.Errorf("%s is neither a DSSE envelope nor a Sigstore bundle", where)
}

func parseBundle(where string, b []byte) (Proof, error) {
	var in bundle
	if err := json.Unmarshal(b, &in); err != nil {
		return Proof{}, fmt.Errorf("%s is no Sigstore bundle: %w", where, err)
	}
	if in.DSSEEnvelope == nil {
		return Proof{}, fmt.Errorf("%s is a bundle without an envelope: it signs a file and says nothing of an image", where)
	}
	p, err := envelope(where, in.DSSEEnvelope)
	m := in.VerificationMaterial
	p.Certified = m.Certificate != nil || m.X509CertificateChain != nil
	if p.Certified || len(m.TlogEntries) > 0 {
		p.Bundle = b
	}
	return p, err
}

func envelope(where string, e *dsse.Envelope) (Proof, error) {
	p := Proof{Where: where, Type: e.PayloadType}
	var err error
	if p.Payload, err = e.DecodeB64Payload(); err != nil {
		return Proof{}, fmt.Errorf("%s: its payload is no base64", where)
	}
	switch {
	case e.PayloadType == "":
		return Proof{}, fmt.Errorf("%s: its envelope does not say what its payload is", where)
	case len(e.Signatures) == 0:
		return Proof{}, fmt.Errorf("%s: its envelope has no signature", where)
	case len(e.Signatures) > maxSignatures:
		return Proof{}, fmt.Errorf("%s: its envelope has %d signatures, at most %d are checked", where, len(e.Signatures), maxSignatures)
	}
	for _, s := range e.Signatures {
		sig, err := decode(s.Sig)
		if err != nil {
			return Proof{}, fmt.Errorf("%s: a signature is no base64", where)
		}
		p.Signatures = append(p.Signatures, sig)
	}
	return p, nil
}
