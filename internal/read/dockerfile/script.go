package dockerfile

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Script is what a shell is given: the command line of a RUN, CMD, ENTRYPOINT or HEALTHCHECK with all its
// continuation lines joined, or the here-document that a RUN consists of. It is the very text that BuildKit
// hands over, and knows where each byte of it stands in the file.
type Script struct {
	Text string
	// Shebang is the first line of a RUN's here-document where that names what runs it, instead of Shell.
	Shebang string
	Shell   []string // what runs it otherwise
	marks   []mark
}

// mark says that from an offset on, text stands at a place.
type mark struct {
	offset int
	line   int
	column int // in bytes, from 1
}

// At says where a byte of the text stands, line and column from 1; zeros where nobody knows.
func (s *Script) At(offset int) (line, column int) { return place(s.marks, offset) }

func place(marks []mark, offset int) (line, column int) {
	from, to := 0, len(marks)
	for from < to {
		if mid := (from + to) / 2; marks[mid].offset <= offset {
			from = mid + 1
		} else {
			to = mid
		}
	}
	if from == 0 {
		return 0, 0
	}
	m := marks[from-1]
	return m.line, m.column + offset - m.offset
}

// Script is what a shell is given by a RUN, CMD, ENTRYPOINT or HEALTHCHECK; nil where no shell is: for a
// JSON array, or another instruction.
func (in *Instruction) Script() *Script {
	if in.JSON || len(in.Args) == 0 {
		return nil
	}
	switch in.Name {
	case "RUN":
		return in.run()
	case "CMD", "ENTRYPOINT":
	case "HEALTHCHECK":
		if len(in.Args) < 2 {
			return nil
		}
	default:
		return nil
	}
	return &Script{Text: in.Text[in.rest:], Shell: in.Shell, marks: shifted(in.lines, in.rest)}
}

// run is a RUN's command line with its here-documents, the way BuildKit puts them together: one that stands
// alone is the script itself, others are the shell's own.
func (in *Instruction) run() *Script {
	s := &Script{Shell: in.Shell}
	if len(in.Heredocs) > 0 && parser.MustParseHeredoc(in.Args[0]) != nil {
		h := in.Heredocs[0]
		s.add(h.Content, h.Line, h.Chomp)
		if strings.HasPrefix(s.Text, "#!") {
			s.Shebang, _, _ = strings.Cut(s.Text, "\n")
		}
		return s
	}
	s.Text, s.marks = in.Text[in.rest:], shifted(in.lines, in.rest)
	for _, h := range in.Heredocs {
		s.Text += "\n"
		s.add(h.Content+h.Name, h.Line, false)
	}
	return s
}

// add appends lines of the file, without their leading tabs if they are chomped.
func (s *Script) add(content string, line int, chomp bool) {
	var b strings.Builder
	b.WriteString(s.Text)
	for text := range strings.Lines(content) {
		column := 1
		if chomp {
			cut := strings.TrimLeft(text, "\t")
			column += len(text) - len(cut)
			text = cut
		}
		s.marks = append(s.marks, mark{offset: b.Len(), line: line, column: column})
		b.WriteString(text)
		line++
	}
	s.Text = b.String()
}
