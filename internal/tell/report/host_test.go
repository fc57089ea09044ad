package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/host"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

var inPipeline = Options{Now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Run: host.Run{
	SHA: strings.Repeat("a", 40), Ref: "refs/heads/main", Workflow: "build", Job: "scan", ID: "77", URL: "https://github.com/shop/cart/actions/runs/77",
}}

// TestHostSchemas holds what code hosts read against what they document.
func TestHostSchemas(t *testing.T) {
	for format, schema := range map[string]string{
		"gitlab-container": "gitlab-container-scanning.json", "gitlab-codequality": "gitlab-codequality.json", "github": "github-snapshot.json",
	} {
		for name, r := range reports() {
			t.Run(format+" "+name, func(t *testing.T) {
				reporttest.Hold(t, write(t, format, r, inPipeline), "testdata/schema/"+schema)
			})
		}
		golden(t, "report."+format+".json", write(t, format, reporttest.Sample(), inPipeline))
	}
}

// TestGitLabContainer wants each vulnerable package once, what was let pass counted and gaps told.
func TestGitLabContainer(t *testing.T) {
	var out struct {
		Scan struct {
			Status   string
			Messages []struct{ Level, Value string }
		}
		Vulnerabilities []struct{ ID, Severity string }
	}
	r := reporttest.Sample()
	if err := json.Unmarshal(write(t, "gitlab-container", r, inPipeline), &out); err != nil {
		t.Fatal(err)
	}
	want, ids := 0, map[string]bool{}
	for _, f := range r.Findings {
		if f.Package != "" && len(f.Suppressed) == 0 {
			want++
		}
	}
	for _, v := range out.Vulnerabilities {
		ids[v.ID] = true
	}
	if len(out.Vulnerabilities) != want || len(ids) != want {
		t.Errorf("%d vulnerabilities with %d ids, want %d", len(out.Vulnerabilities), len(ids), want)
	}
	if text := fmt.Sprint(out.Scan); out.Scan.Status != "failure" || !strings.Contains(text, "let pass, and not listed: 1") || !strings.Contains(text, "not assessed (feed-partial)") {
		t.Errorf("scan: %+v", out.Scan)
	}
}

// TestJUnit wants the suites to be red where the verdict is, and the counts to be those of the cases.
// The shape is what Jenkins' and Maven Surefire's schemas demand: attributes, and what may stand in a case.
func TestJUnit(t *testing.T) {
	for name, r := range reports() {
		var out junitSuites
		b := write(t, "junit", r, Options{})
		if err := xml.Unmarshal(b, &out); err != nil {
			t.Fatal(name, err)
		}
		tests, failures, errors := 0, 0, 0
		for _, s := range out.Suites {
			f, e, k := 0, 0, 0
			for _, c := range s.Cases {
				f, e, k = f+btoi(c.Failure != nil), e+btoi(c.Error != nil), k+btoi(c.Skipped != nil)
				if c.Name == "" || c.Class == "" || btoi(c.Failure != nil)+btoi(c.Error != nil)+btoi(c.Skipped != nil) > 1 {
					t.Errorf("%s: %+v", name, c)
				}
			}
			if s.Name == "" || s.Tests != len(s.Cases) || s.Failures != f || s.Errors != e || s.Skipped != k || s.Tests == 0 {
				t.Errorf("%s: suite %q counts %d %d %d %d, has %d %d %d %d", name, s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases), f, e, k)
			}
			tests, failures, errors = tests+s.Tests, failures+s.Failures, errors+s.Errors
		}
		if out.Tests != tests || out.Failures != failures || out.Errors != errors {
			t.Errorf("%s: %+v", name, out)
		}
		if name == "everything" && (failures != 2 || errors != 2) {
			t.Errorf("%d failures and %d errors, want those of the verdict: 2 and 2", failures, errors)
		}
		if bytes.ContainsFunc(b, func(r rune) bool { return r != '\n' && page.Unfit(r) }) {
			t.Errorf("%s: control characters", name)
		}
	}
	golden(t, "report.junit.xml", write(t, "junit", reporttest.Sample(), Options{}))
}

