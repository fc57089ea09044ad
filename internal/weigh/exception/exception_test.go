package exception

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/exceptionfile"
	"github.com/plimsoll/plimsoll/internal/read/vex"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const digest = "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"

// sample is a report with an image and a folder, and one finding of each kind.
func sample() *finding.Report {
	r := &finding.Report{
		Targets: []finding.Target{
			{ID: "t1", Kind: "image", Name: "registry.example/shop/cart:1.4", Digest: digest},
			{ID: "t2", Kind: "source", Name: "./web"},
		},
		Packages: []finding.Package{
			{ID: "p1", Target: "t1", Type: "deb", Name: "libssl3", Version: "3.0.11-1", PURL: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl", Source: &finding.SourcePackage{Name: "openssl", Version: "3.0.11-1"}},
			{ID: "p2", Target: "t1", Type: "npm", Namespace: "@babel", Name: "traverse", Version: "7.0.0", PURL: "pkg:npm/%40babel/traverse@7.0.0"},
			{ID: "p3", Target: "t1", Type: "maven", Namespace: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.14.1", PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"},
			{ID: "p4", Target: "t1", Type: "npm", Name: "app", Version: "1.0.0", PURL: "pkg:npm/app@1.0.0", DependsOn: []string{"p2"}},
		},
		Findings: []finding.Finding{
			{Kind: finding.KindVulnerability, Rule: "CVE-2024-5535", Aliases: []string{"DSA-5764-1"}, Severity: finding.High, Target: "t1", Package: "p1", Locations: []finding.Location{{Path: "var/lib/dpkg/status"}}},
			{Kind: finding.KindVulnerability, Rule: "CVE-2023-45133", Aliases: []string{"GHSA-67hx-6x53-jw92"}, Severity: finding.Critical, Target: "t1", Package: "p2", Locations: []finding.Location{{Path: "app/node_modules/@babel/traverse/package.json"}, {Path: "opt/tool/node_modules/@babel/traverse/package.json"}}},
			{Kind: finding.KindVulnerability, Rule: "CVE-2021-44228", Severity: finding.Critical, Target: "t1", Package: "p3", Locations: []finding.Location{{Path: "app/a.jar", Inner: "BOOT-INF/lib/log4j-core-2.14.1.jar"}}},
			{Kind: finding.KindMisconfiguration, Rule: "image/root-user", Aliases: []string{"hadolint/DL3002", "trivy/DS-0002", "checkov/CKV_DOCKER_8"}, Severity: finding.Medium, Target: "t1"},
			{Kind: finding.KindSecret, Rule: "secret/private-key", Severity: finding.High, Target: "t2", Locations: []finding.Location{{Path: "testdata/key.pem", StartLine: 1}}},
			{Kind: finding.KindMisconfiguration, Rule: "pod/privileged", Severity: finding.High, Target: "t2", Subject: &finding.Subject{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "cart", Container: "main", Image: "shop/cart:1@" + digestOf("a")}},
			{Kind: finding.KindMalware, Rule: "MAL-2026-1", Severity: finding.Critical, Target: "t1", Package: "p2"},
		},
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Fingerprint = fmt.Sprintf("%032x", i+1)
	}
	return r
}

func digestOf(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

// parse reads entries of a file, each a flow mapping without what every entry needs.
func parse(t testing.TB, name string, entries ...string) exceptionfile.File {
	t.Helper()
	text := "exceptions:\n"
	for _, e := range entries {
		if !strings.Contains(e, "until:") {
			e += ", until: 2027-01-01"
		}
		text += "- {" + e + ", reason: r, owner: o}\n"
	}
	f, err := exceptionfile.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func compile(t testing.TB, files []exceptionfile.File, documents ...vex.Document) *Set {
	t.Helper()
	s, err := Compile(files, documents, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// passed lists the rules that are let pass.
func passed(r *finding.Report) string {
	var rules []string
	for _, f := range r.Findings {
		if len(f.Suppressed) > 0 {
			rules = append(rules, f.Rule)
		}
	}
	return strings.Join(rules, " ")
}

// TestMatch holds which findings answer to an entry, and by which words.
func TestMatch(t *testing.T) {
	for entry, want := range map[string]string{
		// By every name of a rule, in any case.
		"rule: CVE-2024-5535":                  "CVE-2024-5535",
		"rule: cve-2024-5535":                  "CVE-2024-5535",
		"rule: DSA-5764-1":                     "CVE-2024-5535",
		"rule: GHSA-67hx-6x53-jw92":            "CVE-2023-45133",
		"rule: CVE-2024-553":                   "",
		"rule: image/root-user":                "image/root-user",
		"rule: root-user":                      "",
		"rule: hadolint/DL3002":                "image/root-user",
		"rule: dl3002":                         "image/root-user",
		"rule: trivy/DL3002":                   "",
		"rule: trivy/DS-0002":                  "image/root-user",
		"rule: DS002":                          "image/root-user",
		"rule: AVD-DS-0002":                    "image/root-user",
		"rule: trivy/AVD-DS-0002":              "image/root-user",
		"rule: CKV_DOCKER_8":                   "image/root-user",
		"rule: hadolint/*":                     "image/root-user",
		"rule: secret/*":                       "secret/private-key",
		"rule: [CVE-2021-44228, DL3002, none]": "CVE-2021-44228 image/root-user",
		// By package.
		"package: libssl3":                              "CVE-2024-5535",
		"package: OpenSSL":                              "CVE-2024-5535",
		"package: openssl@3.0.11-1":                     "CVE-2024-5535",
		"package: openssl@3.0.12":                       "",
		"package: '@babel/traverse'":                    "CVE-2023-45133 MAL-2026-1",
		"package: '@babel/traverse@7.0.0'":              "CVE-2023-45133 MAL-2026-1",
		"package: '@babel/traverse@7'":                  "",
		"package: org.apache.logging.log4j:log4j-core":  "CVE-2021-44228",
		"package: pkg:deb/debian/libssl3":               "CVE-2024-5535",
		"package: pkg:deb/debian/libssl3@3.0.11-1":      "CVE-2024-5535",
		"package: 'pkg:deb/debian/libssl3?arch=amd64'":  "CVE-2024-5535",
		"package: 'pkg:deb/debian/libssl3?arch=arm64'":  "",
		"package: 'pkg:deb/debian/openssl?arch=source'": "CVE-2024-5535",
		"package: pkg:deb/debian/openssl":               "",
		"package: pkg:npm/@babel/traverse":              "CVE-2023-45133 MAL-2026-1",
		"package: pkg:npm/traverse":                     "",
		// By place: all places of a finding must answer.
		"path: app/node_modules":                                "",
		"path: [app/node_modules, opt/tool]":                    "CVE-2023-45133",
		"path: '**/package.json'":                               "CVE-2023-45133",
		"path: '*/package.json'":                                "",
		"path: app/a.jar":                                       "CVE-2021-44228",
		"path: 'app/*.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar'": "CVE-2021-44228",
		"path: testdata":                                        "secret/private-key",
		"path: ./testdata/":                                     "secret/private-key",
		"path: test":                                            "",
		"path: 'test????/*.pem'":                                "secret/private-key",
		"path: /":                                               "CVE-2024-5535 CVE-2023-45133 CVE-2021-44228 secret/private-key",
		// By target.
		"target: ./web": "secret/private-key pod/privileged",
		"target: registry.example/shop/cart, rule: DL3002":     "image/root-user",
		"target: registry.example/shop/cart:1.4, rule: DL3002": "image/root-user",
		"target: registry.example/shop/cart:1.5, rule: DL3002": "",
		"target: registry.example/shop/*, rule: DL3002":        "image/root-user",
		"target: registry.example/*, rule: DL3002":             "image/root-user",
		"target: '*/cart', rule: DL3002":                       "",
		"target: '**/cart', rule: DL3002":                      "image/root-user",
		"target: registry.example/shop/car, rule: DL3002":      "",
		"target: " + digest + ", rule: DL3002":                 "image/root-user",
		"target: x@" + digest + ", rule: DL3002":               "image/root-user",
		"target: sha256:00, rule: DL3002":                      "",
		"target: ./, rule: DL3002":                             "",
		// By fingerprint and subject.
		"fingerprint: 00000000000000000000000000000004": "image/root-user",
		"subject: Deployment/shop/cart":                 "pod/privileged",
		"subject: Deployment/*/cart":                    "pod/privileged",
		"subject: Deployment/shop/cart/main":            "", // who owns the pod names its containers
		// By what Kubernetes knows an object by, and by the image of the container.
		"kind: deployment": "pod/privileged",
		"kind: Pod":        "",
		"kind: Deployment, namespace: sh*, name: cart": "pod/privileged",
		"kind: Deployment, namespace: sh":              "",
		"name: car":                                    "",
		"image: shop/cart":                             "pod/privileged",
		"image: docker.io/shop/*":                      "pod/privileged",
		"image: '**/cart'":                             "pod/privileged",
		"image: cart":                                  "",
		"image: registry.example/shop/cart":            "",
		"image: '" + digestOf("a") + "'":               "pod/privileged",
		"image: '" + digestOf("b") + "'":               "",
		"image: 'shop/cart@" + digestOf("a") + "'":     "pod/privileged",
		"image: 'shop/other@" + digestOf("a") + "'":    "",
		"rule: CVE-2024-5535, image: shop/cart":        "",
		"subject: Deployment/shop/car":                 "",
		// All lists must answer.
		"rule: CVE-2024-5535, package: log4j-core":               "",
		"rule: CVE-2024-5535, package: libssl3, path: var/lib":   "CVE-2024-5535",
		"rule: CVE-2024-5535, package: libssl3, path: usr":       "",
		"rule: CVE-2024-5535, target: ./web":                     "",
		"rule: DL3002, package: libssl3":                         "",
		"fingerprint: 00000000000000000000000000000004, rule: x": "",
		// What has run out.
		"rule: CVE-2024-5535, until: 2026-11-23": "",
		"rule: CVE-2024-5535, until: 2026-11-24": "CVE-2024-5535",
	} {
		t.Run(entry, func(t *testing.T) {
			r := sample()
			if err := compile(t, []exceptionfile.File{parse(t, "e.yaml", entry)}).Use(r).Apply(); err != nil {
				t.Fatal(err)
			}
			if got := passed(r); got != want {
				t.Errorf("lets pass %q, want %q", got, want)
			}
		})
	}
}

// TestSuppression holds what the report then says.
func TestSuppression(t *testing.T) {
	r := sample()
	f := parse(t, "e.yaml", "rule: DL3002, ticket: T-1", "rule: image/*", "rule: DL3002, until: 2020-01-01")
	if err := compile(t, []exceptionfile.File{f}).Use(r).Apply(); err != nil {
		t.Fatal(err)
	}
	want := []finding.Suppression{
		{By: "exception", Where: "e.yaml:2", Reason: "r", Owner: "o", Ticket: "T-1", Until: "2027-01-01"},
		{By: "exception", Where: "e.yaml:3", Reason: "r", Owner: "o", Until: "2027-01-01"},
	}
	if diff := cmp.Diff(want, r.Findings[3].Suppressed); diff != "" {
		t.Error(diff)
	}
}

// TestLater looks at findings that come after the first look, and at none twice.
func TestLater(t *testing.T) {
	r := sample()
	late := r.Findings[3]
	r.Findings = r.Findings[:3:3]
	p := compile(t, []exceptionfile.File{parse(t, "e.yaml", "rule: DL3002", "rule: CVE-2024-5535")}).Use(r)
	for range 2 {
		if err := p.Apply(); err != nil {
			t.Fatal(err)
		}
		r.Findings = append(r.Findings, late)
	}
	if len(r.Findings[0].Suppressed) != 1 || len(r.Findings[3].Suppressed) != 1 || len(r.Findings[4].Suppressed) != 0 {
		t.Error("each is looked at once, when it is there")
	}
}

// TestTell holds what is said of the exceptions themselves.
func TestTell(t *testing.T) {
	all := func(string) bool { return true }
	vulnOnly := func(rule string) bool { return strings.HasPrefix(rule, "CVE-") }
	for name, c := range map[string]struct {
		entry    string
		assessed func(string) bool
		change   func(*finding.Report)
		want     string
	}{
		"used":              {entry: "rule: CVE-2024-5535"},
		"unused":            {entry: "rule: CVE-2014-0160", want: "exception/unused an exception lets nothing pass: CVE-2014-0160 t1"},
		"of another target": {entry: "rule: CVE-2014-0160, target: other"},
		"of this target":    {entry: "rule: CVE-2014-0160, target: ./web", want: "exception/unused an exception lets nothing pass: CVE-2014-0160, ./web t2"},
		"not looked at":     {entry: "rule: secret/none", assessed: vulnOnly},
		"partly looked at":  {entry: "package: none", assessed: vulnOnly},
		"not read to its end": {entry: "rule: CVE-2014-0160", change: func(r *finding.Report) {
			r.Coverage = []finding.Gap{{Class: "unreadable-layer", Blocking: true, Target: "t1"}}
		}},
		"expired":            {entry: "rule: CVE-2024-5535, until: 2026-11-01", want: "exception/expired an exception has run out: CVE-2024-5535 ended on 2026-11-01, ask o; 1 that it let pass count again t1"},
		"expired and unused": {entry: "rule: CVE-2014-0160, until: 2026-11-01", want: "exception/expired an exception has run out: CVE-2014-0160 ended on 2026-11-01, ask o t1"},
		"too wide":           {entry: "target: ./web", want: "exception/too-wide an exception lets a whole target pass: ./web t2"},
		"everything":         {entry: "path: '**'", want: "exception/too-wide an exception lets a whole target pass: ** t1"},
		"a folder":           {entry: "path: testdata"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample()
			if c.change != nil {
				c.change(r)
			}
			if c.assessed == nil {
				c.assessed = all
			}
			p := compile(t, []exceptionfile.File{parse(t, "e.yaml", c.entry)}).Use(r)
			if err := p.Apply(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range p.Tell(c.assessed) {
				got = append(got, f.Rule+" "+f.Title+" "+f.Target)
				if f.Fingerprint == "" || f.Locations[0].Path != "e.yaml" || f.Locations[0].StartLine != 2 {
					t.Errorf("%+v", f)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTellTogether tells of other tools' idle entries once a file.
func TestTellTogether(t *testing.T) {
	f, err := exceptionfile.Parse(".trivyignore", []byte("CVE-2024-5535\nCVE-1\nCVE-2\nCVE-3 exp:2020-01-01\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := compile(t, []exceptionfile.File{f}).Use(sample())
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	told := p.Tell(func(string) bool { return true })
	if len(told) != 2 || told[0].Title != "an exception has run out: 1 of 4 entries of .trivyignore: CVE-3" ||
		told[1].Title != "an exception lets nothing pass: 2 of 4 entries of .trivyignore: CVE-1, CVE-2" {
		t.Errorf("%+v", told)
	}
}

func TestSeverities(t *testing.T) {
	f, err := exceptionfile.Parse(".hadolint.yaml", []byte("override: {style: [DL3002], error: [DL3008]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := sample()
	if err := compile(t, []exceptionfile.File{f}).Use(r).Apply(); err != nil {
		t.Fatal(err)
	}
	if r.Findings[3].Severity != finding.Info || r.Findings[3].SeverityFrom != ".hadolint.yaml" || r.Findings[0].Severity != finding.High {
		t.Errorf("%s, %s", r.Findings[3].Severity, r.Findings[0].Severity)
	}
}

func TestOwners(t *testing.T) {
	f, err := exceptionfile.Parse("e.yaml", []byte("owners:\n- owner: everyone\n- {owner: platform, package: [openssl, pkg:deb/debian/curl]}\n- {owner: web, target: ./web}\n- {owner: java, path: 'app/*.jar'}\n- {label: team, package: '@babel/traverse'}\n- {label: none}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := sample()
	p := compile(t, []exceptionfile.File{f}).Use(r)
	p.Label = func(f *finding.Finding, name string) string {
		return map[string]string{"t1 team": "labelled"}[f.Target+" "+name]
	}
	if err := p.Apply(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Owner)
	}
	if diff := cmp.Diff([]string{"platform", "labelled", "java", "everyone", "web", "web", "labelled"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestContradiction wants two files that say the opposite of the same refused.
func TestContradiction(t *testing.T) {
	a := parse(t, "a.yaml", "rule: CVE-1, vex: {status: fixed}")
	b := parse(t, "b.yaml", "rule: cve-1, vex: {status: not_affected, justification: component_not_present}")
	if _, err := Compile([]exceptionfile.File{a, b}, nil, now); err == nil || !strings.Contains(err.Error(), "b.yaml:2 contradicts a.yaml:2") {
		t.Error(err)
	}
}

// BenchmarkApply holds 10,000 findings against 1,000 exceptions of every form and 1,000 statements.
func BenchmarkApply(b *testing.B) {
	var entries []string
	d := vex.Document{Name: "v.json"}
	for i := range 1000 {
		entries = append(entries, []string{
			fmt.Sprintf("rule: CVE-2024-%d, package: lib%d", i, i), fmt.Sprintf("rule: GHSA-%d, path: 'app/**/x%d'", i, i),
			fmt.Sprintf("package: 'pkg:npm/lib%d@1.0.0'", i), fmt.Sprintf("rule: hadolint/DL%d, target: 'registry.example/shop/*'", i),
			fmt.Sprintf("package: lib%d, target: other", i), fmt.Sprintf("fingerprint: %032x", i),
		}[i%6])
		d.Statements = append(d.Statements, vex.Statement{IDs: []string{fmt.Sprintf("CVE-2024-%d", i)}, Status: vex.Fixed, At: now, Products: []vex.Product{{Component: vex.Component{PURL: fmt.Sprintf("pkg:npm/lib%d", i)}}}})
	}
	s := compile(b, []exceptionfile.File{parse(b, "e.yaml", entries...)}, d)
	r := &finding.Report{Targets: sample().Targets}
	for i := range 2000 {
		r.Packages = append(r.Packages, finding.Package{ID: fmt.Sprintf("p%d", i), Target: "t1", Type: "npm", Name: fmt.Sprintf("lib%d", i), Version: "1.0.0", PURL: fmt.Sprintf("pkg:npm/lib%d@1.0.0", i)})
	}
	for i := range 10_000 {
		r.Findings = append(r.Findings, finding.Finding{
			Kind: finding.KindVulnerability, Rule: fmt.Sprintf("CVE-2024-%d", i), Aliases: []string{fmt.Sprintf("GHSA-%d", i), fmt.Sprintf("osv/OSV-%d", i)}, Fingerprint: fmt.Sprintf("%032x", i),
			Target: "t1", Package: fmt.Sprintf("p%d", i%2000), Locations: []finding.Location{{Path: fmt.Sprintf("app/node_modules/lib%d/package.json", i)}},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range r.Findings {
			r.Findings[i].Suppressed = nil
		}
		if err := s.Use(r).Apply(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNamespaceItself wants a Namespace to be in the namespace that it is.
func TestNamespaceItself(t *testing.T) {
	for entry, want := range map[string]string{"namespace: shop": "network/open-egress", "namespace: other": "", "kind: Namespace, name: shop": "network/open-egress"} {
		r := sample()
		r.Findings = []finding.Finding{{
			Kind: finding.KindNetwork, Rule: "network/open-egress", Target: "t1", Subject: &finding.Subject{APIVersion: "v1", Kind: "Namespace", Name: "shop"},
		}}
		if err := compile(t, []exceptionfile.File{parse(t, "e.yaml", entry)}).Use(r).Apply(); err != nil {
			t.Fatal(err)
		}
		if got := passed(r); got != want {
			t.Errorf("%s lets pass %q, want %q", entry, got, want)
		}
	}
}
