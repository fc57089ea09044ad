package admission

import (
	"context"
	"fmt"
	"strings"

	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Evaluate holds a request against the policy, with one parameter or none.
func (p *Policy) Evaluate(ctx context.Context, r *Request, params runtime.Object) Result {
	e := &evaluation{Policy: p, request: r, params: params}
	if matches, decided := e.match(ctx); !matches || decided != nil {
		return Result{Decisions: decided}
	}
	decisions, whole := e.validate(ctx)
	if whole {
		return Result{Decisions: decisions}
	}
	annotations, err := e.annotate(ctx)
	if err != nil {
		return Result{Decisions: e.failed(err)}
	}
	return Result{Decisions: decisions, Annotations: annotations}
}

type evaluation struct {
	*Policy
	request *Request
	params  runtime.Object
}

// match evaluates the conditions under which the policy looks at all. The API server knows no namespace in them.
func (e *evaluation) match(ctx context.Context) (matches bool, decided []Decision) {
	if len(e.conditions) == 0 {
		return true, nil
	}
	results, _, unknown, err := e.run(ctx, e.conditions, true, celtypes.NullValue, celconfig.RuntimeCELCostBudgetMatchConditions)
	if err != nil {
		if e.ignores() {
			return false, nil
		}
		return true, e.failed(err)
	}
	var errs []error
	for i, r := range results {
		if r.value == celtypes.False && (len(unknown) == 0 || len(e.asks(ctx, e.conditions[i], celtypes.NullValue)) == 0) {
			return false, nil
		}
		if r.err != nil {
			errs = append(errs, r.err)
		}
	}
	switch {
	case len(unknown) > 0:
		return true, e.unknown(unknown)
	case len(errs) == 0:
		return true, nil
	case e.ignores():
		return false, nil
	}
	return true, e.failed(utilerrors.NewAggregate(errs))
}

// asks is what one expression asks, alone, and nobody can answer.
func (e *evaluation) asks(ctx context.Context, of step, in ref.Val) []string {
	_, _, unknown, _ := e.run(ctx, []step{of}, true, in, celconfig.RuntimeCELCostBudget)
	return unknown
}

// validate evaluates the validations and their messages. Whole says that there is one decision for all.
func (e *evaluation) validate(ctx context.Context) (decisions []Decision, whole bool) {
	in := e.request.values().visible
	results, left, unknown, err := e.run(ctx, e.validations, true, in, celconfig.RuntimeCELCostBudget)
	if err != nil {
		if len(unknown) > 0 {
			return e.unknown(unknown), true
		}
		return e.failed(err), true
	}
	messages, _, _, err := e.run(ctx, e.messages, false, in, left)
	for i, r := range results {
		d := Decision{Field: e.validations[i].field, Index: i, Verdict: Admitted}
		var asked []string
		if len(unknown) > 0 {
			asked = e.asks(ctx, e.validations[i], in)
		}
		switch {
		case len(asked) > 0:
			d.Verdict, d.Message = Unknown, missing(asked)
		case r.err != nil:
			d.Verdict, d.Message = Failed, r.err.Error()
		case err != nil:
			d.Verdict, d.Message = Failed, fmt.Sprintf("failed messageExpression: %s", err)
		case r.value != celtypes.True:
			d.Verdict, d.Reason = Denied, metav1.StatusReasonInvalid
			if given := e.spec.Validations[i].Reason; given != nil {
				d.Reason = *given
			}
			var made answer
			if i < len(messages) {
				made = messages[i]
			}
			d.Message = message(&e.spec.Validations[i], made)
		}
		decisions = append(decisions, d)
	}
	return decisions, false
}

// message is what an expression makes, if it is one short line; or else what is written, or the expression that was
// not true.
func message(of *v1.Validation, made answer) string {
	if made.err == nil && made.value != nil {
		text, _ := made.value.Value().(string)
		text = strings.TrimSpace(text)
		if text != "" && len(text) <= celconfig.MaxEvaluatedMessageExpressionSizeBytes && !strings.Contains(text, "\n") {
			return text
		}
	}
	if of.Message != "" {
		return strings.TrimSpace(of.Message)
	}
	return fmt.Sprintf("failed expression: %v", strings.TrimSpace(of.Expression))
}

// annotate evaluates what is written into the audit log. The API server gives these expressions no authorizer.
func (e *evaluation) annotate(ctx context.Context) (all []Annotation, err error) {
	results, _, _, err := e.run(ctx, e.annotations, false, e.request.values().whole, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		a := Annotation{Field: e.annotations[i].field, Key: e.spec.AuditAnnotations[i].Key}
		if r.err != nil {
			if a.Failed = r.err.Error(); e.ignores() {
				continue
			}
		} else if text, ok := r.value.Value().(string); ok {
			a.Value = strings.TrimSpace(text)
		}
		if a.Failed != "" || a.Value != "" {
			all = append(all, a)
		}
	}
	return all, nil
}

func (e *evaluation) failed(err error) []Decision {
	return []Decision{{Field: "spec", Verdict: Failed, Message: err.Error()}}
}

func (e *evaluation) unknown(what []string) []Decision {
	return []Decision{{Field: "spec", Verdict: Unknown, Message: missing(what)}}
}

func missing(what []string) string { return "it would have to be known " + strings.Join(what, "; ") }

func (p *Policy) ignores() bool { return p.failures == v1.Ignore }
