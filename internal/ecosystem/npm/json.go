package npm

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// scanner walks through JSON in memory and gives only what is asked for: no tree is built, and a value
// that nobody wants is passed over by its brackets and quotes alone. That is some ten times faster than
// encoding/json, and an image holds thousands of these files.
//
// The first error sticks: from then on every method gives nothing, and err says why.
type scanner struct {
	b     []byte
	i     int
	depth int
	lax   bool // comments and trailing commas are allowed
	err   error

	line, counted int // newlines in b[:counted]
}

// maxDepth bounds the nesting that is followed; npm's oldest lock files nest as deep as their trees.
const maxDepth = 200

var byteOrderMark = []byte("\xef\xbb\xbf")

func newScanner(b []byte) *scanner { return &scanner{b: bytes.TrimPrefix(b, byteOrderMark)} }

func (s *scanner) fail(what string) {
	if s.err == nil {
		s.err = fmt.Errorf("not JSON: %s at byte %d", what, s.i)
	}
}

// lineNumber is the line of the current place, from 1.
func (s *scanner) lineNumber() int {
	s.line += bytes.Count(s.b[s.counted:s.i], []byte{'\n'})
	s.counted = s.i
	return s.line + 1
}

// peek passes white space and gives the byte that follows, 0 at the end and after an error.
func (s *scanner) peek() byte {
	for s.err == nil && s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			s.i++
		case c == '/' && s.lax:
			s.comment()
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) comment() {
	end, rest := "\n", s.b[s.i:]
	if bytes.HasPrefix(rest, []byte("/*")) {
		end = "*/"
	} else if !bytes.HasPrefix(rest, []byte("//")) {
		s.fail("a slash")
		return
	}
	n := bytes.Index(rest[2:], []byte(end))
	if n < 0 {
		s.i = len(s.b)
		return
	}
	s.i += 2 + n + len(end)
}

// object gives each key of the object here to visit, which must take the value. A value that is no
// object is passed over.
func (s *scanner) object(visit func(key []byte)) {
	s.members('{', '}', func() {
		key := s.raw()
		if s.peek() != ':' {
			s.fail("no colon")
			return
		}
		s.i++
		visit(unescaped(key))
	})
}

// array calls visit for each element of the array here, which must take it.
func (s *scanner) array(visit func()) { s.members('[', ']', visit) }

func (s *scanner) members(open, end byte, visit func()) {
	if s.peek() != open {
		s.skip()
		return
	}
	if s.depth++; s.depth > maxDepth {
		s.err = ecosystem.Limit("JSON nests deeper than %d", maxDepth)
	}
	defer func() { s.depth-- }()
	s.i++
	for first := true; s.err == nil; first = false {
		c := s.peek()
		if !first && c == ',' {
			s.i++
			if c = s.peek(); c == end && !s.lax {
				s.fail("a comma too many")
				return
			}
		} else if !first && c != end {
			s.fail("no comma")
			return
		}
		if c == end {
			s.i++
			return
		}
		visit()
	}
}

// text is the string here; any other value is passed over and gives "".
func (s *scanner) text() string {
	if s.peek() != '"' {
		s.skip()
		return ""
	}
	return string(unescaped(s.raw()))
}

// truth is true for the literal true; any other value is passed over.
func (s *scanner) truth() bool {
	s.peek()
	start := s.i
	s.skip()
	return string(s.b[start:s.i]) == "true"
}

// raw is the string here with its quotes, as it is written.
func (s *scanner) raw() []byte {
	if s.peek() != '"' {
		s.fail("no string")
		return nil
	}
	start := s.i
	for s.i++; ; s.i++ {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			s.i = len(s.b)
			s.fail("a string without end")
			return nil
		}
		from := s.i
		s.i += n
		backslashes := 0
		for s.i-backslashes > from && s.b[s.i-backslashes-1] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			s.i++
			return s.b[start:s.i]
		}
	}
}

// unescaped is what a raw string says. Few have escapes; those go the strict way.
func unescaped(raw []byte) []byte {
	if len(raw) < 2 {
		return nil
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	return []byte(text)
}

// skip passes over one value.
func (s *scanner) skip() {
	start, depth := s.i, 0
	for s.err == nil {
		switch c := s.peek(); c {
		case 0:
			s.fail("the end")
		case '"':
			s.raw()
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			if depth--; depth < 0 {
				s.fail("a bracket too many")
				return
			}
			s.i++
		case ',', ':':
			if depth == 0 {
				s.fail("no value")
				return
			}
			s.i++
			continue
		default:
			s.word()
		}
		if depth == 0 {
			break
		}
	}
	if s.err == nil && s.i == start {
		s.fail("no value")
	}
}

// word passes over a number or one of true, false and null.
func (s *scanner) word() {
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
			s.i++
			continue
		}
		break
	}
	if s.i == start {
		s.fail("an unknown character")
	}
}
