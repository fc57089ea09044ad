package answer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/read/probe"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// portOf reads a port as the pages of checks show one: its service and address; then, a line each, closed, filtered, its
// certificate, what it takes, and questions with their answers.
func portOf(t *testing.T, text string) *probe.Port {
	t.Helper()
	lines := strings.Split(text, "\n")
	service, at, _ := strings.Cut(lines[0], " ")
	p := &probe.Port{State: probe.Open}
	i := slices.IndexFunc(probe.Services(), func(s probe.Service) bool { return s.Name == service })
	address, err := netip.ParseAddrPort(at)
	if i < 0 || err != nil {
		t.Fatalf("%q: %v", lines[0], err)
	}
	p.Service, p.Address, p.Port = probe.Services()[i], address.Addr(), int(address.Port())
	for _, line := range lines[1:] {
		first, rest, _ := strings.Cut(line, " ")
		switch first {
		case "closed", "filtered":
			p.State, p.Why = probe.State(first), first
		case "certificate":
			p.TLS = &probe.TLS{Chain: []*x509.Certificate{certificate(t, address.Addr(), rest)}}
		case "asks":
			p.TLS.Asks = true
		case "takes", "refuses", "stalls-at":
			kind, name, _ := strings.Cut(rest, " ")
			p.TLS.Offers = append(p.TLS.Offers, probe.Offer{Name: name, Version: kind == "version", Taken: first == "takes", Known: first != "stalls-at"})
		default:
			p.Answers = append(p.Answers, answerOf(t, line))
		}
	}
	return p
}

func answerOf(t *testing.T, line string) probe.Answer {
	t.Helper()
	question, answer, ok := strings.Cut(line, ": ")
	words := strings.Fields(question)
	if !ok || len(words) != 4 {
		t.Fatalf("%q is no question and answer", line)
	}
	a := probe.Answer{As: probe.Who(words[0]), Scheme: words[1], Method: words[2], What: words[3]}
	first, says, _ := strings.Cut(answer, " ")
	status, err := strconv.Atoi(first)
	a.Outcome, a.Status, a.Says = probe.Answered, status, says
	if err != nil {
		a.Outcome = probe.Outcome(answer)
	}
	return a
}

func certificate(t *testing.T, at netip.Addr, how string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{Subject: pkix.Name{CommonName: "kubernetes"}}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{at.AsSlice()},
		NotBefore: today.AddDate(-1, 0, 0), NotAfter: today.AddDate(1, 0, 0),
	}
	public := any(key.Public())
	switch how {
	case "ending":
		c.NotAfter = today.AddDate(0, 0, 9)
	case "short-lived":
		c.NotBefore, c.NotAfter = today.AddDate(0, 0, -1), today.AddDate(0, 0, 1)
	case "ended":
		c.NotAfter = today.AddDate(0, 0, -1)
	case "elsewhere":
		c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)}
	case "self-signed":
		ca = c
	case "made-up": // as client-go's cert.GenerateSelfSignedCertKey does
		ca.Subject.CommonName = "server-ca@1764428400"
	case "weak":
		public = &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	case "":
	default:
		t.Fatalf("%q is no certificate", how)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, public, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestExamples runs each check on the examples of its page.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		p := portOf(t, c.Page.Bad)
		if hits, _, _ := c.Look(p, today); len(hits) == 0 || !c.Concerns(p) {
			t.Errorf("%s does not find its bad example", c.ID)
		}
		if hits, _, unknown := c.Look(portOf(t, c.Page.Good), today); len(hits) != 0 || unknown != "" {
			t.Errorf("%s: its good example: %+v %s", c.ID, hits, unknown)
		}
		if !Proves(c.ID) {
			t.Errorf("%s is not called as a probe is", c.ID)
		}
	}
}

