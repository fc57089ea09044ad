package scan

import (
	"bytes"

	"github.com/plimsoll/plimsoll/internal/judge/dockerfile"
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
	return dockerfile.Mend(f, o), dockerfile.Secret(f), nil
}
