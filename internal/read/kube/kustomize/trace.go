package kustomize

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/internal/read/kube/render"
)

// trace tells of each line of an object where it was written: in the resource that it was, or where a value is another
// than there, in the patch or the kustomization that has it.
func (o *overlay) trace(text []byte, from, kind, name string) [][]render.Place {
	var doc yaml.Node
	lines := make([][]render.Place, bytes.Count(text, []byte("\n"))+1)
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return lines
	}
	t := tracer{overlay: o, from: from, kind: kind, lines: lines}
	resource := o.resource(from, kind, name)
	start := render.Place{Path: from, Line: 1}
	if resource != nil {
		start.Line = resource.Line
	} else if n := o.said(from, "", name); n != nil {
		start.Line = n.Line // a generator's
	}
	t.node(doc.Content[0], resource, nil, start, []render.Place{start})
	before := []render.Place{start}
	for i := range lines {
		if lines[i] == nil {
			lines[i] = before
		}
		before = lines[i]
	}
	return lines
}

// resource is the object as a file has it. A prefix or a suffix may have been put to its name.
func (o *overlay) resource(from, kind, name string) (best *yaml.Node) {
	known := ""
	for _, f := range o.files {
		if f.path != from {
			continue
		}
		for _, d := range f.docs {
			for _, one := range append([]*yaml.Node{d}, items(d)...) {
				k, n := child(one, "kind"), child(child(one, "metadata"), "name")
				if k == nil || n == nil || k.Value != kind || !strings.Contains(name, n.Value) {
					continue
				}
				if best == nil || len(n.Value) > len(known) {
					best, known = one, n.Value
				}
			}
		}
	}
	return best
}

// items are those of a List.
func items(n *yaml.Node) []*yaml.Node {
	if i := child(n, "items"); i != nil && i.Kind == yaml.SequenceNode {
		return i.Content
	}
	return nil
}

type tracer struct {
	*overlay
	from  string
	kind  string
	lines [][]render.Place
}

// step is a part of a path: a key, or an item that is known by its name or else by its index.
type step struct {
	key   string
	index int
	item  *yaml.Node
}

// maxDeep is more than Kubernetes takes.
const maxDeep = 100

// node traces what stands below a node of the object, of which written is the same in the resource. Near is the
// closest place above it in the resource, and above is where what is above it was written.
func (t *tracer) node(out, written *yaml.Node, at []step, near render.Place, above []render.Place) {
	if len(at) > maxDeep {
		return
	}
	visit := func(mark, value, was *yaml.Node, wasLine int, s step) {
		here := append(at[:len(at):len(at)], s)
		closest := near
		if was != nil {
			closest = render.Place{Path: t.from, Line: wasLine}
		}
		places := []render.Place{closest}
		if !same(value, was) {
			places = above
			if p, ok := t.changed(here, value); ok {
				places = []render.Place{p}
				if closest != p {
					places = append(places, closest)
				}
			}
		}
		if n := mark.Line - 1; n >= 0 && n < len(t.lines) && t.lines[n] == nil {
			t.lines[n] = places
		}
		t.node(value, was, here, closest, places)
	}
	switch out.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(out.Content); i += 2 {
			key, value := out.Content[i], out.Content[i+1]
			was, line := member(written, key.Value)
			visit(key, value, was, line, step{key: key.Value})
		}
	case yaml.SequenceNode:
		for i, value := range out.Content {
			s := step{index: i, item: value}
			was := item(written, s)
			line := 0
			if was != nil {
				line = was.Line
			}
			visit(value, value, was, line, s)
		}
	}
}

// member is the value of a key, and the line that the key stands in.
func member(n *yaml.Node, key string) (*yaml.Node, int) {
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	}
	return nil, 0
}

// item is the same item in another list: of the same name, equal, or in the same place where neither has a name.
func item(n *yaml.Node, s step) *yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	name := nameOf(s.item)
	for _, c := range n.Content {
		if name != "" && nameOf(c) == name || s.item.Kind == yaml.ScalarNode && c.Kind == yaml.ScalarNode && c.Value == s.item.Value {
			return c
		}
	}
	if name == "" && s.item.Kind != yaml.ScalarNode && s.index < len(n.Content) && nameOf(n.Content[s.index]) == "" {
		return n.Content[s.index]
	}
	return nil
}

