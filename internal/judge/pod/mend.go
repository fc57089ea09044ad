package pod

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Mend writes the secure context into the workloads of a manifest in YAML: runAsNonRoot, the runtime's seccomp profile,
// no privilege escalation, no capabilities, and no token for pods of the default account. Nothing that is set
// is changed, and no other byte is touched: comments and order stay. What could not be rewritten is said in
// notes, a line each. The result was read again: its objects are those from before with these fields more.
func Mend(path string, source []byte, image func(reference string) (Image, bool)) (after []byte, notes []string) {
	if text := bytes.TrimLeft(source, "\ufeff \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return source, []string{path + ": it is JSON, which has no place for a careful hand: write the fields in what makes it"}
	}
	objects, problems := kube.Manifest(path, source)
	if len(problems) > 0 {
		return source, []string{strings.Join(strings.Fields(problems[0].Error()), " ") + ": nothing of the file is rewritten"}
	}
	w := writer{lines: bytes.SplitAfter(source, []byte("\n"))}
	if err := w.index(source); err != nil {
		return source, []string{fmt.Sprintf("%s: %v: nothing of the file is rewritten", path, err)}
	}
	for _, o := range objects {
		all, err := kube.Workloads(o)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v", at(o, ""), err))
		}
		for i := range all {
			f := &Facts{Workload: &all[i], Image: image}
			for _, g := range grouped(f.settings()) {
				if why := w.write(f, g); why != "" {
					notes = append(notes, fmt.Sprintf("%s: %s is left alone: %s", at(o, f.Path(g[0].parent)), f.Path(g[0].parent), why))
					continue
				}
				for _, s := range g {
					put(o.Fields, f.Path(s.parent), s)
				}
			}
		}
	}
	after = w.bytes()
	if !same(path, after, objects) {
		return source, append(notes, path+": it is written in a way that cannot be rewritten safely")
	}
	return after, notes
}

func at(o *kube.Object, field string) string {
	place := o.At(field)[0]
	return fmt.Sprintf("%s:%d: %s %s", place.Path, place.StartLine, o.Kind, o.Name)
}

// grouped parts settings by the map that they belong to, in their order.
func grouped(all []setting) (groups [][]setting) {
	for _, s := range all {
		if n := len(groups); n > 0 && groups[n-1][0].parent == s.parent {
			groups[n-1] = append(groups[n-1], s)
			continue
		}
		groups = append(groups, []setting{s})
	}
	return groups
}

// same says that a text holds these objects.
func same(path string, text []byte, want []*kube.Object) bool {
	got, problems := kube.Manifest(path, text)
	if len(problems) > 0 || len(got) != len(want) {
		return false
	}
	for i := range got {
		if !reflect.DeepEqual(got[i].Fields, want[i].Fields) {
			return false
		}
	}
	return true
}

// spot is a place in a file, from 1.
type spot struct{ line, column int }

// written is a value of the file, and what is known of where it stands.
type written struct {
	key, value *yaml.Node
	shared     bool // an anchor is on it or around it: it may stand for several
}

// writer puts fields into a file.
type writer struct {
	lines [][]byte
	keys  map[spot]written // by the place of a key
	items map[spot]written // by the place of a list's item
	more  map[int][]string // lines behind a line
	flow  map[spot][]string
	full  map[spot]bool // the braces at a spot hold something already
}

// index finds every key and item of a file.
func (w *writer) index(source []byte) error {
	w.keys, w.items, w.more = map[spot]written{}, map[spot]written{}, map[int][]string{}
	w.flow, w.full = map[spot][]string{}, map[spot]bool{}
	dec := yaml.NewDecoder(bytes.NewReader(source))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
		w.enter(&n, false)
	}
}

func (w *writer) enter(n *yaml.Node, shared bool) {
	shared = shared || n.Anchor != ""
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			w.enter(c, shared)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			w.items[spot{c.Line, c.Column}] = written{nil, c, shared || c.Anchor != ""}
			w.enter(c, shared)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			w.keys[spot{k.Line, k.Column}] = written{k, v, shared || v.Anchor != ""}
			w.enter(v, shared)
		}
	}
}

