// Package tree turns YAML and JSON that others wrote into values that know their lines: aliases are followed, merge
// keys are merged, and both are bounded, so that a few bytes cannot become gigabytes. It decodes into no
// struct, for those who judge a file want what stands there and not what a struct expects. Strict reads the
// files of which every word must be understood.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on one file.
const (
	leastValues  = 200_000 // that are read, after aliases are followed; of a longer file one for each byte
	maxDepth     = 100
	maxDocuments = 1000
)

// Error is what is wrong with a file, and where.
type Error struct {
	Path string
	Line int // 0: nowhere in particular
	What string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.What)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.What)
}

// Value is a scalar, a list or a map. The methods of a nil Value give what an empty one has.
type Value struct {
	Line, Column int
	Text         string // of a scalar
	Scalar       bool
	Quoted       bool
	Block        bool     // it is written as | or >, so that its text begins on a later line
	Folded       bool     // lines were joined, so that they cannot be told apart any more
	Null         bool     // null, or nothing at all
	Type         string   // of a scalar: str, int, float, bool, null, timestamp or binary; empty where Tag says
	Tag          string   // one of the file's own, such as !reference
	List         []*Value // of a list, even of an empty one; nil of all else
	Map          []Entry  // of a map, likewise, in the order of the file; no key stands twice
}

// Entry is a key and its value.
type Entry struct {
	Key    string
	Line   int
	Column int
	Value  *Value
}

// Parse reads all documents of a file, which is YAML, or one of JSON. An error is an *Error.
func Parse(path string, source []byte) ([]*Value, error) {
	if isJSON(source) {
		v, err := parseJSON(path, source)
		if err != nil {
			return nil, err
		}
		return []*Value{v}, nil
	}
	r := reader{path: path, most: max(leastValues, len(source))}
	dec := yaml.NewDecoder(bytes.NewReader(source))
	var all []*Value
	for len(all) < maxDocuments {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, wrong(path, err)
		}
		v, err := r.value(&n, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return nil, &Error{Path: path, What: fmt.Sprintf("it has more than %d documents", maxDocuments)}
}

// Cut shortens what an error quotes.
func Cut(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// wrong finds the line in yaml's own words.
func wrong(path string, err error) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{Path: path, What: text}
	if _, scanErr := fmt.Sscanf(text, "line %d:", &e.Line); scanErr == nil {
		_, e.What, _ = strings.Cut(text, ": ")
	}
	return e
}

type reader struct {
	path        string
	count, most int
}

func (r *reader) value(n *yaml.Node, depth int) (*Value, error) {
	r.count++
	if r.count > r.most || depth > maxDepth {
		return nil, &Error{r.path, n.Line, "it is deeper, or with its aliases larger, than is read"}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return &Value{Null: true}, nil
		}
		return r.value(n.Content[0], depth)
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	}
	v := &Value{Line: n.Line, Column: n.Column}
	kind, plain := strings.CutPrefix(n.Tag, "!!")
	if !plain {
		v.Tag = n.Tag
	}
	var err error
	switch n.Kind {
	case yaml.SequenceNode:
		v.List = make([]*Value, 0, len(n.Content))
		for _, c := range n.Content {
			one, err := r.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			v.List = append(v.List, one)
		}
	case yaml.MappingNode:
		v.Map, err = r.entries(n, depth)
	default:
		v.Scalar, v.Text, v.Null = true, n.Value, n.Tag == "!!null"
		if plain {
			v.Type = kind
		}
		v.Quoted = n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
		v.Block = n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
		v.Folded = n.Style&yaml.FoldedStyle != 0
	}
	return v, err
}

func (r *reader) entries(n *yaml.Node, depth int) (own []Entry, err error) {
	var merged []Entry
	own = make([]Entry, 0, len(n.Content)/2)
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		switch {
		case k.Kind != yaml.ScalarNode:
			return nil, &Error{r.path, k.Line, "this key is a list or a map: a text is wanted, or quotes around {{ }}"}
		case k.Value == "<<" && (k.Tag == "!!merge" || k.Tag == ""):
			for _, from := range append([]*Value{v}, v.List...) {
				merged = append(merged, from.Map...)
			}
		case seen[k.Value] > 0:
			return nil, twice(r.path, k.Line, k.Value, seen[k.Value])
		default:
			seen[k.Value] = k.Line
			own = append(own, Entry{k.Value, k.Line, k.Column, v})
		}
	}
	for _, e := range merged { // the map's own keys win, then those that come first
		if seen[e.Key] == 0 {
			seen[e.Key] = e.Line
			own = append(own, e)
		}
	}
	return own, nil
}

func twice(path string, line int, key string, before int) *Error {
	return &Error{path, line, fmt.Sprintf("the key %q stands in line %d already", Cut(key), before)}
}

// Get follows keys down; nil where one is missing.
func (v *Value) Get(keys ...string) *Value {
	for _, k := range keys {
		if v == nil {
			return nil
		}
		i := slices.IndexFunc(v.Map, func(e Entry) bool { return e.Key == k })
		if i < 0 {
			return nil
		}
		v = v.Map[i].Value
	}
	return v
}

// String is the text of a scalar; empty for all else.
func (v *Value) String() string {
	if v == nil || v.Null {
		return ""
	}
	return v.Text
}

// Is says that it is a scalar of one of the texts, whatever their case.
func (v *Value) Is(texts ...string) bool {
	return v != nil && v.Scalar && slices.ContainsFunc(texts, func(t string) bool { return strings.EqualFold(v.Text, t) })
}

// Items are the values of a list, or the one that stands where a list may stand.
func (v *Value) Items() []*Value {
	switch {
	case v == nil || v.Null:
		return nil
	case v.List != nil || v.Map != nil || !v.Scalar:
		return v.List
	}
	return []*Value{v}
}
