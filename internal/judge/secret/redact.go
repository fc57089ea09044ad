package secret

import "strings"

// Redact takes the secrets out of a text that is to be shown.
func (e *Engine) Redact(text string) string {
	s := e.find("", nature{config: true, env: true}, []byte(text))
	if len(s.raw) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for i := range s.raw {
		h := &s.raw[i]
		if h.start < at {
			continue
		}
		b.Write(s.text[at:h.start])
		b.WriteString("[secret]")
		at = h.end
	}
	b.Write(s.text[at:])
	return b.String()
}
