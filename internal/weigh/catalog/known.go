package catalog

import (
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
)

// Known gives what says whether a rule may be called so. Of a family that checks of ours make up, all ids are known; what
// belongs to none may be an advisory's, a policy's or another tool's, and of secrets the user's own.
func Known() func(word string) bool {
	find, families := Finder(), map[string]bool{}
	for _, c := range Cards() {
		family, _, _ := strings.Cut(c.ID, "/")
		families[family] = family != "secret"
	}
	return func(word string) bool {
		family, id, _ := strings.Cut(check.Present(word), "/")
		return !families[family] || id == "*" || len(find(word)) > 0
	}
}
