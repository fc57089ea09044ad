package sbom

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// TestListedOnly wants the components of the list alone: not the tools, nor what a component was made
// from, nor what was there while it was built. Both forms of the document say the same.
func TestListedOnly(t *testing.T) {
	for name, text := range map[string]string{
		"XML": `<bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1">
			<metadata><tools><components><component type="application"><name>syft</name><purl>pkg:npm/tool@1</purl></component></components></tools>
			<component type="container"><name>shop/cart</name></component></metadata>
			<components><component type="library"><name>a</name><version>1.0.0</version><hashes><hash alg="SHA-1">aa</hash></hashes>
				<purl>pkg:npm/a@1.0.0</purl>
				<pedigree><ancestors><component type="library"><name>b</name><version>2</version><purl>pkg:npm/b@2</purl>
					<components><component type="library"><name>c</name><purl>pkg:npm/c@2</purl></component></components></component></ancestors></pedigree>
				<externalReferences><reference type="website"><url>https://example.com</url><hashes><hash alg="SHA-1">bb</hash></hashes></reference></externalReferences>
				<components><component type="library"><name>inner</name><version>3.0.0</version><purl>pkg:npm/inner@3.0.0</purl></component></components>
				<evidence><licenses><license><id>MIT</id></license></licenses></evidence></component></components>
			<formulation><formula><components><component type="library"><name>make</name><purl>pkg:npm/make@1</purl></component></components></formula></formulation></bom>`,
		"JSON": `{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
			"metadata": {"tools": {"components": [{"type": "application", "name": "syft", "purl": "pkg:npm/tool@1"}]}, "component": {"type": "container", "name": "shop/cart"}},
			"components": [{"type": "library", "name": "a", "version": "1.0.0", "purl": "pkg:npm/a@1.0.0", "hashes": [{"alg": "SHA-1", "content": "aa"}],
				"pedigree": {"ancestors": [{"type": "library", "name": "b", "version": "2", "purl": "pkg:npm/b@2"}]},
				"externalReferences": [{"type": "website", "url": "https://example.com", "hashes": [{"alg": "SHA-1", "content": "bb"}]}],
				"components": [{"type": "library", "name": "inner", "version": "3.0.0", "purl": "pkg:npm/inner@3.0.0"}],
				"evidence": {"licenses": [{"license": {"id": "MIT"}}]}}],
			"formulation": [{"components": [{"type": "library", "name": "make", "purl": "pkg:npm/make@1"}]}]}`,
	} {
		doc, err := Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, p := range doc.Packages {
			got[p.Name+"@"+p.Version] = strings.Join(slices.Concat(p.Digests, p.Licenses), " ")
		}
		if diff := cmp.Diff(map[string]string{"a@1.0.0": "sha1:aa", "inner@3.0.0": ""}, got); diff != "" || doc.Name != "shop/cart" {
			t.Errorf("%s, of %q:\n%s", name, doc.Name, diff)
		}
	}
}

