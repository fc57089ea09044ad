package policyfile

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// parse adds what one file holds. Lists that it names are read beside it.
func (s *Set) parse(from source, b []byte) error {
	docs, err := documents(from.shown, b)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		f := parser{reader: reader{file: from.shown}, from: from}
		if err := f.document(doc, s); err != nil {
			return err
		}
	}
	return nil
}

type parser struct {
	reader
	from source
}

func (p *parser) document(doc *yaml.Node, into *Set) error {
	var version, kind, name Text
	var spec *yaml.Node
	var annotations map[string]any
	err := p.mapping(doc, "a document",
		field{"apiVersion", p.text(&version, "apiVersion"), true},
		field{"kind", p.text(&kind, "kind"), true},
		field{"metadata", func(n *yaml.Node) error {
			return p.mapping(n, "metadata", field{"name", p.text(&name, "metadata.name"), true}, field{"annotations", p.free(&annotations), false}, field{"labels", p.free(&annotations), false})
		}, true},
		field{"spec", func(n *yaml.Node) error { spec = n; return nil }, true})
	switch {
	case err != nil:
		return err
	case version.Value != APIVersion:
		return fmt.Errorf("%s: apiVersion %q is not known: write %s", version.At(1), version.Value, APIVersion)
	case !validName().MatchString(name.Value):
		return fmt.Errorf("%s: %q is no name: use lower case letters, digits and hyphens, 63 at most", name.At(1), name.Value)
	}
	switch kind.Value {
	case "Policy":
		return p.policy(spec, name, into)
	case "PolicyBinding":
		return p.binding(spec, name, into)
	case "PolicyTest":
		return p.test(spec, name, into)
	case "ValidatingAdmissionPolicy":
		return fmt.Errorf("%s: kind ValidatingAdmissionPolicy is Kubernetes' own; a Policy of %s has the same shape with a subject", kind.At(1), APIVersion)
	}
	return fmt.Errorf("%s: kind %q is not known: use Policy, PolicyBinding or PolicyTest", kind.At(1), kind.Value)
}

// validName is a label of RFC 1123, as Kubernetes names things.
var validName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) })

func (p *parser) free(into *map[string]any) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = map[string]any{}
		return p.entries(n, func(key, value *yaml.Node) (err error) {
			(*into)[key.Value], err = p.value(value)
			return err
		})
	}
}

func (p *parser) policy(n *yaml.Node, name Text, into *Set) error {
	out := Policy{Name: name, Params: map[string]any{}}
	err := p.mapping(n, "the spec of a Policy",
		field{"subject", p.text(&out.Subject, "subject"), true},
		field{"action", p.text(&out.Action, "action"), false},
		field{"severity", p.text(&out.Severity, "severity"), false},
		field{"description", p.plain(&out.Description, "description"), false},
		field{"fix", p.plain(&out.Fix, "fix"), false},
		field{"references", p.texts(&out.References, "references"), false},
		field{"aliases", p.texts(&out.Aliases, "aliases"), false},
		field{"params", p.params(out.Params, nil), false},
		field{"paramsFrom", p.paramsFrom(out.Params, nil), false},
		field{"matchConditions", p.named(&out.Conditions, "matchConditions"), false},
		field{"variables", p.named(&out.Variables, "variables"), false},
		field{"validations", p.validations(&out.Validations), true})
	if err == nil && len(out.Validations) == 0 {
		err = p.wrong(n, "validations is empty: such a policy would pass everything")
	}
	into.Policies = append(into.Policies, out)
	return err
}

func (p *parser) binding(n *yaml.Node, name Text, into *Set) error {
	out := Binding{Name: name, Params: map[string]any{}, Lines: map[string]string{}}
	err := p.mapping(n, "the spec of a PolicyBinding",
		field{"policyName", p.text(&out.Policy, "policyName"), true},
		field{"action", p.text(&out.Action, "action"), false},
		field{"params", p.params(out.Params, out.Lines), false},
		field{"paramsFrom", p.paramsFrom(out.Params, out.Lines), false})
	into.Bindings = append(into.Bindings, out)
	return err
}

func (p *parser) params(into map[string]any, lines map[string]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		return p.entries(n, func(key, value *yaml.Node) error {
			v, err := p.value(value)
			if err != nil {
				return err
			}
			return p.param(into, lines, key, v)
		})
	}
}

// identifier is what CEL takes for the name of a field.
var identifier = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

func (p *parser) param(into map[string]any, lines map[string]string, key *yaml.Node, v any) error {
	if _, twice := into[key.Value]; twice {
		return p.wrong(key, "parameter %q stands twice", key.Value)
	}
	if !identifier().MatchString(key.Value) {
		return p.wrong(key, "parameter %q: a name has letters, digits and underscores", key.Value)
	}
	into[key.Value] = v
	if lines != nil {
		lines[key.Value] = fmt.Sprintf("%s:%d", p.file, key.Line)
	}
	return nil
}

