package secret

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/plimsoll/plimsoll/finding"
)

func isName(c byte) bool { return isWord(c) || c == '_' || c == '-' || c == '.' }

// nameBefore is what stands before a value that is assigned to it; empty when that is not plain.
func nameBefore(text []byte, start int) string {
	i := start
	for i > 0 && start-i < 12 && bytes.IndexByte([]byte(" \t\"'`=:>"), text[i-1]) >= 0 {
		i--
	}
	if i == start || !bytes.ContainsAny(text[i:start], "=:>") {
		return ""
	}
	end := i
	for i > 0 && end-i < 64 && isName(text[i-1]) {
		i--
	}
	name := string(text[i:end])
	if len(name) < 2 || !unicode.IsLetter(rune(name[0])) && name[0] != '_' {
		return ""
	}
	return name
}

// assignment is NAME = VALUE.
type assignment struct {
	name       string
	from       int // where the name begins
	start, end int // of the value
}

// readAssignment reads one around a word of its name.
func readAssignment(text []byte, at, n int, of nature) (a assignment, ok bool) {
	i, j := at, at+n
	for i > 0 && at-i < 48 && isName(text[i-1]) {
		i--
	}
	for j < len(text) && j-at < 64 && isName(text[j]) {
		j++
	}
	a.name, a.from = string(text[i:j]), i
	inTag := i > 0 && text[i-1] == '<' && j < len(text) && text[j] == '>'
	for k := 0; k < 3 && j < len(text) && bytes.IndexByte([]byte("\"'`])"), text[j]) >= 0; k++ {
		j++
	}
	j = blanks(text, j)
	switch {
	case inTag:
		j++
	case hasAt(text, j, ":="), hasAt(text, j, "=>"):
		j += 2
	case hasAt(text, j, "==") || hasAt(text, j, "::") || hasAt(text, j, "=~"):
		return a, false
	case hasAt(text, j, "="), hasAt(text, j, ":"):
		j++
	case of.env && of.shipped && bytes.HasSuffix(bytes.ToUpper(text[max(0, i-4):i]), []byte("ENV ")): // ENV NAME VALUE
	default:
		return a, false
	}
	j = blanks(text, j)
	if j >= len(text) {
		return a, false
	}
	a.start = j
	return a, a.readValue(text, of.config && !of.quoted || inTag)
}

// readValue reads what begins at a.start: between quotes or, where bare values may stand, up to a blank.
func (a *assignment) readValue(text []byte, bare bool) bool {
	j := a.start
	if q := text[j]; q == '"' || q == '\'' || q == '`' {
		a.start = j + 1
		m := bytes.IndexAny(text[a.start:min(len(text), a.start+400)], string([]byte{q, '\n'}))
		if m <= 0 || text[a.start+m] != q {
			return false
		}
		a.end = a.start + m
		return true
	}
	if !bare {
		return false
	}
	m := bytes.IndexAny(text[j:min(len(text), j+400)], " \t\r\n\"'<>`")
	if m < 0 {
		m = min(len(text)-j, 400)
	}
	a.end = j + m
	for a.end > a.start && bytes.IndexByte([]byte(",;"), text[a.end-1]) >= 0 {
		a.end--
	}
	return a.end > a.start
}

func blanks(text []byte, i int) int {
	for n := 0; n < 12 && i < len(text) && (text[i] == ' ' || text[i] == '\t'); n++ {
		i++
	}
	return i
}

func hasAt(text []byte, i int, s string) bool {
	return i+len(s) <= len(text) && string(text[i:i+len(s)]) == s
}

// costLook is what looking around a word counts as, in bytes that a pattern is tried on.
const costLook = 128

// maxValue bounds a value that is called a secret.
const maxValue = 200

// lookAssignment finds values that are called passwords and secrets. What they open is not known, so that
// much has to speak for them.
func lookAssignment(s *search, r *rule, at, n int) {
	if s.prose || s.test {
		return
	}
	s.spend(costLook)
	of := s.at(at)
	a, ok := readAssignment(s.text, at, n, of)
	if !ok || a.end-a.start > maxValue || !isSecretName(a.name) {
		return
	}
	f := found{text: s.text, start: a.start, end: a.end, nature: of, path: s.path, name: a.name}
	value := f.secret()
	if isExample(value) || isPlaceholder(value) || !isPlain(value) {
		return
	}
	switch {
	case isPasswordName(a.name) && of.config && isPassword(value, of):
		r = s.e.named("password")
	case isRandom(value, of):
	default:
		return
	}
	f.severity = of.severity()
	if r != nil {
		s.add(r, a.from, a.end, f)
	}
}

// severity is that of what only its name calls a secret: by whom it goes to, and how sure it is to be one.
func (n nature) severity() finding.Severity {
	switch {
	case n.env && n.shipped:
		return finding.High
	case n.env:
		return finding.Medium
	}
	return finding.Low
}

