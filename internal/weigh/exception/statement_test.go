package exception

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/vex"
)

// openVEX is a document with these statements.
func openVEX(t testing.TB, name string, statements ...string) vex.Document {
	t.Helper()
	d, err := vex.Parse(name, fmt.Appendf(nil, `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://x.example/1", "author": "a", "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [%s]}`, strings.Join(statements, ", ")))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// on is a statement that a vulnerability is fixed in products.
func on(vulnerability string, products ...string) string {
	return fmt.Sprintf(`{"vulnerability": {"name": %q}, "status": "fixed", "products": [%s]}`, vulnerability, strings.Join(products, ", "))
}

const hex = "124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"

// TestProducts holds which products are what was scanned. A statement on another never counts.
func TestProducts(t *testing.T) {
	part := func(product, part string) string {
		return strings.TrimSuffix(product, "}") + `, "subcomponents": [{"@id": "` + part + `"}]}`
	}
	id := func(id string) string { return `{"@id": "` + id + `"}` }
	for product, want := range map[string]bool{
		// The image, by its bytes or its name.
		id("pkg:oci/cart@sha256%3A" + hex):                                              true,
		id("pkg:oci/cart@sha256:" + hex + "?repository_url=registry.example/shop/cart"): true,
		id("pkg:oci/cart@sha256%3A" + strings.Repeat("0", 64)):                          false,
		id("pkg:oci/cart"): true,
		id("pkg:oci/web"):  false,
		id("pkg:oci/cart?repository_url=registry.example/shop/cart"):                                          true,
		id("pkg:oci/cart?repository_url=registry.example/shop"):                                               true,
		id("pkg:oci/cart?repository_url=ghcr.io/other/cart"):                                                  false,
		id("pkg:oci/cart?tag=1.4"):                                                                            true,
		id("pkg:oci/cart?tag=1.5"):                                                                            false,
		id("pkg:docker/shop/cart@1.4?repository_url=registry.example"):                                        true,
		id("pkg:docker/shop/cart@1.5?repository_url=registry.example"):                                        false,
		id("registry.example/shop/cart:1.4"):                                                                  true,
		id("registry.example/shop/cart"):                                                                      true,
		id("shop/cart"):                                                                                       false,
		`{"@id": "x", "hashes": {"sha-256": "` + hex + `"}}`:                                                  true,
		`{"@id": "x", "hashes": {"sha-256": "` + strings.Repeat("0", 64) + `"}}`:                              false,
		`{"@id": "registry.example/shop/cart:1.4", "hashes": {"sha-256": "` + strings.Repeat("0", 64) + `"}}`: false,
		`{"identifiers": {"purl": "pkg:oci/cart@sha256:` + hex + `"}}`:                                        true,
		`{}`: false,
		// A part of the image.
		part(id("pkg:oci/cart"), "pkg:npm/%40babel/traverse@7.0.0"): true,
		part(id("pkg:oci/cart"), "pkg:npm/@babel/traverse"):         true,
		part(id("pkg:oci/cart"), "pkg:npm/%40babel/traverse@7.0.1"): false,
		part(id("pkg:oci/cart"), "pkg:npm/traverse"):                false,
		part(id("pkg:oci/web"), "pkg:npm/%40babel/traverse@7.0.0"):  false,
		part(id("pkg:oci/cart"), "https://example.com/babel"):       false,
		// The package itself.
		id("pkg:npm/%40babel/traverse@7.0.0"): true,
		id("pkg:npm/%40babel/traverse"):       true,
		id("pkg:npm/%40babel/traverse@7"):     false,
		// A part of another package: when nothing else needs it.
		part(id("pkg:npm/app@1.0.0"), "pkg:npm/%40babel/traverse@7.0.0"): true,
		part(id("pkg:npm/app@2.0.0"), "pkg:npm/%40babel/traverse@7.0.0"): false,
	} {
		t.Run(product, func(t *testing.T) {
			r := sample()
			s := compile(t, nil, openVEX(t, "v.json", on("cve-2023-45133", product)))
			use := s.Use(r)
			if err := use.Apply(); err != nil {
				t.Fatal(err)
			}
			if got := passed(r) == "CVE-2023-45133"; got != want {
				t.Errorf("lets pass %q", passed(r))
			}
		})
	}
}

// TestRegistryDigest knows an image by the digest of its manifest, where an engine has it by its configuration's.
func TestRegistryDigest(t *testing.T) {
	other := "sha256:" + strings.Repeat("9", 64)
	r := sample()
	f := parse(t, "e.yaml", "rule: DL3002, target: x@"+other)
	p := compile(t, []exceptionfile.File{f}, openVEX(t, "v.json", on("cve-2023-45133", `{"@id": "pkg:oci/cart@`+other+`"}`))).Use(r)
	p.Digests = func(target string) []string { return map[string][]string{"t1": {other}}[target] }
	if err := p.Apply(); err != nil || passed(r) != "CVE-2023-45133 image/root-user" {
		t.Errorf("%v, %s", err, passed(r))
	}
}

// TestOtherWay keeps a statement on a part from passing what another package needs too.
func TestOtherWay(t *testing.T) {
	d := openVEX(t, "v.json", on("CVE-2023-45133", `{"@id": "pkg:npm/app@1.0.0", "subcomponents": [{"@id": "pkg:npm/%40babel/traverse"}]}`))
	r := sample()
	r.Packages = append(r.Packages, finding.Package{ID: "p5", Target: "t1", Type: "npm", Name: "tool", PURL: "pkg:npm/tool@1", DependsOn: []string{"p6"}}, finding.Package{ID: "p6", Target: "t1", Type: "npm", Name: "x", PURL: "pkg:npm/x@1", DependsOn: []string{"p2"}})
	if err := compile(t, nil, d).Use(r).Apply(); err != nil || passed(r) != "" {
		t.Errorf("%v, %s", err, passed(r))
	}
}

// TestStatus holds what each status does, and that the newest counts.
func TestStatus(t *testing.T) {
	say := func(status, at string) string {
		return fmt.Sprintf(`{"vulnerability": {"name": "GHSA-67hx-6x53-jw92"}, "products": [{"@id": "pkg:oci/cart"}], "timestamp": "%sT00:00:00Z", %s}`, at, status)
	}
	const no, yes, looking, done = `"status": "not_affected", "justification": "component_not_present"`, `"status": "affected", "action_statement": "upgrade"`, `"status": "under_investigation"`, `"status": "fixed"`
	for name, c := range map[string]struct {
		statements []string
		passes     bool
		conflict   string
	}{
		"not affected":                {statements: []string{say(no, "2026-01-01")}, passes: true},
		"fixed":                       {statements: []string{say(done, "2026-01-01")}, passes: true},
		"affected":                    {statements: []string{say(yes, "2026-01-01")}},
		"under investigation":         {statements: []string{say(looking, "2026-01-01")}},
		"affected, then fixed":        {statements: []string{say(yes, "2026-01-01"), say(done, "2026-02-01")}, passes: true},
		"the same, the newest first":  {statements: []string{say(done, "2026-02-01"), say(yes, "2026-01-01")}, passes: true},
		"not affected, then affected": {statements: []string{say(no, "2026-01-01"), say(yes, "2026-02-01")}},
		"not affected, then unsure":   {statements: []string{say(no, "2026-01-01"), say(looking, "2026-02-01")}},
		"at once":                     {statements: []string{say(no, "2026-01-01"), say(yes, "2026-01-01")}, conflict: "v.json, statement 1 says that CVE-2023-45133 is not_affected, and v.json, statement 2 of the same time says affected"},
		"at once, and mended later":   {statements: []string{say(no, "2026-01-01"), say(yes, "2026-01-01"), say(done, "2026-02-01")}, passes: true},
		"at once and agreeing":        {statements: []string{say(no, "2026-01-01"), say(done, "2026-01-01")}, passes: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample()
			err := compile(t, nil, openVEX(t, "v.json", c.statements...)).Use(r).Apply()
			var conflict *ConflictError
			if (c.conflict != "") != errors.As(err, &conflict) || err != nil && !strings.Contains(err.Error(), c.conflict) {
				t.Fatal(err)
			}
			if got := passed(r) != ""; got != c.passes {
				t.Errorf("lets pass %q", passed(r))
			}
		})
	}
}

