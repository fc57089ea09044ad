package chart

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// A mark is put into templates wherever text begins a line or an action writes some, and so comes out before what that
// made. Its number leads to the place where it was put. Both characters are for private use: a chart that has them
// itself is not marked.
const (
	markBegin = "\ue000"
	markEnd   = "\ue001"
)

// put is where a mark was put.
type put struct {
	path   string
	line   int
	helper bool // in a named template, which others include
	// value is the path of the one value that is written there, as in [image tag]; nil: none or several.
	value []string
	chart string // whose values these are
}

// marker puts marks into templates.
type marker struct {
	puts []put
	// helpers has named templates marked as well. What they write is often compared or cut before it is written, so
	// only what looks like lines of YAML is marked there.
	helpers bool
}

// template gives a template's source with marks in it; false for what cannot be marked.
func (m *marker) template(name, path, chart, source string) (string, bool) {
	if strings.Contains(source, markBegin) {
		return "", false
	}
	trees := map[string]*parse.Tree{}
	t := parse.New(name)
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(source, "", "", trees); err != nil {
		return "", false // and so it did not render
	}
	var out strings.Builder
	for _, of := range sortedTrees(trees) {
		if of == name {
			continue
		}
		w := walk{m, source, path, chart, true, nil}
		if m.helpers {
			w.list(trees[of].Root)
		}
		fmt.Fprintf(&out, "{{define %q}}%s{{end}}", of, trees[of].Root)
	}
	if t.Root != nil {
		w := walk{m, source, path, chart, false, []string{}}
		w.list(t.Root)
		out.WriteString(t.Root.String())
	}
	return out.String(), true
}

func sortedTrees(trees map[string]*parse.Tree) (names []string) {
	for name := range trees {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// walk marks one template.
type walk struct {
	*marker
	source string
	path   string
	chart  string
	helper bool
	// dot is the path of the value that . is; nil: that is not known, and an empty one is that of all the template gets.
	dot []string
}

func (w walk) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	var nodes []parse.Node
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			n.Text = []byte(w.text(string(n.Text), int(n.Pos)))
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 && (!w.helper || writesLines(n.Pipe)) {
				nodes = append(nodes, markNode(w.mark(w.line(int(n.Pos)), w.valueOf(n.Pipe))))
			}
		case *parse.TemplateNode:
			if !w.helper {
				nodes = append(nodes, markNode(w.mark(w.line(int(n.Pos)), nil)))
			}
		case *parse.IfNode:
			w.list(n.List)
			w.list(n.ElseList)
		case *parse.RangeNode:
			w.branch(&n.BranchNode, nil)
		case *parse.WithNode:
			w.branch(&n.BranchNode, w.valueOf(n.Pipe))
		}
		nodes = append(nodes, n)
	}
	l.Nodes = nodes
}

func (w walk) branch(n *parse.BranchNode, dot []string) {
	w.list(n.ElseList)
	w.dot = dot
	w.list(n.List)
}

func (w walk) line(pos int) int { return 1 + strings.Count(w.source[:min(pos, len(w.source))], "\n") }

// mark makes one, and remembers where it is put.
func (w walk) mark(line int, value []string) string {
	w.puts = append(w.puts, put{w.path, line, w.helper, value, w.chart})
	return markBegin + strconv.Itoa(len(w.puts)-1) + markEnd
}

func markNode(mark string) parse.Node {
	return &parse.TextNode{NodeType: parse.NodeText, Text: []byte(mark)}
}

// text marks the lines of a stretch of text.
func (w walk) text(text string, pos int) string {
	var out strings.Builder
	line, first := w.line(pos), true
	for l := range strings.Lines(text) {
		indent := len(l) - len(strings.TrimLeft(l, " \t"))
		switch {
		case !w.helper:
			out.WriteString(w.mark(line, nil) + l)
		case looksYAML(l[indent:]):
			out.WriteString(l[:indent] + w.mark(line, nil) + l[indent:])
		default:
			out.WriteString(l)
		}
		line, first = line+1, false
	}
	if !w.helper && (first || strings.HasSuffix(text, "\n")) {
		out.WriteString(w.mark(line, nil))
	}
	return out.String()
}

// looksYAML says that a line begins with a key of YAML, or a dash.
func looksYAML(line string) bool {
	if strings.HasPrefix(line, "- ") {
		return true
	}
	key, rest, ok := strings.Cut(line, ":")
	return ok && key != "" && !strings.ContainsAny(key, " \t\n") && (rest == "" || strings.IndexByte(" \r\n", rest[0]) >= 0)
}

// writesLines says that a pipeline ends in a function that is there to write lines of YAML.
func writesLines(p *parse.PipeNode) bool {
	if len(p.Cmds) == 0 || len(p.Cmds[len(p.Cmds)-1].Args) == 0 {
		return false
	}
	f, ok := p.Cmds[len(p.Cmds)-1].Args[0].(*parse.IdentifierNode)
	return ok && slices.Contains([]string{"toYaml", "toYamlPretty", "indent", "nindent"}, f.Ident)
}

// valueOf is the path of the one value that a pipeline is made of.
func (w walk) valueOf(p *parse.PipeNode) []string {
	var found [][]string
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			if v := w.valuePath(arg); v != nil {
				found = append(found, v)
			}
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// valuePath is the path of a value that an argument names: .Values.image.tag, or what stands in the value that . is.
func (w walk) valuePath(arg parse.Node) []string {
	names, dot := []string(nil), w.dot
	switch n := arg.(type) {
	case *parse.PipeNode:
		return w.valueOf(n)
	case *parse.DotNode:
	case *parse.FieldNode:
		names = n.Ident
	case *parse.VariableNode:
		if n.Ident[0] != "$" || w.helper {
			return nil
		}
		names, dot = n.Ident[1:], []string{}
	default:
		return nil
	}
	if dot == nil && len(names) > 1 && names[0] == "Values" {
		return names[1:] // helpers are mostly given all
	}
	if dot == nil || len(dot) == 0 && (len(names) < 2 || names[0] != "Values") {
		return nil
	}
	if len(dot) == 0 {
		return names[1:]
	}
	return append(slices.Clone(dot), names...)
}
