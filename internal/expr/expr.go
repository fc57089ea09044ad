// Package expr is the one language that users' rules are written in: CEL (https://cel.dev), compiled,
// type-checked and bounded.
//
// A caller declares what there is: [Object] types with fields that are read from Go values, [Variable]
// and [Function]. An expression that names anything else does not compile, and the [Error] says where and
// what was probably meant. What it may cost is estimated when it is compiled, counted while it runs, and
// it stops when its context does. Nothing that an expression does reaches outside of the values handed in.
//
// Nothing here is set up before the first [New]: CEL costs nothing where no policy is used.
package expr

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
)

// maxCost is what one evaluation may cost: in calls, and in the sizes of the values that are walked through.
const maxCost = 10_000_000

// Type is the type of a value.
type Type struct{ cel *cel.Type }

// The types that need no declaration. Dyn is checked when it is used, and not before.
var (
	String   = Type{cel.StringType}
	Int      = Type{cel.IntType}
	Double   = Type{cel.DoubleType}
	Bool     = Type{cel.BoolType}
	Time     = Type{cel.TimestampType}
	Duration = Type{cel.DurationType}
	Dyn      = Type{cel.DynType}
)

// List is a list of values of one type; in Go a slice.
func List(of Type) Type { return Type{cel.ListType(of.cel)} }

// Map has names for keys; in Go a map.
func Map(of Type) Type { return Type{cel.MapType(cel.StringType, of.cel)} }

// Named is an object type by its name, for fields that are declared before it.
func Named(object string) Type { return Type{cel.ObjectType(object)} }

// String writes a type as the documentation does: "list<string>".
func (t Type) String() string {
	s := cel.FormatCELType(t.cel)
	s = strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration", "(", "<", ")", ">").Replace(s)
	return s
}

// Object is a type with fields. Many is how many of it a list may well hold, for estimates of cost.
type Object struct {
	Name   string
	Doc    string
	Many   int
	Fields []Field
	// Unsure says that fields of it may be [Unknown].
	Unsure bool

	is func(any) bool
}

// Type is the object's type.
func (o *Object) Type() Type { return Named(o.Name) }

// Field is one field of an object.
type Field struct {
	Name string
	Doc  string
	Type Type

	get func(any) (any, error)
}

// NewObject declares the values *T as objects.
func NewObject[T any](name, doc string, many int, fields ...Field) *Object {
	return &Object{Name: name, Doc: doc, Many: many, Fields: fields, is: func(v any) bool { _, ok := v.(*T); return ok }}
}

// NewField declares a field that get reads from a *T. It gives a Go value of the type; or an error, by
// which the evaluation ends, for what is not known. A nil *T reads as the zero T.
func NewField[T any](name, doc string, t Type, get func(*T) any) Field {
	return Field{Name: name, Doc: doc, Type: t, get: func(v any) (any, error) {
		of, ok := v.(*T)
		if !ok {
			return nil, fmt.Errorf("%T has no field %s", v, name)
		}
		if of == nil {
			of = new(T)
		}
		got := get(of)
		if err, bad := got.(error); bad {
			return nil, err
		}
		return got, nil
	}}
}

// Variable is a value that an expression can name.
type Variable struct {
	Name string
	Doc  string
	Type Type
}

// Function is one that an expression can call. With Member it is called on its first parameter, as in
// name.glob(pattern). Arguments and the result are Go values: string, int64, float64, bool, time.Time,
// time.Duration, []string, or the pointer of an object.
type Function struct {
	Name   string
	Doc    string
	Member bool
	Params []Type
	Result Type
	Call   func(args []any) (any, error)
	Cost   uint64 // of a call, beside a unit for each ten letters and each item of its arguments
}

// Signature is how a function is called: "string.glob(string) -> bool".
func (f *Function) Signature() string {
	var params []string
	for _, p := range f.Params {
		params = append(params, p.String())
	}
	name := f.Name
	if f.Member {
		name, params = params[0]+"."+name, params[1:]
	}
	return fmt.Sprintf("%s(%s) -> %s", name, strings.Join(params, ", "), f.Result)
}

// Scope gives variables their values. One that is not known is an error, which ends the evaluation.
type Scope interface {
	Value(name string) (any, error)
}

// Unknown is the error of a field or a variable that is not known yet: an evaluation that depends on it has no
// result, and ends with it. So does has(), where the field's object is Unsure: what may be set later is neither
// there nor not there. Of what else is an error, has() says that it is not there.
type Unknown struct{ Why string }

func (e *Unknown) Error() string { return e.Why }

// Error is what is wrong with an expression, and where in it: both count from 1.
type Error struct {
	Line    int
	Column  int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// isZero says whether has() finds a field not set: empty, or zero.
func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case int:
		return v == 0
	case int64:
		return v == 0
	case float64:
		return v == 0
	case time.Time:
		return v.IsZero()
	case []string:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice, reflect.Map:
		return r.Len() == 0
	case reflect.Pointer:
		return r.IsNil()
	}
	return false
}