// TestAgainstException wants an exception that claims no harm refused where a statement claims it.
func TestAgainstException(t *testing.T) {
	d := openVEX(t, "v.json", `{"vulnerability": {"name": "CVE-2023-45133"}, "products": [{"@id": "pkg:oci/cart"}], "status": "affected", "action_statement": "x"}`)
	claims := parse(t, "e.yaml", "rule: CVE-2023-45133, vex: {status: not_affected, justification: component_not_present}")
	if err := compile(t, []exceptionfile.File{claims}, d).Use(sample()).Apply(); err == nil || !strings.Contains(err.Error(), "e.yaml:2 says that CVE-2023-45133 is not_affected, and v.json, statement 1 that it is affected") {
		t.Error(err)
	}
	r := sample()
	lives := parse(t, "e.yaml", "rule: CVE-2023-45133")
	if err := compile(t, []exceptionfile.File{lives}, d).Use(r).Apply(); err != nil || passed(r) != "CVE-2023-45133" {
		t.Errorf("%v, %s", err, passed(r))
	}
}

// TestNotHarmless has no statement let malware pass, nor what is no vulnerability.
func TestNotHarmless(t *testing.T) {
	r := sample()
	if err := compile(t, nil, openVEX(t, "v.json", on("MAL-2026-1", `{"@id": "pkg:oci/cart"}`), on("DL3002", `{"@id": "pkg:oci/cart"}`))).Use(r).Apply(); err != nil || passed(r) != "" {
		t.Errorf("%v, %s", err, passed(r))
	}
}

