package expr

import (
	"fmt"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
)

// The bounds on an expression as it is written.
const (
	maxLetters = 10_000
	maxDepth   = 50
	maxNested  = 3 // of all, exists, map … in each other
	maxRange   = 10_000
)

// Env is what expressions may name. It is not changed by use.
type Env struct {
	cel     *cel.Env
	vars    []Variable
	objects []*Object
	funcs   []Function
}

// New makes an environment. Beside what is declared there is what CEL itself has, and its libraries of
// strings, lists, sets, mathematics, bindings, regular expressions, optional values and comprehensions of
// two variables.
func New(objects []*Object, vars []Variable, funcs []Function) (*Env, error) {
	base, err := cel.NewEnv(
		cel.OptionalTypes(), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		ext.Strings(ext.StringsVersion(4), ext.StringsMaxPrecision(maxPrecision)), ext.Lists(ext.ListsMaxRangeSize(maxRange)), ext.Sets(), ext.Math(),
		ext.Bindings(), ext.Regex(), ext.TwoVarComprehensions(),
		cel.ParserRecursionLimit(maxDepth), cel.ParserExpressionSizeLimit(maxLetters),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(), cel.ValidateComprehensionNestingLimit(maxNested)),
	)
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	if base, err = Bounded(base, maxText); err != nil {
		return nil, err
	}
	return (&Env{cel: base}).extend(objects, vars, funcs)
}

// With is the environment with more in it: what one policy declares, say.
func (e *Env) With(objects []*Object, vars []Variable) (*Env, error) {
	return e.extend(objects, vars, nil)
}

func (e *Env) extend(objects []*Object, vars []Variable, funcs []Function) (*Env, error) {
	more := &Env{
		vars: slices.Concat(e.vars, vars), objects: slices.Concat(e.objects, objects), funcs: slices.Concat(e.funcs, funcs),
	}
	t := newTable(e.cel.CELTypeProvider(), e.cel.CELTypeAdapter(), objects)
	options := []cel.EnvOption{cel.CustomTypeProvider(t), cel.CustomTypeAdapter(t)}
	for _, v := range vars {
		options = append(options, cel.Variable(v.Name, v.Type.cel))
	}
	for i := range funcs {
		options = append(options, declare(&funcs[i]))
	}
	var err error
	if more.cel, err = e.cel.Extend(options...); err != nil {
		return nil, fmt.Errorf("declare what expressions may name: %w", err)
	}
	return more, nil
}

// overload is CEL's name for one form of a function.
func (f *Function) overload() string {
	name := "plimsoll_" + f.Name
	for _, p := range f.Params {
		name += "_" + p.String()
	}
	return name
}

func declare(f *Function) cel.EnvOption {
	var params []*cel.Type
	for _, p := range f.Params {
		params = append(params, p.cel)
	}
	call := cel.FunctionBinding(func(values ...ref.Val) ref.Val {
		args := make([]any, len(values))
		for i, v := range values {
			var err error
			if args[i], err = native(v); err != nil {
				return types.WrapErr(fmt.Errorf("%s: %w", f.Name, err))
			}
		}
		result, err := f.Call(args)
		if err != nil {
			return types.WrapErr(fmt.Errorf("%s: %w", f.Name, err))
		}
		return types.DefaultTypeAdapter.NativeToValue(result)
	})
	if f.Member {
		return cel.Function(f.Name, cel.MemberOverload(f.overload(), params, f.Result.cel, call))
	}
	return cel.Function(f.Name, cel.Overload(f.overload(), params, f.Result.cel, call))
}

// native is a value as functions of ours take it.
func native(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Int:
		return int64(v), nil
	case types.Double:
		return float64(v), nil
	case types.Bool:
		return bool(v), nil
	case types.Timestamp:
		return v.Time, nil
	case types.Duration:
		return v.Duration, nil
	case *object:
		return v.value, nil
	case *types.Err:
		return nil, v
	}
	if all, ok := v.Value().([]string); ok {
		return all, nil
	}
	if list, ok := v.(interface{ Size() ref.Val }); ok && v.Type() == types.ListType {
		return texts(v, int(list.Size().(types.Int)))
	}
	return nil, fmt.Errorf("a value of type %s cannot be used here", v.Type().TypeName())
}
