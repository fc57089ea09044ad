package scan

import (
	"bytes"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
	"github.com/plimsoll/plimsoll/internal/judge/secret"
	read "github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// Mend rewrites what can safely be rewritten in a Dockerfile that a word named; the result is the same
// bytes when there is nothing to do. Hidden says which lines of it hold what is not to be shown, and what to
// show instead.
func Mend(of *Files) (after []byte, hidden map[int]string, err error) {
	d := of.Documents[0]
	o := besideOf(of.Documents).options(d.Path, true)
	f, err := read.Parse(d.Path, bytes.Clone(d.Bytes), o)
	if err != nil {
		return nil, nil, err
	}
	if hidden, err = hide(d.Bytes, dockerfile.Secret(f)); err != nil {
		return nil, nil, err
	}
	return dockerfile.Mend(f, o), hidden, nil
}

// hide adds the lines in which secrets stand that no name betrays: in commands, addresses, here-documents.
func hide(text []byte, hidden map[int]string) (map[int]string, error) {
	e, err := secret.New(nil)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if _, ok := hidden[i+1]; ok {
			continue
		}
		if plain := e.Redact(line); plain != line {
			hidden[i+1] = plain
		}
	}
	for _, of := range e.Lines(string(text)) {
		for n := of[0]; n <= of[1]; n++ {
			hidden[n] = "[secret]"
		}
	}
	return hidden, nil
}
