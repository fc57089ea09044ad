package expr

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// The meter counts a call when it has been made. That is too late for the functions of CEL's libraries that make
// much of little: what they would give is measured before.

// maxText is how many bytes a text may have that an expression makes. An image of ten thousand packages, listed by
// name, takes a quarter of a megabyte.
const maxText = 4 << 20

// maxPrecision is how many digits behind the point format() writes.
const maxPrecision = 100

// growing are those functions, each with what it would give at most, in bytes; what is more than most is not counted.
var growing = map[string]func(args []ref.Val, most int) int{
	"replace":       replaced,
	"regex.replace": replacedByPattern,
	"join":          joined,
	"format":        formatted,
}

// Bounded is an environment in which those of them that it has mean the same where what they give has no more than
// most bytes, and are an error where it has.
func Bounded(env *cel.Env, most int) (*cel.Env, error) {
	var options []cel.EnvOption
	for name, measure := range growing {
		f := env.Functions()[name]
		if f == nil {
			continue
		}
		bindings, err := f.Bindings()
		if err != nil {
			return nil, fmt.Errorf("bindings of %s: %w", name, err)
		}
		for _, o := range f.OverloadDecls() {
			for _, b := range bindings {
				if b.Operator != o.ID() {
					continue
				}
				declare := cel.Overload
				if o.IsMemberFunction() {
					declare = cel.MemberOverload
				}
				options = append(options, cel.Function(name, declare(o.ID(), o.ArgTypes(), o.ResultType(), cel.FunctionBinding(func(args ...ref.Val) ref.Val {
					if measure(args, most) > most {
						return types.NewErr("%s would give a text of more than %d bytes", name, most)
					}
					return invoke(b, args)
				}))))
			}
		}
	}
	bounded, err := env.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("bound CEL's own functions: %w", err)
	}
	return bounded, nil
}

func invoke(b *functions.Overload, args []ref.Val) ref.Val {
	switch {
	case len(args) == 1 && b.Unary != nil:
		return b.Unary(args[0])
	case len(args) == 2 && b.Binary != nil:
		return b.Binary(args[0], args[1])
	}
	return b.Function(args...)
}

// replaced is for text.replace(old, new) and text.replace(old, new, times).
func replaced(args []ref.Val, most int) int {
	text, old, with := letters(args[0]), letters(args[1]), letters(args[2])
	times := strings.Count(text, old)
	if len(args) > 3 {
		if n, ok := args[3].(types.Int); ok && n >= 0 {
			times = min(times, int(min(n, types.Int(most))))
		}
	}
	return len(text) + times*max(len(with)-len(old), 0)
}

// replacedByPattern is for regex.replace(text, pattern, with): at worst the pattern matches before each letter. That
// is far more than it mostly does, and sixteen times maxText can be borne.
func replacedByPattern(args []ref.Val, _ int) int {
	return (len(letters(args[0])) + 1) * (len(letters(args[2])) + 1) / 16
}

func joined(args []ref.Val, most int) int {
	between := 0
	if len(args) > 1 {
		between = len(letters(args[1]))
	}
	list, ok := args[0].(traits.Lister)
	if !ok {
		return 0
	}
	size, _ := list.Size().(types.Int)
	n := between * int(size)
	for i := types.Int(0); i < size && n <= most; i++ {
		n += len(letters(list.Get(i)))
	}
	return n
}

// formatted is for "%s".format(list): each item is written once.
func formatted(args []ref.Val, most int) int {
	return len(letters(args[0])) + rendered(args[1], most)
}

func letters(v ref.Val) string {
	s, _ := v.(types.String)
	return string(s)
}

// number is how many bytes a number, a time or the marks around an item of a list take at most, written out.
const number = 32

// rendered is how many bytes a value takes, written out; what is more than most is not counted.
func rendered(v ref.Val, most int) int {
	n := number
	switch v := v.(type) {
	case types.String:
		n += len(v)
	case types.Bytes:
		n += 4 * len(v)
	case traits.Lister, traits.Mapper:
		for it := v.(traits.Iterable).Iterator(); it.HasNext() == types.True && n <= most; {
			item := it.Next()
			n += rendered(item, most-n)
			if m, ok := v.(traits.Mapper); ok {
				n += rendered(m.Get(item), most-n)
			}
		}
	}
	return n
}
