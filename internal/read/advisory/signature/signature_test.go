package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Made by OpenSSL 3.0: pkey -pubout, and pkeyutl -sign -rawin over "manifest\n".
const (
	opensslPublic = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAHWgtx1h2SBkTLFFEOYTrrFaRCB8+FisrRodzoxdlpcw=\n-----END PUBLIC KEY-----\n"
	opensslSigned = "5f906b80d9bc2d8c45d2919eea95fd9d39b2c16beef17dd7fe384905d07e4cf1c24f11bfada6f24286f690628b96fd32759fbcd567f90f29a2ec2381c6ebb008"
)

// TestOpenSSL takes a public key and a signature as OpenSSL writes them.
func TestOpenSSL(t *testing.T) {
	public, err := ReadPublic(write(t, []byte(opensslPublic)))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := hex.DecodeString(opensslSigned)
	if err != nil {
		t.Fatal(err)
	}
	file := []byte("ed25519 " + ID(public) + " " + base64.StdEncoding.EncodeToString(signed))
	if id, err := Verify([]byte("manifest\n"), file, []ed25519.PublicKey{public}); err != nil || id != ID(public) {
		t.Errorf("%s, %v", id, err)
	}
}

// TestRFC8032 signs as the RFC's first test does (§7.1, TEST 1), with a key from a PEM file.
func TestRFC8032(t *testing.T) {
	seed, err := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	private, err := ReadPrivate(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPublic(file); err == nil {
		t.Error("a private key is read as a public one")
	}
	if _, err := ReadPrivate(write(t, []byte(opensslPublic))); err == nil {
		t.Error("a public key is read as a private one")
	}
	if _, err := ReadPublic(write(t, []byte("x"))); err == nil {
		t.Error("what is no PEM file is read")
	}
	signed, err := hex.DecodeString("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(Sign(nil, private)))[2]; got != base64.StdEncoding.EncodeToString(signed) {
		t.Errorf("signature %s, want %x", got, signed)
	}
}

func write(t *testing.T, b []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestVerify fails closed: what no trusted key has signed, or what was changed, is not taken.
func TestVerify(t *testing.T) {
	one := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	two := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	message := []byte("message")
	trust := func(keys ...ed25519.PrivateKey) (all []ed25519.PublicKey) {
		for _, k := range keys {
			all = append(all, k.Public().(ed25519.PublicKey))
		}
		return all
	}
	for name, c := range map[string]struct {
		message  string
		file     []byte
		trusted  []ed25519.PublicKey
		ok       bool
		unsigned bool
	}{
		"signed":                        {"message", Sign(message, one), trust(one), true, false},
		"by the second of two":          {"message", Sign(message, one, two), trust(two), true, false},
		"by another":                    {"message", Sign(message, two), trust(one), false, true},
		"nobody is trusted":             {"message", Sign(message, one), nil, false, true},
		"no signature":                  {"message", nil, trust(one), false, true},
		"changed":                       {"massage", Sign(message, one), trust(one), false, false},
		"another's under its id":        {"message", []byte("ed25519 " + ID(trust(one)[0]) + " " + strings.Fields(string(Sign(message, two)))[2]), trust(one), false, false},
		"beside that of the one before": {"message", append(Sign([]byte("before"), one), Sign(message, one)...), trust(one), true, false},
		"of the one before alone":       {"message", Sign([]byte("before"), one), trust(one), false, false},
		"no base64":                     {"message", []byte("ed25519 " + ID(trust(one)[0]) + " !"), trust(one), false, false},
		"too short":                     {"message", []byte("ed25519 " + ID(trust(one)[0]) + " AAAA"), trust(one), false, false},
	} {
		_, err := Verify([]byte(c.message), c.file, c.trusted)
		if (err == nil) != c.ok || errors.Is(err, ErrUnsigned) != c.unsigned {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBuiltin wants no keys in a build that names none.
func TestBuiltin(t *testing.T) {
	if keys, err := Builtin(); err != nil || len(keys) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
}

func FuzzVerify(f *testing.F) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	message, trusted := []byte("message"), []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}
	good := Sign(message, key)
	f.Add(good)
	f.Add([]byte("ed25519 a b\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := Verify(message, file, trusted); err == nil && !bytes.Contains(file, bytes.Fields(good)[2]) {
			t.Errorf("%q is taken for a signature", file)
		}
	})
}
