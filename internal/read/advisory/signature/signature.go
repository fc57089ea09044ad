// Package signature signs database manifests and checks them, with detached ed25519 signatures
// (RFC 8032, the pure form) over the manifest's bytes.
//
// A signature file has a line for each key that signed: the word ed25519, the key's id and the
// signature in base64. Any one key that is trusted suffices, so that keys can be rotated. Keys are PEM
// files as OpenSSL writes them:
//
//	openssl genpkey -algorithm ed25519 -out db.key
//	openssl pkey -in db.key -pubout -out db.pub
package signature

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// builtin are the public keys that a build of the program trusts: raw keys in base64, parted by commas.
// It is set by the linker: -ldflags "-X github.com/plimsoll/plimsoll/internal/read/advisory/signature.builtin=…".
var builtin string

// ErrUnsigned says that there is no signature by a key that is trusted.
var ErrUnsigned = errors.New("no trusted key has signed it")

// maxFile bounds keys and signatures.
const maxFile = 64 << 10

// Builtin returns the keys that this build of the program trusts; none in a build that names none.
func Builtin() ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for word := range strings.SplitSeq(builtin, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("read the program's own keys: %q is no ed25519 key", word)
		}
		keys = append(keys, b)
	}
	return keys, nil
}

// ReadPublic reads a public key from a PEM file.
func ReadPublic(file string) (ed25519.PublicKey, error) {
	block, err := readPEM(file)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	key, err := x509.ParsePKIXPublicKey(block)
	public, ok := key.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("read public key %s: it is no ed25519 public key (openssl pkey -pubout writes one)", file)
	}
	return public, nil
}

// ReadPrivate reads a private key from a PEM file.
func ReadPrivate(file string) (ed25519.PrivateKey, error) {
	block, err := readPEM(file)
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(block)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("read private key %s: it is no ed25519 private key (openssl genpkey -algorithm ed25519 makes one)", file)
	}
	return private, nil
}

func readPEM(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes are too many for a key", file, info.Size())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", file)
	}
	return block.Bytes, nil
}

// ID names a key: the first 16 hex digits of the SHA-256 of its 32 bytes.
func ID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Sign returns a signature file for a message.
func Sign(message []byte, keys ...ed25519.PrivateKey) []byte {
	var file []byte
	for _, key := range keys {
		public, _ := key.Public().(ed25519.PublicKey)
		file = fmt.Appendf(file, "ed25519 %s %s\n", ID(public), base64.StdEncoding.EncodeToString(ed25519.Sign(key, message)))
	}
	return file
}

// Verify holds a message against its signature file and returns the id of the key that signed it. Where
// trusted keys' ids are there and no signature of theirs holds, that is an error of its own: the message
// was changed. Beside one that holds, another does no harm: while a database is replaced, the file has
// the signatures of both.
func Verify(message, file []byte, trusted []ed25519.PublicKey) (string, error) {
	if len(file) > maxFile {
		return "", fmt.Errorf("check signature: %d bytes are too many", len(file))
	}
	byID := make(map[string]ed25519.PublicKey, len(trusted))
	for _, key := range trusted {
		byID[ID(key)] = key
	}
	unheld := ""
	for line := range strings.Lines(string(file)) {
		word := strings.Fields(line)
		if len(word) != 3 || word[0] != "ed25519" || byID[word[1]] == nil {
			continue
		}
		sum, err := base64.StdEncoding.Strict().DecodeString(word[2])
		if err != nil || !ed25519.Verify(byID[word[1]], message, sum) {
			unheld = word[1]
			continue
		}
		return word[1], nil
	}
	if unheld != "" {
		return "", fmt.Errorf("check signature: that of key %s does not hold: the bytes were changed on their way", unheld)
	}
	return "", ErrUnsigned
}
