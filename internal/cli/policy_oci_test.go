package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/imagetest"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// artifact pushes files to a registry, as oras does, and gives its host and the digest of the manifest.
func artifact(t *testing.T, files map[string]string) (host, digest string) {
	t.Helper()
	l := imagetest.New()
	m := image.Manifest{
		MediaType: imagetest.ManifestType, ArtifactType: "application/vnd.plimsoll.policies.v1",
		Config: l.Put("application/vnd.oci.empty.v1+json", []byte("{}")),
	}
	for name, text := range files {
		d := l.Put("application/octet-stream", []byte(text))
		d.Annotations = map[string]string{"org.opencontainers.image.title": name}
		m.Layers = append(m.Layers, d)
	}
	d := l.PutManifest(m)
	l.Tag("docker.io/shop/policies:1", d)
	return imagetest.Serve(t, l), d.Digest
}

const aPolicy = `apiVersion: plimsoll/v1
kind: Policy
metadata: {name: listed}
spec:
  subject: package
  paramsFrom: {names: names.txt}
  validations:
  - expression: '!pkg.name.glob(params.names)'
`

// TestPoliciesFromRegistry loads a library from a registry by its digest, lists and folders in it, and nothing
// that has another digest or a name that leads elsewhere.
func TestPoliciesFromRegistry(t *testing.T) {
	host, digest := artifact(t, map[string]string{"team/a.yaml": aPolicy, "team/names.txt": "curl\nwget\n"})
	ro := registry.Options{PlainHTTP: []string{host}}
	load := func(word string) (string, error) {
		o := policyOptions{words: []string{word}}
		all, err := o.load(context.Background(), "--policy", ro)
		if err != nil {
			return "", err
		}
		return all[0].Name + strings.Join(all[0].Params()["names"].([]string), ","), nil
	}
	if got, err := load("oci:" + host + "/shop/policies@" + digest); err != nil || got != "listedcurl,wget" {
		t.Errorf("%q, %v", got, err)
	}
	other := "sha256:" + strings.Repeat("0", 64)
	for word, want := range map[string]string{
		"oci:" + host + "/shop/policies:1":        "are named by digest",
		"oci:" + host + "/shop/policies@" + other: "",
		"oci:" + host + "/Shop@" + digest:         "lower case",
	} {
		if got, err := load(word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", word, got, err)
		}
	}
	for name, want := range map[string]string{"../a.yaml": "no name of a file below it", "/a.yaml": "no name of a file below it", "a.txt": "holds no *.yaml file"} {
		host, digest := artifact(t, map[string]string{name: aPolicy})
		ro = registry.Options{PlainHTTP: []string{host}}
		if got, err := load("oci:" + host + "/shop/policies@" + digest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
