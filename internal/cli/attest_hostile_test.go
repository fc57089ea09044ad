package cli

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// TestCosignTags finds what Cosign keeps under tags, in a registry and in a layout.
func TestCosignTags(t *testing.T) {
	b := newBench(t)
	b.want(0, "", "attest", "--key", "@key", "--bundle", "@bundle", "@report")
	payload := `{"critical":{"identity":{"docker-reference":"shop/cart"},"image":{"docker-manifest-digest":"` + b.digest + `"},"type":"cosign container image signature"},"optional":null}`
	sig, err := b.key.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	tag := "shop/cart:" + strings.Replace(b.digest, ":", "-", 1)
	b.artifact(tag+".sig", "", attestation.SimpleLayer, []byte(payload), map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sig)})
	dir, at := b.layout.Folder(t), "registry:"+b.serve(true)+"/shop/cart:1.4"
	for _, word := range []string{dir, at} {
		b.want(0, "yes", "verify", "--for", "signature", "--key", "@key.pub", word)
		b.want(1, "signer", "verify", "--for", "signature", "--key", "@other.pub", word)
		b.want(1, "it signs the image, and is no verdict", "verify", "--key", "@key.pub", word)
	}
	verdict := `{"_type":"` + attestation.StatementV1 + `","subject":[{"digest":{"sha256":"` + strings.TrimPrefix(b.digest, "sha256:") + `"}}],"predicateType":"` + attestation.SummaryV1 +
		`","predicate":{"verifier":{"id":"https://example.com/v"},"timeVerified":"2026-11-24T11:00:00Z","resourceUri":"x","policy":{"uri":"https://example.com/p"},"verificationResult":"PASSED","verifiedLevels":["SLSA_BUILD_LEVEL_3"]}}`
	b.artifact(tag+".att", "", attestation.DSSE, b.envelope(attestation.InToto, verdict), nil)
	dir, at = b.layout.Folder(t), "registry:"+b.serve(false)+"/shop/cart:1.4"
	for _, word := range []string{dir, at} {
		b.want(1, "verifier", "verify", "--key", "@key.pub", word)
		b.want(0, "yes", "verify", "--verifier", "https://example.com/v", "--key", "@key.pub", word)
		b.want(1, "does not say which policies", "verify", "--verifier", "", "--require-policy", "x", "--key", "@key.pub", word)
	}
}

// artifact adds an artifact to the layout: under a name, or as a referrer of a digest.
func (b *bench) artifact(name, subject, mediaType string, blob []byte, annotations map[string]string) {
	b.t.Helper()
	l := b.layout.Put(mediaType, blob)
	l.Annotations = annotations
	m := image.Manifest{MediaType: imagetest.ManifestType, Config: b.layout.Put("application/vnd.oci.empty.v1+json", []byte("{}")), Layers: []image.Descriptor{l}}
	if subject != "" {
		m.ArtifactType = mediaType
		m.Subject = &image.Descriptor{MediaType: imagetest.ManifestType, Digest: subject}
	}
	d := b.layout.PutManifest(m)
	d.ArtifactType = m.ArtifactType
	b.layout.Tag(name, d)
}

