package answer

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

func probesOfTLS() []Check {
	return []Check{oldTLS(), weakCipher(), certificateExpires(), certificateName(), certificateSelfSigned(), certificateWeak()}
}

var (
	speakTLS = []string{"apiserver", "kubelet", "etcd", "etcd-peer", "scheduler", "controller-manager"}
	// The others of these make a certificate for themselves, on loopback, and nobody is to ask them.
	served = []string{"apiserver", "kubelet", "etcd", "etcd-peer"}
)

// ofTLS looks at handshakes, where there were any.
func ofTLS(look func(p *probe.Port, now time.Time) ([]proof, doubt)) func(*probe.Port, time.Time) ([]proof, doubt) {
	return func(p *probe.Port, now time.Time) ([]proof, doubt) {
		switch {
		case p.TLS != nil:
			return look(p, now)
		case p.Service.Plain && shown(p, "http", probe.Version, "etcd") != nil:
			return nil, "" // it speaks none, which is told
		}
		return nil, doubtOf(p, "", "handshake")
	}
}

// offers are those of a port, old versions or weak ciphers, that it took.
func offers(p *probe.Port, versions bool, severity func(name string) finding.Severity) (proofs []proof, in doubt) {
	for _, o := range p.TLS.Offers {
		switch {
		case o.Version != versions:
		case !o.Known:
			in = doubtOf(p, "", "handshake with "+o.Name+" alone")
		case o.Taken:
			h := proof{field: o.Name, detail: "it takes " + o.Name}
			if severity != nil {
				h.severity = severity(o.Name)
			}
			proofs = append(proofs, h)
		}
	}
	return proofs, in
}

func oldTLS() Check {
	return Check{
		Card: probeCard("old-tls", "server speaks TLS 1.0 or 1.1", "medium", "nsa-1.2/encryption", check.Page{
			Why: "Both versions stand on SHA-1 and MD5 and on ciphers that are broken, and no client of Kubernetes needs them (RFC 8996).",
			Fix: "Leave --tls-min-version at VersionTLS12 or set VersionTLS13; for the kubelet, tlsMinVersion in its configuration; for etcd, --tls-min-version.",
			Bad: "apiserver 192.0.2.1:6443\ncertificate\ntakes version TLS 1.0", Good: "apiserver 192.0.2.1:6443\ncertificate\nrefuses version TLS 1.0",
		}),
		services: speakTLS,
		look:     ofTLS(func(p *probe.Port, _ time.Time) ([]proof, doubt) { return offers(p, true, nil) }),
	}
}

func weakCipher() Check {
	return Check{
		Card: probeCard("weak-cipher", "server agrees to weak ciphers", "medium", "cis-k8s-1.12/1.2.29 cis-k8s-1.12/4.2.12 nsa-1.2/encryption", check.Page{
			Why: "The server was offered cipher suites of one weak kind alone, and took one. RC4 and 3DES can be broken (Sweet32, CVE-2016-2183), an RSA key exchange lays open all that was ever recorded once the key is lost, and CBC has been attacked again and again. A client that is told to by who stands between may end up with them.",
			Fix: "Set --tls-cipher-suites (tlsCipherSuites in the kubelet's configuration, --cipher-suites for etcd) to those with ECDHE and GCM or CHACHA20 in their names, or --tls-min-version=VersionTLS13, which knows no others.",
			Bad: "apiserver 192.0.2.1:6443\ncertificate\ntakes cipher 3DES", Good: "apiserver 192.0.2.1:6443\ncertificate\nrefuses cipher 3DES",
		}),
		services: speakTLS,
		look: ofTLS(func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			return offers(p, false, func(name string) finding.Severity {
				if name == probe.CBC { // Go's own servers take it, and no attack on it fits them
					return "low"
				}
				return ""
			})
		}),
	}
}

// soon is how long before its end a certificate ought to be renewed.
const soon = 30 * 24 * time.Hour

func certificateExpires() Check {
	return Check{
		Card: probeCard("certificate-expires", "server's certificate has expired, or soon will", "medium", "nsa-1.2/encryption", check.Page{
			Why: "On the day after its end nothing that verifies it can reach the server: nodes fall away, and controllers stop. kubeadm's certificates last a year and are renewed by upgrades alone.",
			Fix: "Renew it: kubeadm certs renew all, then restart the component; for the kubelet, rotateCertificates and serverTLSBootstrap in its configuration.",
			Bad: "apiserver 192.0.2.1:6443\ncertificate ending", Good: "apiserver 192.0.2.1:6443\ncertificate",
		}),
		services: speakTLS,
		look: ofTLS(func(p *probe.Port, now time.Time) (proofs []proof, _ doubt) {
			for i, c := range p.TLS.Chain {
				field := fmt.Sprintf("certificate[%d]", i)
				switch {
				case now.After(c.NotAfter):
					proofs = append(proofs, proof{field, named(c) + " ended " + c.NotAfter.UTC().Format(time.DateOnly), "high"})
				case now.Before(c.NotBefore):
					proofs = append(proofs, proof{field, named(c) + " begins " + c.NotBefore.UTC().Format(time.DateOnly), "high"})
				case c.NotAfter.Sub(now) < soon && c.NotAfter.Sub(c.NotBefore) > 2*soon: // one that is short-lived is renewed by itself
					proofs = append(proofs, proof{field, named(c) + " ends " + c.NotAfter.UTC().Format(time.DateOnly), ""})
				}
			}
			return proofs, ""
		}),
	}
}

