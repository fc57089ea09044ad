package control

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// soon is how long before its end a certificate is told of.
const soon = 30 * 24 * time.Hour

func certificates() []node.Check {
	const pki = "/etc/kubernetes/pki/"
	return []node.Check{
		{
			Card: node.Named("control/certificate-expired", "a certificate has ended, or does soon", finding.Medium, "nsa-1.2/control-plane-hardening", check.Page{
				Why: "A cluster whose certificates end stops, and is mended in haste.", Fix: "kubeadm certs renew all, or what made the certificate; the kubelet renews its own with rotateCertificates.",
				Bad: "# " + pki + "apiserver.crt\n" + expired, Good: "# " + pki + "apiserver.crt\n" + strong,
			}),
			Look: func(l *node.Look) {
				eachCertificate(l, func(f *host.File, c *x509.Certificate) {
					switch left := c.NotAfter.Sub(l.Now); {
					case left < 0:
						l.HitFile(f, fmt.Sprintf("%s ended on %s", name(c), c.NotAfter.Format(time.DateOnly)))
					case left < soon:
						l.HitFile(f, fmt.Sprintf("%s ends on %s", name(c), c.NotAfter.Format(time.DateOnly)))
					}
				})
			},
		},
		{
			Card: node.Named("control/certificate-weak", "a certificate has a weak key, or a weak signature", finding.High, "nsa-1.2/control-plane-hardening", check.Page{
				Why: "A key of fewer than 112 bits of strength can be computed, and a signature of SHA-1 or MD5 can be made to fit another certificate.", Fix: "Make it anew with ECDSA P-256, or RSA of 2048 bits or more, and SHA-256.",
				Bad: "# " + pki + "apiserver.crt\n" + weakKey, Good: "# " + pki + "apiserver.crt\n" + strong,
			}),
			Look: func(l *node.Look) {
				eachCertificate(l, func(f *host.File, c *x509.Certificate) {
					if words, enough := host.KeyStrength(c); !enough {
						l.HitFile(f, name(c)+" has "+words)
					}
					self := c.Issuer.String() == c.Subject.String() // nobody checks what a root says of itself
					if !self && slices.Contains([]x509.SignatureAlgorithm{x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.MD5WithRSA, x509.DSAWithSHA1}, c.SignatureAlgorithm) {
						l.HitFile(f, name(c)+" is signed by "+c.SignatureAlgorithm.String())
					}
				})
			},
		},
		of(server, "serving-certificate-unsigned", "the API server's certificate is signed by itself", finding.Medium, "nsa-1.2/control-plane-hardening", check.Page{
			Why: "Clients can only know it one by one, and learn to look away when it changes.", Fix: "Have it signed by the cluster's CA.",
			Bad:  "--tls-cert-file=" + pki + "apiserver.crt\n# " + pki + "apiserver.crt\n" + selfSigned,
			Good: "--tls-cert-file=" + pki + "apiserver.crt\n# " + pki + "apiserver.crt\n" + strong,
		}, func(l *node.Look) {
			f := l.File(l.Value("tls-cert-file").Text)
			if f == nil || f.Contents == nil || len(f.Contents.Certificates) == 0 {
				return
			}
			if c := f.Contents.Certificates[0]; c.CheckSignatureFrom(c) == nil || c.Issuer.String() == c.Subject.String() {
				l.HitFile(f, name(c)+" is its own issuer")
			}
		}),
		{
			Card: node.Named("control/masters-certificate", "a kubeconfig on the host is of system:masters", finding.Low, "cis-k8s-1.12/5.1.7 nsa-1.2/authentication-and-authorization", check.Page{
				Why: "system:masters is let through before any authorizer is asked, and a certificate can't be taken back: who copied the file is administrator until it ends.", Fix: "Keep super-admin.conf off the host, and use a group that a ClusterRoleBinding makes administrator (kubeadm:cluster-admins).",
				Bad: "# /etc/kubernetes/admin.conf\nkind: Config\nusers:\n- name: admin\n  user: {client-certificate-data: " + masters + "}", Good: "# /etc/kubernetes/admin.conf\nkind: Config\nusers:\n- name: admin\n  user: {client-certificate-data: " + admins + "}",
			}),
			Look: func(l *node.Look) {
				for _, f := range l.Files("/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf", "/etc/kubernetes/scheduler.conf", "/etc/kubernetes/controller-manager.conf", "/etc/kubernetes/kubelet.conf") {
					if f.Contents == nil {
						l.Doubt("what stands in " + f.Path)
						continue
					}
					for _, c := range f.Contents.Certificates {
						if slices.Contains(c.Subject.Organization, "system:masters") {
							l.HitFile(f, name(c)+", to "+c.NotAfter.Format(time.DateOnly))
						}
					}
				}
			},
		},
	}
}

// eachCertificate visits those that the cluster's own files hold, each file once.
func eachCertificate(l *node.Look, visit func(*host.File, *x509.Certificate)) {
	seen := map[string]bool{}
	all := l.Below("/etc/kubernetes", "/var/lib/kubelet/pki", "/var/lib/rancher/k3s/server/tls", "/var/lib/rancher/rke2/server/tls")
	for _, c := range l.Host.Components {
		for _, setting := range []string{"tls-cert-file", "client-ca-file", "etcd-certfile", "etcd-cafile", "kubelet-client-certificate", "cert-file", "peer-cert-file", "trusted-ca-file"} {
			if v := c.Value(setting); v.Text != "" && c.File(v.Text) != nil {
				all = append(all, c.File(v.Text))
			}
		}
	}
	for _, f := range all {
		if seen[f.Path] || f.Contents == nil {
			continue
		}
		seen[f.Path] = true
		for _, c := range f.Contents.Certificates {
			l.Saw()
			visit(f, c)
		}
	}
}

func name(c *x509.Certificate) string {
	if n := c.Subject.CommonName; n != "" {
		return n
	}
	return strings.TrimSpace("certificate " + c.SerialNumber.String())
}
