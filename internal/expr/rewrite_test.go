package expr

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

func TestRewrite(t *testing.T) {
	r := &Rewriter{
		Names: map[string]string{"c": "variables.c", "params.names": `["a", "b"]`, "sum": "x + y"},
		Calls: map[string]func([]string) (string, string){"like": func(all []string) (string, string) { return "matches", "^" + all[0] + "$" }},
	}
	for from, want := range map[string]string{
		`c.d`:                              `variables.c.d`,
		`a.c`:                              `a.c`,
		`has(c.d) && c[c.e] == {"c": c}`:   `has(variables.c.d) && variables.c[variables.c.e] == {"c": variables.c}`,
		`all.exists(c, c.d)`:               `all.exists(c, c.d)`,
		`c.all(c, c.d) || c.d`:             `variables.c.all(c, c.d) || variables.c.d`,
		`l.map(x, c, x.c)`:                 `l.map(x, variables.c, x.c)`,
		`m.all(c, v, c == v)`:              `m.all(c, v, c == v)`,
		`m.transformList(k, c, c) + [c]`:   `m.transformList(k, c, c) + [variables.c]`,
		`cel.bind(c, c.d, c.e) == c`:       `cel.bind(c, variables.c.d, c.e) == variables.c`,
		`l.exists(x, l.exists(c, x == c))`: `l.exists(x, l.exists(c, x == c))`,
		`c.?d.orValue("c")`:                `variables.c.?d.orValue("c")`,
		`o.optMap(c, c.d)`:                 `o.optMap(c, c.d)`,
		`x in params.names`:                `x in ["a", "b"]`,
		`l.exists(params, params.names)`:   `l.exists(params, params.names)`,
		`sum * 2`:                          `(x + y) * 2`,
		`t.like("a")`:                      `t.matches("^a$")`,
		`t.like(params.names)`:             `t.matches("^a$")`,
		`t.like(u)`:                        `t.like(u)`,
		`f(c) ? c : -c`:                    `f(variables.c) ? variables.c : -variables.c`,
	} {
		if got, err := r.Rewrite(from); err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", from, got, want, err)
		}
	}
	if _, err := r.Rewrite("c +"); err == nil {
		t.Error("what does not parse is rewritten")
	}
	if free, err := Free(`a.exists(b, b == c && has(d.e)) && f(g)`); err != nil || !slices.Equal(free, []string{"a", "c", "d", "g"}) {
		t.Errorf("free names are %v (%v)", free, err)
	}
}

// TestBinders wants every macro that gives names to be known to give them.
func TestBinders(t *testing.T) {
	env, err := cel.NewEnv(cel.OptionalTypes(), ext.TwoVarComprehensions(), ext.Bindings())
	if err != nil {
		t.Fatal(err)
	}
	known := append(slices.Collect(maps.Keys(binders)), "has", "bind")
	for _, m := range env.Macros() {
		if !slices.Contains(known, m.Function()) {
			t.Errorf("nobody knows which names %s gives", m.Function())
		}
	}
}
