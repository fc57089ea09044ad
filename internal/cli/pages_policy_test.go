package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// policyPage is the reference of what expressions may name, made from the declarations that compile them, and
// of the policies that are shipped.
func policyPage() string {
	r := policy.Describe()
	var b strings.Builder
	b.WriteString(generated + "# What policies can ask\n\nExpressions are [CEL](https://cel.dev); [the guide](../guide/policies.md) begins at the beginning. A field that is\n" +
		"not there reads as empty, and `has(x.field)` is false of it. What is not *known* (marked \"an error\") fails: the policy is\nthen not decided, and denies.\n\n## Variables\n\n| variable | type | |\n| --- | --- | --- |\n")
	for _, v := range r.Variables {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, code(v.Type.String()), v.Doc)
	}
	b.WriteString("\n## Functions\n\nBeside those of CEL and of its libraries of strings, lists, sets, mathematics, bindings (`cel.bind`), regular expressions, optional\nvalues and comprehensions of two variables:\n\n| function | |\n| --- | --- |\n")
	for i := range r.Functions {
		fmt.Fprintf(&b, "| %s | %s |\n", code(r.Functions[i].Signature()), r.Functions[i].Doc)
	}
	for _, o := range r.Types {
		fmt.Fprintf(&b, "\n## %s\n%s\n\n| field | type | |\n| --- | --- | --- |\n", o.Name, o.Doc)
		for _, f := range o.Fields {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, code(f.Type.String()), f.Doc)
		}
	}
	b.WriteString("\n## The library\n\n| policy | about | parameters | demands |\n| --- | --- | --- | --- |\n")
	lib, err := policy.Library()
	if err != nil {
		panic(err)
	}
	for _, p := range lib.Policies {
		fmt.Fprintf(&b, "| `lib:%s` | %s | %s | %s |\n", p.Name.Value, p.Subject.Value, strings.Join(slices.Sorted(maps.Keys(p.Params)), ", "), p.Description)
	}
	return b.String()
}

func code(s string) string { return "`" + s + "`" }