// TestHostilePlace has beside the image what is too much, broken, or refers to something else: it is told,
// and never a yes.
func TestHostilePlace(t *testing.T) {
	good := newBench(t)
	good.want(0, "", "attest", "--key", "@key", "--bundle", "@bundle", "@report")
	bundle, err := os.ReadFile(filepath.Join(good.dir, "bundle"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fill   func(b *bench)
		status int
		says   string
	}{
		"one that is right": {func(b *bench) { b.artifact("", b.digest, attestation.BundleV03, bundle, nil) }, 0, "yes"},
		"of another image":  {func(b *bench) { b.artifact("", "sha256:"+strings.Repeat("9", 64), attestation.BundleV03, bundle, nil) }, 1, "there is none"},
		"a huge envelope": {func(b *bench) {
			b.artifact("", b.digest, attestation.BundleV03, make([]byte, attestation.MaxProof+1), nil)
		}, 1, "limit reached"},
		"no JSON":      {func(b *bench) { b.artifact("", b.digest, attestation.BundleV03, []byte("hello"), nil) }, 1, "no attestation"},
		"another kind": {func(b *bench) { b.artifact("", b.digest, "application/vnd.cyclonedx+json", bundle, nil) }, 1, "there is none"},
		"a signature of none": {func(b *bench) {
			b.artifact("cart:"+strings.Replace(b.digest, ":", "-", 1)+".sig", "", attestation.SimpleLayer, []byte("{}"), nil)
		}, 1, "carries no signature"},
		"a blob that is lost": {func(b *bench) {
			b.artifact("", b.digest, attestation.BundleV03, []byte("lost"), nil)
			delete(b.layout.Blobs, image.DigestOf([]byte("lost")))
		}, 1, "unread"},
		"a blob that was changed": {func(b *bench) {
			b.artifact("", b.digest, attestation.BundleV03, []byte("lost"), nil)
			b.layout.Blobs[image.DigestOf([]byte("lost"))] = bundle
		}, 1, "unread"},
		"too many": {func(b *bench) {
			for i := range 201 {
				b.artifact("", b.digest, attestation.BundleV03, fmt.Append(nil, i), nil)
			}
		}, 1, "more than 200"},
		"controls in a name": {func(b *bench) {
			b.artifact("", b.digest, attestation.BundleV03, b.envelope(attestation.InToto, `{"_type":"`+attestation.StatementV1+`","predicateType":"\u001b[31mred"}`), nil)
		}, 1, `[31mred`},
	} {
		b := newBench(t)
		b.key = good.key
		b.file("key.pub", good.key.Public.PEM())
		c.fill(b)
		dir := b.layout.Folder(t)
		b.want(c.status, c.says, "verify", "--key", "@key.pub", dir)
		if _, out := b.call("verify", "--key", "@key.pub", dir); strings.Contains(out, "\x1b") {
			t.Errorf("%s: the terminal is steered: %q", name, out)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// TestAttestRefuses signs nothing that did not pass, and says what is wrong with a call.
func TestAttestRefuses(t *testing.T) {
	b := newBench(t)
	plain, err := os.ReadFile(b.files["key"])
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(plain)
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
	box, err := encrypted.Encrypt(block.Bytes, []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	b.file("cosign.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: box}))
	report, err := os.ReadFile(b.files["report"])
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, old, new string) {
		b.file(name, []byte(strings.ReplaceAll(string(report), old, new)))
	}
	with("deny", `"action":"pass"`, `"action":"deny"`)
	with("incomplete", `"action":"pass"`, `"action":"incomplete"`)
	with("inventory", `"verdict":{"action":"pass"}`, `"x":1`)
	with("broken", `"targets":[`, `"targets":[[`)
	b.file("right", []byte("open sesame\n"))
	b.file("wrong", []byte("open barley\n"))
	for _, c := range []struct {
		status int
		says   string
		args   []string
	}{
		{1, "verdict is deny", []string{"--key", "@key", "--bundle", "-", "@deny"}},
		{3, "verdict is incomplete", []string{"--key", "@key", "--bundle", "-", "@incomplete"}},
		{0, "FAILED", []string{"--key", "@key", "--failed", "--bundle", "-", "@deny"}},
		{2, "nobody judged", []string{"--key", "@key", "--bundle", "-", "@inventory"}},
		{2, "read report", []string{"--key", "@key", "--bundle", "-", "@broken"}},
		{2, "name a severity", []string{"--key", "@key", "--fail-on", "none", "--bundle", "-", "@report"}},
		{2, "goes nowhere", []string{"--key", "@key", "@report"}},
		{2, "name what signs", []string{"--bundle", "-", "@report"}},
		{2, "no such file", []string{"--key", "@nowhere", "--bundle", "-", "@report"}},
		{2, "public one", []string{"--key", "@key.pub", "--bundle", "-", "@report"}},
		{2, "no such file or directory", []string{"--key", "@key", "--bundle", "@no/such/folder", "@report"}},
		{2, "does not open it", []string{"--key", "@cosign.key", "--bundle", "-", "@report"}},
		{2, "does not open it", []string{"--key", "@cosign.key", "--key-password-file", "@wrong", "--bundle", "-", "@report"}},
		{0, "PASSED", []string{"--key", "@cosign.key", "--key-password-file", "@right", "--bundle", "-", "@report"}},
		{2, "neither CycloneDX nor SPDX", []string{"--key", "@key", "--sbom", "@report", "--bundle", "-", "@report"}},
		{2, "identity token", []string{"--fulcio-url", "https://fulcio.example.com", "--bundle", "-", "@report"}},
		{2, "use one of them", []string{"--fulcio-url", "https://fulcio.example.com", "--key", "@key", "--bundle", "-", "@report"}},
		{2, "go with --fulcio-url", []string{"--rekor-url", "https://rekor.example.com", "--key", "@key", "--bundle", "-", "@report"}},
		{2, "--to", []string{"--key", "@key", "--to", "UPPER", "@report"}},
		{2, "--to", []string{"--key", "@key", "--to", "oci:/nowhere", "@report"}},
		{3, "", []string{"--key", "@key", "--to", "127.0.0.1:1/shop/cart", "@report"}},
	} {
		b.want(c.status, c.says, append([]string{"attest"}, c.args...)...)
		if strings.Contains(b.lastStderr, "sesame") || strings.Contains(b.lastStderr, "barley") {
			t.Errorf("a password is shown: %s", b.lastStderr)
		}
	}
	b.passwords["COSIGN_PASSWORD"] = "open sesame"
	b.want(0, "PASSED", "attest", "--key", "@cosign.key", "--bundle", "-", "@report")
}
