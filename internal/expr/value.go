package expr

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// table tells CEL of the object types that were declared. What it does not know it asks of the one below.
type table struct {
	types.Provider
	below   types.Adapter
	objects map[string]*declared
	byKind  []*declared
}

type declared struct {
	*Object
	cel    *types.Type
	fields map[string]*types.FieldType
	get    map[string]func(any) (any, error)
	names  []string
}

func newTable(provider types.Provider, adapter types.Adapter, objects []*Object) *table {
	t := &table{Provider: provider, below: adapter, objects: map[string]*declared{}}
	for _, o := range objects {
		d := &declared{Object: o, cel: types.NewObjectType(o.Name), fields: map[string]*types.FieldType{}, get: map[string]func(any) (any, error){}}
		for i := range o.Fields {
			f := &o.Fields[i]
			d.names = append(d.names, f.Name)
			d.get[f.Name] = f.get
			d.fields[f.Name] = &types.FieldType{Type: f.Type.cel}
			if o.Unsure {
				continue // CEL then asks the object, which can say that it does not know
			}
			d.fields[f.Name].GetFrom = func(of any) (any, error) { return f.get(of) }
			d.fields[f.Name].IsSet = func(of any) bool {
				v, err := f.get(of)
				return err == nil && !isZero(v)
			}
		}
		t.objects[o.Name] = d
		t.byKind = append(t.byKind, d)
	}
	return t
}

func (t *table) FindIdent(name string) (ref.Val, bool) {
	if d := t.objects[name]; d != nil {
		return d.cel, true
	}
	return t.Provider.FindIdent(name)
}

func (t *table) FindStructType(name string) (*types.Type, bool) {
	if d := t.objects[name]; d != nil {
		return types.NewTypeTypeWithParam(d.cel), true
	}
	return t.Provider.FindStructType(name)
}

func (t *table) FindStructFieldNames(name string) ([]string, bool) {
	if d := t.objects[name]; d != nil {
		return d.names, true
	}
	return t.Provider.FindStructFieldNames(name)
}

func (t *table) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if d := t.objects[name]; d != nil {
		f, ok := d.fields[field]
		return f, ok
	}
	return t.Provider.FindStructFieldType(name, field)
}

func (t *table) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if t.objects[name] != nil {
		return types.NewErr("a %s cannot be made by an expression", name)
	}
	return t.Provider.NewValue(name, fields)
}

// NativeToValue turns Go values into those of CEL.
func (t *table) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case ref.Val:
		return v
	case string:
		return types.String(v)
	case bool:
		return types.Bool(v)
	case int:
		return types.Int(v)
	case []string:
		return types.NewStringList(t, v)
	case nil:
		return types.NullValue
	}
	for _, d := range t.byKind {
		if d.is(v) {
			return &object{in: t, of: d, value: v}
		}
	}
	if reflect.TypeOf(v).Kind() == reflect.Slice {
		return types.NewDynamicList(t, v)
	}
	return t.below.NativeToValue(v)
}

// object is a Go value as CEL sees it.
type object struct {
	in    *table
	of    *declared
	value any
}

func (o *object) ConvertToNative(to reflect.Type) (any, error) {
	if reflect.TypeOf(o.value).AssignableTo(to) {
		return o.value, nil
	}
	return nil, fmt.Errorf("a %s is no %s", o.of.Name, to)
}

func (o *object) ConvertToType(to ref.Type) ref.Val {
	switch {
	case to == types.TypeType:
		return o.of.cel
	case to.TypeName() == o.of.Name:
		return o
	}
	return types.NewErr("a %s is no %s", o.of.Name, to.TypeName())
}

// Equal is true for the same thing, and not for one that reads the same.
func (o *object) Equal(other ref.Val) ref.Val {
	b, ok := other.(*object)
	return types.Bool(ok && b.value == o.value)
}

func (o *object) Type() ref.Type { return o.of.cel }
func (o *object) Value() any     { return o.value }

// IsSet is what has() says of a field.
func (o *object) IsSet(field ref.Val) ref.Val {
	v, err := o.read(field)
	var unknown *Unknown
	if errors.As(err, &unknown) {
		return types.WrapErr(err)
	}
	return types.Bool(err == nil && !isZero(v))
}

// Get reads a field by its name: of a value whose type was not declared, or that may not know it.
func (o *object) Get(index ref.Val) ref.Val {
	v, err := o.read(index)
	if err != nil {
		return types.WrapErr(err)
	}
	return o.in.NativeToValue(v)
}

func (o *object) read(field ref.Val) (any, error) {
	name, ok := field.(types.String)
	get := o.of.get[string(name)]
	if !ok || get == nil {
		return nil, fmt.Errorf("a %s has no field %q", o.of.Name, fmt.Sprint(field.Value()))
	}
	return get(o.value)
}

// texts are the items of a list of strings.
func texts(v ref.Val, size int) ([]string, error) {
	list, ok := v.(traits.Indexer)
	if !ok {
		return nil, fmt.Errorf("%s is no list", v.Type().TypeName())
	}
	all := make([]string, size)
	for i := range all {
		s, ok := list.Get(types.Int(i)).(types.String)
		if !ok {
			return nil, fmt.Errorf("an item of the list is no string")
		}
		all[i] = string(s)
	}
	return all, nil
}
