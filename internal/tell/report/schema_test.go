package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
	"unicode"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

func reports() map[string]*finding.Report {
	return map[string]*finding.Report{
		"everything": reporttest.Sample(), "inventory": inventoryOnly(), "one target": oneTarget(),
		"nothing": {Schema: finding.Schema, Tool: finding.Tool{Name: "plimsoll"}},
	}
}

func oneTarget() *finding.Report {
	r := reporttest.Sample()
	r.Targets = r.Targets[:1]
	return r
}

// TestOfficialSchemas holds each format against the schema that its makers publish.
func TestOfficialSchemas(t *testing.T) {
	for format, schema := range map[string]string{
		"cyclonedx": "bom-1.6.schema.json", "spdx": "spdx-schema-2.3.json", "sarif": "sarif-schema-2.1.0.json",
	} {
		for name, r := range reports() {
			t.Run(format+" "+name, func(t *testing.T) {
				reporttest.Hold(t, write(t, format, r, Options{}), "testdata/schema/"+schema)
				reporttest.Hold(t, write(t, format, r, Options{Time: time.Unix(1e9, 0)}), "testdata/schema/"+schema)
			})
		}
	}
}

// TestCycloneDXXML wants the XML form to say what the JSON form says.
func TestCycloneDXXML(t *testing.T) {
	r := oneTarget()
	for i := range r.Packages {
		if r.Packages[i].Name == "太郎" {
			r.Packages[i].Version = "1" // XML has no form for control characters
		}
	}
	r.Coverage, r.Findings = nil, nil
	var fromJSON, fromXML cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(write(t, "cyclonedx", r, Options{})), cdx.BOMFileFormatJSON).Decode(&fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := cdx.NewBOMDecoder(bytes.NewReader(write(t, "cyclonedx-xml", r, Options{})), cdx.BOMFileFormatXML).Decode(&fromXML); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON.Components, fromXML.Components); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(fromJSON.Dependencies, fromXML.Dependencies); diff != "" {
		t.Error(diff)
	}
	if fromJSON.SerialNumber != fromXML.SerialNumber || fromXML.SpecVersion != cdx.SpecVersion1_6 {
		t.Errorf("serial %s and %s, version %s", fromJSON.SerialNumber, fromXML.SerialNumber, fromXML.SpecVersion)
	}
}

// TestSPDXForms has SPDX's own library read both forms, and wants the same packages.
func TestSPDXForms(t *testing.T) {
	fromJSON, err := spdxjson.Read(bytes.NewReader(write(t, "spdx", reporttest.Sample(), Options{})))
	if err != nil {
		t.Fatal(err)
	}
	fromTags, err := tagvalue.Read(bytes.NewReader(write(t, "spdx-tag", reporttest.Sample(), Options{})))
	if err != nil {
		t.Fatal(err)
	}
	if len(fromJSON.Packages) != len(fromTags.Packages) || len(fromJSON.Relationships) != len(fromTags.Relationships) {
		t.Fatalf("%d and %d packages, %d and %d relationships", len(fromJSON.Packages), len(fromTags.Packages), len(fromJSON.Relationships), len(fromTags.Relationships))
	}
	byID := map[common.ElementID]*v2_3.Package{}
	for _, p := range fromTags.Packages {
		byID[p.PackageSPDXIdentifier] = p
	}
	for _, p := range fromJSON.Packages {
		q := byID[p.PackageSPDXIdentifier]
		if p.PackageName != q.PackageName || p.PackageVersion != q.PackageVersion || p.PackageLicenseDeclared != q.PackageLicenseDeclared || p.PackageComment != q.PackageComment {
			t.Errorf("%+v\n%+v", p, q)
		}
	}
}

// TestNamesAreNoTags wants no name of an image to be read as SPDX tags of its own.
func TestNamesAreNoTags(t *testing.T) {
	r := oneTarget()
	want := bytes.Count(write(t, "spdx-tag", r, Options{}), []byte("\nPackageName:"))
	r.Targets[0].Name = "shop\nPackageName: a\u0085PackageName: b"
	out := write(t, "spdx-tag", r, Options{})
	if got := bytes.Count(out, []byte("\nPackageName:")); got != want {
		t.Errorf("%d packages, want %d", got, want)
	}
	if bytes.ContainsFunc(out, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		t.Error("a control character stands in the document")
	}
}

// TestSerialFollowsContent wants another serial number for another content, and the same for the same.
func TestSerialFollowsContent(t *testing.T) {
	serial := func(r *finding.Report) string {
		var bom cdx.BOM
		if err := cdx.NewBOMDecoder(bytes.NewReader(write(t, "cyclonedx", r, Options{})), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Fatal(err)
		}
		return bom.SerialNumber
	}
	other := reporttest.Sample()
	other.Packages[0].Version = "2"
	once := serial(reporttest.Sample())
	if again := serial(reporttest.Sample()); once != again || once == serial(other) {
		t.Errorf("the serial number does not follow the content: %s, %s for the same", once, again)
	}
}

func TestSARIF(t *testing.T) { golden(t, "report.sarif", write(t, "sarif", oneTarget(), Options{})) }

func TestCycloneDX(t *testing.T) {
	golden(t, "report.cdx.json", write(t, "cyclonedx", oneTarget(), Options{}))
}

func TestSPDX(t *testing.T) { golden(t, "report.spdx", write(t, "spdx-tag", oneTarget(), Options{})) }

// TestSARIFRules wants the help of a rule to be that of all its results, in whatever order they come, and
// what is exploited or keeps a build from passing to be an error.
func TestSARIFRules(t *testing.T) {
	var texts []string
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		r := &finding.Report{Targets: []finding.Target{{ID: "t1"}}, Verdict: finding.Verdict{Action: finding.Deny, Reasons: []finding.Reason{{Fingerprints: []string{"d"}}}}}
		all := []finding.Finding{
			{Rule: "CVE-1", Severity: finding.Low, Fix: "upgrade a from 1 to 2", Fingerprint: "d"},
			{Rule: "CVE-1", Severity: finding.Medium, Fix: "upgrade b from 1 to 3", Risk: &finding.Risk{KEV: true}},
		}
		r.Findings = []finding.Finding{all[order[0]], all[order[1]], {Rule: "CVE-2", Severity: finding.Low}}
		var log sarifLog
		if err := json.Unmarshal(write(t, "sarif", r, Options{}), &log); err != nil {
			t.Fatal(err)
		}
		rule := log.Runs[0].Tool.Driver.Rules[0]
		texts = append(texts, fmt.Sprint(rule.Help.Text, rule.Properties))
		if rule.Help.Text != "upgrade a from 1 to 2\nupgrade b from 1 to 3" {
			t.Errorf("help: %q", rule.Help.Text)
		}
		for i, want := range []string{"error", "error", "note"} {
			if got := log.Runs[0].Results[i].Level; got != want {
				t.Errorf("result %d is of level %s, want %s", i, got, want)
			}
		}
	}
	if texts[0] != texts[1] {
		t.Errorf("the order of results shows in the rule: %q", texts)
	}
}