// TestCSV wants a line of as many fields for each finding and gap, of which none is a formula.
func TestCSV(t *testing.T) {
	r := reporttest.Sample()
	r.Findings[0].Title = "=HYPERLINK(\"http://x\"),\r\n\"quoted\""
	r.Findings[1].Title = "＝1+1"
	for i := range 20 {
		r.Findings[2].Aliases = append(r.Findings[2].Aliases, fmt.Sprintf("BIT-%d", i))
	}
	rows, err := csv.NewReader(bytes.NewReader(write(t, "csv", r, Options{}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+len(r.Findings)+len(r.Coverage) {
		t.Errorf("%d lines", len(rows))
	}
	for _, row := range rows[1:] {
		for i, f := range row {
			if strings.IndexAny(f, "=+-@＝＋－＠") == 0 {
				t.Errorf("%s begins as a formula: %q", rows[0][i], f)
			}
		}
	}
	if got := strings.Fields(rows[3][5]); len(got) != len(r.Findings[2].Aliases) {
		t.Errorf("%d names of %d: %q", len(got), len(r.Findings[2].Aliases), got)
	}
}

// TestAnnotations wants GitHub's runner to read back what was said, and no name to be a command of its own.
func TestAnnotations(t *testing.T) {
	r := reporttest.Sample()
	r.Findings[0].Title = "a\n::set-output name=x::y %0A"
	r.Targets[0].Kind = "dockerfile"
	out := string(write(t, "github-annotations", r, Options{}))
	counts := map[string]int{}
	for line := range strings.Lines(out) {
		level, _, _ := strings.Cut(line, " ")
		counts[level]++
	}
	if counts["::error"] != 2 || counts["::warning"] != maxAnnotations || counts["::notice"] != maxAnnotations || counts["Plimsoll:"] != 1 || len(counts) != 4 {
		t.Errorf("%v in\n%s", counts, out)
	}
	for _, want := range []string{
		"title=secret/sample-key (critical),file=root/.ssh/id_ed25519,line=1,endLine=1::a private key", `::a\n::set-output name=x::y %250A`, "more, which GitHub would not show here",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// TestMarkdownCut wants a summary that no code host would take to end earlier, and to say so.
func TestMarkdownCut(t *testing.T) {
	r := reporttest.Sample()
	f := r.Findings[0]
	for i := range 40 {
		target := r.Targets[0]
		target.ID, target.Name = fmt.Sprintf("t%d", i+3), fmt.Sprintf("image-%d", i)
		r.Targets = append(r.Targets, target)
		for k := range 50 {
			f.Target, f.Rule, f.Package, f.Fixed, f.Title = target.ID, fmt.Sprintf("CVE-2020-%d", k), "", "", strings.Repeat("long ", 20)
			r.Findings = append(r.Findings, f)
		}
	}
	out := string(write(t, "markdown", r, Options{}))
	if n := len([]rune(out)); n > 65_536 || n < 60_000 || !strings.Contains(out, "This summary is cut here") || !strings.HasPrefix(out, "# Plimsoll: deny") {
		t.Errorf("%d characters, ending in %q", n, out[len(out)-200:])
	}
}

// TestSARIFMarks wants what a code host needs to mark the line of a file: a path relative to where the scan was
// called, and no more results than it takes.
func TestSARIFMarks(t *testing.T) {
	r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "source", Name: "./web"}}}
	for i := range maxResults + 5 {
		r.Findings = append(r.Findings, finding.Finding{
			Rule: "dockerfile/root-user", Kind: finding.KindMisconfiguration, Target: "t1", Severity: finding.Medium, Title: fmt.Sprint(i),
			Locations: []finding.Location{{Path: "docker/Docker file", StartLine: 3, EndLine: 4, Column: 2}},
		})
	}
	var log sarifLog
	if err := json.Unmarshal(write(t, "sarif", r, Options{}), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	at := run.Results[0].Locations[0].Physical
	if at.Artifact.URI != "web/docker/Docker%20file" || at.Artifact.Base != repository || at.Region != (sarifRegion{3, 4, 2}) {
		t.Errorf("%+v", at)
	}
	if len(run.Results) != maxResults || !strings.Contains(fmt.Sprint(run.Invocations), "5 more findings") {
		t.Errorf("%d results, %v", len(run.Results), run.Invocations)
	}
}
