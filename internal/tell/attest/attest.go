// Package attest turns a report into a signed verdict: an in-toto statement with SLSA's verification
// summary, in a Sigstore bundle, beside the image together with the report and the bill of materials.
//
// Only what passed gets a verdict of PASSED: a report that denies, that is incomplete, or that was judged by
// a gate which only reports makes none. What the summary names by digest, the line, the database, the report
// and the bill of materials, can be held against it later.
package attest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
)

// Input is what a verdict is made of.
type Input struct {
	Report  *finding.Report
	Raw     []byte // the report as it was written
	Bill    []byte // a bill of materials of the same image; none where empty
	Line    gate.Line
	Version string // of this program
	Now     time.Time
	// Failing makes a verdict of FAILED of a report that does not pass; without it that is an error.
	Failing bool
}

// RefusedError says that a report gets no verdict of PASSED.
type RefusedError struct {
	Action finding.Action // of the report, or what the line makes of it
	Why    string
}

func (e *RefusedError) Error() string {
	return "no attestation is made: " + e.Why
}

// Verdict is one statement, and what it is about.
type Verdict struct {
	Statement attestation.Statement
	Subjects  []Subject
	Passed    bool
}

// Subject is one image for one platform. Its digest is that of its manifest, or of its configuration where an
// engine keeps no manifests; Index is that of the index which lists it.
type Subject struct{ Name, Digest, Index string }

// Verdicts makes a statement for each image of a report. The platforms of one image share theirs.
func Verdicts(in Input) ([]Verdict, error) {
	if err := complete(in.Report); err != nil {
		return nil, err
	}
	refused := in.refuse()
	if refused != nil && (!in.Failing || refused.Action == "") {
		return nil, refused
	}
	var all []Verdict
	for _, group := range byImage(in.Report.Targets) {
		s, err := in.statement(group, refused == nil)
		if err != nil {
			return nil, err
		}
		v := Verdict{Statement: s, Passed: refused == nil}
		for _, t := range group {
			v.Subjects = append(v.Subjects, Subject{t.Name, t.Digest, t.IndexDigest})
		}
		all = append(all, v)
	}
	return all, nil
}

// complete wants a report of images that was judged.
func complete(r *finding.Report) error {
	switch {
	case r.Schema != finding.Schema:
		return fmt.Errorf("read report: its schema is %q and not %q: plimsoll scan -o json writes one", r.Schema, finding.Schema)
	case !r.Judged():
		return errors.New("read report: it is an inventory, which nobody judged: attest what plimsoll scan -o json writes")
	case len(r.Targets) == 0:
		return errors.New("read report: it has no target")
	case r.Tool.Database == nil:
		return errors.New("read report: it does not say which advisories were asked")
	}
	for _, t := range r.Targets {
		if t.Kind == "sbom" {
			return fmt.Errorf("read report: %s is what an SBOM says of an image, and nobody looked at the image: attest the image", t.Name)
		}
		if image.CheckDigest(t.Digest) != nil {
			return fmt.Errorf("read report: %s (%s) has no digest, and so nothing that an attestation could be about: attest an image", t.Name, t.Kind)
		}
	}
	return nil
}

// refuse holds the report against its own verdict, and once more against the line: a report may be of a
// gate that only reported.
func (in Input) refuse() *RefusedError {
	r := in.Report
	switch {
	case in.Line.FailOn == "" && in.Line.Policies:
		return &RefusedError{Why: "a line of policies alone (--fail-on policy) is not what an attestation vouches for: name a severity beside them"}
	case in.Line.FailOn == "":
		return &RefusedError{Why: "a gate that only reports (--fail-on none) lets everything pass: name a severity"}
	case r.Verdict.Action == finding.Deny, r.Verdict.Action == finding.Incomplete:
		return &RefusedError{r.Verdict.Action, fmt.Sprintf("the report's verdict is %s: %s", r.Verdict.Action, reasons(r))}
	case r.Verdict.Action != finding.Pass && r.Verdict.Action != finding.Warn:
		return &RefusedError{Why: fmt.Sprintf("the report's verdict is %q, which is none", r.Verdict.Action)}
	case r.Tool.Hidden > 0: // they cannot be held against the line
		return &RefusedError{Why: fmt.Sprintf("filters took %d findings out of the report: scan without --severity, --only-fixed, --base-only and --app-only", r.Tool.Hidden)}
	case len(r.Tool.Checks) > 0:
		return &RefusedError{Why: fmt.Sprintf("only some of the checks ran (%s), and what the others find is not known: scan without --checks", strings.Join(r.Tool.Checks, ", "))}
	}
	again := *r
	again.Targets, again.Coverage = slices.Clone(r.Targets), slices.Clone(r.Coverage)
	line := in.Line
	line.Allow = append(slices.Clone(line.Allow), accepted(r)...)
	gate.Judge(&again, line)
	if a := again.Verdict.Action; a == finding.Deny || a == finding.Incomplete {
		return &RefusedError{a, fmt.Sprintf("by the line --fail-on %s its verdict is %s: %s", in.Line.FailOn, a, reasons(&again))}
	}
	return nil
}

