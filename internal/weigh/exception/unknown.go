package exception

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
)

// Names say what rules are called. Nil is nobody knows.
type Names struct {
	// Rule says that there is a rule of a name, or may be; policies are not asked about.
	Rule func(word string) bool
	// Policy says that there is a policy of a name.
	Policy func(name string) bool
}

// Unknown says of an exception that it names rules that nobody has, as one that is misspelt does; empty: it does not. All
// says that it names no others, so that it lets nothing pass.
func (n Names) Unknown(e *exceptionfile.Exception) (text string, all bool) {
	missing := slices.DeleteFunc(slices.Clone(e.Rules), n.has)
	if len(missing) == 0 {
		return "", false
	}
	return fmt.Sprintf("it names no rule that there is: %s; compare it with the report's", strings.Join(missing, ", ")), len(missing) == len(e.Rules)
}

func (n Names) has(word string) bool {
	if name, ok := strings.CutPrefix(check.Present(word), "policy/"); ok {
		return n.Policy == nil || name == "*" || n.Policy(name)
	}
	return n.Rule == nil || n.Rule(word)
}
