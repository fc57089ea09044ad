package key_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
)

// keys are one of each kind that is understood.
func keys(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ed25519": ed, "ecdsa": ec}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t testing.TB, k any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestForms reads each form of a private key, signs, and checks by the public one.
func TestForms(t *testing.T) {
	for kind, k := range keys(t) {
		plain := pkcs8(t, k)
		files := map[string][]byte{"PRIVATE KEY": encode("PRIVATE KEY", plain)}
		if ec, ok := k.(*ecdsa.PrivateKey); ok {
			der, err := x509.MarshalECPrivateKey(ec)
			if err != nil {
				t.Fatal(err)
			}
			files["EC PRIVATE KEY"] = encode("EC PRIVATE KEY", der)
		}
		for _, form := range []string{"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"} {
			box, err := encrypted.Encrypt(plain, []byte("long enough"))
			if err != nil {
				t.Fatal(err)
			}
			files[form] = encode(form, box)
		}
		for form, file := range files {
			private, err := key.ParsePrivate(file, []byte("long enough"))
			if err != nil {
				t.Errorf("%s as %s: %v", kind, form, err)
				continue
			}
			public, err := key.ParsePublic(private.Public.PEM())
			if err != nil || public.ID() != private.Public.ID() {
				t.Errorf("%s as %s: its public key does not come back: %v", kind, form, err)
			}
			one, err := private.Sign([]byte("message"))
			two, _ := private.Sign([]byte("message"))
			if err != nil || string(one) != string(two) {
				t.Errorf("%s as %s: two signatures differ, or %v", kind, form, err)
			}
			if !public.Verify([]byte("message"), one) || public.Verify([]byte("messages"), one) || public.Verify([]byte("message"), one[1:]) {
				t.Errorf("%s as %s: its signature is not checked right", kind, form)
			}
		}
		if box := files["ENCRYPTED COSIGN PRIVATE KEY"]; box != nil {
			_, err := key.ParsePrivate(box, []byte("wrong password"))
			if !errors.Is(err, key.ErrPassword) || strings.Contains(err.Error(), "wrong password") {
				t.Errorf("wrong password: %v", err)
			}
		}
	}
}

// TestOpenSSL reads what OpenSSL writes, and has it check what we sign.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl")
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl %q: %v", args, err)
		}
		return out
	}
	for kind, args := range map[string][]string{
		"ed25519": {"genpkey", "-algorithm", "ed25519"},
		"ecdsa":   {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
	} {
		private, err := key.ParsePrivate(run(args...), nil)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		sig, err := private.Sign([]byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "pub.pem"), private.Public.PEM())
		write(t, filepath.Join(dir, "sig"), sig)
		write(t, filepath.Join(dir, "message"), []byte("message"))
		verify := []string{"pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-sigfile", "sig", "-in", "message", "-rawin"}
		if kind == "ecdsa" {
			verify = append(verify, "-digest", "sha256")
		}
		run(verify...)
	}
}

// TestRefused says of what is no key why it is none, and never what is in it.
func TestRefused(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := func(k any) []byte {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return encode("PUBLIC KEY", der)
	}
	ed := keys(t)["ed25519"]
	for _, c := range []struct {
		name    string
		file    []byte
		private bool
		want    string
	}{
		{"no PEM", []byte("hello"), true, "no PEM"},
		{"no PEM", []byte("hello"), false, "no PEM"},
		{"RSA", encode("PRIVATE KEY", pkcs8(t, big)), true, "ed25519"},
		{"RSA", public(&big.PublicKey), false, "ed25519"},
		{"P-384", public(&p384.PublicKey), false, "P-384"},
		{"private for public", encode("PRIVATE KEY", pkcs8(t, ed)), false, "name the public one"},
		{"public for private", public(ed.Public()), true, "public one"},
		{"OpenSSL's password", encode("ENCRYPTED PRIVATE KEY", []byte("x")), true, "cosign import-key-pair"},
		{"damaged", encode("PRIVATE KEY", []byte("secret bytes")), true, "damaged"},
		{"huge scrypt", encode("ENCRYPTED COSIGN PRIVATE KEY", []byte(`{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1},"salt":"AA=="},"cipher":{"name":"nacl/secretbox","nonce":"AA=="},"ciphertext":"AA=="}`)), true, "scrypt parameters"},
		{"too long", make([]byte, key.MaxFile+1), true, "too many"},
		{"too long", make([]byte, key.MaxFile+1), false, "too many"},
	} {
		var err error
		if c.private {
			_, err = key.ParsePrivate(c.file, nil)
		} else {
			_, err = key.ParsePublic(c.file)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret bytes") {
			t.Errorf("%s (private %t): %v, want %q", c.name, c.private, err, c.want)
		}
	}
}

// FuzzKey never panics, and what it takes for a private key signs as its public key checks.
func FuzzKey(f *testing.F) {
	for _, k := range keys(f) {
		f.Add(encode("PRIVATE KEY", pkcs8(f, k)), []byte(""))
	}
	// Of settings that are refused: stretching a password takes a fuzzed program seconds, which counts as hanging.
	f.Add(encode("ENCRYPTED COSIGN PRIVATE KEY", []byte(`{"kdf":{"name":"scrypt","params":{"N":2,"r":8,"p":1},"salt":"AA=="},"cipher":{"name":"nacl/secretbox","nonce":"AA=="},"ciphertext":"AA=="}`)), []byte("x"))
	f.Fuzz(func(t *testing.T, file, password []byte) {
		_, _ = key.ParsePublic(file)
		private, err := key.ParsePrivate(file, password)
		if err != nil {
			return
		}
		sig, err := private.Sign(file)
		if err == nil && !private.Public.Verify(file, sig) {
			t.Error("its own signature does not hold")
		}
	})
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
