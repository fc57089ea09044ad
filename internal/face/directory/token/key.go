package token

import (
	"cmp"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// How long a key signs, how long before its time it is made, so that every server has read it, and how long after its
// time it is kept.
const (
	period = 24 * time.Hour
	ahead  = time.Hour
	skew   = 5 * time.Minute
)

const (
	keyPrefix = "key-"
	keySuffix = ".pem"
	keyTime   = "20060102T150405Z"
)

// key signs from a time on.
type key struct {
	id      string
	from    time.Time
	private ed25519.PrivateKey
}

// slot is when the key of a time begins, which is the same for all servers.
func slot(now time.Time) time.Time { return now.UTC().Truncate(period) }

func keyName(from time.Time) string { return keyPrefix + from.Format(keyTime) + keySuffix }

func newKey() ([]byte, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// keysOf are the keys of a store, the oldest first.
func keysOf(items map[string][]byte) (all []key, err error) {
	for name, content := range items {
		if !strings.HasPrefix(name, keyPrefix) {
			continue
		}
		k, err := parseKey(name, content)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b key) int { return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.id, b.id)) })
	return all, nil
}

func parseKey(name string, content []byte) (k key, err error) {
	at := strings.TrimSuffix(strings.TrimPrefix(name, keyPrefix), keySuffix)
	if k.from, err = time.Parse(keyTime, at); err != nil {
		return k, fmt.Errorf("its name is not key-TIME.pem, as in %s", keyName(time.Unix(0, 0).UTC()))
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return k, errors.New("it is no key in PEM")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return k, err
	}
	ed, ok := private.(ed25519.PrivateKey)
	if !ok {
		return k, fmt.Errorf("it is a key of another sort: make one with openssl genpkey -algorithm ed25519")
	}
	k.id, k.private = at, ed
	return k, nil
}

// signer is the key that signs now: the newest whose time has come.
func signer(all []key, now time.Time) (key, bool) {
	for _, k := range slices.Backward(all) {
		if !now.Before(k.from) {
			return k, true
		}
	}
	return key{}, false
}
