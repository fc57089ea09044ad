package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader walks the nodes of one document. The first thing that is wrong ends it.
type reader struct {
	file  string
	nodes int
}

// documents parses a file into its documents. Aliases, with which a small file can say a large thing, are
// not part of the language.
func documents(file string, b []byte) ([]*yaml.Node, error) {
	var all []*yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	r := reader{file: file}
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue
		}
		if err := r.check(doc.Content[0], 0); err != nil {
			return nil, err
		}
		if all = append(all, doc.Content[0]); len(all) > maxDocs {
			return nil, fmt.Errorf("%s holds more than %d documents", file, maxDocs)
		}
	}
}

func (r *reader) wrong(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.file, n.Line, fmt.Sprintf(format, args...))
}

// check holds the bounds, before anything is made of the nodes.
func (r *reader) check(n *yaml.Node, depth int) error {
	r.nodes++
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return r.wrong(n, "anchors and aliases are not read: write it out")
	case depth > maxDepth:
		return r.wrong(n, "this is nested more than %d deep", maxDepth)
	case r.nodes > maxNodes:
		return r.wrong(n, "this file says more than %d things", maxNodes)
	}
	for _, c := range n.Content {
		if err := r.check(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// field is a key that a mapping may have, and what reads its value.
type field struct {
	key      string
	read     func(*yaml.Node) error
	required bool
}

// mapping reads a mapping with just these keys.
func (r *reader) mapping(n *yaml.Node, what string, fields ...field) error {
	if n.Kind != yaml.MappingNode {
		return r.wrong(n, "%s is to be a mapping", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			return r.wrong(key, "%q stands twice in %s", key.Value, what)
		}
		seen[key.Value] = true
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		if at < 0 {
			return r.wrong(key, "%s has no field %q: it has %s", what, key.Value, keys(fields))
		}
		if err := fields[at].read(n.Content[i+1]); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if f.required && !seen[f.key] {
			return r.wrong(n, "%s has no field %q, which it must have", what, f.key)
		}
	}
	return nil
}

func keys(fields []field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.key)
	}
	return strings.Join(names, ", ")
}

// sequence reads the items of a list.
func (r *reader) sequence(what string, each func(*yaml.Node) error) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return r.wrong(n, "%s is to be a list", what)
		}
		for _, item := range n.Content {
			if err := each(item); err != nil {
				return err
			}
		}
		return nil
	}
}

// text reads a text that says something. What YAML takes for a number or a truth value is one in quotes only.
func (r *reader) text(into *Text, what string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			return r.wrong(n, "%s is to be a text: put it in quotes", what)
		}
		if strings.TrimSpace(n.Value) == "" {
			return r.wrong(n, "%s is empty", what)
		}
		*into = Text{Value: n.Value, File: r.file, Line: n.Line, block: n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0}
		return nil
	}
}

// expression reads CEL, of which true and 1 == 1 are expressions too.
func (r *reader) expression(into *Text, what string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
			n.Tag = "!!str"
		}
		return r.text(into, what)(n)
	}
}

func (r *reader) plain(into *string, what string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var t Text
		err := r.text(&t, what)(n)
		*into = strings.TrimSpace(t.Value)
		return err
	}
}

func (r *reader) texts(into *[]string, what string) func(*yaml.Node) error {
	return r.sequence(what, func(n *yaml.Node) error {
		var s string
		err := r.plain(&s, "an item of "+what)(n)
		*into = append(*into, s)
		return err
	})
}

// value reads what a parameter may be: a text, a number, true or false, or lists and mappings of these.
func (r *reader) value(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := r.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		all := map[string]any{}
		err := r.entries(n, func(key, value *yaml.Node) (err error) {
			all[key.Value], err = r.value(value)
			return err
		})
		return all, err
	}
	var v any
	switch n.Tag {
	case "!!str", "!!timestamp":
		return n.Value, nil
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			return nil, r.wrong(n, "%q is no number that fits", n.Value)
		}
		return i, nil
	case "!!float", "!!bool":
		if err := n.Decode(&v); err != nil {
			return nil, r.wrong(n, "%q: %v", n.Value, err)
		}
		return v, nil
	}
	return nil, r.wrong(n, "a value is to be a text, a number, true or false, a list or a mapping")
}

// entries visits a mapping whose keys are free.
func (r *reader) entries(n *yaml.Node, each func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return r.wrong(n, "this is to be a mapping")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || seen[key.Value] {
			return r.wrong(key, "%q stands twice, or is no name", key.Value)
		}
		seen[key.Value] = true
		if err := each(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}
