// Package key reads the keys by which attestations are signed and checked: ed25519 and ECDSA P-256.
//
// A public key is a PEM file as OpenSSL or Cosign write it, or a certificate, which counts while it is
// valid. A private key is PKCS #8, SEC 1, or what `cosign generate-key-pair` writes, under a password.
// Nothing that this package says holds anything of a private key or a password.
package key

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// MaxFile bounds the bytes of a key file.
const MaxFile = 64 << 10

// Public checks signatures.
type Public struct {
	key crypto.PublicKey
	der []byte // PKIX
	// NotBefore and NotAfter bound when the key counts; zero for a key that is no certificate.
	NotBefore, NotAfter time.Time
}

// Counts says whether the key counts at a time, and if not, why.
func (k Public) Counts(now time.Time) error {
	switch {
	case !k.NotAfter.IsZero() && now.After(k.NotAfter):
		return fmt.Errorf("the certificate has expired on %s: name the one that followed it", k.NotAfter.Format(time.DateOnly))
	case now.Before(k.NotBefore):
		return fmt.Errorf("the certificate is not valid before %s", k.NotBefore.Format(time.DateOnly))
	}
	return nil
}

// ParsePublic reads a PEM file.
func ParsePublic(file []byte) (Public, error) {
	if len(file) > MaxFile {
		return Public{}, fmt.Errorf("read public key: %d bytes are too many", len(file))
	}
	block, _ := pem.Decode(file)
	switch {
	case block == nil:
		return Public{}, errors.New("read public key: it is no PEM file")
	case bytes.Contains([]byte(block.Type), []byte("PRIVATE")):
		return Public{}, errors.New("read public key: it is a private key: name the public one (openssl pkey -pubout, cosign public-key)")
	case block.Type == "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Public{}, fmt.Errorf("read certificate: %w", err)
		}
		p, err := New(c.PublicKey)
		p.NotBefore, p.NotAfter = c.NotBefore, c.NotAfter
		return p, err
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Public{}, fmt.Errorf("read public key: %w", err)
	}
	return New(k)
}

// New takes a key of the standard library's.
func New(k crypto.PublicKey) (Public, error) {
	switch k := k.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return Public{}, fmt.Errorf("read public key: its curve is %s: use ECDSA P-256 or ed25519", k.Curve.Params().Name)
		}
	default:
		return Public{}, fmt.Errorf("read public key: %T is no ed25519 or ECDSA P-256 key", k)
	}
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return Public{}, fmt.Errorf("read public key: %w", err)
	}
	return Public{key: k, der: der}, nil
}

// Verify says whether a signature over a message is by this key: pure ed25519, or ECDSA over SHA-256 in
// ASN.1.
func (p Public) Verify(message, signature []byte) bool {
	switch k := p.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, message, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(k, sum[:], signature)
	}
	return false
}

// Crypto is the key as the standard library has it.
func (p Public) Crypto() crypto.PublicKey { return p.key }

// ID names the key: "SHA256:" and the hex SHA-256 of its PKIX form.
func (p Public) ID() string {
	sum := sha256.Sum256(p.der)
	return "SHA256:" + hex.EncodeToString(sum[:])
}

// Hint is what Sigstore bundles name a key by: its SHA-256 in base64.
func (p Public) Hint() string {
	sum := sha256.Sum256(p.der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// PEM is the key as a file.
func (p Public) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.der})
}

// Private signs.
type Private struct {
	key    crypto.Signer
	Public Public
}

// ErrPassword says that a key is under a password, and that it is not the one given, or none is.
var ErrPassword = errors.New("the password does not open it")

// ParsePrivate reads a PEM file. The password is used where the key is under one.
func ParsePrivate(file, password []byte) (Private, error) {
	if len(file) > MaxFile {
		return Private{}, fmt.Errorf("read private key: %d bytes are too many", len(file))
	}
	block, _ := pem.Decode(file)
	if block == nil {
		return Private{}, errors.New("read private key: it is no PEM file")
	}
	der := block.Bytes
	var k any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		k, err = x509.ParsePKCS8PrivateKey(der)
	case "EC PRIVATE KEY":
		k, err = x509.ParseECPrivateKey(der)
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		if der, err = open(der, password); err != nil {
			return Private{}, fmt.Errorf("read private key: %w", err)
		}
		k, err = x509.ParsePKCS8PrivateKey(der)
	case "ENCRYPTED PRIVATE KEY":
		return Private{}, errors.New("read private key: OpenSSL's passwords are not understood: use Cosign's form (cosign import-key-pair), or a key without a password (openssl pkcs8)")
	case "PUBLIC KEY", "CERTIFICATE":
		return Private{}, errors.New("read private key: it is a public one")
	default:
		return Private{}, fmt.Errorf("read private key: PEM of type %q is none (openssl genpkey -algorithm ed25519 makes one)", block.Type)
	}
	if err != nil { // what the parser says may quote from the key
		return Private{}, errors.New("read private key: its bytes are damaged")
	}
	return NewPrivate(k)
}

// NewPrivate takes a key of the standard library's.
func NewPrivate(k any) (Private, error) {
	signer, ok := k.(crypto.Signer)
	if !ok {
		return Private{}, fmt.Errorf("read private key: %T is no ed25519 or ECDSA P-256 key", k)
	}
	p, err := New(signer.Public())
	if err != nil {
		return Private{}, err
	}
	return Private{key: signer, Public: p}, nil
}

// open takes Cosign's password off a key (scrypt and NaCl's secretbox). The library knows three settings of
// scrypt and refuses others, so a hostile file cannot ask for much memory.
func open(box, password []byte) ([]byte, error) {
	der, err := encrypted.Decrypt(box, password)
	switch {
	case err == nil:
		return der, nil
	case err.Error() == "encrypted: decryption failed":
		return nil, ErrPassword
	}
	return nil, fmt.Errorf("open Cosign's key: %w", err)
}

// Sign signs a message as [Public.Verify] checks it. The same message gets the same signature each time
// (RFC 8032, RFC 6979).
func (p Private) Sign(message []byte) ([]byte, error) {
	if _, ok := p.key.(ed25519.PrivateKey); ok {
		return p.key.Sign(nil, message, crypto.Hash(0))
	}
	sum := sha256.Sum256(message)
	return p.key.Sign(nil, sum[:], crypto.SHA256)
}
