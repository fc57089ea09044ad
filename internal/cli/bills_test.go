package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/savedreport"
	"github.com/plimsoll/plimsoll/internal/tell/report"
)

// stored writes SBOMs as a registry of images keeps them: each with a hundred Debian packages, as the base
// images of most have, and thirty of npm, all under names that the database in the program knows.
func stored(tb testing.TB, n int) string {
	tb.Helper()
	dir := tb.TempDir()
	debs := []string{"openssl", "zlib1g", "libc6", "bash", "coreutils", "curl", "libxml2", "libgnutls30", "perl-base", "tar"}
	npms := []string{"lodash", "axios", "minimist", "express", "ejs", "ws"}
	for i := range n {
		r := &finding.Report{Schema: finding.Schema, Targets: []finding.Target{{ID: "t1", Kind: "image", Name: fmt.Sprintf("shop/service-%d:1", i), OS: &finding.OS{ID: "debian", Version: "12"}}}}
		add := func(kind, name, version, purl string) {
			r.Packages = append(r.Packages, finding.Package{
				ID: fmt.Sprintf("p%d", len(r.Packages)+1), Target: "t1", Type: kind, Name: name, Version: version, PURL: purl, Arch: "amd64",
				Licenses: []string{"MIT"}, Locations: []finding.Location{{Path: "var/lib/dpkg/status"}},
			})
		}
		for k := range 100 {
			name, version := debs[k%len(debs)], fmt.Sprintf("9.%d.%d-1", k, i%7)
			if k >= len(debs) {
				name = fmt.Sprintf("lib%s%d", name, k)
			}
			add("deb", name, version, fmt.Sprintf("pkg:deb/debian/%s@%s?arch=amd64&distro=debian-12", name, version))
		}
		for k := range 30 {
			name, version := fmt.Sprintf("%s-%d", npms[k%len(npms)], k), fmt.Sprintf("%d.%d.%d", k%5, i%9, k)
			if k < len(npms) {
				name, version = npms[k], []string{"4.17.20", "0.21.1", "1.2.5", "4.17.1", "3.1.6", "7.4.0"}[k]
			}
			add("npm", name, version, fmt.Sprintf("pkg:npm/%s@%s", name, version))
		}
		finding.Sort(r)
		var b bytes.Buffer
		if err := report.Write(&b, "cyclonedx", r, report.Options{}); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.cdx.json", i)), b.Bytes(), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func quiet(args ...string) Env {
	return Env{Args: args, Stdout: io.Discard, Stderr: io.Discard, Stdin: bytes.NewReader(nil), Getenv: func(string) string { return "" }, Now: time.Now}
}

// BenchmarkRescan scans 1,000 stored SBOMs, reading and writing included.
func BenchmarkRescan(b *testing.B) {
	dir := stored(b, 1000)
	out := filepath.Join(b.TempDir(), "report.json")
	for b.Loop() {
		if status := Run(context.Background(), quiet("scan", "--offline", "--fail-on", "none", "-q", "-o", "json="+out, "sbom:"+dir)); status != exitPass {
			b.Fatal(status)
		}
	}
	r, _, err := savedreport.Read(out)
	if err != nil || len(r.Targets) != 1000 || len(r.Packages) != 130_000 {
		b.Fatal(err, len(r.Targets), len(r.Packages))
	}
	b.ReportMetric(float64(len(r.Findings)), "findings")
}

// TestFolderOfSBOMs wants each SBOM of a folder to be a target as if it were named, whatever the way that it
// is named, and one that is none to end the call.
func TestFolderOfSBOMs(t *testing.T) {
	dir := stored(t, 25)
	scanned := func(words ...string) (string, int) {
		var out, said bytes.Buffer
		e := quiet(append([]string{"scan", "--offline", "--fail-on", "none", "-o", "json"}, words...)...)
		e.Stdout, e.Stderr = &out, &said
		status := Run(context.Background(), e)
		return out.String() + said.String(), status
	}
	var each []string
	for i := range 25 {
		each = append(each, fmt.Sprintf("sbom:%s/%04d.cdx.json", dir, i))
	}
	want, status := scanned(each...)
	if status != exitPass || strings.Count(want, `"kind":"sbom"`) != 25 || !strings.Contains(want, "25 files: taken for SBOMs") {
		t.Fatalf("status %d: %.300s", status, want)
	}
	for _, word := range []string{"sbom:" + dir, "sbom:" + dir + "/*.cdx.json"} {
		if got, _ := scanned(word); got != want {
			t.Errorf("%s: another report than that of its files", word)
		}
	}
	if got, _ := scanned("--as", "sbom", dir); got != want {
		t.Error("--as sbom FOLDER: another report than that of its files")
	}
	if err := os.WriteFile(filepath.Join(dir, "z.txt"), []byte("no SBOM"), 0o644); err != nil {
		t.Fatal(err)
	}
	for word, words := range map[string]string{"sbom:" + dir: "z.txt: read SBOM", "sbom:" + dir + "/none*": "no file matches it", "sbom:" + t.TempDir(): "the folder holds no file"} {
		if got, status := scanned(word); status != exitUsage || !strings.Contains(got, words) {
			t.Errorf("%s: status %d, %.200s", word, status, got)
		}
	}
}
