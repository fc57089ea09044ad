package exceptionfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	packageurl "github.com/package-url/packageurl-go"
	"go.yaml.in/yaml/v3"
)

// mapping is a mapping whose keys are all told apart.
type mapping struct {
	line   int
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

func (m *mapping) has(key string) bool { return m.values[key] != nil }

// reader turns nodes into values. Anchors may stand for words and lists of words alone: what they refer to
// holds no other nodes, so that a file of a few lines cannot grow into millions.
type reader struct{ file *File }

func (r *reader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.file.Name, n.Line, fmt.Sprintf(format, args...))
}

// mapping wants a mapping with each key once.
func (r *reader) mapping(n *yaml.Node, what string) (*mapping, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.errorf(n, "%s is a mapping of keys and values", what)
	}
	m := &mapping{line: n.Line, values: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if before := m.values[key.Value]; before != nil {
			return nil, r.errorf(key, "%q stands in line %d already", cut(key.Value), before.Line)
		}
		m.keys = append(m.keys, key)
		m.values[key.Value] = n.Content[i+1]
	}
	return m, nil
}

// only wants no other keys than these.
func (r *reader) only(m *mapping, what string, known ...string) error {
	for _, key := range m.keys {
		if !slices.Contains(known, key.Value) {
			return r.errorf(key, "%q is no key of %s: use %s", cut(key.Value), what, strings.Join(known, ", "))
		}
	}
	return nil
}

// list visits the elements of a list; a value that is not there, or null, has none.
func (r *reader) list(m *mapping, key string, visit func(*yaml.Node) error) error {
	n := m.values[key]
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return r.errorf(n, "%s is a list: begin each entry with \"- \"", key)
	}
	if len(n.Content) > maxEntries {
		return r.errorf(n, "%s has %d entries, at most %d are read", key, len(n.Content), maxEntries)
	}
	for _, one := range n.Content {
		if err := visit(one); err != nil {
			return err
		}
	}
	return nil
}

// word is a single value; empty where the key is not there.
func (r *reader) word(m *mapping, key string, most int) (string, error) {
	n := m.values[key]
	if n == nil {
		return "", nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", r.errorf(n, "%s wants one value", key)
	}
	text := strings.TrimSpace(n.Value)
	if n.Tag == "!!null" {
		text = ""
	}
	if text == "" {
		return "", r.errorf(n, "%s is empty: give it a value or leave it out", key)
	}
	if err := wellFormed(text, most); err != nil {
		return "", r.errorf(n, "%s: %v", key, err)
	}
	return text, nil
}

// words are a value or a list of values. Each is held against check.
func (r *reader) words(m *mapping, key string, check func(string) (string, error)) ([]string, error) {
	n := m.values[key]
	if n == nil {
		return nil, nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		all = n.Content
	}
	if len(all) == 0 {
		return nil, r.errorf(n, "%s is an empty list, and so nothing would answer to it: leave it out, or name something", key)
	}
	if len(all) > maxWords {
		return nil, r.errorf(n, "%s has %d words, at most %d are read", key, len(all), maxWords)
	}
	var words []string
	for _, one := range all {
		if one.Kind == yaml.AliasNode {
			one = one.Alias
		}
		if one.Kind != yaml.ScalarNode || one.Tag == "!!null" || strings.TrimSpace(one.Value) == "" {
			return nil, r.errorf(one, "%s wants a word, or a list of words", key)
		}
		text := strings.TrimSpace(one.Value)
		err := wellFormed(text, maxWord)
		if err == nil && check != nil {
			text, err = check(text)
		}
		if err != nil {
			return nil, r.errorf(one, "%s: %v", key, err)
		}
		words = append(words, text)
	}
	return words, nil
}

// date is a day; zero where the key is not there.
func (r *reader) date(m *mapping, key string) (time.Time, error) {
	text, err := r.word(m, key, maxWord)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if day, err := time.Parse(layout, text); err == nil {
			return day.UTC().Truncate(24 * time.Hour), nil
		}
	}
	return time.Time{}, r.errorf(m.values[key], "%s: %q is no date: write %s: 2027-02-28", key, cut(text), key)
}

// wellFormed wants text that stands in one line and does not steer a terminal.
func wellFormed(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("%d bytes are too long, at most %d", len(text), most)
	}
	if !utf8.ValidString(text) {
		return errors.New("no valid UTF-8")
	}
	for _, c := range text {
		if c != '\n' && c != '\t' && !unicode.IsPrint(c) {
			return fmt.Errorf("the character %U has no place in it", c)
		}
	}
	return nil
}

// cut shortens what an error quotes.
func cut(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// packageWord wants a name, NAME@VERSION or a purl, which it makes canonical.
func packageWord(text string) (string, error) {
	if !strings.HasPrefix(text, "pkg:") {
		if strings.ContainsAny(text, "*?") {
			return "", fmt.Errorf("%q: a package is named whole, without * and ?; list several", cut(text))
		}
		return text, nil
	}
	u, err := packageurl.FromString(text)
	if err != nil {
		return "", fmt.Errorf("%q is no purl: %w", cut(text), err)
	}
	return u.ToString(), nil
}

// ruleWord wants an id, or FAMILY/*.
func ruleWord(text string) (string, error) {
	family, starred := strings.CutSuffix(text, "/*")
	if strings.ContainsAny(family, "*?") || starred && family == "" || strings.ContainsAny(text, " \t\n") {
		return "", fmt.Errorf("%q: a rule is one id, as CVE-2024-5535 or hadolint/DL3008, or a whole family, as secret/*", cut(text))
	}
	return text, nil
}

// globWord wants a pattern of * and ** and ?.
func globWord(text string) (string, error) {
	if strings.ContainsAny(text, "[]{}\n") {
		return "", fmt.Errorf("%q: patterns know *, ** and ?, and neither [] nor {}", cut(text))
	}
	return text, nil
}

// print32 is what a fingerprint looks like.
var print32 = regexp.MustCompile(`^[0-9a-f]{32}$`)

func fingerprintWord(text string) (string, error) {
	if text = strings.ToLower(text); !print32.MatchString(text) {
		return "", fmt.Errorf("%q is no fingerprint: 32 hex digits, as the report has them (-o json)", cut(text))
	}
	return text, nil
}

// imageWord is a repository or a digest. A tag is refused: who may push can move it to another image.
func imageWord(text string) (string, error) {
	name, digest, hasDigest := strings.Cut(text, "@")
	if strings.HasPrefix(text, "sha256:") {
		name, digest, hasDigest = "", text, true
	}
	if hex, ok := strings.CutPrefix(digest, "sha256:"); hasDigest && (!ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "") {
		return "", fmt.Errorf("%q: a digest is sha256: and 64 hex digits in lower case", cut(text))
	}
	if strings.ContainsRune(name[strings.LastIndexByte(name, '/')+1:], ':') {
		return "", fmt.Errorf("%q: a tag can be moved to another image: name the repository alone, or a digest", cut(text))
	}
	return globWord(text)
}