var notSecretNames = []string{
	"public", "pubkey", "_id", "-id", ".id", "name", "path", "file", "dir", "url", "uri", "endpoint", "type", "length", "size", "count", "hash", "digest", "checksum", "field", "header", "param", "regex",
	"pattern", "label", "title", "text", "message", "msg", "placeholder", "alias", "algorithm", "version", "expir", "ttl", "timeout", "csrf", "xsrf", "cache", "sort", "policy", "rotation", "lifetime", "min", "max",
	"prefix", "suffix", "format", "kind", "class", "store", "provider", "prompt", "hint", "error", "valid", "enabled", "required", "usage", "verification", "manager", "command", "cmd", "input", "output", "ref", "scope", "tokenizer",
	"tokens", "special", "separator", "sha", "fingerprint", "keyid", "key_id", "arn", "example", "test", "mock", "sample", "icon", "index", "column", "encoding", "charset", "strategy", "location", "host", "encrypted", "secrets",
}

// isSecretName knows names that speak of a secret and do not hold one.
func isSecretName(name string) bool {
	low := strings.ToLower(name)
	for _, w := range notSecretNames {
		if strings.Contains(low, w) {
			return strings.Contains(w, "id") && strings.HasSuffix(low, "secret")
		}
	}
	return len(low) > 2
}

func isPasswordName(name string) bool {
	low := strings.ToLower(name)
	return strings.HasSuffix(low, "password") || strings.HasSuffix(low, "passwd") || strings.HasSuffix(low, "pwd") || strings.HasSuffix(low, "passphrase") || strings.HasSuffix(low, "_pass")
}

// isPlaceholder knows values that something else is put in the place of, and expressions of code.
func isPlaceholder(v []byte) bool {
	if len(v) == 0 || bytes.IndexByte([]byte("$<{[(%@&*!#/~|."), v[0]) >= 0 {
		return true
	}
	s := string(v)
	for _, w := range []string{"${", "$(", "{{", "}}", "%(", "<%", "#{", "%s", "%v", "%d", "%[", "()", "](", "{}", "process.env", "environ", "getenv", "env.", "secrets.", "config.", "var.", "self.", "this.", "params.", "options.", "args.", "=>", "://", "\\u", "…"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// isPlain wants what can be typed, and no sentence.
func isPlain(v []byte) bool {
	for _, c := range v {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// weakWords stand where a password would, and are none: types, states and words for it. Those that begin
// with a word of the second list speak of it.
var weakWords = []string{
	"password", "passwd", "pass", "secret", "token", "none", "null", "nil", "true", "false", "yes", "no", "string", "str", "required", "optional", "undefined", "empty", "default", "prompt", "basic", "bearer", "text",
	"hidden", "disabled", "enabled", "unset", "never", "file", "env", "stdin", "ask", "user", "username", "admin123", "pwd", "value", "varchar", "boolean", "integer", "object", "any", "key", "plain",
}

// isPassword wants what somebody chose as a password. In an environment that is nearly all that is there.
func isPassword(v []byte, n nature) bool {
	low := strings.ToLower(string(v))
	if slices.Contains(weakWords, low) || strings.Contains(low, "password") || strings.Contains(low, "passwd") {
		return false
	}
	if n.env {
		return len(v) >= 4
	}
	return (!isHexOrUUID(v) || len(v) == 32) && len(v) >= 8 && classesOf(v) >= 3 && entropy(v) >= 2.75
}

// isRandom wants what a machine drew.
func isRandom(v []byte, n nature) bool {
	low := strings.ToLower(string(v))
	for _, w := range []string{"password", "secret", "token", "key", "auth", "user", "sha256", "sha512", "md5", "base64", "ssh-"} {
		if strings.Contains(low, w) {
			return false
		}
	}
	digits := 0
	for _, c := range v {
		if '0' <= c && c <= '9' {
			digits++
		}
	}
	if len(v) < 16 || digits < 2 || digits == len(v) || isUUID(v) || bytes.Count(v, []byte("/")) > 3 || words(v) {
		return false
	}
	if isHexOrUUID(v) {
		return len(v) >= 32 && len(v)%16 == 0 && entropy(v) >= 3 && n.config
	}
	if !n.config {
		return len(v) >= 20 && digits >= 3 && classesOf(v) >= 3 && entropy(v) >= 4
	}
	return entropy(v) >= 3.5
}

// words says that a value is made of words and numbers, as identifiers are.
func words(v []byte) bool {
	parts := bytes.FieldsFunc(v, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ':' || r == '/' })
	if len(parts) < 2 {
		return false
	}
	plain := 0
	for _, p := range parts {
		letters := bytes.IndexFunc(p, func(r rune) bool { return r < 'a' || r > 'z' }) < 0 || bytes.IndexFunc(p, func(r rune) bool { return r < 'A' || r > 'Z' }) < 0
		numbers := bytes.IndexFunc(p, func(r rune) bool { return r < '0' || r > '9' }) < 0
		if letters && len(p) < 14 || numbers {
			plain++
		}
	}
	return plain*2 >= len(parts)
}

// classesOf counts the classes of characters in a value: lower, upper, digits, others.
func classesOf(v []byte) int {
	var lower, upper, digit, other int
	for _, c := range v {
		switch {
		case 'a' <= c && c <= 'z':
			lower = 1
		case 'A' <= c && c <= 'Z':
			upper = 1
		case '0' <= c && c <= '9':
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

func isHexOrUUID(v []byte) bool {
	return bytes.IndexFunc(v, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' || r == '-')
	}) < 0
}

func isUUID(v []byte) bool {
	return len(v) == 36 && isHexOrUUID(v) && v[8] == '-' && v[13] == '-' && v[18] == '-' && v[23] == '-'
}
