package secret

import (
	"bytes"
	"math"
	"path"
	"strings"
)

// entropy is Shannon's, in bits for each byte.
func entropy(s []byte) float64 {
	var count [256]int
	for _, b := range s {
		count[b]++
	}
	sum, n := 0.0, float64(len(s))
	for _, c := range count {
		if c > 0 {
			p := float64(c) / n
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// exampleWords stand in values that are written to be replaced, or to be looked at.
var exampleWords = []string{
	"example", "xxxxx", "placeholder", "changeme", "change_me", "change-me", "changeit", "replace", "redacted", "dummy", "sample", "your_", "your-",
	"yourpassword", "yourtoken", "yoursecret", "my_secret", "mysecret", "my-secret", "my_token", "mytoken", "insert_", "insert-", "enter_", "todo", "notreal", "not-real", "invalid",
	"123456789", "987654321", "abcdefgh", "abcd1234", "qwerty", "deadbeef", "cafebabe", "foobar", "foo_bar", "barbaz", "000000", "111111", "aaaaaa", "......", "******", "------", "______", "#####", "lorem", "testtest",
	"fake", "secret_key_here", "goes_here", "goes-here", "_here", "-here",
}

// isExample knows values that are no secrets, whoever wrote them.
func isExample(s []byte) bool {
	if len(s) == 0 || runs(s) {
		return true
	}
	var buf [512]byte
	low := buf[:0]
	for _, b := range s[:min(len(s), len(buf))] {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		low = append(low, b)
	}
	for _, w := range exampleWords {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return false
}

// runs says that a value is a few characters again and again, or an alphabet.
func runs(s []byte) bool {
	var seen [256]bool
	different, steps := 0, 0
	for i, b := range s {
		if !seen[b] {
			seen[b] = true
			different++
		}
		if i > 0 && (b == s[i-1]+1 || b == s[i-1]) {
			steps++
		}
	}
	return len(s) >= 8 && (different <= 3 || steps*2 > len(s))
}

// nature is what the path of a file says of how a value in it is meant.
type nature struct {
	config  bool // settings: values stand without quotes
	quoted  bool // settings in which strings stand in quotes
	env     bool // an environment: what is called a password there is one
	shipped bool // an image's own environment: whoever can pull the image has it
	prose   bool // documentation, translations, tests, what tools wrote: a generic value in it is an example
	test    bool // keys in it are made to be shipped
}

var configNames = map[string]bool{
	".env": true, ".ini": true, ".cfg": true, ".conf": true, ".cnf": true, ".config": true, ".properties": true, ".yaml": true, ".yml": true, ".toml": true,
	".json": true, ".xml": true, ".tf": true, ".tfvars": true, ".tfstate": true, ".sh": true, ".bash": true, ".bashrc": true, ".profile": true, ".bash_profile": true, ".zshrc": true,
	".bash_history": true, ".zsh_history": true, ".sh_history": true, ".ash_history": true, ".npmrc": true, ".pypirc": true, ".service": true, ".envrc": true, ".s3cfg": true, ".boto": true, ".netrc": true,
}

// quotedNames are the forms of settings in which strings stand in quotes.
var quotedNames = map[string]bool{".json": true, ".toml": true, ".tf": true, ".tfvars": true, ".tfstate": true}

var proseNames = map[string]bool{
	".md": true, ".rst": true, ".txt": true, ".html": true, ".htm": true, ".adoc": true, ".man": true, ".po": true, ".pot": true, ".tex": true, ".map": true, ".css": true, ".scss": true, ".svg": true,
	".lock": true, ".sum": true, ".mdx": true, ".xhtml": true, ".ipynb": true, ".csv": true, ".tsv": true, ".log": true, ".diff": true, ".patch": true, ".ts.snap": true, ".snap": true,
	".1": true, ".2": true, ".3": true, ".5": true, ".7": true, ".8": true, ".pod": true, ".texi": true, ".rdoc": true, ".markdown": true, ".license": true, ".template": true, ".example": true, ".sample": true, ".dist": true, ".tmpl": true, ".j2": true, ".erb": true,
	".d.ts": true, ".min.js": true, ".min.css": true, ".resx": true, ".strings": true, ".xlf": true, ".pyi": true,
}

var testFolders = []string{
	"test", "tests", "testdata", "testing", "__tests__", "__mocks__", "mock", "mocks", "spec", "specs", "fixture", "fixtures", "test-fixtures", "testutil", "testutils", "_test", "selftest", "conformance", "unittest", "t",
}

var proseFolders = []string{
	"doc", "docs", "man", "example", "examples", "sample", "samples", "demo", "demos", "locale", "locales", "i18n", "lang", "langs", "translations", "nls", "l10n", "messages", "snippets", "completions", "bash-completion", "cassettes", "benchmark", "benchmarks", "tutorial", "tutorials",
}

// natureOf reads the name of a file.
func natureOf(p string) nature {
	var n nature
	base := strings.ToLower(path.Base(p))
	ext := path.Ext(base)
	n.config = configNames[ext] || strings.HasPrefix(base, ".env") || base == "dockerfile" || strings.HasPrefix(base, "dockerfile.") || base == "credentials" || base == "config" || base == ""
	n.quoted = quotedNames[ext]
	n.env = strings.HasPrefix(base, ".env") || ext == ".env"
	stem := strings.TrimSuffix(base, ext)
	n.prose = proseNames[ext] || proseNames[path.Ext(stem)+ext] || strings.Contains(base, "package-lock") || strings.Contains(base, "example") || strings.Contains(base, ".min.") || strings.HasSuffix(base, "-min.js") || base == "license" || base == "metadata" || base == "pkg-info" || base == "copyright" || strings.HasPrefix(base, "readme") || strings.HasPrefix(base, "changelog")
	n.test = strings.HasSuffix(stem, "_test") || strings.HasPrefix(stem, "test_") || strings.HasSuffix(stem, ".test") || strings.HasSuffix(stem, ".spec") || strings.HasSuffix(stem, "-test") || stem == "test"
	for dir := range strings.SplitSeq(strings.ToLower(path.Dir(p)), "/") {
		for _, t := range testFolders {
			n.test = n.test || dir == t
		}
		for _, t := range proseFolders {
			n.prose = n.prose || dir == t
		}
	}
	return n
}
