package admission

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// TestAsUpstream wants expressions to have the functions, overloads and types that the server's own packages give them.
// Tests may link what plimsoll does not.
func TestAsUpstream(t *testing.T) {
	theirs := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).StoredExpressionsEnv()
	ours, err := base()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(theirs.Functions())), slices.Sorted(maps.Keys(ours.Functions()))); diff != "" {
		t.Error(diff)
	}
	for name, f := range theirs.Functions() {
		g := ours.Functions()[name]
		if g == nil {
			continue
		}
		var a, b []string
		for _, o := range f.OverloadDecls() {
			a = append(a, o.ID())
		}
		for _, o := range g.OverloadDecls() {
			b = append(b, o.ID())
		}
		slices.Sort(a)
		slices.Sort(b)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if a, b := len(theirs.Libraries()), len(ours.Libraries()); a != b {
		t.Errorf("%v\n%v", theirs.Libraries(), ours.Libraries())
	}
	for name, pair := range map[string][2]*apiservercel.DeclType{
		"request":         {plugincel.BuildRequestType(), requestType()},
		"namespaceObject": {plugincel.BuildNamespaceType(), namespaceType()},
	} {
		if diff := cmp.Diff(shape(pair[0]), shape(pair[1])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// shape is a type in words.
func shape(d *apiservercel.DeclType) any {
	if len(d.Fields) == 0 {
		return d.CelType().String()
	}
	all := map[string]any{"": d.TypeName()}
	for name, f := range d.Fields {
		if f.Required {
			name += "!"
		}
		all[name] = shape(f.Type)
	}
	return all
}
