package dockerfile

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// lines walks over a source line by line beside BuildKit's parser, which keeps no columns, joins lines and
// drops comments. It follows the same rules, so that what it joins is what the parser joined.
type lines struct {
	all    [][]byte // each without its end
	escape byte
	from   int // how many lines were passed
}

func newLines(source []byte, escape byte) *lines {
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	all := bytes.Split(source, []byte("\n"))
	for i, l := range all {
		all[i] = bytes.TrimRight(l, "\r\n")
	}
	return &lines{all: all, escape: escape}
}

func (w *lines) count() int { return len(w.all) }

// until passes the lines before one, and gathers their comments.
func (w *lines) until(line int, to []Comment) []Comment {
	for ; w.from < line-1 && w.from < len(w.all); w.from++ {
		to = w.comment(to)
	}
	return to
}

func (w *lines) comment(to []Comment) []Comment {
	text := bytes.TrimLeftFunc(w.all[w.from], unicode.IsSpace)
	if len(text) > 0 && text[0] == '#' {
		to = append(to, Comment{Text: string(bytes.TrimSpace(text[1:])), Line: w.from + 1})
	}
	return to
}

// join notes where the text of an instruction comes from, line by line, and then where its here-documents lie.
func (w *lines) join(in *Instruction, n *parser.Node, to []Comment) []Comment {
	offset := 0
	for first := true; w.from < n.EndLine && w.from < len(w.all); first = false {
		text := w.all[w.from]
		trimmed := bytes.TrimLeftFunc(text, unicode.IsSpace)
		if !first && (len(trimmed) == 0 || trimmed[0] == '#') {
			to = w.comment(to)
			w.from++
			continue
		}
		column := 1
		if first {
			column += len(text) - len(trimmed)
			in.Column = column
			text = trimmed
		}
		text, more := w.continued(text)
		in.lines = append(in.lines, mark{offset: offset, line: w.from + 1, column: column})
		offset += len(text)
		w.from++
		if !more {
			break
		}
	}
	for i := range in.Heredocs {
		in.Heredocs[i].Line = w.from + 1
		w.from += strings.Count(in.Heredocs[i].Content, "\n") + 1
	}
	if in.Inner != nil {
		in.Inner.Column = in.Column
	}
	w.from = max(w.from, n.EndLine)
	return to
}

// continued cuts the mark off that says that a line goes on in the next one.
func (w *lines) continued(text []byte) ([]byte, bool) {
	end := len(bytes.TrimRight(text, " \t"))
	if end == 0 || text[end-1] != w.escape || end > 1 && text[end-2] == w.escape {
		return text, false
	}
	return text[:end-1], true
}

// shifted are the marks of a text's tail.
func shifted(marks []mark, by int) []mark {
	out := make([]mark, 0, len(marks))
	for _, m := range marks {
		m.offset -= by
		if m.offset < 0 && len(out) > 0 && out[0].offset < 0 {
			out = out[:0]
		}
		out = append(out, m)
	}
	if len(out) > 0 && out[0].offset < 0 {
		out[0].column -= out[0].offset
		out[0].offset = 0
	}
	return out
}

// At says where a byte of the instruction's text stands, line and column from 1; zeros where nobody knows.
func (in *Instruction) At(offset int) (line, column int) { return place(in.lines, offset) }
