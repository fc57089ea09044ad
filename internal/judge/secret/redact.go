package secret

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// passed finds what commands are handed as a password, which nothing but the command tells. That a path or a
// port is hidden with it does no harm in what is only shown.
var passed = sync.OnceValue(func() *regexp.Regexp {
	const word, within = `['"]?([^\s'"]+)`, `\b[^|;&\n]*?\s`
	return regexp.MustCompile(`\bcurl` + within + `(?:-u|--user|--proxy-user)[ =]?['"]?[^\s:'"]+:([^\s'"]+)` +
		`|\bsshpass\s+-p\s*` + word +
		`|\blogin` + within + `(?:-p|--password)[ =]?` + word +
		`|\b(?:mysql|mysqladmin|mysqldump|mariadb)` + within + `-p([^\s'"]+)` +
		`|\b(?:useradd|usermod)` + within + `(?:-p|--password)[ =]` + word +
		`|\becho\s+(?:-\w+\s+)?['"]?[\w.-]+:([^\s'"|]+)['"]?\s*\|\s*(?:sudo\s+)?chpasswd`)
})

// Lines are those of a text over which a secret goes on, from 1: the first and the last of each that stands on more than
// one. Line by line nothing tells them from other text.
func (e *Engine) Lines(text string) (all [][2]int) {
	of, spans := e.secrets(text)
	for _, span := range spans {
		from := 1 + bytes.Count(of[:span[0]], []byte("\n"))
		if to := from + bytes.Count(of[span[0]:span[1]], []byte("\n")); to > from {
			all = append(all, [2]int{from, to})
		}
	}
	return all
}

// Redact takes the secrets out of a text that is to be shown.
func (e *Engine) Redact(text string) string {
	of, spans := e.secrets(text)
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, span := range spans {
		if span[0] >= at {
			b.Write(of[at:span[0]])
			b.WriteString("[secret]")
		}
		at = max(at, span[1])
	}
	b.Write(of[at:])
	return b.String()
}

// secrets are the parts of a text, decoded, that are not to be shown, in their order.
func (e *Engine) secrets(text string) (of []byte, spans [][2]int) {
	s := e.find("", nature{config: true, env: true}, []byte(text))
	for i := range s.raw {
		spans = append(spans, [2]int{s.raw[i].start, s.raw[i].end})
	}
	for _, m := range passed().FindAllSubmatchIndex(s.text, maxRaw) {
		for g := 2; g < len(m); g += 2 {
			if m[g] >= 0 {
				spans = append(spans, [2]int{m[g], m[g+1]})
			}
		}
	}
	if e.custom != nil {
		for _, m := range e.custom.matches(s, &Result{}) {
			spans = append(spans, [2]int{m.start, m.end})
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return s.text, spans
}
