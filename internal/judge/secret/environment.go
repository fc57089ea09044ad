package secret

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/compose"
)

// span is a part of a text.
type span struct {
	from, to int
	shipped  bool // what is set there is part of an image, which whoever can pull it has
}

// environments finds where a file sets the environment of what runs: there, unlike in code, a value whose
// name says that it is a password is one, however plain it is.
func environments(p string, text []byte) []span {
	base := strings.ToLower(path.Base(p))
	for _, word := range []string{"dockerfile", "containerfile"} {
		if base == word || strings.HasPrefix(base, word+".") || strings.HasSuffix(base, "."+word) {
			return instructions(text)
		}
	}
	if compose.IsCompose(p) {
		return blocks(text, "environment", "args")
	}
	return nil
}

// instructions are the ENV and ARG of a Dockerfile, with the lines that they go on in.
func instructions(text []byte) (all []span) {
	goesOn, in := false, false
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		line := bytes.TrimSpace(text[at:end])
		switch comment := bytes.HasPrefix(line, []byte("#")); {
		case !goesOn:
			word, _, _ := bytes.Cut(line, []byte(" "))
			if in = bytes.EqualFold(word, []byte("ENV")) || bytes.EqualFold(word, []byte("ARG")); in {
				all = append(all, span{at, end, true})
			}
		case in && !comment:
			all[len(all)-1].to = end
		}
		if !bytes.HasPrefix(line, []byte("#")) && len(line) > 0 {
			goesOn = bytes.HasSuffix(line, []byte(`\`)) || bytes.HasSuffix(line, []byte("`"))
		}
		at = end
	}
	return all
}

// blocks are what stands in YAML below keys of these names, by its indentation.
func blocks(text []byte, keys ...string) (all []span) {
	depth := -1 // of the key that the present lines are below
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		line := text[at:end]
		key := bytes.TrimSpace(line)
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		switch {
		case len(key) == 0 || key[0] == '#':
		case depth >= 0 && (indent > depth || indent == depth && key[0] == '-'):
			all[len(all)-1].to = end
		default:
			depth = -1
			if name, _, ok := bytes.Cut(key, []byte(":")); ok && slices.Contains(keys, string(name)) {
				depth = indent
				all = append(all, span{at, end, false})
			}
		}
		at = end
	}
	return all
}

// lineEnd is where the line that begins at a place ends, with its line end.
func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// at is the nature of a place in the text.
func (s *search) at(i int) nature {
	n := s.nature
	if j, ok := slices.BinarySearchFunc(s.environments, i, func(e span, i int) int {
		switch {
		case e.to <= i:
			return -1
		case e.from > i:
			return 1
		}
		return 0
	}); ok {
		n.config, n.quoted, n.env, n.shipped = true, false, true, s.environments[j].shipped
	}
	return n
}
