package sbom

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFormats reads the same two packages from every format that others write. The documents follow
// the published examples of CycloneDX 1.6 and SPDX 2.3.
func TestFormats(t *testing.T) {
	want := []string{"deb openssl 3.0.11-1~deb12u2 amd64", "npm @babel/core 7.0.0 "}
	for name, text := range map[string]string{
		"CycloneDX JSON": `{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
			"metadata": {"component": {"type": "container", "name": "shop/cart", "version": "1"}},
			"components": [
				{"type": "operating-system", "name": "debian", "version": "12"},
				{"type": "library", "name": "openssl", "version": "3.0.11-1~deb12u2", "purl": "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"},
				{"type": "library", "group": "@babel", "name": "core", "version": "7.0.0", "purl": "pkg:npm/%40babel/core@7.0.0"},
				{"type": "library", "name": "nameless", "version": "1"}]}`,
		"CycloneDX XML": `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1"><components>
			<component type="library"><name>openssl</name><version>3.0.11-1~deb12u2</version><purl>pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&amp;distro=debian-12</purl></component>
			<component type="library"><group>@babel</group><name>core</name><version>7.0.0</version><purl>pkg:npm/%40babel/core@7.0.0</purl></component></components></bom>`,
		"SPDX JSON": `{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "shop", "dataLicense": "CC0-1.0", "packages": [
			{"SPDXID": "SPDXRef-1", "name": "openssl", "versionInfo": "3.0.11-1~deb12u2", "downloadLocation": "NOASSERTION",
			 "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"}]},
			{"SPDXID": "SPDXRef-2", "name": "@babel/core", "versionInfo": "7.0.0", "downloadLocation": "NOASSERTION",
			 "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/%40babel/core@7.0.0"}]}]}`,
		"SPDX tags": "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: shop\n\n" +
			"PackageName: openssl\nSPDXID: SPDXRef-1\nPackageVersion: 3.0.11-1~deb12u2\nPackageDownloadLocation: NOASSERTION\n" +
			"ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12\n\n" +
			"PackageName: @babel/core\nSPDXID: SPDXRef-2\nPackageVersion: 7.0.0\nPackageDownloadLocation: NOASSERTION\n" +
			"ExternalRef: PACKAGE-MANAGER purl pkg:npm/%40babel/core@7.0.0\n",
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := Read(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range doc.Packages {
				got = append(got, p.Type+" "+p.FullName()+" "+p.Version+" "+p.Arch)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if doc.Release == nil || doc.Release.ID != "debian" || doc.Release.Version != "12" {
				t.Errorf("release %+v", doc.Release)
			}
			if name == "CycloneDX JSON" && len(doc.Notes) == 0 {
				t.Error("the entry without a purl is passed over in silence")
			}
		})
	}
}

func TestBadDocuments(t *testing.T) {
	for name, text := range map[string]string{
		"empty":       "",
		"no document": "hello",
		"other JSON":  `{"a": 1}`,
		"cut short":   `{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "a"`,
		"too deep":    `{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": ` + strings.Repeat(`[{"components": `, 5000),
	} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","purl":"pkg:npm/a@1"}]}`,
		`<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components><component type="library"><name>a</name><purl>pkg:npm/a@1</purl></component></components></bom>`,
		`{"spdxVersion":"SPDX-2.3","packages":[{"name":"a","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}]}`,
		"SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n",
		`{"schema":"plimsoll/report/v1","packages":[{"purl":"pkg:npm/a@1"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) { Read(bytes.NewReader(b)) })
}

func BenchmarkRead(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`)
	for i := range 5000 {
		if i > 0 {
			doc.WriteByte(',')
		}
		doc.WriteString(`{"type":"library","name":"a","version":"1","purl":"pkg:npm/a` + strings.Repeat("x", i%20) + `@1"}`)
	}
	doc.WriteString(`]}`)
	path := filepath.Join(b.TempDir(), "doc")
	if err := os.WriteFile(path, []byte(doc.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(doc.Len()))
	for b.Loop() {
		if _, err := Read(strings.NewReader(doc.String())); err != nil {
			b.Fatal(err)
		}
	}
}
