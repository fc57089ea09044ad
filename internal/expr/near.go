package expr

import (
	"fmt"

	"github.com/agext/levenshtein"
)

// meant is "; did you mean X?" for the name that differs in the fewest letters, if they are few.
func meant(word string, of []string) string {
	best, least := "", len(word)/3+2
	for _, w := range of {
		if d := levenshtein.Distance(word, w, nil); d < least {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
