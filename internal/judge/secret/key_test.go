package secret

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// TestKeys finds keys as files, code and settings write them. They are drawn anew each time, so that lines
// begin and end with all that base64 has.
func TestKeys(t *testing.T) {
	e := engine(t)
	forms := map[string]func(string) string{
		"file":    func(s string) string { return s },
		"CRLF":    func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"escaped": func(s string) string { return `{"key": "` + strings.ReplaceAll(s, "\n", `\n`) + `"}` },
		"twice":   func(s string) string { return `"{\"key\": \"` + strings.ReplaceAll(s, "\n", `\\n`) + `\"}"` },
		"YAML":    func(s string) string { return "key: |\n  " + strings.ReplaceAll(s, "\n", "\n  ") },
		"code": func(s string) string {
			return `key := "` + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\\n\" +\n\t\"") + `"`
		},
		"array": func(s string) string { return `["` + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\",\n \"") + `"]` },
	}
	for range 40 {
		ec, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p8, err := x509.MarshalPKCS8PrivateKey(ec)
		if err != nil {
			t.Fatal(err)
		}
		sec1, err := x509.MarshalECPrivateKey(ec)
		if err != nil {
			t.Fatal(err)
		}
		for label, der := range map[string][]byte{"PRIVATE KEY": p8, "EC PRIVATE KEY": sec1} {
			text := string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
			for name, form := range forms {
				if hits := e.Scan("srv/a.conf", []byte(form(text))).Hits; len(hits) != 1 || hits[0].Rule != "secret/private-key" || hits[0].Note != "" {
					t.Fatalf("%s, %s: %+v\n%s", label, name, hits, form(text))
				}
			}
		}
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der := x509.MarshalPKCS1PrivateKey(r)
	if !parses(der) || parses(der[:len(der)-1]) || parses(der[4:]) {
		t.Error("a whole RSA key parses, and a cut one does not")
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if hits := e.Scan("a.conf", []byte(public)).Hits; len(hits) > 0 {
		t.Errorf("a public key: %+v", hits)
	}
}