func reasons(r *finding.Report) string {
	var all []string
	for _, reason := range r.Verdict.Reasons {
		all = append(all, reason.Message)
	}
	return strings.Join(all, "; ")
}

// accepted are the classes of gap that were accepted when the report was made.
func accepted(r *finding.Report) []string {
	var all []string
	for _, g := range r.Coverage {
		if g.Blocking && g.Allowed && !slices.Contains(all, g.Class) {
			all = append(all, g.Class)
		}
	}
	slices.Sort(all)
	return all
}

// byImage gathers the targets that are platforms of one image.
func byImage(targets []finding.Target) [][]finding.Target {
	var groups [][]finding.Target
	for _, t := range targets {
		i := slices.IndexFunc(groups, func(g []finding.Target) bool {
			return g[0].Digest == t.Digest || t.IndexDigest != "" && g[0].IndexDigest == t.IndexDigest
		})
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], t)
	}
	return groups
}

func (in Input) statement(group []finding.Target, passed bool) (attestation.Statement, error) {
	s := attestation.Statement{Type: attestation.StatementV1, PredicateType: attestation.SummaryV1}
	for _, t := range group {
		s.Subject = append(s.Subject, attestation.Subject{Name: t.Name, Digest: digestSet(t.Digest)})
	}
	r := in.Report
	line := attestation.Line{FailOn: string(in.Line.FailOn), Unfixed: in.Line.Unfixed, AllowGap: append(accepted(r), in.Line.Allow...)}
	for _, p := range r.Tool.Policies {
		line.Policies = append(line.Policies, p.Name+"@"+p.Digest)
	}
	for _, f := range r.Tool.Files {
		if f.Kind == "baseline" {
			line.Baseline = f.Digest
		} else {
			line.Exceptions = append(line.Exceptions, f.Digest)
		}
	}
	sum := attestation.Summary{
		TimeVerified: in.Now.UTC().Truncate(time.Second), ResourceURI: resource(group[0].Name), Policy: line.Reference(),
		VerificationResult: attestation.Failed, VerifiedLevels: []string{}, SLSAVersion: "1.1",
		InputAttestations: []attestation.Reference{
			attestation.Database(r.Tool.Database.Digest, r.Tool.Database.Built, r.Tool.Database.AsOf),
			{URI: "plimsoll:report", Digest: digestSet(image.DigestOf(in.Raw))},
		},
	}
	sum.Verifier.ID, sum.Verifier.Version = attestation.VerifierID, map[string]string{"plimsoll": in.Version}
	if passed {
		sum.VerificationResult = attestation.Passed
	}
	if passed && line.Baseline == "" { // with one, what is past the line may have been there before
		sum.VerifiedLevels = []string{"PLIMSOLL_FAIL_ON_" + strings.ToUpper(string(in.Line.FailOn))}
	}
	if len(in.Bill) > 0 {
		sum.InputAttestations = append(sum.InputAttestations, attestation.Reference{URI: "plimsoll:sbom", Digest: digestSet(image.DigestOf(in.Bill))})
	}
	var err error
	s.Predicate, err = json.Marshal(sum)
	return s, err
}

// resource is the name under which an image was verified, without the tag that may move.
func resource(name string) string {
	ref, err := image.ParseReference(name)
	if err != nil {
		return name
	}
	return "oci:" + ref.Name()
}

func digestSet(digest string) map[string]string {
	algorithm, sum, _ := strings.Cut(digest, ":")
	if _, err := hex.DecodeString(sum); err != nil || algorithm != "sha256" {
		return map[string]string{}
	}
	return map[string]string{algorithm: sum}
}
