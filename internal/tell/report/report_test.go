package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report/page"
	"github.com/plimsoll/plimsoll/internal/tell/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden holds got against a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func write(t testing.TB, format string, r *finding.Report, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTable(t *testing.T) {
	for _, w := range []int{60, 100, 160} {
		golden(t, fmt.Sprintf("table-%d.txt", w), write(t, "table", reporttest.Sample(), Options{Width: w, Hidden: 3}))
	}
}

// TestTableFits wants no line wider than asked, at any width, and nothing that steers the terminal.
func TestTableFits(t *testing.T) {
	for _, r := range []*finding.Report{reporttest.Sample(), inventoryOnly(), {Verdict: finding.Verdict{Action: finding.Pass}}} {
		for w := leastWidth; w < 200; w++ {
			for line := range strings.Lines(string(write(t, "table", r, Options{Width: w}))) {
				line = strings.TrimSuffix(line, "\n")
				if cells(line) > w {
					t.Errorf("width %d: %d columns: %q", w, cells(line), line)
				}
				if strings.ContainsFunc(line, page.Unfit) {
					t.Errorf("width %d: control characters: %q", w, line)
				}
			}
		}
	}
}

func inventoryOnly() *finding.Report {
	r := reporttest.Sample()
	r.Tool.Database, r.Findings, r.Groups, r.Checks = nil, nil, nil, nil
	r.Verdict = finding.Verdict{}
	for i := range r.Targets {
		r.Targets[i].Verdict = ""
	}
	return r
}

func TestInventory(t *testing.T) {
	golden(t, "inventory.txt", write(t, "table", inventoryOnly(), Options{Width: 80}))
	golden(t, "inventory.md", write(t, "markdown", inventoryOnly(), Options{}))
}

// TestColor wants colour only when asked, and the same text without it.
func TestColor(t *testing.T) {
	plain := string(write(t, "table", reporttest.Sample(), Options{Width: 80}))
	painted := string(write(t, "table", reporttest.Sample(), Options{Width: 80, Color: true}))
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "36", "1;31", "1;33", "1;32"} {
		painted = strings.ReplaceAll(painted, "\x1b["+code+"m", "")
	}
	trim := func(s string) string {
		var b strings.Builder
		for l := range strings.Lines(s) {
			b.WriteString(strings.TrimRight(l, " \n") + "\n")
		}
		return b.String()
	}
	if diff := cmp.Diff(plain, trim(painted)); diff != "" {
		t.Error(diff)
	}
}

func TestJSON(t *testing.T) {
	b := write(t, "json", reporttest.Sample(), Options{})
	reporttest.Validate(t, b)
	if !bytes.HasSuffix(b, []byte("}\n")) || bytes.Contains(b, []byte(`\u003c`)) {
		t.Error("no newline at the end, or characters of HTML are escaped")
	}
	var back finding.Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reporttest.Sample(), &back); diff != "" {
		t.Error(diff)
	}
	b = write(t, "json", inventoryOnly(), Options{})
	reporttest.Validate(t, b)
	if bytes.Contains(b, []byte("verdict")) {
		t.Error("an inventory has a verdict")
	}
	reporttest.Validate(t, write(t, "json", &finding.Report{Schema: finding.Schema, Verdict: finding.Verdict{Action: finding.Incomplete}}, Options{}))
}

func TestMarkdown(t *testing.T) {
	golden(t, "report.md", write(t, "markdown", reporttest.Sample(), Options{}))
}

// TestSame wants equal bytes from equal reports, in every format.
func TestSame(t *testing.T) {
	o := Options{Template: sampleTemplate(t)}
	for _, f := range Formats {
		if !bytes.Equal(write(t, f.Name, reporttest.Sample(), o), write(t, f.Name, reporttest.Sample(), o)) {
			t.Errorf("%s differs from run to run", f.Name)
		}
	}
}

func sampleTemplate(t testing.TB) *Template {
	t.Helper()
	tmpl, err := ParseTemplate("t", "{{range .Findings}}{{.Severity}} {{.Title}}\n{{end}}", false)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(io.Discard, "none", reporttest.Sample(), Options{}); err == nil {
		t.Error("an unknown format is written")
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{clean("a\x1b[31m\u009b\u202e\x07\n\t\xff\u2028\u200db c"), `a\x1b[31m\x9b\u202e\x07\n\t\xff\u2028\u200db c`},
		{cut("太郎花子", 5), "太郎…"},
		{cut("abcdef", 4), "abc…"},
		{cutFront("app/lib/very/long/path.jar", 12), "…/path.jar"},
		{cutFront("太郎花子", 5), "…花子"},
		{strings.Join(wrap("one two three verylongword", 7), "|"), "one two|three|verylon|gword"},
		{md("<b>[x](http://y) @me `a|b`"), "&lt;b&gt;\\[x\\](http&#58;//y) &#64;me \\`a\\|b\\`"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if n := cells("e\u0301太"); n != 3 {
		t.Errorf("%d columns, want 3", n)
	}
}

// large is a report of 5,000 packages, every fifth with two findings.
func large() *finding.Report {
	r := reporttest.Sample()
	p, f := r.Packages[0], r.Findings[0]
	r.Packages, r.Findings, r.Groups = nil, nil, nil
	for i := range 5000 {
		p.ID, p.Name = fmt.Sprintf("p%d", i+1), fmt.Sprintf("package-%d", i)
		p.PURL = "pkg:deb/debian/" + p.Name + "@1"
		r.Packages = append(r.Packages, p)
		if i%5 > 0 {
			continue
		}
		for k := range 2 {
			f.Package, f.Rule = p.ID, fmt.Sprintf("CVE-2024-%d", 2*i+k)
			f.Fingerprint = finding.Fingerprint(f, p.PURL)
			r.Findings = append(r.Findings, f)
		}
	}
	return r
}

func BenchmarkWrite(b *testing.B) {
	r := large()
	for _, f := range Formats {
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				write(b, f.Name, r, Options{Template: sampleTemplate(b)})
			}
		})
	}
}

// TestAlso shows of many names those that people know, and counts the rest.
func TestAlso(t *testing.T) {
	f := finding.Finding{Aliases: []string{"BIT-a", "BIT-b", "CGA-c", "BIT-d", "CGA-e", "BIT-f", "BIT-g", "GHSA-m425-mq94-257g", "GO-2023-2153", "CVE-2023-39325"}}
	want := "CVE-2023-39325 GHSA-m425-mq94-257g GO-2023-2153 BIT-a BIT-b CGA-c BIT-d CGA-e and 2 more"
	if got := also(&f, " "); got != want || f.Aliases[0] != "BIT-a" {
		t.Errorf("%q, want %q; the finding has %v", got, want, f.Aliases)
	}
	checks := finding.Finding{Aliases: []string{"trivy/DS-0002", "hadolint/DL3002"}}
	if got := also(&checks, ", "); got != "trivy/DS-0002, hadolint/DL3002" {
		t.Errorf("%q", got)
	}
}
