package exceptionfile

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
)

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestOwn(t *testing.T) {
	f, err := Parse("sub/exceptions.yaml", []byte(`
exceptions:
  - rule: [CVE-2024-5535, hadolint/DL3008]
    package: [openssl, "pkg:golang/github.com/BurntSushi/toml@v1.0.0", "@babel/core@7.0.0"]
    path: opt/**
    target: registry.example/shop/*
    fingerprint: 9F2C9F2C9F2C9F2C9F2C9F2C9F2C9F2C
    subject: Deployment/shop/*
    reason: &why never called
    owner: shop
    ticket: SHOP-12
    until: 2027-02-28
    vex: {status: not_affected, justification: vulnerable_code_not_in_execute_path}
  - {<<: &shop {owner: shop}, rule: secret/*, path: testdata, reason: *why, until: 2027-02-28T23:00:00+05:00}
  - {rule: pod/*, user: "oidc:*@shop.example", serviceAccount: [ci/deployer, "build-*/*"], group: oidc:platform, reason: *why, owner: shop, until: 2027-02-28}
owners:
  - {owner: platform, package: openssl}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Exception{
		{
			Rules: []string{"CVE-2024-5535", "hadolint/DL3008"}, Packages: []string{"openssl", "pkg:golang/github.com/burntsushi/toml@v1.0.0", "@babel/core@7.0.0"},
			Paths: []string{"opt/**"}, Targets: []string{"registry.example/shop/*"}, Fingerprints: []string{strings.Repeat("9f2c", 8)}, Subjects: []string{"Deployment/shop/*"},
			Reason: "never called", Owner: "shop", Ticket: "SHOP-12", Until: day("2027-02-28"), File: "sub/exceptions.yaml", Line: 3,
			VEX: &finding.VEX{Status: "not_affected", Justification: "vulnerable_code_not_in_execute_path"},
		},
		{Rules: []string{"secret/*"}, Paths: []string{"testdata"}, Reason: "never called", Owner: "shop", Until: day("2027-02-28"), File: "sub/exceptions.yaml", Line: 14},
		{
			Rules: []string{"pod/*"}, Users: []string{"oidc:*@shop.example", "system:serviceaccount:ci:deployer", "system:serviceaccount:build-*:*"}, Groups: []string{"oidc:platform"},
			Reason: "never called", Owner: "shop", Until: day("2027-02-28"), File: "sub/exceptions.yaml", Line: 15,
		},
	}
	if diff := cmp.Diff(want, f.Exceptions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Owner{{Owner: "platform", Packages: []string{"openssl"}, Line: 17}}, f.Owners); diff != "" {
		t.Error(diff)
	}
	if f.Kind != Own || len(f.Digest) != 71 {
		t.Errorf("kind %s, digest %s", f.Kind, f.Digest)
	}
}

// TestWrong wants every mistake told with its line, and what to write.
func TestWrong(t *testing.T) {
	entry := func(lines string) string {
		return "exceptions:\n  - rule: CVE-2024-1\n    reason: r\n    owner: o\n    until: 2027-01-01\n" + lines
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"empty":             {"e.yaml", "", `e.yaml is empty: a file of exceptions begins with "exceptions:"`},
		"no YAML":           {"e.yaml", "a: [", "e.yaml:1: did not find"},
		"a word":            {"e.yaml", "CVE-2024-1", "e.yaml:1: a file of exceptions is to be a map"},
		"another file":      {"e.yaml", "services: {}", `e.yaml:1: a file of exceptions begins with "exceptions:" and not with "services"`},
		"OpenVEX":           {"e.yaml", `{"@context": "https://openvex.dev/ns"}`, "name it with --vex"},
		"report":            {"e.yaml", `{"schema": "plimsoll/report/v1"}`, "name it with --baseline"},
		"unknown key":       {"e.yaml", entry("    untill: x\n"), `e.yaml:6: "untill" is no key of an exception: use rule, package`},
		"unknown top key":   {"e.yaml", "exceptions: []\nexception: []\n", `e.yaml:2: "exception" is no key of a file of exceptions`},
		"key twice":         {"e.yaml", entry("    rule: x\n"), `e.yaml:6: the key "rule" stands in line 2 already`},
		"no list":           {"e.yaml", "exceptions: {rule: x}", `e.yaml:1: exceptions is to be a list: begin each item with "- "`},
		"nothing named":     {"e.yaml", "exceptions:\n  - {reason: r, owner: o, until: 2027-01-01}\n", "e.yaml:2: an exception that names nothing would let everything pass"},
		"no reason":         {"e.yaml", "exceptions:\n  - {rule: x, owner: o, until: 2027-01-01}\n", `e.yaml:2: an exception wants reason, owner and until, and reason is missing: write, for example, "reason: `},
		"no owner":          {"e.yaml", "exceptions:\n  - {rule: x, reason: r, until: 2027-01-01}\n", "owner is missing"},
		"no until":          {"e.yaml", "exceptions:\n  - {rule: x, reason: r, owner: o}\n", `until is missing: write, for example, "until: 2027-02-28"`},
		"until is no date":  {"e.yaml", "exceptions:\n  - {rule: x, reason: r, owner: o, until: never}\n", `e.yaml:2: until: "never" is no date: write until: 2027-02-28`},
		"empty value":       {"e.yaml", "exceptions:\n  - {rule: x, reason: '', owner: o, until: 2027-01-01}\n", "e.yaml:2: reason is empty"},
		"empty list":        {"e.yaml", "exceptions:\n  - {rule: [], reason: r, owner: o, until: 2027-01-01}\n", "rule is an empty list"},
		"null in a list":    {"e.yaml", "exceptions:\n  - {rule: [x, ~], reason: r, owner: o, until: 2027-01-01}\n", "rule wants a word"},
		"every rule":        {"e.yaml", "exceptions:\n  - {rule: '*', reason: r, owner: o, until: 2027-01-01}\n", `"*": a rule is one id`},
		"package pattern":   {"e.yaml", "exceptions:\n  - {package: 'lib*', reason: r, owner: o, until: 2027-01-01}\n", "a package is named whole"},
		"no purl":           {"e.yaml", "exceptions:\n  - {package: 'pkg:npm', reason: r, owner: o, until: 2027-01-01}\n", "is no purl"},
		"no fingerprint":    {"e.yaml", "exceptions:\n  - {fingerprint: 9f2c, reason: r, owner: o, until: 2027-01-01}\n", "32 hex digits"},
		"path with braces":  {"e.yaml", "exceptions:\n  - {path: 'a/{b,c}', reason: r, owner: o, until: 2027-01-01}\n", "neither [] nor {}"},
		"control character": {"e.yaml", "exceptions:\n  - {rule: x, reason: \"a\\e[2J\", owner: o, until: 2027-01-01}\n", "U+001B"},
		"VEX affected":      {"e.yaml", entry("    vex: {status: affected}\n"), "e.yaml:6: vex: status \"affected\": an exception says not_affected or fixed"},
		"VEX without why":   {"e.yaml", entry("    vex: {status: not_affected}\n"), "not_affected wants a justification: component_not_present"},
		"VEX justification": {"e.yaml", entry("    vex: {status: not_affected, justification: because}\n"), `"because" is no justification`},
		"owner of none":     {"e.yaml", "owners:\n  - {path: x}\n", "e.yaml:2: an entry of owners wants an owner, or a label"},
		"trivy key":         {".trivyignore.yaml", "vulnerabilities:\n  - {id: x, until: 2027-01-01}\n", `.trivyignore.yaml:2: "until" is no key of an entry: use id, paths, purls, expired_at, statement`},
		"trivy without id":  {".trivyignore.yaml", "secrets:\n  - {paths: [x]}\n", "an entry wants an id"},
		"trivy two ids":     {".trivyignore", "# c\nCVE-1 CVE-2\n", `.trivyignore:2: "CVE-2": a line holds one id`},
		"trivy expiry":      {".trivyignore", "CVE-1 exp:tomorrow\n", ".trivyignore:1: exp:tomorrow is no date"},
		"hadolint rule":     {".hadolint.yaml", "ignored: [DL]\n", `"DL" is no rule of hadolint's`},
		"hadolint key":      {".hadolint.yaml", "ignore: [DL3008]\n", `"ignore" is no key of a .hadolint.yaml`},
		"grype regexp":      {".grype.yaml", "ignore:\n  - package: {name: 'linux-.*'}\n", "regular expressions are not read"},
		"grype fix state":   {".grype.yaml", "ignore:\n  - fix-state: unknown\n", `"fix-state" is no key of the ignore rules that are read here`},
		"grype of all":      {".grype.yaml", "ignore:\n  - reason: x\n", "would let everything pass"},
		"two documents":     {"e.yaml", "exceptions: []\n---\nexceptions: []\n", "e.yaml holds 2 documents"},
		"map among rules":   {"e.yaml", "exceptions:\n  - {rule: {x: y}, reason: r, owner: o, until: 2027-01-01}\n", "e.yaml:2: rule wants a word"},
		"list as a word":    {"e.yaml", "exceptions:\n  - {rule: x, reason: [r], owner: o, until: 2027-01-01}\n", "e.yaml:2: reason wants one value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.file, []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestBombs wants files that are small and mean a lot refused, soon.
func TestBombs(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		laughs += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	for name, text := range map[string]string{
		"billion laughs":         laughs + "exceptions:\n  - {rule: *i, reason: r, owner: o, until: 2027-01-01}\n",
		"laughs among the rules": "exceptions:\n  - {rule: &a [x, &b [y]], reason: r, owner: o, until: 2027-01-01}\n",
		"itself":                 "exceptions: &a [*a]\n",
		"deep":                   "exceptions: " + strings.Repeat("[", 100_000),
		"deep mapping":           "exceptions:\n  - vex: " + strings.Repeat("{a: ", 20_000),
		"many":                   "exceptions:\n" + strings.Repeat("- {rule: x, reason: r, owner: o, until: 2027-01-01}\n", maxEntries+1),
		"large":                  strings.Repeat("#", maxBytes+1),
		"long word":              "exceptions:\n  - {rule: " + strings.Repeat("x", maxWord+1) + ", reason: r, owner: o, until: 2027-01-01}\n",
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			if _, err := Parse("e.yaml", []byte(text)); err == nil {
				t.Error("is read")
			} else if len(err.Error()) > 400 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "none.yaml")} {
		if _, err := Read(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrivy reads the forms that Trivy documents.
func TestTrivy(t *testing.T) {
	f, err := Parse(".trivyignore", []byte("# accepted\n\nCVE-2018-14618\r\nAVD-DS-0002 # root\n  CVE-2019-14697 exp:2023-01-01\n"))
	if err != nil {
		t.Fatal(err)
	}
	entry := func(line int, rule string) Exception {
		return Exception{Rules: []string{rule}, Reason: "listed in .trivyignore", File: ".trivyignore", Line: line}
	}
	want := []Exception{entry(3, "CVE-2018-14618"), entry(4, "AVD-DS-0002"), entry(5, "CVE-2019-14697")}
	want[2].Until = day("2022-12-31")
	if diff := cmp.Diff(want, f.Exceptions); diff != "" {
		t.Error(diff)
	}
	f, err = Parse("some.yaml", []byte(`vulnerabilities:
  - id: CVE-2022-40897
    paths: ["usr/local/lib/python3.9/site-packages/setuptools-58.1.0.dist-info/METADATA"]
    statement: Accept the risk
  - id: CVE-2023-2650
  - id: CVE-2023-3817
    purls: ["pkg:deb/debian/libssl1.1"]
    expired_at: 2023-09-01
misconfigurations:
  - id: AVD-DS-0001
licenses:
  - id: GPL-3.0
`))
	if err != nil {
		t.Fatal(err)
	}
	got := f.Exceptions
	if len(got) != 5 || got[0].Reason != "Accept the risk" || !got[0].Exact || got[0].Until != (time.Time{}) || !got[2].Until.Equal(day("2023-08-31")) || got[2].Packages[0] != "pkg:deb/debian/libssl1.1" {
		t.Errorf("%+v", got)
	}
}

func TestHadolintAndGrype(t *testing.T) {
	f, err := Parse("x/.hadolint.yaml", []byte("failure-threshold: error\nignored:\n  - DL3000\n  - SC1010\noverride:\n  error: [DL3001]\n  style:\n    - dl3015\ntrustedRegistries: [docker.io]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Exceptions) != 2 || f.Exceptions[0].Rules[0] != "hadolint/DL3000" || f.Exceptions[1].Rules[0] != "SC1010" || f.Exceptions[1].Line != 4 {
		t.Errorf("%+v", f.Exceptions)
	}
	if diff := cmp.Diff([]Severity{{"hadolint/DL3001", finding.High, "x/.hadolint.yaml", 6}, {"hadolint/DL3015", finding.Info, "x/.hadolint.yaml", 8}}, f.Severities); diff != "" {
		t.Error(diff)
	}
	f, err = Parse(".grype.yaml", []byte("check-for-app-update: false\nignore:\n  - vulnerability: CVE-2008-4318\n    reason: no\n    package: {name: libcurl, version: 1.5.1, location: '/usr/local/lib/node_modules/**'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if e := f.Exceptions[0]; e.Packages[0] != "libcurl@1.5.1" || e.Paths[0] != "/usr/local/lib/node_modules/**" || e.Reason != "no" {
		t.Errorf("%+v", e)
	}
}

// FuzzParse holds what is read: an exception names something, keeps its file and line, and the same bytes
// say the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"exceptions:\n  - {rule: x, package: 'pkg:npm/a@1', path: 'a/**', target: b, reason: r, owner: o, until: 2027-01-01}\n",
		"owners:\n- {owner: a, package: b}\n", "vulnerabilities:\n- {id: a, paths: [b], purls: ['pkg:npm/a'], expired_at: 2020-01-01, statement: c}\n",
		"ignored: [DL3000]\noverride: {error: [DL3001]}\n", "ignore:\n- {vulnerability: a, package: {name: b}}\n", "a: &a [*a]\n", "CVE-1 exp:2020-01-01\n# x\n",
	} {
		for _, name := range []string{"e.yaml", ".trivyignore"} {
			f.Add(name, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		one, err := Parse(name, b)
		again, errAgain := Parse(name, bytes.Clone(b))
		if (err == nil) != (errAgain == nil) || cmp.Diff(one, again) != "" {
			t.Fatal("the same bytes say something else")
		}
		if err != nil {
			return
		}
		for _, e := range one.Exceptions {
			if len(e.Rules)+len(e.Packages)+len(e.Paths)+len(e.Targets)+len(e.Fingerprints)+len(e.Subjects) == 0 {
				t.Errorf("an exception names nothing: %+v", e)
			}
			if e.Line < 1 || e.File != one.Name || e.Reason == "" {
				t.Errorf("%+v", e)
			}
			if one.Kind == Own && (e.Owner == "" || e.Until.IsZero()) {
				t.Errorf("nobody answers for %+v", e)
			}
		}
	})
}
