package shell

import (
	"sort"
	"strings"
)

// Source is a script's text, and where its bytes stand in the file that holds it.
type Source struct {
	Text  string
	place func(offset int) Pos
}

// Placed is a text of which place tells where each byte stands.
func Placed(text string, place func(offset int) Pos) Source { return Source{text, place} }

// Plain is a text that stands in the file as it is, from a place on: its further lines start after indent
// bytes.
func Plain(text string, at Pos, indent int) Source {
	starts := []int{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return Source{text, func(offset int) Pos {
		n := sort.SearchInts(starts, offset+1) - 1
		if n <= 0 {
			return Pos{at.Line, at.Column + offset}
		}
		return Pos{at.Line + n, indent + 1 + offset - starts[n]}
	}}
}

// Fixed is a text all of which counts as standing at one place.
func Fixed(text string, at Pos) Source {
	return Source{text, func(int) Pos { return at }}
}

// At is where the byte at an offset stands.
func (s Source) At(offset int) Pos { return s.place(min(max(offset, 0), len(s.Text))) }

// part is the text of a word that begins at an offset: within the text, where it stands there unchanged.
func (s Source) part(text string, from int) Source {
	from++ // after its quote
	if from >= len(s.Text) || !strings.HasPrefix(s.Text[from:], text) {
		return Fixed(text, s.At(from-1))
	}
	return Source{text, func(offset int) Pos { return s.At(from + offset) }}
}