// TestGapsOfTheDocument wants what a document says was not read: it is not in the list either.
func TestGapsOfTheDocument(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"ours, CycloneDX": {`{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"bom-ref": "t1", "type": "container", "name": "a", "properties": [
			{"name": "plimsoll:gap", "value": "unreadable-package: no zip directory (app.jar)"}, {"name": "plimsoll:gap", "value": "feed-partial: 2 packages"}]}},
			"compositions": [{"aggregate": "incomplete", "assemblies": ["t1"]}]}`, "unreadable-package true no zip directory (app.jar)"},
		"ours, SPDX": {"SPDXVersion: SPDX-2.3\nPackageName: folder\nSPDXID: SPDXRef-Package-t1\n" +
			"PackageComment: <text>plimsoll:kind=rootfs\nplimsoll:gap=limit-reached: too deep</text>\n", "limit-reached true too deep"},
		"ours, two targets": {`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "application", "name": "folder",
			"properties": [{"name": "plimsoll:kind", "value": "rootfs"}, {"name": "plimsoll:gap", "value": "limit-reached: too deep"}]}]}`, "limit-reached true too deep"},
		"our report": {`{"schema": "plimsoll/report/v1", "targets": [{"id": "t1", "kind": "rootfs", "name": "a"}], "coverage": [
			{"class": "unreadable-database", "blocking": true, "target": "t1", "what": "cut short", "path": "var/lib/dpkg/status", "count": 1},
			{"class": "no-feed", "blocking": true, "target": "t1", "what": "2 packages", "count": 2}]}`, "unreadable-database true cut short"},
		"what packages did not say": {`{"schema": "plimsoll/report/v1", "coverage": [
			{"class": "unknown-source", "blocking": true, "what": "of 12 packages", "count": 12}]}`, "unknown-source true of 12 packages"},
		"another's": {
			`{"bomFormat": "CycloneDX", "specVersion": "1.4", "components": [], "compositions": [{"aggregate": "complete"}, {"aggregate": "incomplete_third_party_only"}]}`,
			"incomplete-sbom false the document says that its list is incomplete third party only",
		},
		"another's, XML": {
			`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><compositions><composition><aggregate>incomplete</aggregate></composition></compositions></bom>`,
			"incomplete-sbom false the document says that its list is incomplete",
		},
		"whole": {`{"bomFormat": "CycloneDX", "specVersion": "1.4", "components": [], "compositions": [{"aggregate": "complete"}]}`, ""},
	} {
		doc, err := Read(strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range doc.Notes {
			got = append(got, fmt.Sprint(n.Class, " ", n.Blocking, " ", n.What))
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOwners wants the owners that Syft tells of in SPDX, for what stands among the owner's files alone.
func TestOwners(t *testing.T) {
	head := `{"spdxVersion": "SPDX-2.3", "packages": [`
	pkg := func(id, purl string) string {
		return `{"SPDXID": "` + id + `", "name": "x", "externalRefs": [{"referenceType": "purl", "referenceLocator": "` + purl + `"}]}`
	}
	claim := func(a, b string) string {
		return `{"spdxElementId": "` + a + `", "relationshipType": "OTHER", "relatedSpdxElement": "` + b + `", "comment": "ownership-by-file-overlap: indicates"}`
	}
	asJSON := head + pkg("D", "pkg:deb/debian/node-ini@1?distro=debian-12") + "," + pkg("A", "pkg:npm/ini@1.0.0") + "," + pkg("B", "pkg:npm/rc@1.0.0") + "," + pkg("C", "pkg:npm/rc@1.0.0") +
		`], "relationships": [` + claim("D", "A") + "," + claim("D", "B") + "," + claim("A", "C") + "]}"
	tag := func(id, purl string) string {
		return "PackageName: x\nSPDXID: " + id + "\nExternalRef: PACKAGE-MANAGER purl " + purl + "\n"
	}
	asTags := "SPDXVersion: SPDX-2.3\n" + tag("D", "pkg:deb/debian/node-ini@1?distro=debian-12") + tag("A", "pkg:npm/ini@1.0.0") + tag("B", "pkg:npm/rc@1.0.0") + tag("C", "pkg:npm/rc@1.0.0") +
		"Relationship: D OTHER A\nRelationshipComment: ownership-by-file-overlap: indicates\nRelationship: D OTHER C\nRelationshipComment: evident-by: x\n"
	for name, text := range map[string]string{"JSON": asJSON, "tags": asTags} {
		doc, err := Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, p := range doc.Packages {
			got[p.Name] = p.Owner
		}
		if diff := cmp.Diff(map[string]int{"node-ini": -1, "ini": 0, "rc": -1}, got); diff != "" || len(doc.Notes) > 0 {
			t.Errorf("%s: %s %+v", name, diff, doc.Notes)
		}
	}
	doc, err := Read(strings.NewReader(head + pkg("D", "pkg:deb/debian/node-ini@1?distro=debian-12") + "," + pkg("A", "pkg:npm/ini@1.0.0") + "]}"))
	if err != nil || len(doc.Notes) != 1 || doc.Notes[0].Class != "incomplete-sbom" || doc.Notes[0].Blocking {
		t.Errorf("a document without owners: %+v, %v", doc.Notes, err)
	}
}

// TestOwnedTwice wants a package that stands both among an owner's files and elsewhere to be two.
func TestOwnedTwice(t *testing.T) {
	doc, err := Read(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
		{"bom-ref": "p1", "type": "library", "name": "node-lodash", "purl": "pkg:deb/debian/node-lodash@1?distro=debian-12"},
		{"bom-ref": "p2", "type": "library", "name": "lodash", "purl": "pkg:npm/lodash@4.17.20", "properties": [{"name": "plimsoll:location", "value": "app/package.json"}]},
		{"bom-ref": "p3", "type": "library", "name": "lodash", "purl": "pkg:npm/lodash@4.17.20", "properties": [
			{"name": "plimsoll:location", "value": "usr/share/nodejs/lodash/package.json"}, {"name": "plimsoll:ownedBy", "value": "p1"}]}]}`))
	if err != nil || len(doc.Packages) != 3 || doc.Packages[1].Owner != -1 || doc.Packages[2].Owner != 0 {
		t.Errorf("%+v, %v", doc.Packages, err)
	}
}

// TestMakers wants who made a distribution's package where its kind looks for it.
func TestMakers(t *testing.T) {
	doc, err := Read(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
		{"type": "library", "name": "bash", "publisher": "Red Hat, Inc.", "purl": "pkg:rpm/rhel/bash@5-1?distro=rhel-9"},
		{"type": "library", "name": "docker-ce", "supplier": {"name": "Docker <support@docker.com>"}, "purl": "pkg:rpm/rhel/docker-ce@5-1?distro=rhel-9"}]}`))
	if err != nil || doc.Packages[0].Vendor != "Red Hat, Inc." || doc.Packages[1].Vendor != "Docker <support@docker.com>" {
		t.Errorf("%+v, %v", doc.Packages, err)
	}
}

// TestUnknownVersion wants Syft's word for a version that it doesn't know to be none.
func TestUnknownVersion(t *testing.T) {
	doc, err := Read(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
		{"type": "library", "name": "example.com/cart", "version": "UNKNOWN", "purl": "pkg:golang/example.com/cart"}]}`))
	if err != nil || len(doc.Packages) != 1 || doc.Packages[0].Version != "" {
		t.Errorf("%+v, %v", doc.Packages, err)
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