func certificateName() Check {
	return Check{
		Card: probeCard("certificate-name", "server's certificate is made out to somebody else", "low", "nsa-1.2/encryption", check.Page{
			Why: "The address that was asked is not among the certificate's names. Clients that use it must give up verification, and then take anybody for the server.",
			Fix: "Have the certificate made with all addresses that the server is reached by (certSANs in kubeadm's configuration), or use one of its names.",
			Bad: "apiserver 192.0.2.1:6443\ncertificate elsewhere", Good: "apiserver 192.0.2.1:6443\ncertificate",
		}),
		services: served,
		look: ofTLS(func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			if len(p.TLS.Chain) == 0 || probe.MadeOut(p.Place, p.TLS.Chain[0]) == nil {
				return nil, ""
			}
			c := p.TLS.Chain[0]
			var all []string
			for _, ip := range c.IPAddresses {
				all = append(all, ip.String())
			}
			all = append(all, c.DNSNames...)
			if more := len(all) - 6; more > 0 {
				all = append(all[:6], fmt.Sprintf("%d more", more))
			}
			return []proof{{field: "certificate", detail: named(c) + " is made out to " + strings.Join(all, ", ")}}, ""
		}),
	}
}

func certificateSelfSigned() Check {
	return Check{
		Card: probeCard("certificate-self-signed", "server signed its certificate itself", "medium", "cis-k8s-1.12/4.2.9 cis-k8s-1.12/1.2.24 cis-k8s-1.12/2.3 cis-k8s-1.12/2.6", check.Page{
			Why: "Nobody can tell it from one that somebody else made a minute ago. The API server takes the kubelet's as it comes unless it is given an authority, so that who stands between them sees each exec and each log.",
			Fix: "Set serverTLSBootstrap: true in the kubelet's configuration and approve its requests, or give it a certificate of the cluster's authority (tlsCertFile, tlsPrivateKeyFile); then set --kubelet-certificate-authority for the API server. For etcd, leave --auto-tls and --peer-auto-tls away.",
			Bad: "kubelet 192.0.2.1:10250\ncertificate self-signed", Good: "kubelet 192.0.2.1:10250\ncertificate",
		}),
		services: served,
		look: ofTLS(func(p *probe.Port, _ time.Time) ([]proof, doubt) {
			if len(p.TLS.Chain) == 0 || !selfSigned(p.TLS.Chain) {
				return nil, ""
			}
			return []proof{{field: "certificate", detail: named(p.TLS.Chain[0]) + " is issued by " + quoted(p.TLS.Chain[0].Issuer.CommonName)}}, ""
		}),
	}
}

// selfSigned says that a certificate is its own authority, or that of the authority that Kubernetes' programs make up for
// themselves: NAME-ca@SECONDS.
func selfSigned(chain []*x509.Certificate) bool {
	c := chain[0]
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return true
	}
	_, seconds, made := strings.Cut(c.Issuer.CommonName, "-ca@")
	return made && seconds != "" && strings.Trim(seconds, "0123456789") == ""
}

func certificateWeak() Check {
	return Check{
		Card: probeCard("certificate-weak", "server's certificate can be forged", "medium", "nsa-1.2/encryption", check.Page{
			Why: "Its key is short, or it is signed by way of a hash that collides: MD5, SHA-1. Somebody with enough machines makes one like it.",
			Fix: "Renew it with an ECDSA key of P-256 or an RSA key of 2048 bits or more, signed with SHA-256.",
			Bad: "etcd 192.0.2.1:2379\ncertificate weak", Good: "etcd 192.0.2.1:2379\ncertificate",
		}),
		services: speakTLS,
		look: ofTLS(func(p *probe.Port, _ time.Time) (proofs []proof, _ doubt) {
			for i, c := range p.TLS.Chain {
				if what := weakness(c); what != "" {
					proofs = append(proofs, proof{field: fmt.Sprintf("certificate[%d]", i), detail: named(c) + " has " + what})
				}
			}
			return proofs, ""
		}),
	}
}

func weakness(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < 2048 {
			return fmt.Sprintf("an RSA key of %d bits", n)
		}
	case *ecdsa.PublicKey:
		if n := key.Curve.Params().BitSize; n < 256 {
			return fmt.Sprintf("an ECDSA key of %d bits", n)
		}
	}
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		if !bytes.Equal(c.RawIssuer, c.RawSubject) { // nobody checks how a root signed itself
			return "a signature by " + c.SignatureAlgorithm.String()
		}
	}
	return ""
}

// named is a certificate's own name, which the server chose.
func named(c *x509.Certificate) string { return "the certificate " + quoted(c.Subject.CommonName) }

func quoted(s string) string { return fmt.Sprintf("%.80q", s) }