// TestChecks holds what all checks together find, and what they cannot know ("?").
func TestChecks(t *testing.T) {
	for _, c := range []struct{ name, port, want string }{
		{"a filtered port is not known", "kubelet 192.0.2.1:10250\nfiltered", "?certificate-expires ?certificate-name ?certificate-self-signed ?certificate-weak ?kubelet-anonymous ?kubelet-open ?no-client-ca ?old-tls ?weak-cipher ?wrong-certificate"},
		{"a closed one is out of question", "kubelet 192.0.2.1:10250\nclosed", ""},
		{"a stalled read-only port", "kubelet-read-only 192.0.2.1:10255\nnobody http GET /pods: stalled", "?kubelet-read-only-port"},
		{"something else there", "kubelet-read-only 192.0.2.1:10255\nnobody http GET /pods: 404", "?kubelet-read-only-port"},
		{"a web server at 8080", "api-insecure 192.0.2.1:8080\nnobody http GET /api: 200", ""},
		{"what stalls at 8080", "api-insecure 192.0.2.1:8080\nnobody http GET /api: stalled", "?api-cleartext"},
		{"what is no HTTP at 8001", "api-proxy 192.0.2.1:8001\nnobody http GET /api: not understood", ""},
		{"a server that is overloaded told nothing", "scheduler 127.0.0.1:10259\ncertificate\nnobody https GET /plimsoll-probe: 429\nstranger https GET /plimsoll-probe: 429", "?component-open ?wrong-certificate"},
		{"one that redirects to a login told nothing", "scheduler 127.0.0.1:10259\ncertificate\nnobody https GET /plimsoll-probe: 302\nstranger https GET /plimsoll-probe: 302", "?component-open ?wrong-certificate"},
		{"etcd without TLS", "etcd 192.0.2.1:2379\nnobody  TLS handshake: not understood\nnobody http GET /version: 200 etcd 3.4.23", "etcd-cleartext"},
		{"etcd that takes any certificate", "etcd 192.0.2.1:2379\ncertificate\nnobody https GET /version: refused\nstranger https GET /version: 200 etcd 3.6.4\nnobody http GET /version: hung up", "wrong-certificate"},
		{"etcd that takes none", "etcd 192.0.2.1:2379\ncertificate made-up\nnobody https GET /version: 200 etcd 3.6.4\nstranger https GET /version: 200 etcd 3.6.4\nnobody http GET /version: 400", "certificate-self-signed etcd-open"},
		{"a stranger who is only anonymous", "kubelet 192.0.2.1:10250\ncertificate\nasks\nstranger https GET /pods: 403 Forbidden (user=system:anonymous)\nnobody https GET /pods: 403\nnobody https GET /runningpods/: 403\nnobody https GET /configz: 403\nnobody https GET /metrics: 403\nnobody https GET /logs/: 403", "kubelet-anonymous"},
		{"one who is believed among the anonymous", "kubelet 192.0.2.1:10250\ncertificate\nasks\nstranger https GET /pods: 403 Forbidden (user=plimsoll-probe)\nnobody https GET /pods: 403\nnobody https GET /runningpods/: 403\nnobody https GET /configz: 403\nnobody https GET /metrics: 403\nnobody https GET /logs/: 403", "kubelet-anonymous wrong-certificate"},
		{"an account that may all", "apiserver 192.0.2.1:6443\ncertificate\nasks\nnobody https GET /plimsoll-probe: 401\nstranger https GET /plimsoll-probe: 401\naccount https GET /plimsoll-probe: 404\naccount https GET /api/v1/secrets?limit=1: 200 PartialObjectMetadataList\nnobody https GET /metrics: 401", "api-allows-all ?api-open"},
		{"a short-lived certificate", "scheduler 127.0.0.1:10259\ncertificate short-lived\ntakes cipher CBC\nstalls-at version TLS 1.0", "?component-open weak-cipher ?wrong-certificate ?old-tls"},
		{"one that ended", "scheduler 127.0.0.1:10259\ncertificate ended\nnobody https GET /plimsoll-probe: 401\nstranger https GET /plimsoll-probe: 401\nnobody https GET /metrics: 401\nnobody https GET /configz: 401\nnobody https GET /flagz: 404\nnobody https GET /debug/pprof/: 404", "certificate-expires"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := portOf(t, strings.Replace(c.port, "nobody  TLS handshake", "nobody tls TLS handshake", 1))
			var got []string
			for _, k := range Checks() {
				if !k.Concerns(p) {
					continue
				}
				hits, _, unknown := k.Look(p, today)
				if len(hits) > 0 {
					got = append(got, strings.TrimPrefix(k.ID, probePrefix))
				}
				if unknown != "" {
					got = append(got, "?"+strings.TrimPrefix(k.ID, probePrefix))
				}
			}
			slices.Sort(got)
			want := strings.Fields(c.want)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
				t.Error(diff)
			}
		})
	}
}
