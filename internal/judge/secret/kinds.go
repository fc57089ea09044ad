package secret

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// kind is one kind of secret: where it may stand, what it looks like and what must hold of it.
type kind struct {
	name     string // secret/NAME
	title    string
	severity finding.Severity
	class    class
	words    []string               // the pattern is tried where one stands; in lower case they may stand in any where the pattern says (?i)
	pattern  string                 // RE2; the first group is the secret, or all of it
	before   int                    // bytes before the word that the pattern may take; 0: it begins with the word
	only     func(path string) bool // the files that it is tried in, from end to end and without a word
	after    int                    // bytes from the word on that it may take; 0: 256
	entropy  float64                // the least, in bits a byte
	check    func(*found) bool
	guess    bool                // people think of such: never hashed, and its length is all that is told
	aliases  []string            // TOOL/ID
	sample   func(string) string // what makes an example of the pattern one of the kind
	example  func() string       // an example where the pattern makes none
	bad      string              // the page's, with the secret left out, where the words do not make one
}

// fold says that the words may stand in any case.
func (k *kind) fold() bool { return k.pattern == "" || strings.HasPrefix(k.pattern, "(?i)") }

// assigned begins a pattern of what is known by the name that it is given to.
const assigned = `(?i)[\w.\-]{0,40}["'\x60]?\]?[ \t]{0,8}(?:=>|:=|=|:|,)[ \t]{0,8}["'\x60]?`

// kinds lists all, the more exact before the more general: what one has found is not told again.
func kinds() []kind {
	return slices.Concat(keyKinds(), cloudKinds(), codeKinds(), dataKinds(), serviceKinds(), chatKinds(), fileKinds(), generalKinds())
}
