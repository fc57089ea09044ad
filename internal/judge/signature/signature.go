// Package signature judges what was signed about an image: whether one of the proofs found says yes to the
// question that was asked, and if none does, which test each failed and what to do about it.
//
// Who signed a proof is a fact that is handed in. A proof says yes when it is by the signer that was asked
// for, about this image, a verdict that passed, by the line and policies that were asked for, and neither
// too old nor from the future. The tests come in that order, and what fails the first is not read further:
// nothing that a stranger signed is believed.
package signature

import (
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
)

// Want is the question.
type Want struct {
	Digests []string // of the image: its manifest, and the index that lists it
	Signed  bool     // any signature on the image will do, it need not be a verdict
	// The rest is of verdicts. What is empty is not asked.
	Verifier     string        // id of who verified
	Resource     string        // the URI under which it was verified
	FailOn       string        // the line must deny this severity at the latest
	Unfixed      bool          // the line must deny also what has no fix
	Policies     []string      // NAME or NAME@DIGEST that must have been in force
	PolicyDigest string        // "sha256:HEX" of the whole line
	MaxAge       time.Duration // of the verdict
	MaxDatabase  time.Duration // age of the database that was asked, today
}

// Fact is one proof, looked at.
type Fact struct {
	Where  string
	Signer string    // who signed it, of those asked for; empty: none of them did
	Issuer string    // who vouched for the name; empty where a key signed
	Why    string    // why the signer is not known
	Signed time.Time // by the word of a log or a clock; zero: nobody says
	Claim  attestation.Claim
	Broken error // why the claim could not be read
}

// Refusal is why a proof does not say yes.
type Refusal struct {
	Where string
	Test  string // signer, kind, digest, result, verifier, resource, policy, age or database
	Why   string
	Do    string
}

// Answer is what the proofs say together.
type Answer struct {
	Yes     bool
	By      Fact // the proof that says yes
	Refused []Refusal
}

// Judge asks one proof after the other.
func Judge(w Want, facts []Fact, now time.Time) Answer {
	var a Answer
	for _, f := range facts {
		r := w.refuse(f, now)
		if r == nil {
			return Answer{Yes: true, By: f, Refused: a.Refused}
		}
		r.Where = f.Where
		a.Refused = append(a.Refused, *r)
	}
	slices.SortStableFunc(a.Refused, func(a, b Refusal) int { return slices.Index(Tests, b.Test) - slices.Index(Tests, a.Test) })
	return a
}

// Tests are the tests in their order.
var Tests = []string{"signer", "kind", "digest", "result", "verifier", "resource", "policy", "age", "database"}

func (w Want) refuse(f Fact, now time.Time) *Refusal {
	switch {
	case f.Signer == "":
		return &Refusal{Test: "signer", Why: f.Why, Do: "name the key or the identity that signs for you, and look who signed this"}
	case f.Broken != nil:
		return &Refusal{Test: "kind", Why: f.Broken.Error(), Do: "make the attestation again with plimsoll attest"}
	}
	if r := w.kind(f.Claim); r != nil {
		return r
	}
	if !slices.ContainsFunc(f.Claim.Digests, w.isAbout) {
		return &Refusal{
			Test: "digest", Why: fmt.Sprintf("it is about %s, and the image is %s", list(f.Claim.Digests), list(w.Digests)),
			Do: "scan and attest this very image, or ask for the one that was attested, by its digest",
		}
	}
	if w.Signed {
		return nil
	}
	for _, test := range []func(*attestation.Summary, time.Time) *Refusal{w.result, w.origin, w.policy, w.age, w.database} {
		if r := test(f.Claim.Summary, now); r != nil {
			return r
		}
	}
	return nil
}

func (w Want) kind(c attestation.Claim) *Refusal {
	switch {
	case w.Signed && (c.Signs || c.Summary != nil && c.Summary.VerificationResult == attestation.Passed):
		return nil
	case w.Signed:
		return &Refusal{Test: "kind", Why: fmt.Sprintf("it is no signature of the image but a statement of type %q", c.Predicate), Do: "sign the image, or ask for a verdict"}
	case c.Summary != nil:
		return nil
	case c.Signs:
		return &Refusal{Test: "kind", Why: "it signs the image, and is no verdict", Do: "make one with plimsoll attest, or ask with --for signature"}
	}
	return &Refusal{Test: "kind", Why: fmt.Sprintf("it is no verdict but a statement of type %q", c.Predicate), Do: "make a verdict with plimsoll attest"}
}

func (w Want) isAbout(digest string) bool {
	return slices.ContainsFunc(w.Digests, func(d string) bool { return same(d, digest) })
}

