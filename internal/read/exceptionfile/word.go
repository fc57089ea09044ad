package exceptionfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// reader turns values into what a file says.
type reader struct {
	tree.Strict
	file *File
}

// keys wants a map of some of these keys, none of which must be there.
func (r *reader) keys(v *tree.Value, what string, known ...string) { r.Map(v, what, nil, known) }

// list visits the items of a list.
func (r *reader) list(v *tree.Value, key string, visit func(*tree.Value)) {
	items := r.List(v.Get(key), key)
	if len(items) > maxEntries {
		r.Wrong(v.Get(key).Line, "%s has %d entries, at most %d are read", key, len(items), maxEntries)
	}
	for _, one := range items {
		if r.Err == nil {
			visit(one)
		}
	}
}

// word is a single value; empty where the key is not there.
func (r *reader) word(v *tree.Value, key string, most int) string {
	one := v.Get(key)
	if one == nil {
		return ""
	}
	text := strings.TrimSpace(one.String())
	switch err := wellFormed(text, most); {
	case !one.Scalar:
		r.Wrong(one.Line, "%s wants one value", key)
	case text == "":
		r.Wrong(one.Line, "%s is empty: give it a value or leave it out", key)
	case err != nil:
		r.Wrong(one.Line, "%s: %v", key, err)
	}
	return text
}

// words are a value or a list of values. Each is held against check.
func (r *reader) words(v *tree.Value, key string, check func(string) (string, error)) (words []string) {
	one := v.Get(key)
	if one == nil {
		return nil
	}
	all := one.Items()
	switch {
	case len(all) == 0 && one.List != nil:
		r.Wrong(one.Line, "%s is an empty list, and so nothing would answer to it: leave it out, or name something", key)
	case len(all) == 0:
		r.Wrong(one.Line, "%s wants a word, or a list of words", key)
	case len(all) > maxWords:
		r.Wrong(one.Line, "%s has %d words, at most %d are read", key, len(all), maxWords)
	}
	for _, one := range all {
		text := strings.TrimSpace(one.String())
		if text == "" {
			r.Wrong(one.Line, "%s wants a word, or a list of words", key)
		}
		err := wellFormed(text, maxWord)
		if err == nil {
			text, err = check(text)
		}
		if err != nil {
			r.Wrong(one.Line, "%s: %v", key, err)
		}
		words = append(words, text)
	}
	return words
}

// date is a day; zero where the key is not there.
func (r *reader) date(v *tree.Value, key string) time.Time {
	text := r.word(v, key, maxWord)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if day, err := time.Parse(layout, text); err == nil {
			return day.UTC().Truncate(24 * time.Hour)
		}
	}
	r.Wrong(v.Get(key).Line, "%s: %q is no date: write %s: 2027-02-28", key, tree.Cut(text), key)
	return time.Time{}
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

// packageWord wants a name, NAME@VERSION or a purl, which it makes canonical.
func packageWord(text string) (string, error) {
	if !strings.HasPrefix(text, "pkg:") {
		if strings.ContainsAny(text, "*?") {
			return "", fmt.Errorf("%q: a package is named whole, without * and ?; list several", tree.Cut(text))
		}
		return text, nil
	}
	u, err := packageurl.FromString(text)
	if err != nil {
		return "", fmt.Errorf("%q is no purl: %w", tree.Cut(text), err)
	}
	return u.ToString(), nil
}

// ruleWord wants an id, or FAMILY/*.
func ruleWord(text string) (string, error) {
	family, starred := strings.CutSuffix(text, "/*")
	if strings.ContainsAny(family, "*?") || starred && family == "" || strings.ContainsAny(text, " \t\n") {
		return "", fmt.Errorf("%q: a rule is one id, as CVE-2024-5535 or hadolint/DL3008, or a whole family, as secret/*", tree.Cut(text))
	}
	return text, nil
}

// globWord wants a pattern of * and ** and ?.
func globWord(text string) (string, error) {
	if strings.ContainsAny(text, "[]{}\n") {
		return "", fmt.Errorf("%q: patterns know *, ** and ?, and neither [] nor {}", tree.Cut(text))
	}
	return text, nil
}

// accountWord wants NAMESPACE/NAME of a service account, and gives its name as a user.
func accountWord(text string) (string, error) {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || namespace == "" || name == "" || strings.ContainsAny(text, ":") || strings.Contains(name, "/") {
		return "", fmt.Errorf("%q is no service account: write NAMESPACE/NAME", tree.Cut(text))
	}
	return globWord("system:serviceaccount:" + namespace + ":" + name)
}

// print32 is what a fingerprint looks like.
var print32 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

func fingerprintWord(text string) (string, error) {
	if text = strings.ToLower(text); !print32().MatchString(text) {
		return "", fmt.Errorf("%q is no fingerprint: 32 hex digits, as the report has them (-o json)", tree.Cut(text))
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
		return "", fmt.Errorf("%q: a digest is sha256: and 64 hex digits in lower case", tree.Cut(text))
	}
	if strings.ContainsRune(name[strings.LastIndexByte(name, '/')+1:], ':') {
		return "", fmt.Errorf("%q: a tag can be moved to another image: name the repository alone, or a digest", tree.Cut(text))
	}
	return globWord(text)
}
