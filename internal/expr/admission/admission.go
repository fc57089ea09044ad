// Package admission evaluates Kubernetes' ValidatingAdmissionPolicies outside of the API server, with the API
// server's own functions, values and bounds on cost (k8s.io/apiserver/pkg/cel).
//
// A policy is compiled once ([Compile]) and evaluated on a [Request] with each of its parameters. Which policy looks at
// which request, and what becomes of what it does not admit, is not decided here: see package
// weigh/policy/native. What an expression asks of an authorizer and nobody can answer is not decided
// either way: the [Decision] says so.
//
// The server's packages admission/plugin/cel and policy/validating do the same and are not used: they link metrics,
// feature gates and informers, and their result does not say which expression asked what. What was left to write is
// which names expressions have, and the order in which results become messages; tests hold both, one against those
// packages, one against a real API server.
package admission

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/expr"
)

// Error is what is wrong with one expression of a policy; Field is where it stands, as in spec.validations[0].expression.
type Error struct {
	Field string
	At    *expr.Error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.At) }

func (e *Error) Unwrap() error { return e.At }

// Result is what a policy says of one request with one parameter.
type Result struct {
	// Decisions are one for each validation; or a single one of the whole policy. None: the policy's conditions keep it
	// from looking.
	Decisions []Decision
	// Annotations are for the audit log.
	Annotations []Annotation
}

// Verdict is what became of an expression.
type Verdict string

// The verdicts. What failed denies or is passed over, as the policy's failurePolicy says; what is unknown is neither.
const (
	Admitted Verdict = "admitted"
	Denied   Verdict = "denied"
	Failed   Verdict = "failed"
	Unknown  Verdict = "unknown"
)

// Decision is what one validation says.
type Decision struct {
	Field   string // spec.validations[0].expression; spec of the whole policy
	Index   int    // of the validation
	Verdict Verdict
	Message string
	Reason  metav1.StatusReason // of a denial
}

// Annotation is one for the audit log. Failed says why it could not be made.
type Annotation struct {
	Field, Key, Value string
	Failed            string
}

func fieldOf(list string, i int, of string) string { return fmt.Sprintf("spec.%s[%d].%s", list, i, of) }