// nameOf is what Kubernetes knows an item of a list by.
func nameOf(n *yaml.Node) string {
	for _, key := range []string{"name", "mountPath", "containerPort", "port", "key", "ip"} {
		if v := child(n, key); v != nil {
			return key + " " + v.Value
		}
	}
	return ""
}

// same says that a value stands as it was written; of what holds others each is asked for itself.
func same(value, was *yaml.Node) bool {
	return was != nil && value.Kind == was.Kind && (value.Kind != yaml.ScalarNode || value.Value == was.Value)
}

// changed finds the patch, or the line of a kustomization, that has a value.
func (t *tracer) changed(at []step, value *yaml.Node) (render.Place, bool) {
	for _, f := range t.files {
		if f.path == t.from {
			continue
		}
		for _, d := range f.docs {
			if render.IsOverlay(f.path) {
				if p, ok := t.inline(f, d, at, value, 0); ok {
					return p, true
				}
			} else if n := t.patched(d, at, value); n > 0 {
				return render.Place{Path: f.path, Line: n}, true
			}
		}
	}
	if value.Kind != yaml.ScalarNode {
		return render.Place{}, false
	}
	for _, f := range t.files {
		if !render.IsOverlay(f.path) {
			continue
		}
		if n := t.said(f.path, at[len(at)-1].key, value.Value); n != nil {
			return render.Place{Path: f.path, Line: n.Line}, true
		}
	}
	return render.Place{}, false
}

// inline looks into the patches that stand in a kustomization as texts.
func (t *tracer) inline(f source, n *yaml.Node, at []step, value *yaml.Node, deep int) (render.Place, bool) {
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(n.Value), &doc) == nil && len(doc.Content) > 0 {
			if line := t.patched(doc.Content[0], at, value); line > 0 {
				return render.Place{Path: f.path, Line: n.Line + line}, true
			}
		}
	}
	for _, c := range n.Content {
		if deep > maxDeep {
			break
		}
		if p, ok := t.inline(f, c, at, value, deep+1); ok {
			return p, true
		}
	}
	return render.Place{}, false
}

// patched is the line of a patch that has a value at a path: of one that is laid over, or of a JSON patch.
func (t *tracer) patched(doc *yaml.Node, at []step, value *yaml.Node) int {
	if doc.Kind == yaml.SequenceNode {
		for _, op := range doc.Content {
			path, v := child(op, "path"), child(op, "value")
			if path == nil || v == nil {
				continue
			}
			if n := below(at, path.Value); n >= 0 {
				if line := follow(v, at[n:], value, path.Line); line > 0 {
					return line
				}
			}
		}
		return 0
	}
	if k := child(doc, "kind"); k != nil && k.Value != t.kind {
		return 0
	}
	return follow(doc, at, value, doc.Line)
}

// below is the number of steps that a JSON pointer takes of a path; negative when it leads elsewhere.
func below(at []step, pointer string) int {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	if len(parts) > len(at) {
		return -1
	}
	for i, p := range parts {
		p = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
		if s := at[i]; s.item == nil && s.key != p || s.item != nil && p != "-" && p != fmt.Sprint(s.index) {
			return -1
		}
	}
	return len(parts)
}

// follow is the line of the value that a path leads to in a patch, if it is the same value; else 0.
func follow(n *yaml.Node, at []step, value *yaml.Node, line int) int {
	for _, s := range at {
		if s.item != nil {
			if n = item(n, s); n != nil {
				line = n.Line
			}
		} else {
			n, line = member(n, s.key)
		}
		if n == nil {
			return 0
		}
	}
	if !same(value, n) {
		return 0
	}
	return line
}

// said finds a text in a kustomization: the value itself, or of an image its tag or digest.
func (o *overlay) said(file, key, value string) *yaml.Node {
	for _, f := range o.files {
		if f.path != file {
			continue
		}
		for _, d := range f.docs {
			if n := search(d, func(v string) bool {
				return v == value || key == "image" && (strings.HasSuffix(value, ":"+v) || strings.HasSuffix(value, "@"+v))
			}, 0); n != nil {
				return n
			}
		}
	}
	return nil
}

func search(n *yaml.Node, is func(string) bool, deep int) *yaml.Node {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 || deep > maxDeep {
			continue
		}
		if c.Kind == yaml.ScalarNode && is(c.Value) {
			return c
		}
		if found := search(c, is, deep+1); found != nil {
			return found
		}
	}
	return nil
}
