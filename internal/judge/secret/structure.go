package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/plimsoll/plimsoll/finding"
)

// found is a candidate while it is looked at.
type found struct {
	text       []byte
	start, end int // of the secret in text
	nature     nature
	path       string

	kind     string           // a better name for it than its pattern's
	severity finding.Severity // other than its kind's
	note     string
	until    time.Time
	name     string // what it is assigned to
	id       []byte // what its id is made of, where that is not the secret itself
}

func (f *found) secret() []byte { return f.text[f.start:f.end] }

// around is the text before and behind a candidate, so many bytes of it.
func (f *found) around(n int) []byte {
	return f.text[max(0, f.start-n):min(len(f.text), f.end+n)]
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checksum62 is a CRC-32 as GitHub and npm write it: six digits of base 62
// (github.blog, "Behind GitHub's new authentication token formats", 2021).
func checksum62(of []byte) []byte {
	sum := crc32.ChecksumIEEE(of)
	out := []byte("000000")
	for i := 5; sum > 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return out
}

// summed holds the last six characters of a token against the rest behind its prefix.
func summed(f *found) bool {
	s := f.secret()
	at := bytes.IndexByte(s, '_') + 1
	return len(s) > at+6 && bytes.Equal(checksum62(s[at:len(s)-6]), s[len(s)-6:])
}

// resum mends the checksum of a generated token.
func resum(s string) string {
	at := strings.IndexByte(s, '_') + 1
	return s[:len(s)-6] + string(checksum62([]byte(s[at:len(s)-6])))
}

// unbase64 decodes any of base64's alphabets, padded or not.
func unbase64(s []byte) ([]byte, bool) {
	t := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(string(s), "="))
	b, err := base64.RawStdEncoding.DecodeString(t)
	return b, err == nil
}

// claims are those of a JSON Web Token that say whether it is good for anything (RFC 7519).
type claims struct {
	Exp    json.Number `json:"exp"`
	Iss    any         `json:"iss"`
	Sub    any         `json:"sub"`
	Name   any         `json:"name"`
	Role   any         `json:"role"`
	K8s    any         `json:"kubernetes.io"`
	Secret any         `json:"kubernetes.io/serviceaccount/secret.name"`
}

// webToken decodes a JSON Web Token. One that nobody signed is none; that one which every manual shows
// neither.
func webToken(f *found) bool {
	parts := bytes.Split(f.secret(), []byte("."))
	if len(parts) != 3 || len(parts[2]) == 0 {
		return false
	}
	head, ok1 := unbase64(parts[0])
	body, ok2 := unbase64(parts[1])
	_, ok3 := unbase64(parts[2])
	var header struct{ Alg string }
	var c claims
	if !ok1 || !ok2 || !ok3 || json.Unmarshal(head, &header) != nil || json.Unmarshal(body, &c) != nil {
		return false
	}
	if header.Alg == "" || strings.EqualFold(header.Alg, "none") || bytes.Contains(bytes.ToLower(body), []byte("example")) || c.Sub == "1234567890" || c.Name == "John Doe" || c.Iss == "joe" {
		return false
	}
	if sec, err := c.Exp.Float64(); err == nil && sec > 0 && sec < 1<<40 {
		f.until = time.Unix(int64(sec), 0).UTC()
	}
	iss, _ := c.Iss.(string)
	switch {
	case c.K8s != nil || c.Secret != nil || iss == "kubernetes/serviceaccount":
		f.kind = "kubernetes-token"
	case c.Role == "service_role":
		f.kind = "supabase-service-key"
	case f.nature.test || f.nature.prose:
		f.severity = finding.Low
	}
	return true
}

// basic is USER:PASSWORD in base64, as Docker's configuration and npm's _auth have it.
func basic(f *found) bool {
	b, ok := unbase64(f.secret())
	if !ok || !utf8.Valid(b) {
		return false
	}
	user, password, ok := strings.Cut(string(b), ":")
	printable := strings.IndexFunc(string(b), func(r rune) bool { return !unicode.IsPrint(r) }) < 0
	return ok && printable && user != "" && len(password) >= 4 && !isExample([]byte(password)) && !isPlaceholder([]byte(password))
}

// dockerAuth is an entry of "auths" in Docker's configuration.
func dockerAuth(f *found) bool {
	return bytes.Contains(f.around(8<<10), []byte(`"auths"`)) && basic(f)
}

// bytes64 is base64 of so many bytes.
func bytes64(n int) func(*found) bool {
	return func(f *found) bool {
		b, ok := unbase64(f.secret())
		return ok && len(b) == n
	}
}

// storageKey is the key of an Azure storage account, but not that of the emulator, which everybody has.
func storageKey(f *found) bool {
	return !bytes.HasPrefix(f.secret(), []byte("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq")) && bytes64(64)(f)
}

// mixed wants letters and digits both.
func mixed(f *found) bool {
	s := f.secret()
	return bytes.ContainsAny(s, "0123456789") && bytes.ContainsFunc(s, unicode.IsLetter)
}

// near is a check that wants one of these words near a candidate, in lower case.
func near(reach int, words ...string) func(*found) bool {
	return func(f *found) bool {
		low := bytes.ToLower(f.around(reach))
		for _, w := range words {
			if bytes.Contains(low, []byte(w)) {
				return true
			}
		}
		return false
	}
}

// both is a check that wants two to hold.
func both(a, b func(*found) bool) func(*found) bool {
	return func(f *found) bool { return a(f) && b(f) }
}

// awsSecret wants what 30 random bytes look like in base64: a path, a hash in hex or a word is none.
func awsSecret(f *found) bool {
	s := f.secret()
	upper, lower, digit := 0, 0, 0
	for _, b := range s {
		switch {
		case 'A' <= b && b <= 'Z':
			upper++
		case 'a' <= b && b <= 'z':
			lower++
		case '0' <= b && b <= '9':
			digit++
		}
	}
	return upper >= 4 && lower >= 4 && digit >= 1 && entropy(s) >= 4.2
}

// snowflake is a Discord bot's token: its first part is the bot's number in base64.
func snowflake(f *found) bool {
	first, _, _ := bytes.Cut(f.secret(), []byte("."))
	b, ok := unbase64(first)
	return ok && len(b) >= 17 && bytes.IndexFunc(b, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// macaroon is a PyPI token: base64 of a macaroon for pypi.org or test.pypi.org.
func macaroon(f *found) bool {
	b, ok := unbase64(f.secret()[len("pypi-"):])
	return ok && len(b) > 20 && b[0] == 2 && bytes.Contains(b[:min(len(b), 40)], []byte("pypi.org"))
}
