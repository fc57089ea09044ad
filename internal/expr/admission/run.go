package admission

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/lazy"
	"k8s.io/apiserver/pkg/cel/library"
)

// answer is what one expression gave, or why it did not.
type answer struct {
	value ref.Val
	err   error
}

var errBudget = errors.New("validation failed due to running out of cost budget, no further validation rules will be run")

// run evaluates expressions one after the other, as far as a budget lasts. Unknown is what they asked and nobody can
// answer.
func (e *evaluation) run(ctx context.Context, of []step, may bool, in ref.Val, budget int64) (answers []answer, left int64, unknown []string, err error) {
	if len(of) == 0 {
		return nil, budget, nil, nil
	}
	a := &activation{ctx: ctx, of: e, namespace: in}
	if may {
		a.ask = &asker{may: e.request.May}
		defer func() { unknown = a.ask.unknown }()
	}
	answers = make([]answer, len(of))
	for i, s := range of {
		if s.run == nil {
			continue
		}
		out, cost, err := s.eval(a)
		if cost, a.spent = cost+a.spent, 0; cost > budget || cost < 0 {
			return nil, 0, nil, errBudget
		}
		budget -= cost
		if answers[i].value = out; err != nil {
			answers[i] = answer{err: fmt.Errorf("expression '%v' resulted in error: %v", s.text, err)}
		}
	}
	return answers, budget, nil, nil
}

// eval evaluates one expression, and says what it did cost.
func (s *step) eval(a *activation) (ref.Val, int64, error) {
	out, details, err := s.run.ContextEval(a.ctx, a)
	return out, costOf(details), err
}

func costOf(d *cel.EvalDetails) int64 {
	if d == nil || d.ActualCost() == nil || *d.ActualCost() > math.MaxInt64 {
		return math.MaxInt64 / 2 // a cost that is not known is too much
	}
	return int64(*d.ActualCost())
}

// activation gives expressions their variables.
type activation struct {
	ctx       context.Context //nolint:containedctx // it lives as long as one call does
	of        *evaluation
	ask       *asker
	namespace ref.Val
	variables *lazy.MapValue
	spent     int64 // by variables, each of which is evaluated when it is first named
}

func (a *activation) ResolveName(name string) (any, bool) {
	r := a.of.request
	switch name {
	case "object":
		return r.values().object, true
	case "oldObject":
		return r.values().oldObject, true
	case "params":
		if a.of.params == nil {
			return nil, true
		}
		return common.SchemalessTypedToVal(a.of.params), true
	case "request":
		return r.values().request, true
	case "namespaceObject":
		return a.namespace, true
	case "authorizer":
		if a.ask == nil {
			return nil, false
		}
		return library.NewAuthorizerVal(r.who(), a.ask), true
	case "authorizer.requestResource":
		if a.ask == nil {
			return nil, false
		}
		return library.NewResourceAuthorizerVal(r.who(), a.ask, asked{r}), true
	case "variables":
		return a.lazily(), true
	}
	return nil, false
}

func (a *activation) Parent() interpreter.Activation { return nil }

func (a *activation) lazily() *lazy.MapValue {
	if a.variables != nil {
		return a.variables
	}
	a.variables = lazy.NewMapValue(a.of.typed)
	for _, v := range a.of.Policy.variables {
		a.variables.Append(v.name, func(*lazy.MapValue) ref.Val {
			out, cost, err := v.eval(a)
			a.spent += cost
			if err != nil {
				return types.NewErr("composited variable %q fails to evaluate: %v", v.name, err)
			}
			return out
		})
	}
	return a.variables
}
