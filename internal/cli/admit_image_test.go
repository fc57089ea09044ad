package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// door writes a line with one rule about the images at a place, and a pod of one of them.
func (b *bench) door(at, rule, image string) {
	b.t.Helper()
	repository, _, _ := strings.Cut(at, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	b.file("line.yaml", fmt.Appendf(nil, "failOn: none\nimages: [{match: ['%s'], %s}]\n", repository, rule))
	b.file("pod.yaml", fmt.Appendf(nil, "{apiVersion: v1, kind: Pod, metadata: {name: cart, namespace: shop}, spec: {containers: [{name: cart, image: '%s'}]}}", image))
}

// asks tries one rule out on one image.
func (b *bench) asks(status int, says, at, rule string, more ...string) {
	b.t.Helper()
	b.door(at, rule, at)
	b.want(status, says, append([]string{"admit", "test", "--line", "@line.yaml", "@pod.yaml"}, more...)...)
}

const byKey = "verdict: {keys: [key.pub]}"

// TestDoor asks registries of both kinds what is signed, as the webhook does.
func TestDoor(t *testing.T) {
	for _, referrers := range []bool{true, false} {
		b := newBench(t)
		b.proveAt(b.serve(referrers) + "/shop/cart:1.4")
	}
}

// proveAt asks for all that can be signed of an image in a place.
func (b *bench) proveAt(at string) {
	b.t.Helper()
	pinned := strings.TrimSuffix(at, at[strings.LastIndexByte(at, ':'):]) + "@" + b.digest
	b.asks(1, "verdict: there is none", at, byKey)
	b.report("stranger", "sha256:"+strings.Repeat("9", 64))
	b.want(0, "", "attest", "--key", "@key", "--bundle", "@stranger.json", "@stranger")
	b.want(0, "", "attest", "--key", "@other", "--to", at, "@report")
	b.asks(1, "none of the keys that are asked for signed it", at, byKey)
	b.asks(0, "let in", pinned, "verdict: {keys: [other.pub]}")
	b.want(0, "", "attest", "--key", "@key", "--to", at, "@report")
	b.asks(0, "image is named by a tag, which can move", at, byKey)
	b.asks(0, "let in", pinned, byKey)
	b.asks(0, "let in", pinned, "verdict: {keys: [other.pub, key.pub], failOn: high, maxAge: 1h, dbMaxAge: 4d, policies: [no-root]}")
	b.asks(0, fmt.Sprintf("/image %q", at+"@"+b.digest), at, "digest: resolved, "+byKey)
	b.asks(1, "it means "+b.digest+" now", at, "digest: required, "+byKey)
	for rule, says := range map[string]string{"failOn: low": "its line denies from", "failOn: high, unfixed: true": "lets pass what has no fix", "dbMaxAge: 1d": "its advisories are of", "policies: [signed]": "was not in force"} {
		b.asks(1, says, pinned, "verdict: {keys: [key.pub], "+rule+"}")
	}
	now := b.now
	b.now = now.Add(2 * time.Hour)
	b.asks(1, "it is too old", pinned, "verdict: {keys: [key.pub], maxAge: 1h}")
	b.now = now
	b.asks(0, "let in", pinned, "signature: {keys: [key.pub]}")
	pub, err := os.ReadFile(b.files["key.pub"])
	if err != nil {
		b.t.Fatal(err)
	}
	b.asks(0, "let in", pinned, "verdict: {keys: ["+fmt.Sprintf("%q", pub)+"]}")
	b.asks(1, "could not be asked for: registry", strings.TrimSuffix(pinned, b.digest)+"sha256:"+strings.Repeat("9", 64), byKey)
}

// TestDoorOfAnother has attestations that are of something else, or were changed, beside an image.
func TestDoorOfAnother(t *testing.T) {
	b := newBench(t)
	statement := func(digest string) string {
		return `{"_type":"` + attestation.StatementV1 + `","subject":[{"digest":{"sha256":"` + strings.TrimPrefix(digest, "sha256:") + `"}}],"predicateType":"` + attestation.SummaryV1 +
			`","predicate":{"verifier":{"id":"` + attestation.VerifierID + `"},"timeVerified":"2026-11-24T11:00:00Z","policy":{"uri":"plimsoll:gate?fail-on=high"},"verificationResult":"PASSED"}}`
	}
	good := string(b.envelope(attestation.InToto, statement(b.digest)))
	elsewhere := string(b.envelope(attestation.InToto, statement("sha256:"+strings.Repeat("9", 64))))
	payload := base64.StdEncoding.EncodeToString([]byte(statement(b.digest)))
	tampered := strings.Replace(elsewhere, base64.StdEncoding.EncodeToString([]byte(statement("sha256:"+strings.Repeat("9", 64)))), payload, 1)
	for text, says := range map[string]string{elsewhere: "it is about sha256:999", tampered: "none of the keys that are asked for signed it", "{}": "there is none that could be read", good: ""} {
		b.layout = imagetest.New(imagetest.Image{Name: "shop/cart:1.4", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "etc/os-release", Body: "ID=debian\n"}}}}})
		b.artifact("shop/cart:x", b.digest, attestation.DSSE, []byte(text), nil)
		status := 1
		if says == "" {
			status = 0
		}
		b.asks(status, says, b.serve(true)+"/shop/cart@"+b.digest, byKey)
	}
}

