// Package certificate keeps the certificate that a server shows, and renews it while it serves: one of an authority
// of its own, or one that somebody else lays into files.
//
// The own authority is renewed with an overlap: a new one is trusted beside the old before anything is signed by it.
package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// How long certificates live. They are renewed when a third of that is left.
const (
	authorityLife = 365 * 24 * time.Hour
	leafLife      = 30 * 24 * time.Hour
	// settle is how long a new authority is only trusted: until every API server has heard of it.
	settle = 10 * time.Minute
	// skew is how far the clocks of a cluster may be apart.
	skew = time.Hour
)

// State is a certificate and what made it, all in PEM.
type State struct {
	Roots   []byte // the authorities to trust, the newest first
	RootKey []byte // of the newest; empty: the authority is somebody else's
	Chain   []byte
	Key     []byte
}

// Renew gives the state that holds now for a server of these names, and whether it is another.
func (s State) Renew(now time.Time, names []string) (State, bool, error) {
	roots, err := parseAll(s.Roots)
	if err != nil {
		return s, false, fmt.Errorf("read the authority: %w", err)
	}
	next := s
	roots = slices.DeleteFunc(roots, func(c *x509.Certificate) bool { return !now.Before(c.NotAfter) })
	if len(roots) == 0 || !signs(s.RootKey, roots[0]) || due(roots[0], now) {
		made, key, err := newAuthority(now)
		if err != nil {
			return s, false, err
		}
		roots, next.RootKey = append([]*x509.Certificate{made}, roots...), key
	}
	next.Roots = encodeAll(roots)
	if !next.serves(roots, now, names) {
		if next.Chain, next.Key, err = issue(roots[0], next.RootKey, now, names); err != nil {
			return s, false, err
		}
	}
	return next, !bytes.Equal(next.Roots, s.Roots) || !bytes.Equal(next.Chain, s.Chain), nil
}

// serves says whether the leaf need not be made anew.
func (s State) serves(roots []*x509.Certificate, now time.Time, names []string) bool {
	leaf, err := parseAll(s.Chain)
	if _, wrong := tls.X509KeyPair(s.Chain, s.Key); err != nil || wrong != nil || !slices.Equal(namesOf(leaf[0]), namesOf(named(names))) || !now.Before(leaf[0].NotAfter) {
		return false
	}
	by := slices.IndexFunc(roots, func(r *x509.Certificate) bool { return leaf[0].CheckSignatureFrom(r) == nil })
	settled := now.Sub(roots[0].NotBefore) >= skew+settle
	switch {
	case by < 0:
		return false
	case by > 0: // of the authority before
		return !settled
	}
	return !due(leaf[0], now)
}

// signs says whether a key is that of a certificate.
func signs(key []byte, of *x509.Certificate) bool {
	k, err := parseKey(key)
	return err == nil && k.PublicKey.Equal(of.PublicKey)
}

// due says whether a third of a certificate's life, or less, is left.
func due(c *x509.Certificate, now time.Time) bool {
	return c.NotAfter.Sub(now) <= c.NotAfter.Sub(c.NotBefore)/3
}

func newAuthority(now time.Time) (*x509.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	of := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "plimsoll " + now.UTC().Format(time.DateOnly)},
		NotBefore: now.Add(-skew), NotAfter: now.Add(authorityLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	text, err := encodeKey(key)
	return made, text, err
}

func issue(root *x509.Certificate, rootKey []byte, now time.Time, names []string) (chain, key []byte, err error) {
	signer, err := parseKey(rootKey)
	if err != nil {
		return nil, nil, fmt.Errorf("read the authority's key: %w", err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	of := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "plimsoll"},
		DNSNames: named(names).DNSNames, IPAddresses: named(names).IPAddresses, NotBefore: now.Add(-skew), NotAfter: earlier(now.Add(leafLife), root.NotAfter),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, root, &own.PublicKey, signer)
	if err != nil {
		return nil, nil, fmt.Errorf("sign a certificate: %w", err)
	}
	key, err = encodeKey(own)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key, err
}

// named is a certificate for names, of which some may be addresses.
func named(names []string) *x509.Certificate {
	c := &x509.Certificate{}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	return c
}

func namesOf(c *x509.Certificate) []string {
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	return all
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // which does not fail
	return new(big.Int).SetBytes(b)
}

func parseAll(text []byte) (all []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return all, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}

func encodeAll(all []*x509.Certificate) (text []byte) {
	for _, c := range all {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("it is no key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is no ECDSA key")
	}
	return ec, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