// TestStrange says of each document how much of it is about what was scanned: here the OpenVEX project's own
// example, which is about an image of Alpine with just these bytes.
func TestStrange(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "read", "vex", "testdata", "openvex-0.2.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := vex.Parse("alpine.json", b)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		digest, note, passed string
	}{
		"its bytes":   {digest: digest, passed: "CVE-2023-3446"},
		"other bytes": {digest: "sha256:" + strings.Repeat("0", 64), note: "0 of 5 statements are about what was scanned"},
	} {
		r := &finding.Report{
			Targets:  []finding.Target{{ID: "t1", Kind: "image", Name: "alpine:3.18", Digest: c.digest}},
			Packages: []finding.Package{{ID: "p1", Target: "t1", Type: "apk", Name: "libssl3", PURL: "pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64&distro=alpine-3.18.0"}, {ID: "p2", Target: "t1", Type: "apk", Name: "busybox", PURL: "pkg:apk/alpine/busybox@1"}},
			Findings: []finding.Finding{
				{Kind: finding.KindVulnerability, Rule: "CVE-2023-3446", Target: "t1", Package: "p1"},
				{Kind: finding.KindVulnerability, Rule: "CVE-2023-3446", Target: "t1", Package: "p2"},
				{Kind: finding.KindVulnerability, Rule: "CVE-2023-9999", Target: "t1", Package: "p1"},
			},
		}
		use := compile(t, nil, d).Use(r)
		if err := use.Apply(); err != nil {
			t.Fatal(err)
		}
		if got := use.Notes()["alpine.json"]; got != c.note || passed(r) != c.passed {
			t.Errorf("%s: %q, lets pass %q", name, got, passed(r))
		}
	}
	use := compile(t, nil, openVEX(t, "v.json", on("CVE-1", `{"@id": "pkg:oci/cart"}`), on("CVE-2", `{"@id": "pkg:npm/none"}`), on("CVE-3", `{"@id": "pkg:deb/debian/openssl?arch=source"}`))).Use(sample())
	if err := use.Apply(); err != nil {
		t.Fatal(err)
	}
	if got := use.Notes()["v.json"]; got != "2 of 3 statements are about what was scanned" {
		t.Error(got)
	}
}
