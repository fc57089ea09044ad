package secret

import (
	"cmp"
	"slices"
	"strings"
)

// Redact takes the secrets out of a text that is to be shown.
func (e *Engine) Redact(text string) string {
	s := e.find("", nature{config: true, env: true}, []byte(text))
	var spans [][2]int
	for i := range s.raw {
		spans = append(spans, [2]int{s.raw[i].start, s.raw[i].end})
	}
	if e.custom != nil {
		for _, m := range e.custom.matches(s, &Result{}) {
			spans = append(spans, [2]int{m.start, m.end})
		}
	}
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	var b strings.Builder
	at := 0
	for _, span := range spans {
		if span[0] >= at {
			b.Write(s.text[at:span[0]])
			b.WriteString("[secret]")
		}
		at = max(at, span[1])
	}
	b.Write(s.text[at:])
	return b.String()
}
