package expr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// Program is an expression that compiles.
type Program struct {
	Type Type

	run cel.Program
}

// errCost says that an evaluation went past maxCost.
var errCost = errors.New("the expression costs too much")

// Compile checks an expression and makes it ready to run. Want is the type that it must have; the zero
// Type wants none. The error is an *[Error].
func (e *Env) Compile(source string, want Type) (*Program, error) {
	checked, issues := e.cel.Compile(source)
	if issues.Err() != nil {
		return nil, e.wrong(issues)
	}
	got := checked.OutputType()
	if want.cel != nil && !got.IsExactType(want.cel) && got.Kind() != types.DynKind {
		return nil, &Error{1, 1, fmt.Sprintf("this gives a value of type %s, and is to give one of type %s", Type{got}, want)}
	}
	estimate, err := e.cel.EstimateCost(checked, sizes{e})
	if err != nil {
		return nil, &Error{1, 1, err.Error()}
	}
	if estimate.Max > maxCost {
		return nil, &Error{1, 1, fmt.Sprintf("this may cost up to %d on a large image, and at most %d is allowed: a loop in a loop over packages, findings or files is what costs most", estimate.Max, maxCost)}
	}
	run, err := e.cel.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CustomDecoratorV2(gaugeOf(checked).count))
	if err != nil {
		return nil, &Error{1, 1, err.Error()}
	}
	return &Program{Type: Type{got}, run: run}, nil
}

var (
	noField    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^undefined field '([^']*)'`) })
	noVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^undeclared reference to '([^']*)'`) })
)

// wrong is the first thing that is wrong with an expression, with what was probably meant.
func (e *Env) wrong(issues *cel.Issues) error {
	all := issues.Errors()
	if len(all) == 0 {
		return &Error{1, 1, issues.Err().Error()}
	}
	first := slices.MinFunc(all, func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	message := first.Message
	if m := noField().FindStringSubmatch(message); m != nil {
		message = fmt.Sprintf("there is no field %q here%s", m[1], e.instead(m[1]))
	} else if m := noVariable().FindStringSubmatch(message); m != nil {
		message = fmt.Sprintf("%q is neither a variable nor a function%s", m[1], meant(m[1], e.names()))
	}
	if word, ok := strings.CutPrefix(message, "reserved identifier: "); ok {
		message = fmt.Sprintf("%q is a word that CEL keeps for itself", word)
	}
	return &Error{max(first.Location.Line(), 1), max(first.Location.Column()+1, 1), Brief(message)}
}

// instead is what was probably meant by a field that is not there: a variable, or another field.
func (e *Env) instead(field string) string {
	if slices.ContainsFunc(e.vars, func(v Variable) bool { return v.Name == field }) {
		return fmt.Sprintf("; %q is a variable of its own", field)
	}
	var others []string
	for _, name := range e.fieldNames() {
		if name != field { // that one is another object's
			others = append(others, name)
		}
	}
	return meant(field, others)
}

// Brief is what CEL's parser says is wrong, without the list of all words that could stand there instead: it is nearly
// every word of the language.
func Brief(message string) string {
	said, of, ok := strings.Cut(message, " expecting {")
	if !ok || !strings.HasPrefix(said, "Syntax error: ") || !strings.HasSuffix(of, "}") {
		return message
	}
	if strings.HasSuffix(said, " input '<EOF>'") {
		return "Syntax error: it ends where something more has to stand"
	}
	return said
}

func (e *Env) fieldNames() (names []string) {
	for _, o := range e.objects {
		for _, f := range o.Fields {
			names = append(names, f.Name)
		}
	}
	return names
}

func (e *Env) names() (names []string) {
	for _, v := range e.vars {
		names = append(names, v.Name)
	}
	for _, f := range e.funcs {
		names = append(names, f.Name)
	}
	return names
}

// Value evaluates to a value that other expressions can use, and says what it did cost.
func (p *Program) Value(ctx context.Context, scope Scope) (any, uint64, error) {
	out, cost, err := p.eval(ctx, scope)
	if err != nil {
		return nil, cost, err
	}
	return out, cost, nil
}

// Bool evaluates to true or false.
func (p *Program) Bool(ctx context.Context, scope Scope) (bool, uint64, error) {
	out, cost, err := p.eval(ctx, scope)
	if err != nil {
		return false, cost, err
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, cost, fmt.Errorf("this gave a value of type %s, and not true or false", out.Type().TypeName())
	}
	return bool(b), cost, nil
}

// Text evaluates to a string.
func (p *Program) Text(ctx context.Context, scope Scope) (string, uint64, error) {
	out, cost, err := p.eval(ctx, scope)
	if err != nil {
		return "", cost, err
	}
	s, ok := out.(types.String)
	if !ok {
		return "", cost, fmt.Errorf("this gave a value of type %s, and no text", out.Type().TypeName())
	}
	return string(s), cost, nil
}

func (p *Program) eval(ctx context.Context, scope Scope) (ref.Val, uint64, error) {
	a := &activation{Scope: scope, ctx: ctx}
	out, _, err := p.run.Eval(a)
	var cancelled interpreter.EvalCancelledError
	switch {
	case err == nil:
		return out, a.spent, nil
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		return nil, maxCost, fmt.Errorf("%w: more than %d", errCost, maxCost)
	case ctx.Err() != nil:
		return nil, a.spent, ctx.Err()
	case a.err != nil && errors.Is(err, a.err):
		return nil, a.spent, a.err
	}
	return nil, a.spent, err
}
