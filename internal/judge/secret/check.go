package secret

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/plimsoll/plimsoll/finding"
)

// notTest rejects what stands among tests and documentation.
func notTest(f *found) bool { return !f.nature.test && !f.nature.prose }

// bothCases wants letters of both cases, which words do not have.
func bothCases(f *found) bool {
	s := f.secret()
	return bytes.ContainsFunc(s, unicode.IsLower) && bytes.ContainsFunc(s, unicode.IsUpper) && !bytes.ContainsAny(s[3:], " ")
}

func notPlaceholder(f *found) bool {
	return notTest(f) && !isPlaceholder(f.secret()) && !isExample(f.secret())
}

func isNamed(names ...string) func(string) bool {
	return func(p string) bool {
		for _, n := range names {
			if path.Base(p) == n {
				return true
			}
		}
		return false
	}
}

// npmPassword is _auth, which is USER:PASSWORD in base64, or _password, which is the password alone.
func npmPassword(f *found) bool {
	if bytes.Contains(f.text[max(0, f.start-30):f.start], []byte("_password")) {
		b, ok := unbase64(f.secret())
		return ok && len(b) >= 4 && isPlain(b) && !isPlaceholder(b) && !isExample(b)
	}
	return basic(f)
}

// netrc wants "machine" and "login" before the password, as .netrc has them.
func netrc(f *found) bool {
	before := bytes.Fields(f.text[max(0, f.start-400):f.start])
	n := len(before)
	if n < 5 || string(before[n-1]) != "password" || string(before[n-3]) != "login" {
		return false
	}
	machine := string(before[n-5]) == "machine" || string(before[n-4]) == "default"
	return machine && notPlaceholder(f) && !slices.Contains(weakWords, strings.ToLower(string(f.secret())))
}

// encodedKey is a private key in base64 once more, as a kubeconfig has it.
func encodedKey(f *found) bool {
	pem, ok := unbase64(f.secret())
	if !ok {
		return false
	}
	_, body, ok := armour(bytes.TrimSpace(pem))
	if !ok {
		return false
	}
	der, ok := unbase64(squeezed(body))
	if !ok || !parses(der) {
		return false
	}
	f.id = der
	return f.tested()
}

// htpasswd wants a user before the hash, and nothing but such lines.
func htpasswd(f *found) bool {
	from := bytes.LastIndexByte(f.text[:f.start], '\n') + 1
	user := f.text[from : f.start-1]
	return len(user) > 0 && bytes.IndexFunc(user, func(r rune) bool { return !isName(byte(r)) && r != '@' }) < 0 && notTest(f)
}

// header is what follows "Authorization:". In code it is a variable more often than a token.
func header(f *found) bool {
	s := f.secret()
	if !notPlaceholder(f) || !mixed(f) || words(s) {
		return false
	}
	if b, ok := unbase64(s); ok && bytes.Contains(bytes.ToLower(f.text[f.from():f.start]), []byte("basic")) {
		_, password, ok := strings.Cut(string(b), ":")
		return ok && isPlain(b) && len(password) >= 4 && !isExample([]byte(password)) && !strings.HasPrefix(strings.ToLower(password), "pass")
	}
	if !f.nature.config {
		f.severity = finding.Low
	}
	return classesOf(s) >= 3
}

// from is where the line of a candidate begins, or a little before it.
func (f *found) from() int { return max(0, f.start-40) }

// connection is a password in a connection string: a server stands beside it.
func connection(f *found) bool {
	low := bytes.ToLower(f.around(300))
	server := bytes.Contains(low, []byte("server=")) || bytes.Contains(low, []byte("data source=")) || bytes.Contains(low, []byte("host="))
	user := bytes.Contains(low, []byte("user id=")) || bytes.Contains(low, []byte("uid=")) || bytes.Contains(low, []byte("username=")) || bytes.Contains(low, []byte("user="))
	return server && user && notPlaceholder(f) && !strings.Contains(strings.ToLower(string(f.secret())), "password")
}

// bech32 holds the checksum of an age key (BIP 173) against it.
func bech32(f *found) bool {
	data, ok := bech32Data(string(f.secret()))
	return ok && bech32Sum(data) == 1
}

const bech32Letters = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

func bech32Data(s string) (data []byte, ok bool) {
	sep := strings.LastIndexByte(s, '1')
	if sep < 1 {
		return nil, false
	}
	for _, c := range strings.ToLower(s[:sep]) {
		data = append(data, byte(c)>>5)
	}
	data = append(data, 0)
	for _, c := range strings.ToLower(s[:sep]) {
		data = append(data, byte(c)&31)
	}
	for _, c := range s[sep+1:] {
		n := strings.IndexRune(bech32Letters, c)
		if n < 0 {
			return nil, false
		}
		data = append(data, byte(n))
	}
	return data, true
}

func bech32Sum(data []byte) uint32 {
	sum := uint32(1)
	for _, v := range data {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}

// rebech32 mends the checksum of a generated key.
func rebech32(s string) string {
	data, _ := bech32Data(s)
	copy(data[len(data)-6:], make([]byte, 6))
	sum := bech32Sum(data) ^ 1
	end := make([]byte, 6)
	for i := range end {
		end[i] = bech32Letters[sum>>(5*(5-i))&31]
	}
	return s[:len(s)-6] + string(end)
}
