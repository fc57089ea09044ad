package cli

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/attestation/key"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// bench is what the tests of attest and verify work with: an image, a report on it, and keys.
type bench struct {
	t          *testing.T
	dir        string
	now        time.Time
	layout     *imagetest.Layout
	digest     string
	key        key.Private
	files      map[string]string
	passwords  map[string]string
	lastStderr string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("REGISTRY_AUTH_FILE", "")
	b := &bench{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), files: map[string]string{}, passwords: map[string]string{}}
	b.layout = imagetest.New(imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}}}})
	b.digest = b.layout.Index[0].Digest
	b.key = b.newKey("key")
	b.newKey("other")
	b.report("report", b.digest)
	return b
}

func (b *bench) file(name string, content []byte) string {
	b.t.Helper()
	at := filepath.Join(b.dir, name)
	if err := os.WriteFile(at, content, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.files[name] = at
	return at
}

// newKey writes NAME and NAME.pub.
func (b *bench) newKey(name string) key.Private {
	b.t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := key.NewPrivate(k)
	if err != nil {
		b.t.Fatal(err)
	}
	b.file(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	b.file(name+".pub", p.Public.PEM())
	return p
}

// report writes a report that passes, about images of these digests.
func (b *bench) report(name string, digests ...string) {
	b.t.Helper()
	r := finding.Report{
		Schema: finding.Schema, Verdict: finding.Verdict{Action: finding.Pass},
		Tool: finding.Tool{
			Name: "plimsoll", Version: "0.1.0", Database: &finding.Database{Built: b.now.AddDate(0, 0, -3), Digest: "sha256:" + strings.Repeat("d", 64)},
			Policies: []finding.Policy{{Name: "no-root", Digest: "sha256:" + strings.Repeat("e", 64)}},
		},
	}
	for i, d := range digests {
		r.Targets = append(r.Targets, finding.Target{ID: fmt.Sprint("t", i+1), Kind: "image", Name: "shop/cart:1.4", Digest: d, Verdict: finding.Pass})
	}
	out, err := json.Marshal(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.file(name, out)
}

// call runs the program; @NAME stands for a file of the bench.
func (b *bench) call(args ...string) (status int, stdout string) {
	b.t.Helper()
	for i, a := range args {
		if name, ok := strings.CutPrefix(a, "@"); ok {
			args[i] = filepath.Join(b.dir, name)
		}
	}
	var out, errs bytes.Buffer
	status = Run(context.Background(), Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return b.passwords[name] }, Now: func() time.Time { return b.now },
	})
	b.lastStderr = errs.String()
	return status, out.String()
}

// want runs the program, and wants a status and a word in what it says.
func (b *bench) want(status int, says string, args ...string) {
	b.t.Helper()
	line := strings.Join(args, " ")
	got, out := b.call(args...)
	if got != status || !strings.Contains(out+b.lastStderr, says) {
		b.t.Errorf("plimsoll %s\nstatus %d, want %d and %q\n%s%s", line, got, status, says, out, b.lastStderr)
	}
}

// serve starts a registry that has the image, with the referrers API or without.
func (b *bench) serve(referrers bool) string {
	b.t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers)))
	b.t.Cleanup(s.Close)
	b.layout.Push(b.t, s.URL)
	return strings.TrimPrefix(s.URL, "http://")
}

// inPlace attests the image in a place and asks for it.
func (b *bench) inPlace(to, imageWord string) {
	b.t.Helper()
	b.want(1, "there is none", "verify", "--key", "@key.pub", imageWord)
	sbom := b.file("sbom.json", []byte(`{"bomFormat":"CycloneDX"}`))
	for range 2 { // the second time is one more verdict, of the same moment: nothing new
		b.want(0, attestation.BundleV03, "attest", "--key", "@key", "--to", to, "--sbom", sbom, "@report")
	}
	b.want(0, "@"+b.digest+": yes", "verify", "--key", "@key.pub", imageWord)
	b.want(0, `"yes": true`, "verify", "--json", "--key", "@other.pub", "--key", "@key.pub", imageWord)
	b.want(1, "signer", "verify", "--key", "@other.pub", imageWord)
}

