package opinion

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

// The documents are in the form that each engine documents, and have one of each thing; those that engines
// wrote themselves are in testdata.
const (
	trivyDoc = `{"SchemaVersion": 2, "Trivy": {"Version": "0.74.0"}, "ArtifactName": "shop:1", "Metadata": {"ImageID": "sha256:aa", "DiffIDs": ["sha256:01", "sha256:02"], "RepoDigests": ["shop@sha256:bb"]},
 "Results": [
  {"Target": "shop:1 (alpine 3.10.2)", "Class": "os-pkgs", "Type": "alpine", "Packages": [{"Name": "musl", "Version": "1.1.22-r3"}],
   "Vulnerabilities": [{"VulnerabilityID": "CVE-2019-1549", "VendorIDs": ["DSA-1"], "PkgName": "libcrypto1.1", "PkgIdentifier": {"PURL": "pkg:apk/alpine/libcrypto1.1@1.1.1c-r0?arch=x86_64&distro=3.10.2"}, "InstalledVersion": "1.1.1c-r0", "FixedVersion": "1.1.1d-r0, 1.1.1e-r0", "Severity": "MEDIUM"}],
   "ExperimentalModifiedFindings": [{"Type": "vulnerability", "Status": "ignored", "Statement": "not used", "Source": ".trivyignore", "Finding": {"VulnerabilityID": "CVE-2019-1551", "PkgName": "libssl1.1", "InstalledVersion": "1.1.1c-r0", "Severity": "LOW"}}]},
  {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile", "Misconfigurations": [{"ID": "DS-0002", "AVDID": "AVD-DS-0002", "Severity": "HIGH", "Status": "FAIL", "CauseMetadata": {"StartLine": 3}}, {"ID": "DS-0001", "Status": "PASS"}]},
  {"Target": "/app/.env", "Class": "secret", "Secrets": [{"RuleID": "github-pat", "Severity": "CRITICAL", "StartLine": 4}]}
 ]}`
	grypeDoc = `{"matches": [{"vulnerability": {"id": "GHSA-phwq-j96m-2c2q", "severity": "Critical", "fix": {"versions": ["3.1.7"]}, "advisories": [{"id": "X-1"}]}, "relatedVulnerabilities": [{"id": "CVE-2022-29078"}],
  "artifact": {"name": "ejs", "version": "3.1.6", "type": "npm", "purl": "pkg:npm/ejs@3.1.6", "locations": [{"path": "/app/package.json"}]}}],
 "ignoredMatches": [{"vulnerability": {"id": "CVE-1", "severity": "Negligible"}, "artifact": {"name": "a:b", "version": "1", "type": "java-archive"}, "appliedIgnoreRules": [{"vex-status": "not_affected"}]}],
 "source": {"type": "image", "target": {"userInput": "shop:1", "imageID": "sha256:aa", "manifestDigest": "sha256:cc", "layers": [{"digest": "sha256:01"}]}}, "descriptor": {"name": "grype", "version": "0.121.2"}}`
	osvDoc = `{"results": [{"source": {"path": "go.mod", "type": "lockfile"}, "packages": [{"package": {"name": "github.com/gogo/protobuf", "version": "1.3.1", "ecosystem": "Go"},
  "vulnerabilities": [{"id": "GHSA-c3h9-896r-86jm", "aliases": ["CVE-2021-3121"], "affected": [{"package": {"name": "github.com/gogo/protobuf", "ecosystem": "Go"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.3.2"}]}]}]}, {"id": "GO-2021-0053", "aliases": ["CVE-2021-3121"]}, {"id": "GO-2022-1"}],
  "groups": [{"ids": ["GHSA-c3h9-896r-86jm", "GO-2021-0053"], "max_severity": "8.6"}]}]}], "image_metadata": {"layer_metadata": [{"diff_id": "sha256:01"}, {"is_empty": true}]}}`
	sarifDoc = `{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Hadolint", "version": "2.12.0", "rules": [{"id": "CVE-2021-44906-minimist", "properties": {"purls": ["pkg:npm/minimist@1.2.5"], "security-severity": "9.8"}}]}},
  "results": [{"ruleId": "DL3002", "level": "warning", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "docker%20x/Dockerfile"}, "region": {"startLine": 7}}}]},
   {"ruleIndex": 0, "level": "error", "suppressions": [{"status": "accepted", "justification": "later"}]}, {"ruleId": "DL1", "kind": "pass"}]}]}`
)

