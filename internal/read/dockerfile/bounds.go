package dockerfile

import (
	"bytes"
	"fmt"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// Bounds on what is read. BuildKit's parser copies the rest of a line for each ONBUILD in an ONBUILD and for
// each brace of a variable in another, and so takes the square of what a hostile line holds.
const (
	maxSource  = 1 << 20
	maxOnbuild = 64
	maxBraces  = 256
	maxValue   = 64 << 10 // bytes that a variable grows to
)

// bounded refuses what an honest Dockerfile does not have.
func bounded(source []byte) *tree.Error {
	if len(source) > maxSource {
		return &tree.Error{What: fmt.Sprintf("it has more than %d bytes, which is more than a person writes", maxSource)}
	}
	onbuilds, braces, line := 0, 0, 1
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case c == '\n':
			line++
			if !bytes.HasSuffix(bytes.TrimRight(source[:i], " \t\r"), []byte(`\`)) && !bytes.HasSuffix(bytes.TrimRight(source[:i], " \t\r"), []byte("`")) {
				onbuilds, braces = 0, 0
			}
		case c == '{' && i > 0 && source[i-1] == '$':
			braces++
		case c == '}' && braces > 0:
			braces--
		case (c == 'o' || c == 'O') && len(source)-i >= 7 && bytes.EqualFold(source[i:i+7], []byte("onbuild")):
			onbuilds++
		}
		if onbuilds > maxOnbuild || braces > maxBraces {
			return &tree.Error{Line: line, What: "it nests ONBUILD or ${…} deeper than a person writes"}
		}
	}
	return nil
}
