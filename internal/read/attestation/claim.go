package attestation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The types that are understood.
const (
	StatementV1   = "https://in-toto.io/Statement/v1"
	statementV01  = "https://in-toto.io/Statement/v0.1"
	SummaryV1     = "https://slsa.dev/verification_summary/v1"
	CosignSign    = "https://sigstore.dev/cosign/sign/v1"
	simpleSigning = "cosign container image signature"
)

// Statement is an in-toto statement (in-toto attestation framework, statement.md).
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate,omitempty"`
}

// Subject is one thing that a statement is about.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// Summary is SLSA's verification summary, version 1 (slsa.dev/spec/v1.1/verification_summary).
type Summary struct {
	Verifier struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version,omitempty"`
	} `json:"verifier"`
	TimeVerified       time.Time   `json:"timeVerified"`
	ResourceURI        string      `json:"resourceUri"`
	Policy             Reference   `json:"policy"`
	InputAttestations  []Reference `json:"inputAttestations,omitempty"`
	VerificationResult string      `json:"verificationResult"`
	VerifiedLevels     []string    `json:"verifiedLevels"`
	SLSAVersion        string      `json:"slsaVersion,omitempty"`
}

// Reference names a document by its content.
type Reference struct {
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// The results of a summary.
const (
	Passed = "PASSED"
	Failed = "FAILED"
)

// Claim is what a proof says.
type Claim struct {
	Predicate string   // its type; empty for Cosign's simple signing
	Digests   []string // "sha256:HEX" of what it is about
	Signs     bool     // it says no more than that the image is signed
	Summary   *Summary // a verdict
}

// Claim reads the payload.
func (p Proof) Claim() (Claim, error) {
	if p.Type == "" {
		return p.simple()
	}
	if p.Type != InToto {
		return Claim{}, fmt.Errorf("%s: its payload is %q and no in-toto statement", p.Where, p.Type)
	}
	var s Statement
	if err := json.Unmarshal(p.Payload, &s); err != nil {
		return Claim{}, fmt.Errorf("%s: its payload is no in-toto statement: %w", p.Where, err)
	}
	switch {
	case s.Type != StatementV1 && s.Type != statementV01:
		return Claim{}, fmt.Errorf("%s: %q is no in-toto statement", p.Where, s.Type)
	case len(s.Subject) > maxSubjects:
		return Claim{}, fmt.Errorf("%s: its statement is about %d things, at most %d are read", p.Where, len(s.Subject), maxSubjects)
	}
	c := Claim{Predicate: s.PredicateType, Signs: s.PredicateType == CosignSign}
	for _, sub := range s.Subject {
		if hex := sub.Digest["sha256"]; hex != "" {
			c.Digests = append(c.Digests, "sha256:"+strings.ToLower(hex))
		}
	}
	if s.PredicateType == SummaryV1 {
		c.Summary = new(Summary)
		if err := json.Unmarshal(s.Predicate, c.Summary); err != nil {
			return Claim{}, fmt.Errorf("%s: its predicate is no verification summary: %w", p.Where, err)
		}
	}
	return c, nil
}

// simple reads Cosign's payload (sigstore/cosign, specs/SIGNATURE_SPEC.md).
func (p Proof) simple() (Claim, error) {
	var s struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			}
			Type string
		}
	}
	if err := json.Unmarshal(p.Payload, &s); err != nil {
		return Claim{}, fmt.Errorf("%s: its payload is not Cosign's: %w", p.Where, err)
	}
	if s.Critical.Type != simpleSigning {
		return Claim{}, fmt.Errorf("%s: its payload is %q and not Cosign's", p.Where, s.Critical.Type)
	}
	return Claim{Digests: []string{s.Critical.Image.Digest}, Signs: true}, nil
}
