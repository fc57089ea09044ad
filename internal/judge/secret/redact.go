package secret

import (
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

// Redact takes the secrets out of a text that is to be shown.
func (e *Engine) Redact(text string) string {
	s := e.find("", nature{config: true, env: true}, []byte(text))
	var spans [][2]int
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
