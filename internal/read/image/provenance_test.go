package image

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	hexA  = strings.Repeat("a", 64)
	hexB  = strings.Repeat("b", 64)
	about = "sha256:" + strings.Repeat("c", 64)
)

// provenance02 and provenance1 are statements as BuildKit writes them (docs/attestations), with the
// fields that matter and some that do not.
func provenance02(materials string) string {
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2",
		"subject":[{"name":"pkg:docker/shop/cart@1.4?platform=linux%%2Famd64","digest":{"sha256":%q}}],
		"predicate":{"builder":{"id":""},"buildType":"https://mobyproject.org/buildkit@v1","materials":[%s],
		"invocation":{"configSource":{"entryPoint":"Dockerfile"},"parameters":{"frontend":"gateway.v0",
		"args":{"cmdline":"corp.example/frontend:2","source":"corp.example/frontend:2"},"locals":[{"name":"context"}]},
		"environment":{"platform":"linux/amd64"}},"metadata":{"reproducible":false}}}`, about[len("sha256:"):], materials)
}

func provenance1(dependencies string) string {
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v1","subject":[],
		"predicate":{"buildDefinition":{"buildType":"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
		"externalParameters":{"configSource":{"path":"Dockerfile"},"request":{"frontend":"gateway.v0",
		"args":{"cmdline":"docker/dockerfile:1","source":"docker/dockerfile:1"}}},
		"resolvedDependencies":[%s]},"runDetails":{"builder":{"id":""}}}}`, dependencies)
}

func uri(uri, hex string) string { return fmt.Sprintf(`{"uri":%q,"digest":{"sha256":%q}}`, uri, hex) }

func TestParseProvenance(t *testing.T) {
	debian := Material{Name: "debian:12", Digest: "sha256:" + hexA}
	for name, c := range map[string]struct {
		statement string
		want      []Material
	}{
		"version 0.2": {provenance02(uri("pkg:docker/debian@12?platform=linux%2Famd64", hexA)), []Material{debian}},
		"version 1":   {provenance1(uri("pkg:docker/debian@12?platform=linux%2Famd64", hexA)), []Material{debian}},
		"no platform": {provenance1(uri("pkg:docker/debian@12", hexA)), []Material{debian}},
		"several stages": {
			provenance02(uri("pkg:docker/golang@1.21-alpine", hexB) + "," + uri("pkg:docker/debian@12", hexA)),
			[]Material{{Name: "golang:1.21-alpine", Digest: "sha256:" + hexB}, debian},
		},
		"a stage on the builder's platform": {provenance02(uri("pkg:docker/golang@1.21?platform=linux%2Farm64", hexB) + "," + uri("pkg:docker/debian@12", hexA)), []Material{debian}},
		"the frontend of old":               {provenance1(uri("pkg:docker/docker/dockerfile@1", hexB) + "," + uri("pkg:docker/debian@12", hexA)), []Material{debian}},
		"a frontend of one's own":           {provenance02(uri("pkg:docker/corp.example/frontend@2", hexB) + "," + uri("pkg:docker/debian@12", hexA)), []Material{debian}},
		"the SBOM scanner":                  {provenance02(uri("pkg:docker/docker/buildkit-syft-scanner@stable-1", hexB)), nil},
		"sources and files":                 {provenance02(`{"uri":"https://github.com/shop/cart.git#refs/heads/main","digest":{"sha1":"0000"}},` + uri("pkg:docker/debian@12", hexA)), []Material{debian}},
		"a registry with a port": {
			provenance1(uri("pkg:docker/localhost%3A5000/base/debian@12", hexA)),
			[]Material{{Name: "localhost:5000/base/debian:12", Digest: "sha256:" + hexA}},
		},
		"pinned by digest": {provenance1(`{"uri":"pkg:docker/debian?digest=sha256:` + hexA + `&platform=linux%2Famd64"}`), []Material{{Name: "debian", Digest: "sha256:" + hexA}}},
		"a bad digest":     {provenance1(uri("pkg:docker/debian@12", "../../etc/passwd")), []Material{{Name: "debian:12"}}},
		"a bad name":       {provenance1(uri("pkg:docker/De%20bian@12", hexA)), nil},
		"another kind":     {`{"predicateType":"https://spdx.dev/Document","predicate":{"materials":"none"}}`, nil},
		"of another image": {strings.Replace(provenance02(uri("pkg:docker/debian@12", hexA)), about[len("sha256:"):], hexB, 1), nil},
		"signed": {`{"payloadType":"application/vnd.in-toto+json","payload":"` +
			base64.StdEncoding.EncodeToString([]byte(provenance1(uri("pkg:docker/debian@12", hexA)))) + `","signatures":[]}`, []Material{debian}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseProvenance([]byte(c.statement), about, Platform{OS: "linux", Architecture: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, bad := range []string{"", "{", `{"predicateType":"https://slsa.dev/provenance/v1","predicate":[]}`, `{"predicateType":"https://slsa.dev/provenance/v1"}`} {
		if _, err := ParseProvenance([]byte(bad), about, Platform{}); err == nil {
			t.Errorf("%q is taken for provenance", bad)
		}
	}
	many := strings.TrimSuffix(strings.Repeat(uri("pkg:docker/debian@12", hexA)+",", maxMaterials+1), ",")
	if got, err := ParseProvenance([]byte(provenance1(many)), about, Platform{}); err != nil || len(got) != maxMaterials {
		t.Errorf("%d materials, %v", len(got), err)
	}
}

func FuzzParseProvenance(f *testing.F) {
	f.Add([]byte(provenance02(uri("pkg:docker/debian@12?platform=linux%2Famd64", hexA))))
	f.Add([]byte(provenance1(uri("pkg:docker/localhost%3A5000/base?digest=sha256:"+hexA, hexB))))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ParseProvenance(b, about, HostPlatform())
		if err != nil && len(all) > 0 {
			t.Error("materials beside an error")
		}
		for _, m := range all {
			if _, err := ParseReference(m.Name); err != nil {
				t.Errorf("%q is no name", m.Name)
			}
			if m.Digest != "" && CheckDigest(m.Digest) != nil {
				t.Errorf("%q is no digest", m.Digest)
			}
		}
	})
}