func read(t *testing.T, doc string) *Report {
	t.Helper()
	r, err := Read(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines writes a report down in short.
func lines(r *Report) (out []string) {
	out = append(out, strings.Join(append([]string{r.Engine, r.Version, r.Name}, append(r.Digests, r.DiffIDs...)...), " "))
	for _, p := range r.Packages {
		out = append(out, "sees "+p.Type+" "+p.FullName()+" "+p.Version)
	}
	for _, o := range r.Opinions {
		s := fmt.Sprintf("%s %s %s", o.Kind, strings.Join(o.IDs, ","), o.Severity)
		if o.Package != nil {
			s += " on " + o.Package.Type + " " + o.Package.FullName() + " " + o.Package.Version
		}
		if len(o.Fixed) > 0 {
			s += " fixed " + strings.Join(o.Fixed, " or ")
		}
		if o.Path != "" {
			s += fmt.Sprintf(" at %s:%d", o.Path, o.Line)
		}
		if o.Ignored != "" {
			s += " (" + o.Ignored + ")"
		}
		out = append(out, s)
	}
	return out
}

func TestRead(t *testing.T) {
	for doc, want := range map[string][]string{
		trivyDoc: {
			"trivy 0.74.0 shop:1 sha256:aa sha256:bb sha256:01 sha256:02", "sees apk musl 1.1.22-r3",
			"vulnerability CVE-2019-1549,DSA-1 medium on apk libcrypto1.1 1.1.1c-r0 fixed 1.1.1d-r0 or 1.1.1e-r0",
			"vulnerability CVE-2019-1551 low on apk libssl1.1 1.1.1c-r0 (ignored by .trivyignore: not used)",
			"misconfiguration trivy/DS-0002,trivy/AVD-DS-0002 high at Dockerfile:3", "secret trivy/github-pat critical at app/.env:4",
		},
		grypeDoc: {
			"grype 0.121.2 shop:1 sha256:aa sha256:cc sha256:01",
			"vulnerability GHSA-phwq-j96m-2c2q,CVE-2022-29078,X-1 critical on npm ejs 3.1.6 fixed 3.1.7 at app/package.json:0",
			"vulnerability CVE-1 info on maven a:b 1 (ignored: not_affected)",
		},
		osvDoc: {
			"osv-scanner   sha256:01",
			"vulnerability GHSA-c3h9-896r-86jm,GO-2021-0053,CVE-2021-3121 high on golang github.com/gogo/protobuf 1.3.1 fixed 1.3.2",
			"vulnerability GO-2022-1 unknown on golang github.com/gogo/protobuf 1.3.1",
		},
		sarifDoc: {
			"Hadolint 2.12.0 ", "misconfiguration hadolint/DL3002,DL3002 medium at docker x/Dockerfile:7",
			"vulnerability CVE-2021-44906 critical on npm minimist 1.2.5 (suppressed: later)",
		},
	} {
		if diff := cmp.Diff(want, lines(read(t, doc))); diff != "" {
			t.Error(diff)
		}
	}
}

// TestGenuine reads what the engines themselves wrote (testdata/README.md).
func TestGenuine(t *testing.T) {
	for file, want := range map[string][]string{
		"grype.json": {
			"vulnerability GHSA-phwq-j96m-2c2q,CVE-2022-29078 critical on npm ejs 3.1.6 fixed 3.1.7 at app/node_modules/ejs/package.json:0",
			"vulnerability GHSA-xvch-5gv4-984h,CVE-2021-44906 critical on npm minimist 1.2.5 fixed 1.2.6 at app/node_modules/minimist/package.json:0",
			"vulnerability GHSA-35jh-r3h4-6jhm,CVE-2021-23337 high on npm lodash 4.17.20 fixed 4.17.21 at app/node_modules/lodash/package.json:0 (ignored: the function is not called)",
		},
		"trivy.json": { // an epoch stands beside the version
			"vulnerability CVE-2023-45853 critical on deb zlib1g 1:1.2.13.dfsg-1",
			"vulnerability CVE-2022-29078,GHSA-phwq-j96m-2c2q critical on npm ejs 3.1.6 fixed 3.1.7 at app/node_modules/ejs/package.json:0",
			"vulnerability CVE-2021-44906,GHSA-xvch-5gv4-984h critical on npm minimist 1.2.5 fixed 1.2.6 or 0.2.4 at app/node_modules/minimist/package.json:0",
			"vulnerability CVE-2021-23337,GHSA-35jh-r3h4-6jhm high on npm lodash 4.17.20 fixed 4.17.21 at app/node_modules/lodash/package.json:0 (ignored by .trivyignore)",
			"vulnerability CVE-2024-45337,GHSA-v778-237x-gjrc high on golang golang.org/x/crypto v0.14.0 fixed 0.31.0",
			"misconfiguration trivy/DS-0002 high at app/Dockerfile:0",
			"misconfiguration trivy/DS-0004 medium at app/Dockerfile:13",
			"misconfiguration trivy/DS-0005 low at app/Dockerfile:10",
			"misconfiguration trivy/DS-0026 low at app/Dockerfile:0",
			"misconfiguration trivy/DS-0029 high at app/Dockerfile:8",
			"misconfiguration trivy/DS-0031 critical at app/Dockerfile:11",
			"secret trivy/github-pat critical at app/deploy.env:1",
		},
		"trivy.sarif": { // what it looked for its tags tell; what was passed over is missing
			"vulnerability CVE-2023-45853 critical at library/shop.tar:1",
			"vulnerability CVE-2022-29078 critical at app/node_modules/ejs/package.json:1",
			"vulnerability CVE-2021-44906 critical at app/node_modules/minimist/package.json:1",
			"vulnerability CVE-2024-45337 high at usr/local/bin/cart:1",
			"misconfiguration trivy/DS-0002,DS-0002 high at app/Dockerfile:1",
			"misconfiguration trivy/DS-0004,DS-0004 medium at app/Dockerfile:13",
			"misconfiguration trivy/DS-0005,DS-0005 low at app/Dockerfile:10",
			"misconfiguration trivy/DS-0026,DS-0026 low at app/Dockerfile:1",
			"misconfiguration trivy/DS-0029,DS-0029 high at app/Dockerfile:8",
			"misconfiguration trivy/DS-0031,DS-0031 critical at app/Dockerfile:11",
			"secret trivy/github-pat,github-pat critical at app/deploy.env:1",
		},
		"osv.json": { // of a distribution's packages those that are installed
			"vulnerability GHSA-phwq-j96m-2c2q,CVE-2022-29078 critical on npm ejs 3.1.6 fixed 3.1.7",
			"vulnerability GHSA-35jh-r3h4-6jhm,CVE-2021-23337 high on npm lodash 4.17.20 fixed 4.17.21",
			"vulnerability GHSA-xvch-5gv4-984h,CVE-2021-44906 critical on npm minimist 1.2.5 fixed 1.2.6 or 0.2.4",
			"vulnerability GO-2024-3321,GHSA-v778-237x-gjrc,CVE-2024-45337 critical on golang golang.org/x/crypto 0.14.0 fixed 0.31.0",
			"vulnerability GO-2026-5932 unknown on golang golang.org/x/crypto 0.14.0",
			"vulnerability DEBIAN-CVE-2023-45853,CVE-2023-45853 critical on deb zlib1g 1:1.2.13.dfsg-1",
		},
		"osv.sarif": { // its level is "warning" for all
			"vulnerability CVE-2023-45853 critical at var/lib/dpkg/status:0",
			"vulnerability CVE-2021-23337 high at app/node_modules/.package-lock.json:0",
			"vulnerability CVE-2022-29078 critical at app/node_modules/.package-lock.json:0",
			"vulnerability CVE-2024-45337 critical at usr/local/bin/cart:0",
			"vulnerability CVE-2021-44906 critical at app/node_modules/.package-lock.json:0",
			"vulnerability CVE-2024-45337 critical at usr/local/bin/cart:0",
			"vulnerability GO-2026-5932 unknown at usr/local/bin/cart:0",
		},
		"grype.sarif": { // without aliases, and without what was passed over
			"vulnerability GHSA-phwq-j96m-2c2q critical on npm ejs 3.1.6 at shop.tar//app/node_modules/ejs/package.json:1",
			"vulnerability GHSA-xvch-5gv4-984h critical on npm minimist 1.2.5 at shop.tar//app/node_modules/minimist/package.json:1",
		},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, string(b))
		if all := map[string]int{"osv.json": 22, "trivy.json": 23}[file]; len(r.Packages) != all {
			t.Errorf("%s lists %d packages, want %d", file, len(r.Packages), all)
		}
		r.Packages = nil
		if diff := cmp.Diff(want, lines(r)[1:]); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestKinds wants an engine that can only have looked for vulnerabilities, and found none, to have been asked all the
// same; and Trivy, which lists packages whatever it looks for (--scanners secret), not to.
func TestKinds(t *testing.T) {
	for doc, want := range map[string][]finding.Kind{
		`{"matches": [], "descriptor": {"name": "grype"}}`: {finding.KindVulnerability},
		`{"results": []}`: {finding.KindVulnerability},
		`{"SchemaVersion": 2, "ArtifactName": "x", "Results": [{"Class": "os-pkgs", "Type": "debian", "Packages": [{"Name": "bash", "Version": "5"}]}, {"Class": "secret", "Target": "a", "Secrets": [{"RuleID": "x"}]}]}`:                              {finding.KindSecret},
		`{"SchemaVersion": 2, "ArtifactName": "x", "Results": [{"Class": "os-pkgs", "Type": "debian", "Packages": [{"Name": "bash", "Version": "5"}], "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "PkgName": "bash", "InstalledVersion": "5"}]}]}`: {finding.KindVulnerability},
	} {
		r := read(t, doc)
		if diff := cmp.Diff(want, r.Kinds); diff != "" {
			t.Error(doc, diff)
		}
		if told := r.Note != ""; told != (want[0] == finding.KindSecret) {
			t.Errorf("%s: %q", doc, r.Note)
		}
	}
}

func TestWrong(t *testing.T) {
	for doc, want := range map[string]string{
		"":                                   "no JSON document",
		"[]":                                 "no JSON document",
		`{"a": 1, "b": 2}`:                   `its members are "a", "b"`,
		`{"schema": "plimsoll/report/v1"}`:   "name it first",
		`{"SchemaVersion": 9, "Results":[]}`: "schema version 9",
		`{"matches": 1, "descriptor": {}}`:   "cannot unmarshal",
		`{"matches": [], "descriptor": {"name": "other"}}`: `names "other"`,
		`{"version": "2.0.0", "runs": []}`:                 "only 2.1.0 is read",
		`{"version": "2.1.0", "runs": []}`:                 "it has no run",
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}}, {"tool": {"driver": {"name": "b"}}}]}`: "give each a file of its own",
		trivyDoc + "{}":            "no JSON document",
		strings.Repeat("[", 20000): "no JSON document",
	} {
		if _, err := Read(strings.NewReader(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", doc, err, want)
		}
	}
}

// TestLongWords wants words that no honest report has to be left out, and the rest kept.
func TestLongWords(t *testing.T) {
	r := read(t, strings.ReplaceAll(grypeDoc, "X-1", strings.Repeat("x", 3000)))
	if got := r.Opinions[0].IDs; len(got) != 2 {
		t.Errorf("%d ids", len(got))
	}
}

// FuzzRead holds that whatever is read stands within its bounds.
func FuzzRead(f *testing.F) {
	for _, doc := range []string{trivyDoc, grypeDoc, osvDoc, sarifDoc, `{"runs": [{}], "version": "2.1.0"}`} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		r, err := Read(strings.NewReader(doc))
		if err != nil {
			return
		}
		if r.Engine == "" || len(r.Opinions) > maxEntries {
			t.Errorf("engine %q, %d opinions", r.Engine, len(r.Opinions))
		}
		for _, o := range r.Opinions {
			if len(o.IDs) == 0 || len(o.IDs) > maxIDs || len(o.Path) > maxWord || o.Line < 0 || o.Kind == "" {
				t.Errorf("%+v", o)
			}
		}
	})
}
