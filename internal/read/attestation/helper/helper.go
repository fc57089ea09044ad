// Package helper speaks with plimsoll-sigstore, the program that holds Sigstore's library: one request as
// JSON on its standard input, one answer on its standard output.
//
// The library is a program of its own because linking it would cost every call of plimsoll more start-up
// than it has, and would put 71 modules behind what reads hostile images as root
// (docs/decisions/0403-sigstore-in-a-program-of-its-own.md).
package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/plimsoll/plimsoll/internal/sibling"
)

// Name is the program's.
const Name = "plimsoll-sigstore"

// Request asks for one thing: Verify or Sign.
type Request struct {
	Verify *Verify `json:"verify,omitempty"`
	Sign   *Sign   `json:"sign,omitempty"`
}

// Verify asks whether a bundle holds, and who signed it.
type Verify struct {
	Bundle  json.RawMessage `json:"bundle"`
	Payload []byte          `json:"payload,omitempty"` // what a bundle without an envelope signs
	// TrustedRoot is Sigstore's trusted_root.json: the authorities, logs and clocks that count. What it
	// names of logs and clocks is demanded.
	TrustedRoot json.RawMessage `json:"trustedRoot"`
	// Identity and Issuer are whom the certificate must name; the Regexp forms are patterns for the whole.
	Identity       string `json:"identity,omitempty"`
	IdentityRegexp string `json:"identityRegexp,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
	IssuerRegexp   string `json:"issuerRegexp,omitempty"`
	// Key is the PEM file of a public key instead, for a bundle of a key that stands in a log.
	Key []byte `json:"key,omitempty"`
}

// Sign asks for a bundle under a certificate.
type Sign struct {
	Type    string `json:"type"` // of the payload
	Payload []byte `json:"payload"`
	Token   string `json:"token"`           // OIDC identity token
	Fulcio  string `json:"fulcio"`          // address of the authority
	Rekor   string `json:"rekor,omitempty"` // address of a log; none: no entry
	RekorV2 bool   `json:"rekorV2,omitempty"`
	Clock   string `json:"clock,omitempty"` // address of a timestamping authority (RFC 3161)
}

// Answer is what came of it.
type Answer struct {
	Signer string    `json:"signer,omitempty"`
	Issuer string    `json:"issuer,omitempty"`
	At     time.Time `json:"at,omitzero"` // when it was signed, by the word of a log or clock
	// Type and Payload are what was found signed in the bundle's envelope. Who read the bundle by other means
	// holds against them what it believes.
	Type    string `json:"type,omitempty"`
	Payload []byte `json:"payload,omitempty"`
	// No is why a bundle does not hold.
	No     string          `json:"no,omitempty"`
	Bundle json.RawMessage `json:"bundle,omitempty"`
	// Wrong is why nothing could be done: the request is wrong, or somebody does not answer.
	Wrong string `json:"wrong,omitempty"`
}

// maxAnswer bounds what is read of the other side.
const maxAnswer = 16 << 20

var program = sibling.Program{Name: Name, Does: "checking and making signatures without a key", Max: maxAnswer}

// Here says whether the program is there, and if not, where it is to be had.
func Here() error { return program.Here() }

// Ask runs the program: the one beside this one, else the one that the PATH finds.
func Ask(ctx context.Context, r Request) (Answer, error) {
	var a Answer
	if err := program.Ask(ctx, r, &a); err != nil {
		return Answer{}, err
	}
	if a.Wrong != "" {
		return a, errors.New(a.Wrong)
	}
	return a, nil
}

// Serve answers one request with those that do the work.
func Serve(ctx context.Context, in io.Reader, out io.Writer, verify func(Verify) (Answer, error), sign func(context.Context, Sign) (Answer, error)) error {
	var r Request
	b, err := io.ReadAll(io.LimitReader(in, maxAnswer*4))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return fmt.Errorf("read request: %w (this program is called by plimsoll attest and plimsoll verify)", err)
	}
	var a Answer
	switch {
	case r.Verify != nil:
		a, err = verify(*r.Verify)
	case r.Sign != nil:
		a, err = sign(ctx, *r.Sign)
	default:
		err = errors.New("the request asks for nothing")
	}
	if err != nil {
		a.Wrong = err.Error()
	}
	return json.NewEncoder(out).Encode(a)
}