// TestAttestInPlaces puts attestations into registries of both kinds and into an OCI layout.
func TestAttestInPlaces(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		b := newBench(t)
		at := b.serve(referrers) + "/shop/cart:1.4"
		b.inPlace(at, "registry:"+at)
		b.want(0, "yes", "verify", "--key", "@key.pub", "registry:"+strings.TrimSuffix(at, ":1.4")+"@"+b.digest)
		b.report("stranger", "sha256:"+strings.Repeat("9", 64))
		b.want(2, "push the image first", "attest", "--key", "@key", "--to", at, "@stranger")
	}
	b := newBench(t)
	dir := b.layout.Folder(t)
	b.inPlace("oci:"+dir, "oci:"+dir)
	b.want(0, "yes", "verify", "--key", "@key.pub", dir)
}

// TestAttestInRealRegistry does it in Debian's docker-registry, which knows no referrers, with a password.
func TestAttestInRealRegistry(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs a registry: set PLIMSOLL_TEST=all")
	}
	host := os.Getenv("PLIMSOLL_TEST_REGISTRY")
	if host == "" {
		t.Fatal("PLIMSOLL_TEST_REGISTRY names no registry")
	}
	b := newBench(t)
	name := fmt.Sprintf("plimsoll-test/attest%d", time.Now().UnixNano())
	b.layout = imagetest.New(imagetest.Image{Name: name + ":1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a", Body: name}}}}})
	b.digest = b.layout.Index[0].Digest
	b.report("report", b.digest)
	b.layout.Push(t, "http://"+host)
	b.inPlace(host+"/"+name+":1", "registry:"+host+"/"+name+":1")
}

