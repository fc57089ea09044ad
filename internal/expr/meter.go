package expr

import (
	"cmp"
	"context"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// CEL's own count of cost keeps a stack that grows with each round of a loop and is searched at each step: a
// loop of some ten thousand rounds took minutes to reach a limit that stands for a second. So what an
// evaluation costs is counted here, at the two places where work can grow: a call, by what it gives; and a
// value that is walked through, by its size.

// activation is a scope as CEL asks it, and the meter of one evaluation.
type activation struct {
	Scope
	ctx   context.Context //nolint:containedctx // it lives as long as one call does
	spent uint64
	steps uint64
	err   error
}

// meterName is how steps inside of loops find the meter. No expression can name it.
const meterName = "\x00meter"

func (a *activation) ResolveName(name string) (any, bool) {
	if name == meterName {
		return a, true
	}
	v, err := a.Value(name)
	if err != nil {
		a.err = cmp.Or(a.err, err)
		return types.WrapErr(err), true
	}
	return v, true
}

func (a *activation) Parent() interpreter.Activation { return nil }

// spend ends the evaluation, in CEL's own way, when it costs too much or nobody waits for it any more.
func (a *activation) spend(n uint64) {
	if a == nil {
		return // constants are worked out when the expression is compiled
	}
	a.spent += n
	if a.spent > maxCost {
		panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: errCost.Error()})
	}
	if a.steps++; a.steps%checkEvery == 0 && a.ctx.Err() != nil {
		panic(interpreter.EvalCancelledError{Cause: interpreter.ContextCancelled, Message: a.ctx.Err().Error()})
	}
}

// checkEvery is after how many steps the context is asked.
const checkEvery = 256

func meterOf(f *interpreter.ExecutionFrame) *activation {
	if a, ok := f.Activation.(*activation); ok {
		return a
	}
	v, _ := f.ResolveName(meterName)
	a, _ := v.(*activation)
	return a
}

// patterns is how much more a letter costs that is read as, or by, a regular expression.
const patterns = 20

// gauge says which values are walked through: by the loop over them, or by the function that takes them.
// The number is the weight of their size.
type gauge map[int64]uint64

func gaugeOf(checked *cel.Ast) gauge {
	g := gauge{}
	for _, n := range ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), ast.AllMatcher()) {
		switch n.Kind() {
		case ast.ComprehensionKind:
			g.mark(n.AsComprehension().IterRange(), 1)
		case ast.CallKind:
			call := n.AsCall()
			weight := uint64(1)
			switch call.FunctionName() {
			case overloads.Size, operators.Index, operators.OptIndex, operators.OptSelect, operators.LogicalAnd, operators.LogicalOr,
				operators.LogicalNot, operators.Conditional, operators.Add, operators.NotStrictlyFalse:
				continue
			case overloads.Matches, "regex.extract", "regex.extractAll", "regex.replace":
				weight = patterns
			}
			if call.IsMemberFunction() {
				g.mark(call.Target(), weight)
			}
			for _, arg := range call.Args() {
				g.mark(arg, weight)
			}
		}
	}
	return g
}

func (g gauge) mark(e ast.Expr, weight uint64) {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind, ast.CallKind, ast.ComprehensionKind:
		g[e.ID()] = max(g[e.ID()], weight)
	}
}

// count puts a meter on a step of the program.
func (g gauge) count(step interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	weight := g[step.ID()]
	switch inner := step.(type) {
	case interpreter.InterpretableCall:
		if inner.Function() != operators.Add {
			weight = max(weight, 1)
		}
		return &call{inner, weight}, nil
	case interpreter.InterpretableAttribute:
		if weight > 0 {
			return &attribute{inner, weight}, nil
		}
	case interpreter.InterpretableConst:
	default:
		if weight > 0 {
			return &value{inner, weight}, nil
		}
	}
	return step, nil
}

type call struct {
	interpreter.InterpretableCall
	weight uint64
}

func (c *call) Exec(f *interpreter.ExecutionFrame) ref.Val {
	m, out := meterOf(f), c.InterpretableCall.Exec(f)
	if s, ok := out.(types.String); ok {
		m.spend(1 + uint64(len(s))/10*max(c.weight, 1))
	} else {
		m.spend(1 + c.weight*sizeOf(out))
	}
	return out
}

func (c *call) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

type attribute struct {
	interpreter.InterpretableAttribute
	weight uint64
}

func (c *attribute) Exec(f *interpreter.ExecutionFrame) ref.Val {
	m, out := meterOf(f), c.InterpretableAttribute.Exec(f)
	m.spend(c.weight * sizeOf(out))
	return out
}

func (c *attribute) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

type value struct {
	interpreter.InterpretableV2
	weight uint64
}

func (c *value) Exec(f *interpreter.ExecutionFrame) ref.Val {
	m, out := meterOf(f), c.InterpretableV2.Exec(f)
	m.spend(c.weight * sizeOf(out))
	return out
}

func (c *value) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

// sizeOf is what it takes to walk through a value once.
func sizeOf(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v)) / 10
	case types.Bytes:
		return uint64(len(v)) / 10
	case traits.Sizer:
		n, _ := v.Size().(types.Int)
		return uint64(n)
	}
	return 0
}
