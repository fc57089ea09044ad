package vex

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, name string) Document {
	t.Helper()
	d, err := Read(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOpenVEX reads documents of the OpenVEX project.
func TestOpenVEX(t *testing.T) {
	d := read(t, "openvex-0.2.0.json")
	if d.Kind != "openvex" || d.Author != "The OpenVEX Project <openvex@openssf.org>" || len(d.Statements) != 5 {
		t.Fatalf("%s by %s: %d statements", d.Kind, d.Author, len(d.Statements))
	}
	want := Statement{
		IDs: []string{"CVE-2023-3446"}, Status: NotAffected, Justification: "vulnerable_code_not_present", Note: "affected functions were removed before packaging",
		At: time.Date(2023, 7, 18, 0, 28, 47, 696004345, time.UTC),
		Products: []Product{{
			Component: Component{PURL: "pkg:oci/alpine@sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"},
			Parts:     []Component{{PURL: "pkg:apk/alpine/libssl3@3.0.8-r3"}, {PURL: "pkg:apk/alpine/libcrypto3@3.0.8-r3"}},
		}},
	}
	if diff := cmp.Diff(want, d.Statements[3], cmp.Transformer("UTC", time.Time.UTC)); diff != "" {
		t.Error(diff)
	}
	old := read(t, "openvex-0.0.1.json")
	if s := old.Statements[0]; s.IDs[0] != "CVE-2023-12345" || s.Products[1].PURL != "pkg:apk/wolfi/git@2.39.0-r1?arch=x86_64" {
		t.Errorf("%+v", s)
	}
}

func TestCSAF(t *testing.T) {
	d := read(t, "csaf.json")
	if d.Kind != "csaf" || d.Author != "Example Company" || len(d.Statements) != 4 {
		t.Fatalf("%s by %s: %d statements", d.Kind, d.Author, len(d.Statements))
	}
	for i, want := range []struct{ id, status, note string }{
		{"CVE-2009-4487", NotAffected, "Class with vulnerable code was removed before shipping."},
		{"CVE-2009-4487", Affected, ""},
		{"CVE-2009-4488", NotAffected, "Class with vulnerable code was removed before shipping."},
		{"CVE-2009-4488", Affected, ""},
	} {
		if s := d.Statements[i]; s.IDs[0] != want.id || s.Status != want.status || s.Note != want.note || s.At.Year() != 2022 {
			t.Errorf("%d: %+v", i, s)
		}
	}
	d, err := Parse("x", []byte(`{"document": {"category": "csaf_vex", "tracking": {"current_release_date": "2026-01-01T00:00:00Z"}},
 "product_tree": {"branches": [{"product": {"product_id": "img", "name": "cart", "product_identification_helper": {"hashes": [{"file_hashes": [{"algorithm": "sha256", "value": "`+strings.Repeat("AB", 32)+`"}]}]}},
   "branches": [{"product": {"product_id": "lib", "name": "lodash", "product_identification_helper": {"purl": "pkg:npm/lodash@4.17.20"}}}]}],
  "relationships": [{"category": "default_component_of", "full_product_name": {"product_id": "both"}, "product_reference": "lib", "relates_to_product_reference": "img"}],
  "product_groups": [{"group_id": "g", "product_ids": ["both"]}]},
 "vulnerabilities": [{"cve": "CVE-2021-23337", "ids": [{"text": "GHSA-35jh-r3h4-6jhm"}], "product_status": {"known_not_affected": ["both"]}, "flags": [{"label": "component_not_present", "group_ids": ["g"]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Product{{
		Component: Component{Names: []string{"cart"}, Digests: []string{"sha256:" + strings.Repeat("ab", 32)}}, Parts: []Component{{PURL: "pkg:npm/lodash@4.17.20"}},
	}}
	if diff := cmp.Diff(want, d.Statements[0].Products); diff != "" || d.Statements[0].Justification != "component_not_present" || len(d.Statements[0].IDs) != 2 {
		t.Error(diff, d.Statements)
	}
}

func TestCycloneDX(t *testing.T) {
	d, err := Parse("x", []byte(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"timestamp": "2026-01-01T00:00:00Z", "supplier": {"name": "shop"},
  "component": {"bom-ref": "t1", "type": "container", "name": "shop/cart", "version": "1.4"}},
 "components": [{"bom-ref": "p1", "name": "a", "components": [{"bom-ref": "p2", "name": "lodash", "purl": "pkg:npm/lodash@4.17.20"}]}],
 "vulnerabilities": [
  {"id": "CVE-1", "references": [{"id": "GHSA-1"}], "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "no"}, "affects": [{"ref": "p2"}]},
  {"id": "CVE-2", "affects": [{"ref": "p2"}]},
  {"id": "CVE-3", "analysis": {"state": "resolved", "lastUpdated": "2026-02-01T00:00:00Z"}, "affects": [{"ref": "t1"}, {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/minimist@1.2.5"}]},
  {"id": "CVE-4", "analysis": {"state": "exploitable"}, "affects": [{"ref": "p9"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	cart := Component{Names: []string{"shop/cart", "shop/cart:1.4"}}
	day := func(m time.Month) time.Time { return time.Date(2026, m, 1, 0, 0, 0, 0, time.UTC) }
	want := []Statement{
		{IDs: []string{"CVE-1", "GHSA-1"}, Status: NotAffected, Justification: "vulnerable_code_not_in_execute_path", Note: "no", At: day(1), Products: []Product{{cart, []Component{{PURL: "pkg:npm/lodash@4.17.20"}}}}},
		{IDs: []string{"CVE-3"}, Status: Fixed, At: day(2), Products: []Product{{Component: cart}, {cart, []Component{{PURL: "pkg:npm/minimist@1.2.5"}}}}},
		{IDs: []string{"CVE-4"}, Status: Affected, At: day(1), Products: []Product{{cart, []Component{{Names: []string{"p9"}}}}}},
	}
	if diff := cmp.Diff(want, d.Statements); diff != "" {
		t.Error(diff)
	}
}

// open is an OpenVEX document with one statement.
func open(statement string) string {
	return `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://x.example/1", "author": "a", "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [` + statement + `]}`
}

// TestWrong wants a document refused that would let something pass against its specification.
func TestWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", "vex.json is no JSON document that holds VEX statements: it is empty"},
		"no JSON":            {"exceptions:", "is no JSON document"},
		"cut short":          {open("")[:80], "is no JSON document"},
		"two documents":      {open("") + "{}", "more follows after its end"},
		"another document":   {`{"spdxVersion": "SPDX-2.3"}`, "vex.json is no VEX document: OpenVEX begins with"},
		"a report":           {`{"schema": "plimsoll/report/v1"}`, "name it with --baseline"},
		"no author":          {`{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "timestamp": "2026-01-01T00:00:00Z"}`, "wants @id, author and timestamp"},
		"no vulnerability":   {open(`{"status": "fixed"}`), "statement 1 names no vulnerability"},
		"no status":          {open(`{"vulnerability": {"name": "CVE-1"}}`), `statement 1 (CVE-1): status "" is none of`},
		"unknown status":     {open(`{"vulnerability": {"name": "CVE-1"}, "status": "ok\u001b"}`), `status "ok" is none of`},
		"not affected, why?": {open(`{"vulnerability": {"name": "CVE-1"}, "status": "not_affected", "status_notes": "trust me"}`), "says not_affected and not why"},
		"justification":      {open(`{"vulnerability": {"name": "CVE-1"}, "status": "not_affected", "justification": "because"}`), `"because" is no justification`},
		"time":               {open(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed", "timestamp": "yesterday"}`), `"yesterday" is no time of RFC 3339`},
		"no time":            {strings.Replace(open(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed"}`), `"timestamp": "2026-01-01T00:00:00Z",`, "", 1), "has no time"},
		"products":           {open(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed", "products": {}}`), "read OpenVEX"},
		"CycloneDX state":    {`{"bomFormat": "CycloneDX", "metadata": {"timestamp": "2026-01-01T00:00:00Z"}, "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "fine"}}]}`, `state "fine" is none`},
		"CycloneDX, why?":    {`{"bomFormat": "CycloneDX", "metadata": {"timestamp": "2026-01-01T00:00:00Z"}, "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "not_affected"}}]}`, "and not why"},
		"CSAF":               {`{"document": {}}`, "wants document.category"},
		"CSAF, why?":         {`{"document": {"category": "csaf_vex", "tracking": {"current_release_date": "2026-01-01T00:00:00Z"}}, "vulnerabilities": [{"cve": "CVE-1", "product_status": {"known_not_affected": ["x"]}}]}`, "and not why"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("vex.json", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsRune(err.Error(), 0x1b) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for _, name := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.json")} {
		if _, err := Read(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDeep reads what is nested beyond sense, or refuses it, soon.
func TestDeep(t *testing.T) {
	deep := func(before, after string, n int) string { return strings.Repeat(before, n) + strings.Repeat(after, n) }
	for name, text := range map[string]string{
		"arrays":        open(deep("[", "]", 1<<20)),
		"subcomponents": open(`{"vulnerability": {"name": "CVE-1"}, "status": "fixed", "products": [` + deep(`{"subcomponents":[`, `]}`, 4900) + `]}`),
		"components":    `{"bomFormat": "CycloneDX", "components": [` + deep(`{"components":[`, `]}`, 4900) + `]}`,
		"branches":      `{"document": {"category": "csaf_vex", "tracking": {"current_release_date": "2026-01-01T00:00:00Z"}}, "product_tree": {"branches": [` + deep(`{"branches":[`, `]}`, 4900) + `]}}`,
	} {
		begun := time.Now()
		_, err := Parse("x", []byte(text))
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("%s: %v after %s", name, err, took)
		}
	}
}

// FuzzParse holds what is read: each statement keeps to the rules, and the same bytes say the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"openvex-0.2.0.json", "openvex-0.0.1.json", "csaf.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"bomFormat": "CycloneDX", "metadata": {"timestamp": "2026-01-01T00:00:00Z", "component": {"bom-ref": "a", "name": "b"}}, "components": [{"bom-ref": "c", "purl": "pkg:npm/d@1"}], "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "false_positive"}, "affects": [{"ref": "c"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		one, err := Parse("x", b)
		again, errAgain := Parse("x", bytes.Clone(b))
		if (err == nil) != (errAgain == nil) {
			t.Fatal("the same bytes say something else")
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(len(one.Statements), len(again.Statements)); diff != "" {
			t.Fatal(diff)
		}
		for _, s := range one.Statements {
			if s.At.IsZero() || len(s.IDs) == 0 || s.IDs[0] == "" || s.Status == NotAffected && s.Justification == "" && s.Note == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}
