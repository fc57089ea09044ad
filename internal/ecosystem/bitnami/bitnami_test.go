package bitnami

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const redis = `{
  "SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "name": "SPDX document for Redis 7.2.4",
  "packages": [
    {"SPDXID": "SPDXRef-Package-redis", "name": "redis", "versionInfo": "7.2.4-12", "licenseDeclared": "BSD-3-Clause",
     "externalRefs": [
       {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:*:redislabs:redis:7.2.4:*:*:*:*:*:*:*"},
       {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:bitnami/redis@7.2.4-12?arch=amd64&distro=debian-12"}]},
    {"SPDXID": "SPDXRef-Package-jemalloc", "name": "jemalloc", "versionInfo": "5.3.0"}
  ]
}`

func file(body string) *ecosystem.File {
	return &ecosystem.File{Stat: ecosystem.Stat{Path: "opt/bitnami/redis/.spdx-redis.spdx", Size: int64(len(body))}, Reader: strings.NewReader(body)}
}

func TestRead(t *testing.T) {
	if !Ecosystem.Wants(file("").Stat) || Ecosystem.Wants(ecosystem.Stat{Path: "home/.spdx-redis.spdx"}) {
		t.Error("wants the wrong files")
	}
	got, err := read(context.Background(), file(redis))
	want := []ecosystem.Package{{Type: "bitnami", Name: "redis", Version: "7.2.4-12", Arch: "amd64", Qualifiers: []string{"arch=amd64", "distro=debian-12"}, Licenses: []string{"BSD-3-Clause"}}}
	if diff := cmp.Diff(want, got.Packages); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := read(context.Background(), file(redis[:100])); err == nil {
		t.Error("half a document is taken")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(redis)
	f.Fuzz(func(_ *testing.T, body string) { _, _ = read(context.Background(), file(body)) })
}
