package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// TLS is what a port's handshakes told.
type TLS struct {
	Chain  []*x509.Certificate // as it was presented
	Trust  bool                // the chain leads to the cluster's own authority
	Asks   bool                // for a client certificate
	Offers []Offer             // what it was offered, and whether it took that
}

// Offer is a version or a kind of cipher suites, and nothing beside it.
type Offer struct {
	Name    string
	Version bool // it is a version of the protocol
	Taken   bool
	Known   bool // it was answered
}

// The kinds of cipher suite that are offered. All of them are of TLS 1.2 and before.
const (
	RC4  = "RC4"
	DES3 = "3DES"
	RSA  = "RSA key exchange"
	CBC  = "CBC"
)

// kindOf sorts a cipher suite of TLS 1.2 by its worst part; empty: nothing is wrong with it.
func kindOf(name string) string {
	switch {
	case strings.Contains(name, "_RC4_"):
		return RC4
	case strings.Contains(name, "_3DES_"):
		return DES3
	case strings.HasPrefix(name, "TLS_RSA_"):
		return RSA
	case strings.Contains(name, "_CBC_"):
		return CBC
	}
	return ""
}

func suites(wanted func(kind string) bool) (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.SupportedVersions[0] != tls.VersionTLS13 && wanted(kindOf(s.Name)) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// everything is offered where it is only asked who is there.
func everything() *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, // it is asked what it presents, and who presents what is judged
		MinVersion:         tls.VersionTLS10, CipherSuites: suites(func(string) bool { return true }),
	}
}

// handshakes asks for the certificate, and for old versions and weak ciphers one by one. False: it speaks no TLS.
func (p *Prober) handshakes(ctx context.Context, port *Port) bool {
	of := &TLS{}
	took, known := p.handshake(ctx, port, everything(), "handshake", of)
	if !took || !known {
		return false
	}
	port.TLS = of
	if p.Roots != nil {
		of.Trust = p.trusts(port.Place, of.Chain)
	}
	offer := func(name string, version bool, c *tls.Config) {
		taken, known := p.handshake(ctx, port, c, "handshake with "+name+" alone", nil)
		of.Offers = append(of.Offers, Offer{Name: name, Version: version, Taken: taken, Known: known})
	}
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		c := everything()
		c.MinVersion, c.MaxVersion = v, v
		offer(tls.VersionName(v), true, c)
	}
	for _, kind := range []string{RC4, DES3, RSA, CBC} {
		c := everything()
		c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS12, tls.VersionTLS12, suites(func(k string) bool { return k == kind })
		offer(kind, false, c)
	}
	return true
}

// handshake makes one. Took says that the server agreed to what was offered: it presented its certificate, whether
// or not it then wanted to see the client's.
func (p *Prober) handshake(ctx context.Context, port *Port, c *tls.Config, what string, into *TLS) (took, known bool) {
	if p.pace.wait(ctx) != nil {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	c.ServerName = port.Name
	c.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		took = true
		for _, der := range raw {
			if one, err := x509.ParseCertificate(der); err == nil && into != nil {
				into.Chain = append(into.Chain, one)
			}
		}
		return nil
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if into != nil {
			into.Asks = true
		}
		return &tls.Certificate{}, nil
	}
	answer := Answer{As: Nobody, Method: "TLS", What: what}
	raw, err := p.dialer().DialContext(ctx, "tcp", port.String())
	if err == nil {
		defer raw.Close()
		conn := tls.Client(raw, c)
		if err = conn.HandshakeContext(ctx); err == nil {
			s := conn.ConnectionState()
			answer.Says = tls.VersionName(s.Version) + ", " + tls.CipherSuiteName(s.CipherSuite)
		}
	}
	answer.Outcome = Answered
	if err != nil {
		answer.Outcome, answer.Says = outcomeOf(err)
	}
	if took && answer.Outcome == Refused {
		answer.Says = "agreed, then " + answer.Says
	}
	port.Answers = append(port.Answers, answer)
	return took, took || answer.Outcome.Told() || answer.Outcome == HungUp && into == nil // some close where they have no cipher in common
}

// trusts says that a chain leads to the cluster's authority, and is made out to the place.
func (p *Prober) trusts(at Place, chain []*x509.Certificate) bool {
	if len(chain) == 0 {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: p.Roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err == nil && MadeOut(at, chain[0]) == nil
}

// MadeOut says why a certificate is not made out to the place, by its name or its address.
func MadeOut(at Place, c *x509.Certificate) error {
	if at.Name != "" && c.VerifyHostname(at.Name) == nil {
		return nil
	}
	return c.VerifyHostname("[" + at.Address.WithZone("").String() + "]")
}

// dialer reaches the address it is given, and no other.
func (p *Prober) dialer() *net.Dialer { return &net.Dialer{Timeout: p.Timeout, KeepAlive: -1} }

// stranger is a client certificate that nobody else signed.
type stranger struct{ certificate tls.Certificate }

func newStranger() (*stranger, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: StrangerName}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &stranger{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
}