// TestPlatforms asks for an image for two platforms: each must be attested, or the index with all of them.
func TestPlatforms(t *testing.T) {
	b := newBench(t)
	l := imagetest.New()
	one := l.Add(imagetest.Image{Platform: "linux/amd64", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a"}}}}})
	two := l.Add(imagetest.Image{Platform: "linux/arm64", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "b"}}}}})
	l.Tag("shop/cart:1.4", l.AddIndex(false, one, two))
	dir := l.Folder(t)
	b.report("half", one.Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", "oci:"+dir, "@half")
	b.want(1, two.Digest+" (linux/arm64): no", "verify", "--key", "@key.pub", "oci:"+dir)
	b.want(0, one.Digest+": yes", "verify", "--key", "@key.pub", "--platform", "linux/amd64", "oci:"+dir)
	b.want(1, two.Digest+": no", "verify", "--key", "@key.pub", "--platform", "linux/arm64", "oci:"+dir)
	b.report("rest", two.Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", "oci:"+dir, "@rest")
	b.want(0, "(linux/arm64): yes", "verify", "--key", "@key.pub", "oci:"+dir)
}

// TestConfiguration attests an image that an engine knows by its configuration, once it is pushed.
func TestConfiguration(t *testing.T) {
	b := newBench(t)
	m, err := image.ParseManifest(b.layout.Blobs[b.digest])
	if err != nil {
		t.Fatal(err)
	}
	b.report("report", m.Config.Digest)
	at := b.serve(true) + "/shop/cart:1.4"
	b.want(0, "PASSED", "attest", "--key", "@key", "--to", at, "@report")
	b.want(0, b.digest+": yes", "verify", "--key", "@key.pub", "registry:"+at)
}

// TestVerifyQuestions asks one verdict this and that.
func TestVerifyQuestions(t *testing.T) {
	b := newBench(t)
	b.want(0, "", "attest", "--key", "@key", "--bundle", "@bundle", "@report")
	dir := b.layout.Folder(t)
	policy := attestation.Line{FailOn: "high", Policies: []string{"no-root@sha256:" + strings.Repeat("e", 64)}}.Reference()
	later := b.now.AddDate(0, 0, 10)
	for _, c := range []struct {
		now    time.Time
		status int
		says   string
		args   []string
	}{
		{b.now, 0, "yes", nil},
		{later, 0, "yes", nil},
		{later, 1, "too old", []string{"--max-age", "7d"}},
		{later, 0, "yes", []string{"--max-age", "11d"}},
		{b.now, 0, "yes", []string{"--db-max-age", "4d"}},
		{b.now, 1, "its advisories are of 2026-11-21", []string{"--db-max-age", "2d"}},
		{b.now.AddDate(0, 0, -1), 1, "from the future", nil},
		{b.now, 0, "yes", []string{"--require-policy", "no-root"}},
		{b.now, 0, "yes", []string{"--require-policy", "no-root@sha256:" + strings.Repeat("e", 64)}},
		{b.now, 1, "policy no-root@sha256:ff was not in force", []string{"--require-policy", "no-root@sha256:ff"}},
		{b.now, 1, "policy only-signed was not in force", []string{"--require-policy", "only-signed"}},
		{b.now, 0, "yes", []string{"--policy-digest", "sha256:" + policy.Digest["sha256"]}},
		{b.now, 1, "is asked for", []string{"--policy-digest", "sha256:" + strings.Repeat("0", 64)}},
		{b.now, 0, "yes", []string{"--require-fail-on", "critical"}},
		{b.now, 1, "denies from", []string{"--require-fail-on", "medium"}},
		{b.now, 1, "not by", []string{"--verifier", "https://example.com/scanner"}},
		{b.now, 0, "yes", []string{"--resource", "oci:docker.io/shop/cart"}},
		{b.now, 1, "was verified as", []string{"--resource", "oci:docker.io/shop/till"}},
		{b.now, 0, "yes", []string{"--for", "signature"}},
		{b.now, 2, "no age", []string{"--max-age", "soon"}},
		{b.now, 2, "64 hex digits", []string{"--policy-digest", "x"}},
		{b.now, 2, "use verdict or signature", []string{"--for", "all"}},
		{b.now, 2, "says nothing of age", []string{"--for", "signature", "--max-age", "7d"}},
		{b.now, 2, "require-fail-on", []string{"--require-fail-on", "worst"}},
		{b.now, 2, "--trusted-root", []string{"--trusted-root", "@nowhere"}},
	} {
		b2 := *b
		b2.now = c.now
		b2.want(c.status, c.says, append(append([]string{"verify", "--key", "@key.pub", "--attestation", "@bundle"}, c.args...), dir)...)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"name who may sign", []string{"--attestation", "@bundle", dir}},
		{"name the public one", []string{"--key", "@key", "--attestation", "@bundle", dir}},
		{"no such file", []string{"--key", "@nowhere", "--attestation", "@bundle", dir}},
		{"--certificate-oidc-issuer", []string{"--certificate-identity", "x", dir}},
		{"--trusted-root", []string{"--certificate-identity", "x", "--certificate-oidc-issuer", "y", dir}},
		{"use one of them", []string{"--certificate-identity", "x", "--key", "@key.pub", dir}},
		{"neither", []string{"--key", "@key.pub", "--attestation", "@report", dir}},
		{"no such file", []string{"--key", "@key.pub", "--attestation", "@nowhere", dir}},
		{"--attestation", []string{"--key", "@key.pub", imagetest.WriteFile(t, "cart.tar", b.layout.Tar())}},
	} {
		b.want(2, c.says, append([]string{"verify"}, c.args...)...)
	}
}

