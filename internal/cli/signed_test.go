package cli

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/attestation"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
)

// demand scans the bench's image for its signatures alone.
func (b *bench) demand(status int, says, word string, more ...string) {
	b.t.Helper()
	b.want(status, says, append(append([]string{"scan", "--no-cache", "-o", "json", "--allow-gap", "no-database", "--fail-on", "policy", "--policy", "lib:only-signed"}, more...), word)...)
}

// TestOnlySigned holds an image against the policy that it must be signed: in a registry of each kind and in an
// OCI layout, signed by attest and by Cosign, by nobody, by another key, and for another image.
func TestOnlySigned(t *testing.T) {
	const denies = "policy/only-signed denies: no signature of [*]"
	nothing := func(*bench) {}
	byCosign := func(of string) func(b *bench) {
		return func(b *bench) {
			digest := map[string]string{"": b.digest}[of] + of
			payload := `{"critical":{"identity":{"docker-reference":"shop/cart"},"image":{"docker-manifest-digest":"` + digest + `"},"type":"cosign container image signature"},"optional":null}`
			sig, err := b.key.Sign([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			b.artifact("shop/cart:"+strings.Replace(b.digest, ":", "-", 1)+".sig", "", attestation.SimpleLayer, []byte(payload),
				map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(sig)})
		}
	}
	statement := func(predicate string) func(b *bench) {
		return func(b *bench) {
			body := `{"_type":"` + attestation.StatementV1 + `","subject":[{"digest":{"sha256":"` + strings.TrimPrefix(b.digest, "sha256:") + `"}}],"predicateType":` + predicate + `}`
			b.artifact("shop/cart:"+strings.Replace(b.digest, ":", "-", 1)+".att", "", attestation.DSSE, b.envelope(attestation.InToto, body), nil)
		}
	}
	for name, c := range map[string]struct {
		sign   func(b *bench)
		attest bool
		key    string
		status int
		says   string
	}{
		"by attest":                {nothing, true, "@key.pub", 0, `"action":"pass"`},
		"by attest, another key":   {nothing, true, "@other.pub", 1, denies},
		"by Cosign":                {byCosign(""), false, "@key.pub", 0, `"action":"pass"`},
		"by Cosign, another key":   {byCosign(""), false, "@other.pub", 1, denies},
		"by Cosign, another image": {byCosign("sha256:" + strings.Repeat("9", 64)), false, "@key.pub", 1, denies},
		"by nobody":                {nothing, false, "@key.pub", 1, denies},
		"a verdict that failed":    {statement(`"` + attestation.SummaryV1 + `","predicate":{"verificationResult":"FAILED"}`), false, "@key.pub", 1, denies},
		"provenance":               {statement(`"https://slsa.dev/provenance/v1","predicate":{}`), false, "@key.pub", 1, denies},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			c.sign(b)
			for _, at := range []string{"oci:" + b.layout.Folder(t), b.serve(true) + "/shop/cart:1.4", b.serve(false) + "/shop/cart:1.4"} {
				word := at
				if !strings.HasPrefix(at, "oci:") {
					word = "registry:" + at
				}
				if c.attest {
					b.want(0, "", "attest", "--key", "@key", "--to", at, "@report")
				}
				b.demand(c.status, c.says, word, "--key", c.key)
			}
		})
	}
}

// TestSignatureFacts wants policies to see who signed what, and when; and to be told which flag is missing.
func TestSignatureFacts(t *testing.T) {
	b := newBench(t)
	b.want(0, "", "attest", "--key", "@key", "--bundle", "@bundle", "@report")
	b.artifact("", b.digest, attestation.BundleV03, b.read("bundle"), nil)
	dir := "oci:" + b.layout.Folder(t)
	b.file("seen.yaml", []byte(`apiVersion: plimsoll/v1
kind: Policy
metadata: {name: seen}
spec:
  subject: image
  validations:
  - expression: image.signatures.all(s, s.signer == "`+b.key.Public.ID()+`" && s.issuer == "" && s.predicate == "`+attestation.SummaryV1+`" && s.signed == now) && image.signatures.size() == 1
`))
	b.want(0, `"action":"pass"`, "scan", "--no-cache", "-o", "json", "--allow-gap", "no-database", "--fail-on", "policy", "--policy", "@seen.yaml", "--key", "@key.pub", dir)
	b.demand(1, "no signature of [someone]", dir, "--key", "@key.pub", "--policy-param", "only-signed.signers=someone")
	b.demand(1, "nothing verified it in this run, as plimsoll scan does with --key FILE (attest: --signer-key)", dir)
	b.demand(1, "nothing lies beside", imagetest.WriteFile(t, "cart.tar", b.layout.Tar()), "--key", "@key.pub")
	b.demand(2, "--trusted-root", dir, "--certificate-identity", "me@example.com", "--certificate-oidc-issuer", "https://example.com")
	b.demand(2, "no such file", dir, "--key", "@nowhere")
	b.want(2, "none is named: give --policy", "scan", "--key", "@key.pub", dir)
	// A registry that does not answer says nothing of signatures: the image cannot be read either.
	b.demand(3, "", "registry:127.0.0.1:1/shop/cart:1.4", "--key", "@key.pub")
}
