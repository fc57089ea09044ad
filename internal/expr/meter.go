package expr

import (
	"cmp"
	"context"
	"slices"

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
	if a == nil { // there is no count: constants, when the expression is compiled, and what Deep looks at
		if n > maxCost {
			panic(interpreter.EvalCancelledError{Cause: interpreter.CostLimitExceeded, Message: errCost.Error()})
		}
		return
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
type gauge map[int64]toll

// toll is the weight of a value's size, and whether what is in it is walked through, too.
type toll struct {
	weight uint64
	deep   bool
}

// deep are the functions that compare or write what is in their arguments. A list that holds another one twice, which
// holds a third one twice, takes next to no room and no end of time.
var deep = map[string]bool{
	operators.Equals: true, operators.NotEquals: true, operators.In: true, "format": true, "flatten": true, "distinct": true,
	"sets.contains": true, "sets.equivalent": true, "sets.intersects": true,
}

func gaugeOf(checked *cel.Ast) gauge {
	g := gauge{}
	for _, n := range ast.MatchDescendants(ast.NavigateAST(checked.NativeRep()), ast.AllMatcher()) {
		switch n.Kind() {
		case ast.ComprehensionKind:
			g.mark(n.AsComprehension().IterRange(), toll{weight: 1})
		case ast.ListKind:
			if len(n.AsList().Elements()) > 1 { // one of one item goes with the call that takes it
				g.mark(n, toll{weight: 1})
			}
		case ast.MapKind:
			g.mark(n, toll{weight: 1})
		case ast.CallKind:
			call := n.AsCall()
			w := toll{weight: 1, deep: deep[call.FunctionName()]}
			switch call.FunctionName() {
			case overloads.Size, operators.Index, operators.OptIndex, operators.OptSelect, operators.LogicalAnd, operators.LogicalOr,
				operators.LogicalNot, operators.Conditional, operators.Add, operators.NotStrictlyFalse:
				continue
			case overloads.Matches, "regex.extract", "regex.extractAll", "regex.replace":
				w.weight = patterns
			}
			args := call.Args()
			if call.IsMemberFunction() {
				args = append([]ast.Expr{call.Target()}, args...)
			}
			for _, arg := range args {
				g.mark(arg, toll{w.weight, w.deep && nests(checked.NativeRep().GetType(arg.ID()))})
			}
		}
	}
	return g
}

// Deep ends a program that is counted otherwise where it compares, searches or writes a value in which there is too
// much: CEL's own count knows the items of a list, and not what is in them.
func Deep(checked *cel.Ast) cel.ProgramOption {
	g := gaugeOf(checked)
	return cel.CustomDecoratorV2(func(step interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if !g[step.ID()].deep {
			return step, nil
		}
		return g.count(step)
	})
}

func (g gauge) mark(e ast.Expr, w toll) {
	switch e.Kind() {
	case ast.ListKind, ast.MapKind:
		if constant(e) {
			return // it is made once, and is as large as it is written
		}
	case ast.IdentKind, ast.SelectKind, ast.CallKind, ast.ComprehensionKind:
	default:
		return
	}
	g[e.ID()] = toll{max(g[e.ID()].weight, w.weight), g[e.ID()].deep || w.deep}
}

// nests says that a value of a type may hold lists and maps that hold others.
func nests(t *types.Type) bool {
	switch t.Kind() {
	case types.DynKind, types.AnyKind, types.OpaqueKind:
		return true
	case types.ListKind, types.MapKind:
		return slices.ContainsFunc(t.Parameters(), func(p *types.Type) bool {
			return nests(p) || p.Kind() == types.ListKind || p.Kind() == types.MapKind
		})
	}
	return false
}

func constant(e ast.Expr) bool {
	switch e.Kind() {
	case ast.LiteralKind:
		return true
	case ast.ListKind:
		return !slices.ContainsFunc(e.AsList().Elements(), func(e ast.Expr) bool { return !constant(e) })
	case ast.MapKind:
		return !slices.ContainsFunc(e.AsMap().Entries(), func(e ast.EntryExpr) bool {
			return !constant(e.AsMapEntry().Key()) || !constant(e.AsMapEntry().Value())
		})
	}
	return false
}

// count puts a meter on a step of the program.
func (g gauge) count(step interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	w := g[step.ID()]
	switch inner := step.(type) {
	case interpreter.InterpretableCall:
		if inner.Function() != operators.Add {
			w.weight = max(w.weight, 1)
		}
		return &call{inner, w}, nil
	case interpreter.InterpretableAttribute:
		if w.weight > 0 {
			return &attribute{inner, w}, nil
		}
	case interpreter.InterpretableConst:
	default:
		if w.weight > 0 {
			return &value{inner, w}, nil
		}
	}
	return step, nil
}

type call struct {
	interpreter.InterpretableCall
	toll
}

func (c *call) Exec(f *interpreter.ExecutionFrame) ref.Val {
	m, out := meterOf(f), c.InterpretableCall.Exec(f)
	if s, ok := out.(types.String); ok {
		if len(s) > maxText {
			return types.NewErr("%s gives a text of more than %d bytes", c.Function(), maxText)
		}
		m.spend(1 + uint64(len(s))/10*max(c.weight, 1))
	} else {
		m.spend(1 + c.cost(out))
	}
	return out
}

func (c *call) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

type attribute struct {
	interpreter.InterpretableAttribute
	toll
}

func (c *attribute) Exec(f *interpreter.ExecutionFrame) ref.Val {
	m, out := meterOf(f), c.InterpretableAttribute.Exec(f)
	m.spend(c.cost(out))
	return out
}

func (c *attribute) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

type value struct {
	interpreter.InterpretableV2
	toll
}

func (c *value) Exec(f *interpreter.ExecutionFrame) ref.Val {
	m, out := meterOf(f), c.InterpretableV2.Exec(f)
	m.spend(c.cost(out))
	return out
}

func (c *value) Eval(a interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(a)) }

// cost is what it takes to walk through a value.
func (w toll) cost(v ref.Val) uint64 {
	switch {
	case w.weight == 0:
		return 0
	case w.deep:
		return w.weight * sizeWithin(v, maxCost)
	}
	return w.weight * sizeOf(v)
}

// sizeOf is the size of a value, without that of what is in it.
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

// sizeWithin is the size of a value and of all that is in it; what is more than most is not counted.
func sizeWithin(v ref.Val, most uint64) uint64 {
	n := sizeOf(v)
	all, ok := v.(traits.Iterable)
	if !ok || v.Type() == types.StringType {
		return n
	}
	m, isMap := v.(traits.Mapper)
	for it := all.Iterator(); it.HasNext() == types.True && n <= most; {
		item := it.Next()
		n += sizeWithin(item, most-n)
		if isMap {
			n += sizeWithin(m.Get(item), most-min(n, most))
		}
	}
	return n
}