// TestVerifyTampered has attestations that are not what they were, or not of this image: never a yes.
func TestVerifyTampered(t *testing.T) {
	b := newBench(t)
	dir := b.layout.Folder(t)
	b.want(0, "", "attest", "--key", "@key", "--bundle", "@bundle", "@report")
	b.report("other-report", "sha256:"+strings.Repeat("9", 64))
	b.want(0, "", "attest", "--key", "@key", "--bundle", "@elsewhere", "@other-report")
	b.want(1, "it is about sha256:9999", "verify", "--key", "@key.pub", "--attestation", "@elsewhere", dir)
	raw, err := os.ReadFile(b.files["bundle"])
	if err != nil {
		raw, err = os.ReadFile(filepath.Join(b.dir, "bundle"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ DSSEEnvelope dsse.Envelope }
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	payload, _ := doc.DSSEEnvelope.DecodeB64Payload()
	elsewhere := bytes.Replace(payload, []byte(strings.TrimPrefix(b.digest, "sha256:")), []byte(strings.Repeat("9", 64)), 1)
	for name, change := range map[string]func(*dsse.Envelope){
		"payload": func(e *dsse.Envelope) { e.Payload = base64.StdEncoding.EncodeToString(elsewhere) },
		"result": func(e *dsse.Envelope) {
			e.Payload = base64.StdEncoding.EncodeToString(bytes.Replace(payload, []byte("PASSED"), []byte("FAILED"), 1))
		},
		"type":      func(e *dsse.Envelope) { e.PayloadType = "text/plain" },
		"signature": func(e *dsse.Envelope) { e.Signatures[0].Sig = base64.StdEncoding.EncodeToString(make([]byte, 64)) },
	} {
		e := doc.DSSEEnvelope
		e.Signatures = []dsse.Signature{doc.DSSEEnvelope.Signatures[0]}
		change(&e)
		out, _ := json.Marshal(e)
		b.file("tampered", out)
		if b.want(1, "it was changed", "verify", "--key", "@key.pub", "--attestation", "@tampered", dir); t.Failed() {
			t.Log(name)
		}
	}
	for name, c := range map[string]struct{ predicate, says string }{
		"unknown predicate": {`"predicateType":"https://example.com/p/v1","predicate":{}`, "no verdict but a statement of type"},
		"failed":            {`"predicateType":"` + attestation.SummaryV1 + `","predicate":{"verifier":{"id":"` + attestation.VerifierID + `"},"verificationResult":"FAILED"}`, "FAILED"},
		"no time":           {`"predicateType":"` + attestation.SummaryV1 + `","predicate":{"verifier":{"id":"` + attestation.VerifierID + `"},"verificationResult":"PASSED"}`, "when the image was verified"},
		"no verifier":       {`"predicateType":"` + attestation.SummaryV1 + `","predicate":{"verificationResult":"PASSED"}`, "verifier"},
		"no summary":        {`"predicateType":"` + attestation.SummaryV1 + `","predicate":7`, "no verification summary"},
	} {
		b.file("made", b.envelope(attestation.InToto, `{"_type":"`+attestation.StatementV1+`","subject":[{"digest":{"sha256":"`+strings.TrimPrefix(b.digest, "sha256:")+`"}}],`+c.predicate+`}`))
		if b.want(1, c.says, "verify", "--key", "@key.pub", "--attestation", "@made", dir); t.Failed() {
			t.Log(name)
		}
	}
	b.file("made", b.envelope("text/plain", "hello"))
	b.want(1, "no in-toto statement", "verify", "--key", "@key.pub", "--attestation", "@made", dir)
}

// envelope signs a payload with the bench's key.
func (b *bench) envelope(payloadType, payload string) []byte {
	b.t.Helper()
	sig, err := b.key.Sign(dsse.PAE(payloadType, []byte(payload)))
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := json.Marshal(dsse.Envelope{PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString([]byte(payload)), Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}}})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// TestCertificateAsKey counts a certificate while it is valid.
func TestCertificateAsKey(t *testing.T) {
	b := newBench(t)
	dir := b.layout.Folder(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	b.file("ec", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "build"}, NotBefore: b.now.AddDate(0, -1, 0), NotAfter: b.now.AddDate(0, 1, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, ec.Public(), crypto.Signer(ec))
	if err != nil {
		t.Fatal(err)
	}
	b.file("ec.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	b.want(0, "", "attest", "--key", "@ec", "--bundle", "@bundle", "@report")
	b.want(0, "yes", "verify", "--key", "@ec.crt", "--attestation", "@bundle", dir)
	b.now = b.now.AddDate(0, 2, 0)
	b.want(2, "expired", "verify", "--key", "@ec.crt", "--attestation", "@bundle", dir)
	b.now = b.now.AddDate(0, -4, 0)
	b.want(2, "not valid before", "verify", "--key", "@ec.crt", "--attestation", "@bundle", dir)
}

// read gives what a file of the bench holds.
func (b *bench) read(name string) []byte {
	b.t.Helper()
	out, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}
