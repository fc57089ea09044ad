package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
)

// Rewriter writes expressions anew for another place, where the same things have other names. It works on what an
// expression says, and not on its letters: a name that a loop gives is the loop's, whatever else is called so.
type Rewriter struct {
	// Names have for a name, or NAME.FIELD, the expression that takes its place.
	Names map[string]string
	// Calls have for a method whose one argument is a text or a list of texts, all written out, another method and its
	// argument.
	Calls map[string]func(texts []string) (method, argument string)

	parsed map[string]ast.Expr
}

// binders say how many names of its first arguments a loop gives, by the number of all arguments.
var binders = map[string]func(args int) int{
	"all": allButOne, "exists": allButOne, "exists_one": allButOne, "existsOne": allButOne,
	"map": just(1), "filter": just(1), "optMap": just(1), "optFlatMap": just(1),
	"transformList": just(2), "transformMap": just(2), "transformMapEntry": just(2),
}

func allButOne(args int) int { return args - 1 }

func just(n int) func(int) int { return func(args int) int { return min(n, args-1) } }

// parseWhole parses without macros, so that loops are calls as they are written.
func parseWhole(source string) (*ast.AST, error) {
	p, err := parser.NewParser(parser.EnableOptionalSyntax(true), parser.MaxRecursionDepth(4*maxDepth), parser.ExpressionSizeCodePointLimit(10*maxLetters))
	if err != nil {
		return nil, err
	}
	parsed, issues := p.Parse(common.NewTextSource(source))
	if all := issues.GetErrors(); len(all) > 0 {
		return nil, &Error{all[0].Location.Line(), all[0].Location.Column() + 1, all[0].Message}
	}
	return parsed, nil
}

// Rewrite writes an expression anew.
func (r *Rewriter) Rewrite(source string) (string, error) {
	if r.parsed == nil {
		r.parsed = map[string]ast.Expr{}
		for name, text := range r.Names {
			to, err := parseWhole(text)
			if err != nil {
				return "", fmt.Errorf("what takes the place of %s: %w", name, err)
			}
			r.parsed[name] = to.Expr()
		}
	}
	from, err := parseWhole(source)
	if err != nil {
		return "", err
	}
	if macros := from.SourceInfo().MacroCalls(); len(macros) > 0 {
		return "", errors.New("it holds macros that are written out already")
	}
	return parser.Unparse(r.expr(from.Expr(), nil), ast.NewSourceInfo(common.NewTextSource(source)))
}

// Free lists the names in an expression that no loop in it gives, in the order of the alphabet.
func Free(source string) ([]string, error) {
	from, err := parseWhole(source)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	r := &Rewriter{}
	r.seen(from.Expr(), nil, seen)
	var all []string
	for name := range seen {
		all = append(all, name)
	}
	slices.Sort(all)
	return all, nil
}

func (r *Rewriter) seen(e ast.Expr, bound []string, names map[string]bool) {
	walk(e, bound, func(e ast.Expr, bound []string) {
		if e.Kind() == ast.IdentKind && !slices.Contains(bound, e.AsIdent()) {
			names[e.AsIdent()] = true
		}
	})
}

// walk visits all parts of an expression, each with the names that loops around it give.
func walk(e ast.Expr, bound []string, visit func(e ast.Expr, bound []string)) {
	visit(e, bound)
	switch e.Kind() {
	case ast.SelectKind:
		walk(e.AsSelect().Operand(), bound, visit)
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			walk(c.Target(), bound, visit)
		}
		for i, a := range c.Args() {
			if inner, name := within(c, i, bound); !name {
				walk(a, inner, visit)
			}
		}
	case ast.ListKind:
		for _, a := range e.AsList().Elements() {
			walk(a, bound, visit)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			walk(entry.AsMapEntry().Key(), bound, visit)
			walk(entry.AsMapEntry().Value(), bound, visit)
		}
	case ast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			walk(field.AsStructField().Value(), bound, visit)
		}
	}
}