// same compares in a time that does not depend on where they differ.
func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (w Want) result(s *attestation.Summary, _ time.Time) *Refusal {
	if s.VerificationResult == attestation.Passed {
		return nil
	}
	return &Refusal{Test: "result", Why: fmt.Sprintf("its verdict is %q", s.VerificationResult), Do: "mend what plimsoll scan finds in the image, build it again and attest that"}
}

func (w Want) origin(s *attestation.Summary, _ time.Time) *Refusal {
	if w.Verifier != "" && w.Verifier != s.Verifier.ID {
		return &Refusal{Test: "verifier", Why: fmt.Sprintf("it was verified by %q and not by %q", s.Verifier.ID, w.Verifier), Do: "name whom you trust to verify with --verifier"}
	}
	if w.Resource != "" && w.Resource != s.ResourceURI {
		return &Refusal{Test: "resource", Why: fmt.Sprintf("it was verified as %q and not as %q", s.ResourceURI, w.Resource), Do: "attest the image under the name by which it is to be used"}
	}
	return nil
}

func (w Want) policy(s *attestation.Summary, _ time.Time) *Refusal {
	no := func(do, format string, args ...any) *Refusal {
		return &Refusal{Test: "policy", Why: fmt.Sprintf(format, args...), Do: do}
	}
	if has := "sha256:" + s.Policy.Digest["sha256"]; w.PolicyDigest != "" && !same(has, w.PolicyDigest) {
		return no("scan and attest by the line that is asked for, or ask for this one", "it was reached by %s (%s), and %s is asked for", s.Policy.URI, has, w.PolicyDigest)
	}
	if len(w.Policies) == 0 && w.FailOn == "" && !w.Unfixed {
		return nil
	}
	line, err := attestation.ParseLine(s.Policy.URI)
	if err != nil {
		return no("leave out --require-fail-on and --require-policy, and name the policy by --policy-digest", "it does not say which policies were in force: %v", err)
	}
	for _, p := range w.Policies {
		if !slices.ContainsFunc(line.Policies, func(has string) bool { name, _, _ := strings.Cut(has, "@"); return has == p || name == p }) {
			return no("scan with that policy, and attest the report", "policy %s was not in force, but %s", p, list(line.Policies))
		}
	}
	if w.Unfixed && !line.Unfixed {
		return no("attest with --fail-on-unfixed", "its line lets pass what has no fix")
	}
	if w.FailOn != "" && line.Baseline != "" {
		return no("scan without --baseline, and attest that", "what its baseline %s knew could pass its line, and %q is asked for", line.Baseline, w.FailOn)
	}
	if w.FailOn != "" {
		has, err := finding.ParseSeverity(line.FailOn)
		want, _ := finding.ParseSeverity(w.FailOn)
		if err != nil || has.Rank() > want.Rank() {
			return no("attest with --fail-on "+w.FailOn, "its line denies from %q up, and %q is asked for", line.FailOn, w.FailOn)
		}
	}
	return nil
}

// clocks is by how much clocks may differ.
const clocks = 5 * time.Minute

func (w Want) age(s *attestation.Summary, now time.Time) *Refusal {
	age := now.Sub(s.TimeVerified)
	switch at := s.TimeVerified.UTC().Format(time.RFC3339); {
	case s.TimeVerified.IsZero():
		return &Refusal{Test: "age", Why: "it does not say when the image was verified", Do: "make the attestation again"}
	case age < -clocks:
		return &Refusal{Test: "age", Why: fmt.Sprintf("it is from the future: %s", at), Do: "set the clock right, here or where it was made"}
	case w.MaxAge > 0 && age > w.MaxAge:
		return &Refusal{Test: "age", Why: fmt.Sprintf("it is too old: %s, and at most %s are allowed", at, w.MaxAge), Do: "scan the image again with a fresh database, and attest the report"}
	}
	return nil
}

func (w Want) database(s *attestation.Summary, now time.Time) *Refusal {
	if w.MaxDatabase == 0 {
		return nil
	}
	built := s.DatabaseBuilt()
	switch age := now.Sub(built); {
	case built.IsZero():
		return &Refusal{Test: "database", Why: "it does not say of when the advisories were", Do: "make the attestation again with plimsoll attest"}
	case age > w.MaxDatabase || age < -clocks:
		return &Refusal{
			Test: "database", Why: fmt.Sprintf("its advisories are of %s, and at most %s are allowed", built.Format(time.DateOnly), w.MaxDatabase),
			Do: "fetch a newer database (plimsoll db update), scan again and attest the report",
		}
	}
	return nil
}

// list shortens a list for people.
func list(all []string) string {
	const most = 3
	switch {
	case len(all) == 0:
		return "nothing"
	case len(all) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}