// TestDoorCosign takes Cosign's signatures for signatures, and for no verdict.
func TestDoorCosign(t *testing.T) {
	b := newBench(t)
	payload := `{"critical":{"image":{"docker-manifest-digest":"` + b.digest + `"},"type":"cosign container image signature"}}`
	sig, err := b.key.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	b.artifact("shop/cart:"+strings.Replace(b.digest, ":", "-", 1)+".sig", "", attestation.SimpleLayer, []byte(payload), map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sig)})
	at := b.serve(false) + "/shop/cart@" + b.digest
	b.asks(0, "let in", at, "signature: {keys: [key.pub]}")
	b.asks(1, "it signs the image, and is no verdict", at, byKey)
}

// TestDoorPlatforms has an index of which one platform is attested, then all.
func TestDoorPlatforms(t *testing.T) {
	b := newBench(t)
	l := imagetest.New()
	add := func(platform string) image.Descriptor {
		return l.Add(imagetest.Image{Platform: platform, Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: platform}}}}})
	}
	one, two := add("linux/s390x"), add("linux/ppc64le") // none is for where the tests run
	index := l.AddIndex(true, one, two)
	l.Tag("shop/cart:1.4", index)
	b.layout = l
	at := b.serve(true) + "/shop/cart:1.4"
	b.report("one", one.Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", at, "@one")
	b.asks(1, "for linux/ppc64le: there is none", at, byKey)
	b.asks(0, "let in", strings.Replace(at, ":1.4", "@"+one.Digest, 1), byKey)
	b.asks(0, "named by a tag", at, "platforms: [linux/s390x], "+byKey)
	b.report("both", one.Digest, two.Digest)
	b.want(0, "", "attest", "--key", "@key", "--to", at, "@both")
	b.asks(0, fmt.Sprintf("%s@%s", at, index.Digest), at, "digest: resolved, "+byKey)
}

// TestDoorReal asks Debian's docker-registry.
func TestDoorReal(t *testing.T) {
	if os.Getenv("PLIMSOLL_TEST") != "all" {
		t.Skip("needs a registry: set PLIMSOLL_TEST=all")
	}
	b := newBench(t)
	name := fmt.Sprintf("plimsoll-test/door%d", time.Now().UnixNano())
	b.layout = imagetest.New(imagetest.Image{Name: name + ":1", Layers: []imagetest.Layer{{Files: []imagetest.File{{Path: "a", Body: name}}}}})
	b.digest = b.layout.Index[0].Digest
	b.report("report", b.digest)
	b.layout.Push(t, "http://"+os.Getenv("PLIMSOLL_TEST_REGISTRY"))
	b.proveAt(os.Getenv("PLIMSOLL_TEST_REGISTRY") + "/" + name + ":1")
}

// TestDoorLocked asks a registry behind TLS that lets in who has a password, and one that hangs.
func TestDoorLocked(t *testing.T) {
	b := newBench(t)
	open := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	plain := httptest.NewServer(open)
	defer plain.Close()
	b.layout.Push(t, plain.URL)
	b.want(0, "", "attest", "--key", "@key", "--to", strings.TrimPrefix(plain.URL, "http://")+"/shop/cart:1.4", "@report")
	locked := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ann" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		open.ServeHTTP(w, r)
	}))
	defer locked.Close()
	locked.Config.ErrorLog = log.New(io.Discard, "", 0)
	host := strings.TrimPrefix(locked.URL, "https://")
	at := host + "/shop/cart@" + b.digest
	b.asks(1, "signed by an authority that is not known here", at, byKey)
	ca := b.file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: locked.Certificate().Raw}))
	b.asks(1, "lets nobody read", at, byKey, "--ca", ca)
	config := `{"auths": {"%s": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("ann:s3cret")) + `"}}}`
	login := func(to string) {
		if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), fmt.Appendf(nil, config, to), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	login("other.example")
	b.asks(1, "lets nobody read", at, byKey, "--ca", ca) // another's credentials are not shown to it
	login(host)
	b.asks(0, "let in", at, byKey, "--ca", ca)
	b.asks(1, "--offline", at, byKey, "--offline")

	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tag := l.Addr().String() + "/shop/cart:1.4"
	b.asks(1, "what its tag means is not known: registry "+l.Addr().String()+" did not answer within", tag, byKey)
	b.asks(3, "could not judge this, and lets it pass", tag, "onFailure: ignore, "+byKey)
	b.asks(3, "did not answer within", tag, "mode: warn, "+byKey)
}

// TestDoorKeys refuses lines whose keys are none.
func TestDoorKeys(t *testing.T) {
	b := newBench(t)
	at := "r.example/shop/cart:1"
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ci"}, NotBefore: b.now.AddDate(-1, 0, 0), NotAfter: b.now.AddDate(0, 0, -1)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	b.file("expired.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for keys, says := range map[string]string{
		"[nowhere.pub]": "images, rule 1: verdict: open", "[key]": "it is a private key", "[expired.pem]": "the certificate has expired on 2026-11-23", "['-----BEGIN X']": "the key: read public key",
	} {
		b.asks(2, says, at, "verdict: {keys: "+keys+"}")
	}
	b.asks(2, "no such file", at, "verdict: {identity: x, issuer: y, trustedRoot: nowhere.json}")
	b.file("root.json", []byte("{}"))
	b.asks(1, "the program plimsoll-sigstore, which is neither beside plimsoll nor on the PATH", at, "digest: required, verdict: {identity: x, issuer: y, trustedRoot: root.json}", "--offline")
}