// paramsFrom reads lists that stand in files of their own, an entry a line; what follows a "#" is a comment.
func (p *parser) paramsFrom(into map[string]any, lines map[string]string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		return p.entries(n, func(key, value *yaml.Node) error {
			var b []byte
			if err := p.beside(&b)(value); err != nil {
				return err
			}
			entries := Entries(b)
			if len(entries) > maxList {
				return p.wrong(value, "%s has more than %d entries", value.Value, maxList)
			}
			return p.param(into, lines, key, entries)
		})
	}
}

// Entries are the lines of a list file: an entry each, what follows a "#" is a comment.
func Entries(b []byte) []any {
	entries := []any{}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			entries = append(entries, line)
		}
	}
	return entries
}

// Value reads the value of a parameter as YAML writes it.
func Value(text string) (any, error) {
	docs, err := documents("value", []byte(text))
	if err != nil || len(docs) != 1 {
		return nil, fmt.Errorf("%q is no value: write a text, a number, true, false, or a list as in [a, b]", text)
	}
	return (&reader{file: "value"}).value(docs[0])
}

// beside reads a file that a policy names: one below the folder that was handed in.
func (p *parser) beside(into *[]byte) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var at Text
		if err := p.text(&at, "a name of a file")(n); err != nil {
			return err
		}
		name := path.Join(path.Dir(p.from.path), at.Value)
		if path.IsAbs(at.Value) || !fs.ValidPath(name) {
			return p.wrong(n, "%q: name a file below the folder of the policies", at.Value)
		}
		b, err := read(p.from.fsys, name)
		if err != nil {
			return p.wrong(n, "%v", err)
		}
		*into = b
		return nil
	}
}

func (p *parser) named(into *[]Named, what string) func(*yaml.Node) error {
	return p.sequence(what, func(n *yaml.Node) error {
		var one Named
		err := p.mapping(n, "an item of "+what, field{"name", p.text(&one.Name, "name"), true}, field{"expression", p.expression(&one.Expression, "expression"), true})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(*into, func(o Named) bool { return o.Name.Value == one.Name.Value }) {
			return p.wrong(n, "%s has two items of the name %q", what, one.Name.Value)
		}
		if what == "variables" && !identifier().MatchString(one.Name.Value) {
			return p.wrong(n, "variable %q: a name has letters, digits and underscores", one.Name.Value)
		}
		*into = append(*into, one)
		return nil
	})
}

func (p *parser) validations(into *[]Validation) func(*yaml.Node) error {
	return p.sequence("validations", func(n *yaml.Node) error {
		var v Validation
		err := p.mapping(n, "a validation", field{"expression", p.expression(&v.Expression, "expression"), true},
			field{"message", p.plain(&v.Message, "message"), false},
			field{"messageExpression", p.text(&v.MessageExpression, "messageExpression"), false})
		*into = append(*into, v)
		return err
	})
}

func (p *parser) test(n *yaml.Node, name Text, into *Set) error {
	out := Test{Name: name, Params: map[string]any{}}
	err := p.mapping(n, "the spec of a PolicyTest",
		field{"policy", p.text(&out.Policy, "policy"), true},
		field{"params", p.params(out.Params, nil), false},
		field{"paramsFrom", p.paramsFrom(out.Params, nil), false},
		field{"now", func(n *yaml.Node) error {
			n.Tag = strings.Replace(n.Tag, "!!timestamp", "!!str", 1)
			return p.text(&out.Now, "now")(n)
		}, false},
		field{"cases", p.sequence("cases", func(n *yaml.Node) error {
			c, err := p.testCase(n)
			out.Cases = append(out.Cases, c)
			return err
		}), true})
	into.Tests = append(into.Tests, out)
	return err
}

func (p *parser) testCase(n *yaml.Node) (Case, error) {
	c := Case{Count: -1, Place: map[string]string{}}
	err := p.mapping(n, "a case",
		field{"name", p.text(&c.Name, "name"), true},
		field{"given", func(n *yaml.Node) error {
			v, err := p.value(n)
			if err != nil {
				return err
			}
			p.places(n, c.Place)
			c.Given, err = json.Marshal(v)
			return err
		}, false},
		field{"report", p.beside(&c.Report), false},
		field{"manifest", p.beside(&c.Manifest), false},
		field{"expect", p.text(&c.Expect, "expect"), true},
		field{"message", p.plain(&c.Message, "message"), false},
		field{"findings", func(n *yaml.Node) error {
			v, err := p.value(n)
			count, ok := v.(int64)
			if err != nil || !ok || count < 0 || count > maxNodes {
				return p.wrong(n, "findings is to be a number")
			}
			c.Count = int(count)
			return nil
		}, false})
	given := 0
	for _, b := range [][]byte{c.Given, c.Report, c.Manifest} {
		if b != nil {
			given++
		}
	}
	if err == nil && given != 1 {
		err = p.wrong(n, "a case has either given, report or manifest")
	}
	if err == nil && !slices.Contains([]string{"pass", "warn", "deny", "error"}, c.Expect.Value) {
		err = fmt.Errorf("%s: expect %q: use pass, warn, deny or error", c.Expect.At(1), c.Expect.Value)
	}
	return c, err
}

// places notes where each key stands.
func (p *parser) places(n *yaml.Node, into map[string]string) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			into[c.Value] = fmt.Sprintf("%s:%d", p.file, c.Line)
		} else {
			p.places(c, into)
		}
	}
}