// find is a field where it is written itself, and not only one above it.
func (w *writer) find(f *Facts, field string) (written, bool) {
	place := f.At(f.Path(field))[0]
	here := spot{place.StartLine, place.Column}
	if strings.HasSuffix(field, "]") {
		found, ok := w.items[here]
		return found, ok
	}
	found, ok := w.keys[here]
	return found, ok && found.key.Value == field[strings.LastIndexByte(field, '.')+1:]
}

// write puts settings into the map that they belong to; empty, or why it did not.
func (w *writer) write(f *Facts, settings []setting) (why string) {
	parent := settings[0].parent
	var pairs []string
	for _, s := range settings {
		pairs = append(pairs, s.key+": "+s.text)
	}
	if found, ok := w.find(f, parent); ok {
		return w.into(found, pairs)
	}
	dot := strings.LastIndexByte(parent, '.')
	if dot < 0 {
		return "it is not there"
	}
	owner, name := parent[:dot], parent[dot+1:]
	found, ok := w.find(f, owner)
	if !ok {
		return "it comes from elsewhere in the file"
	}
	if found.value.Kind == yaml.MappingNode && found.value.Style&yaml.FlowStyle != 0 {
		return w.into(found, []string{name + ": {" + strings.Join(pairs, ", ") + "}"})
	}
	lines := []string{name + ":"}
	for _, p := range pairs {
		lines = append(lines, "  "+p)
	}
	return w.into(found, lines)
}

// into puts lines into a map: at its beginning, or behind an item's image or name, where people write them.
func (w *writer) into(at written, lines []string) (why string) {
	v := at.value
	switch {
	case v.Kind == yaml.AliasNode || at.shared:
		return "an anchor shares it with other places"
	case v.Kind == yaml.ScalarNode && v.Value == "" && v.Style == 0 && at.key != nil:
		w.behind(at.key.Line, at.key.Column+1, lines)
	case v.Kind != yaml.MappingNode:
		return "it is written as no map"
	case v.Style&yaml.FlowStyle != 0:
		here := spot{v.Line, v.Column}
		w.flow[here], w.full[here] = append(w.flow[here], lines...), len(v.Content) > 0
	case at.key != nil && v.Line > at.key.Line:
		w.behind(at.key.Line, v.Column-1, lines)
	default:
		line := 0
		for i := 0; i+1 < len(v.Content); i += 2 {
			k, of := v.Content[i], v.Content[i+1]
			if (k.Value == "image" || k.Value == "name") && of.Kind == yaml.ScalarNode && of.Line == k.Line && of.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
				line = max(line, of.Line)
			}
		}
		if line == 0 {
			return "there is no line of its own to write behind"
		}
		w.behind(line, v.Column-1, lines)
	}
	return ""
}

func (w *writer) behind(line, indent int, lines []string) {
	for _, l := range lines {
		w.more[line] = append(w.more[line], strings.Repeat(" ", indent)+l)
	}
}

// bytes is the file with all that was put into it.
func (w *writer) bytes() []byte {
	var out bytes.Buffer
	for i, text := range w.lines {
		line := i + 1
		from := 0
		for column := 1; len(w.flow) > 0 && column <= len(text); column++ {
			here := spot{line, column}
			pairs, ok := w.flow[here]
			if !ok {
				continue
			}
			end := min(w.offset(text, line, column)+1, len(text))
			out.Write(text[from:end])
			out.WriteString(strings.Join(pairs, ", "))
			if w.full[here] {
				out.WriteString(", ")
			}
			from = end
		}
		out.Write(text[from:])
		if more := w.more[line]; len(more) > 0 {
			end := "\n"
			if bytes.HasSuffix(text, []byte("\r\n")) {
				end = "\r\n"
			}
			if !bytes.HasSuffix(text, []byte("\n")) {
				out.WriteString(end)
			}
			out.WriteString(strings.Join(more, end) + end)
		}
	}
	return out.Bytes()
}

// offset is where a column, which counts characters, begins in a line's bytes.
func (w *writer) offset(text []byte, line, column int) int {
	if line == 1 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	n := 0
	for at := range string(text) {
		if n++; n == column {
			return at + len(w.lines[line-1]) - len(text)
		}
	}
	return len(text)
}
