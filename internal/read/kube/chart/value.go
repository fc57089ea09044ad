package chart

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// valuePlace is where the value of a mark is written: in the last file of values that the user gave and that has it,
// or in the values.yaml of the chart or of one above it. Of a value with lines of its own it is the one that reads
// like what came of it.
func (r *run) valuePlace(p *put, text string) (render.Place, bool) {
	for _, f := range r.valueFiles(p.chart) {
		node := find(f.node, slices.Concat(f.under, p.value))
		if node == nil {
			continue
		}
		line := node.Line
		if node.Kind != yaml.ScalarNode {
			line = r.within(f, node, text)
		}
		return render.Place{Path: f.path, Line: line, Given: f.given}, true
	}
	return render.Place{}, false
}

// valueFile is one that may have a chart's values, below some keys.
type valueFile struct {
	path  string
	given bool
	node  *yaml.Node
	lines []string
	under []string
}

// find follows keys.
func find(n *yaml.Node, keys []string) *yaml.Node {
	for _, key := range keys {
		if n = child(n, key); n == nil {
			return nil
		}
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// within is the line of a value that reads like a text, else the one of its keys that the text begins with, else the
// one that it begins in.
func (r *run) within(f valueFile, n *yaml.Node, text string) int {
	for at := n.Line; at <= last(n, 0) && at <= len(f.lines); at++ {
		if line, _, _ := strings.Cut(f.lines[at-1], " #"); strings.TrimSpace(line) == text {
			return at
		}
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(text, "- "), ":")
	if lines := keyLines(n, key, 0); len(lines) == 1 {
		return lines[0]
	}
	return n.Line
}

// keyLines are the lines of the keys and items of a name in a value.
func keyLines(n *yaml.Node, key string, deep int) (lines []int) {
	for i, c := range n.Content {
		if (n.Kind == yaml.MappingNode && i%2 == 0 || n.Kind == yaml.SequenceNode && c.Kind == yaml.ScalarNode) && c.Value == key {
			lines = append(lines, c.Line)
		}
		if deep < maxNested*4 {
			lines = append(lines, keyLines(c, key, deep+1)...)
		}
	}
	return lines
}

// last is the last line that a value begins a part of itself in.
func last(n *yaml.Node, deep int) int {
	line := n.Line
	for _, c := range n.Content {
		if deep < maxNested*4 {
			line = max(line, last(c, deep+1))
		}
	}
	return line
}

// valueFiles are those that may have the values of a chart, the one that wins first.
func (r *run) valueFiles(of string) []valueFile {
	if all, ok := r.tables[of]; ok {
		return all
	}
	var all []valueFile
	names := strings.Split(strings.ReplaceAll(of, "/charts/", "/"), "/")
	add := func(path string, given bool, text []byte, under []string) {
		var doc yaml.Node
		if yaml.Unmarshal(text, &doc) == nil && len(doc.Content) > 0 {
			all = append(all, valueFile{path, given, doc.Content[0], strings.Split(string(text), "\n"), under})
		}
	}
	for i := len(r.valuesGiven) - 1; i >= 0; i-- {
		add(r.valuesGiven[i].Path, true, r.valuesGiven[i].Bytes, names[1:])
	}
	for i := range names {
		if at, text := r.ownValues(strings.Join(names[:i+1], "/charts/")); text != nil {
			add(at, false, text, names[i+1:])
		}
	}
	r.tables[of] = all
	return all
}