// within are the names that are given where the i-th argument of a call stands; name says that it is such a name.
func within(c ast.CallExpr, i int, bound []string) (inner []string, name bool) {
	if !c.IsMemberFunction() {
		return bound, false
	}
	args := c.Args()
	if c.FunctionName() == "bind" && c.Target().Kind() == ast.IdentKind && c.Target().AsIdent() == "cel" && len(args) == 3 {
		if i == 2 {
			bound = append(slices.Clone(bound), args[0].AsIdent())
		}
		return bound, i == 0
	}
	count := binders[c.FunctionName()]
	if count == nil || len(args) < 2 {
		return bound, false
	}
	n := count(len(args))
	for _, a := range args[:n] {
		if a.Kind() != ast.IdentKind {
			return bound, false
		}
	}
	if i < n {
		return bound, true
	}
	inner = slices.Clone(bound)
	for _, a := range args[:n] {
		inner = append(inner, a.AsIdent())
	}
	return inner, false
}

// expr is an expression as it is written anew.
func (r *Rewriter) expr(e ast.Expr, bound []string) ast.Expr {
	f := ast.NewExprFactory()
	switch e.Kind() {
	case ast.IdentKind:
		if to := r.parsed[e.AsIdent()]; to != nil && !slices.Contains(bound, e.AsIdent()) {
			return to
		}
	case ast.SelectKind:
		s := e.AsSelect()
		if of := s.Operand(); of.Kind() == ast.IdentKind && !slices.Contains(bound, of.AsIdent()) {
			if to := r.parsed[of.AsIdent()+"."+s.FieldName()]; to != nil {
				return to
			}
		}
		return f.NewSelect(e.ID(), r.expr(s.Operand(), bound), s.FieldName())
	case ast.CallKind:
		return r.call(f, e, bound)
	case ast.ListKind:
		var all []ast.Expr
		for _, a := range e.AsList().Elements() {
			all = append(all, r.expr(a, bound))
		}
		return f.NewList(e.ID(), all, e.AsList().OptionalIndices())
	case ast.MapKind:
		var all []ast.EntryExpr
		for _, entry := range e.AsMap().Entries() {
			m := entry.AsMapEntry()
			all = append(all, f.NewMapEntry(entry.ID(), r.expr(m.Key(), bound), r.expr(m.Value(), bound), m.IsOptional()))
		}
		return f.NewMap(e.ID(), all)
	}
	return e
}

func (r *Rewriter) call(f ast.ExprFactory, e ast.Expr, bound []string) ast.Expr {
	c := e.AsCall()
	var args []ast.Expr
	for i, a := range c.Args() {
		inner, name := within(c, i, bound)
		if !name {
			a = r.expr(a, inner)
		}
		args = append(args, a)
	}
	if !c.IsMemberFunction() {
		return f.NewCall(e.ID(), c.FunctionName(), args...)
	}
	target, function := r.expr(c.Target(), bound), c.FunctionName()
	if to := r.Calls[function]; to != nil && len(args) == 1 {
		if all, ok := written(args[0]); ok {
			method, argument := to(all)
			return f.NewMemberCall(e.ID(), method, target, f.NewLiteral(args[0].ID(), types.String(argument)))
		}
	}
	return f.NewMemberCall(e.ID(), function, target, args...)
}

// written are the texts that an argument holds, where it is nothing but texts.
func written(e ast.Expr) (all []string, ok bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		s, ok := e.AsLiteral().(types.String)
		return []string{string(s)}, ok
	case ast.ListKind:
		for _, a := range e.AsList().Elements() {
			one, ok := written(a)
			if !ok || a.Kind() != ast.LiteralKind {
				return nil, false
			}
			all = append(all, one...)
		}
		return all, true
	}
	return nil, false
}

// Literal is a value as an expression: texts, whole numbers, fractions, true and false, lists and maps of these.
func Literal(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return quote(v), nil
	case bool, int64:
		return fmt.Sprint(v), nil
	case float64:
		text := fmt.Sprint(v)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text, nil
	case []string:
		all := make([]any, len(v))
		for i, s := range v {
			all[i] = s
		}
		return Literal(all)
	case []any:
		var parts []string
		for _, one := range v {
			text, err := Literal(one)
			if err != nil {
				return "", err
			}
			parts = append(parts, text)
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, err := Literal(v[key])
			if err != nil {
				return "", err
			}
			parts = append(parts, quote(key)+": dyn("+text+")")
		}
		return "{" + strings.Join(parts, ", ") + "}", nil
	}
	return "", fmt.Errorf("a value of type %T has no form in CEL here", v)
}

// quote is a text as CEL writes it.
func quote(s string) string {
	text, err := parser.Unparse(ast.NewExprFactory().NewLiteral(1, types.String(s)), nil)
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return text
}
