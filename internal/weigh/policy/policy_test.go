package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func load(t testing.TB, text string) *policyfile.Set {
	t.Helper()
	set, err := policyfile.Load(fstest.MapFS{"p.yaml": {Data: []byte(text)}}, "p.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func compile(t testing.TB, text string) []*Policy {
	t.Helper()
	c, err := NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Compile(load(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// spec is a policy of a name with a spec.
func spec(name, spec string) string {
	return "---\napiVersion: plimsoll/v1\nkind: Policy\nmetadata: {name: " + name + "}\nspec:\n" + spec
}

func report() *finding.Report {
	return &finding.Report{
		Targets: []finding.Target{{ID: "t1", Kind: "image", Name: "shop/cart:1.4", Size: 100, OS: &finding.OS{ID: "debian"}}, {ID: "t2", Kind: "sbom", Name: "x"}},
		Packages: []finding.Package{
			{ID: "p1", Target: "t1", PURL: "pkg:deb/debian/curl@7.88.1-10", Type: "deb", Name: "curl", Version: "7.88.1-10", Locations: []finding.Location{{Path: "var/lib/dpkg/status"}}},
			{ID: "p2", Target: "t1", PURL: "pkg:npm/left-pad@1.0.0", Type: "npm", Name: "left-pad", Version: "1.0.0", OwnedBy: "p1", Licenses: []string{"WTFPL"}},
			{ID: "p3", Target: "t2", PURL: "pkg:npm/left-pad@1.1.0", Type: "npm", Name: "left-pad", Version: "1.1.0"},
		},
		Findings: []finding.Finding{
			{Fingerprint: "a", Kind: finding.KindVulnerability, Rule: "CVE-1", Aliases: []string{"GHSA-1"}, Severity: finding.Critical, Target: "t1", Package: "p1", Fixed: "8", Risk: &finding.Risk{KEV: true}},
			{Fingerprint: "b", Kind: finding.KindVulnerability, Rule: "CVE-2", Severity: finding.Low, Target: "t1", Package: "p1"},
			{Fingerprint: "c", Kind: finding.KindSecret, Rule: "secret/key", Severity: finding.High, Target: "t1", Suppressed: []finding.Suppression{{By: "exception", Owner: "shop"}}},
			{Fingerprint: "d", Kind: finding.KindMisconfiguration, Rule: "image/root-user", Severity: finding.Medium, Target: "t1"},
		},
	}
}

func told(findings []finding.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%s %s %s %s: %s", f.Target, f.Action, f.Severity, f.Rule, f.Title))
	}
	return all
}

func TestEvaluate(t *testing.T) {
	facts := map[string]*Facts{"t1": {Config: &Config{User: "root", Created: today.AddDate(0, 0, -10)}, Files: &[]File{{Path: "usr/bin/su", SUID: true}}}}
	for name, c := range map[string]struct {
		spec string
		want []string
	}{
		"package": {
			"  subject: package\n  validations:\n  - {expression: 'pkg.name != \"curl\"', message: no}\n",
			[]string{"t1 deny high policy/x: curl 7.88.1-10: no"},
		},
		"all targets": {
			"  subject: package\n  action: warn\n  severity: low\n  validations:\n  - expression: pkg.type != \"npm\"\n",
			[]string{`t1 warn low policy/x: left-pad 1.0.0: not true: pkg.type != "npm"`, `t2 warn low policy/x: left-pad 1.1.0: not true: pkg.type != "npm"`},
		},
		"owner and version": {
			"  subject: package\n  matchConditions:\n  - {name: owned, expression: has(pkg.owner)}\n  validations:\n  - {expression: 'pkg.owner.name != \"curl\" || !pkg.olderThan(\"1.0.1\")', message: owned by curl}\n",
			[]string{"t1 deny high policy/x: left-pad 1.0.0: owned by curl"},
		},
		"finding": {
			"  subject: finding\n  validations:\n  - {expression: '!(finding.kev && finding.pkg.type == \"deb\")', messageExpression: '\"exploited, rank \" + string(finding.rank)'}\n",
			[]string{"t1 deny high policy/x: CVE-1 in curl 7.88.1-10: exploited, rank 5"},
		},
		"finding without package": {
			"  subject: finding\n  validations:\n  - {expression: 'has(finding.pkg) && finding.pkg.name == \"curl\"', message: other}\n",
			[]string{"t1 deny high policy/x: image/root-user: other"},
		},
		"config": {
			"  subject: config\n  validations:\n  - {expression: config.user != 'root', message: root}\n",
			[]string{"t1 deny high policy/x: root", "t2 deny high policy/x: policy x could not be decided: validation 1 (p.yaml:8): " + errConfig.Error()},
		},
		"file": {
			"  subject: file\n  validations:\n  - {expression: '!file.suid', message: runs as its owner}\n",
			[]string{"t1 deny high policy/x: usr/bin/su: runs as its owner", "t2 deny high policy/x: policy x could not be decided: " + errFiles.Error()},
		},
		"image": {
			"  subject: image\n  matchConditions:\n  - {name: i, expression: image.kind == 'image'}\n  variables:\n  - {name: n, expression: packages.size()}\n  - {name: m, expression: variables.n + accepted.size()}\n" +
				"  validations:\n  - {expression: variables.m == 0, messageExpression: 'string(variables.m)'}\n  - {expression: image.repository == 'x', message: second}\n",
			[]string{"t1 deny high policy/x: 3; second"},
		},
		"an error in a policy that warns": {
			"  subject: image\n  action: warn\n  validations:\n  - {expression: image.signatures.size() > 0}\n",
			[]string{
				"t1 deny medium policy/x: policy x could not be decided: validation 1 (p.yaml:9): " + errSignatures.Error(),
				"t2 deny medium policy/x: policy x could not be decided: validation 1 (p.yaml:9): " + errSignatures.Error(),
			},
		},
		"an error in a condition": {
			"  subject: image\n  matchConditions:\n  - {name: bad, expression: \"packages[5].name == ''\"}\n  validations:\n  - {expression: true}\n",
			[]string{
				"t1 deny high policy/x: policy x could not be decided: match condition bad (p.yaml:8): index out of bounds: 5",
				"t2 deny high policy/x: policy x could not be decided: match condition bad (p.yaml:8): index out of bounds: 5",
			},
		},
		"a condition that is false goes before one that fails": {
			"  subject: image\n  matchConditions:\n  - {name: bad, expression: \"packages[5].name == ''\"}\n  - {name: never, expression: false}\n  validations:\n  - {expression: false}\n", nil,
		},
		"an error in a variable that nobody asks for": {
			"  subject: image\n  variables:\n  - {name: bad, expression: 'packages[5].name'}\n  validations:\n  - {expression: true || variables.bad == ''}\n", nil,
		},
		"an error in a variable": {
			"  subject: image\n  matchConditions:\n  - {name: i, expression: image.kind == 'image'}\n  variables:\n  - {name: bad, expression: 'packages[5].name'}\n  validations:\n  - {expression: variables.bad == ''}\n",
			[]string{"t1 deny high policy/x: policy x could not be decided: validation 1 (p.yaml:12): variable bad (p.yaml:10): index out of bounds: 5"},
		},
		"a message that fails": {
			"  subject: image\n  matchConditions:\n  - {name: i, expression: image.kind == 'image'}\n  validations:\n  - {expression: false, messageExpression: 'packages[5].name', message: written}\n",
			[]string{"t1 deny high policy/x: written"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := Evaluate(context.Background(), Input{Report: report(), Facts: facts, Policies: compile(t, spec("x", c.spec)), Now: today})
			if diff := cmp.Diff(c.want, told(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFinding wants a policy's finding to have the place and the names of what it is about, and a fingerprint
// of its own for each.
func TestFinding(t *testing.T) {
	r := report()
	r.Findings[1].Severity = finding.Critical
	got, _ := Evaluate(context.Background(), Input{Report: r, Policies: compile(t, spec("x", "  subject: finding\n  aliases: [corp/7]\n  fix: upgrade\n  references: [https://example.com]\n  validations:\n  - expression: finding.severity != 'critical'\n")), Now: today})
	if len(got) != 2 {
		t.Fatal(told(got))
	}
	f := got[0]
	if diff := cmp.Diff([]string{"CVE-1", "GHSA-1", "corp/7"}, f.Aliases); diff != "" {
		t.Error(diff)
	}
	if f.Package != "p1" || f.Locations[0].Path != "var/lib/dpkg/status" || f.Fix != "upgrade" || len(f.References) != 1 || f.Deck != finding.Ship || f.Kind != finding.KindPolicy {
		t.Errorf("%+v", f)
	}
	if f.Fingerprint == got[1].Fingerprint || f.Fingerprint == "" {
		t.Error("two findings have one fingerprint")
	}
}

// TestBounds wants a policy that costs too much, or finds too much, to be stopped and to deny.
func TestBounds(t *testing.T) {
	r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "image"}}}
	for i := range 12_000 {
		r.Packages = append(r.Packages, finding.Package{ID: fmt.Sprint("p", i), Target: "t1", Type: "deb", Name: fmt.Sprint("n", i)})
	}
	heavy := compile(t, spec("heavy", "  subject: package\n  validations:\n  - expression: packages.all(p, p.name != 'x' && p.type == 'deb')\n"))
	got, _ := Evaluate(context.Background(), Input{Report: r, Policies: heavy, Now: today})
	if len(got) != 1 || got[0].Action != finding.Deny || !strings.Contains(got[0].Title, "it costs more than") {
		t.Error(told(got))
	}
	many := compile(t, spec("many", "  subject: package\n  validations:\n  - expression: pkg.type != 'deb'\n"))
	got, _ = Evaluate(context.Background(), Input{Report: r, Policies: many, Now: today})
	if last := got[len(got)-1]; len(got) != maxFindings+1 || last.Title != "11000 more that this policy does not let pass" || last.Action != finding.Deny {
		t.Error(len(got), last.Title)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got, _ := Evaluate(ctx, Input{Report: r, Policies: heavy, Now: today}); len(got) != 1 || !strings.Contains(got[0].Title, "interrupted") || got[0].Action != finding.Deny {
		t.Error(told(got))
	}
}

func TestDoesNotCompile(t *testing.T) {
	c, err := NewCompiler()
	if err != nil {
		t.Fatal(err)
	}
	binding := "---\napiVersion: plimsoll/v1\nkind: PolicyBinding\nmetadata: {name: b}\nspec:\n"
	for text, want := range map[string]string{
		spec("x", "  subject: package\n  validations:\n  - expression: pkg.nmae != 'x'\n"):                                                                                                                  `p.yaml:8: there is no field "nmae" here; did you mean "name"?`,
		spec("x", "  subject: package\n  validations:\n  - expression: package.name != 'x'\n"):                                                                                                              `the package is called "pkg" here`,
		spec("x", "  subject: package\n  validations:\n  - expression: |\n      true &&\n      pkg.nmae != 'x'\n"):                                                                                          `p.yaml:10: there is no field "nmae"`,
		spec("x", "  subject: image\n  validations:\n  - expression: pkg.name != 'x'\n"):                                                                                                                    `"pkg" is neither a variable nor a function`,
		spec("x", "  subject: image\n  validations:\n  - expression: image.name\n"):                                                                                                                         `p.yaml:8: this gives a value of type string, and is to give one of type bool`,
		spec("x", "  subject: image\n  validations:\n  - {expression: true, messageExpression: '1'}\n"):                                                                                                     `p.yaml:8: this gives a value of type int, and is to give one of type string`,
		spec("x", "  subject: images\n  validations:\n  - expression: true\n"):                                                                                                                              `p.yaml:6: subject "images" is not known: use image, config`,
		spec("x", "  subject: image\n  action: audit\n  validations:\n  - expression: true\n"):                                                                                                              `p.yaml:7: action "audit" is not known`,
		spec("x", "  subject: image\n  severity: dire\n  validations:\n  - expression: true\n"):                                                                                                             `p.yaml:7: severity "dire"`,
		spec("x", "  subject: image\n  params: {allowed: 1}\n  validations:\n  - expression: params.alowed == 1\n"):                                                                                         `there is no field "alowed" here; did you mean "allowed"?`,
		spec("x", "  subject: image\n  params: {a: 1}\n  validations:\n  - expression: params.a == 'x'\n"):                                                                                                  `found no matching overload`,
		spec("x", "  subject: image\n  variables:\n  - {name: a, expression: variables.a}\n  validations:\n  - expression: variables.a\n"):                                                                  `p.yaml:8: a variable may name those above it`,
		spec("x", "  subject: image\n  variables:\n  - {name: a, expression: '1'}\n  - {name: b, expression: variables.c}\n  - {name: c, expression: variables.b}\n  validations:\n  - expression: true\n"): `p.yaml:9: there is no field "c" here`,
		spec("x", "  subject: image\n  validations:\n  - expression: packages.all(a, packages.all(b, a == b))\n"):                                                                                           `p.yaml:8: this may cost up to`,
		spec("x", "  subject: image\n  validations:\n  - expression: true\n") + spec("x", "  subject: image\n  validations:\n  - expression: true\n"):                                                       `p.yaml:12: policy "x" stands in p.yaml:4 already`,
		binding + "  policyName: lib:nosuch\n":                             `p.yaml:6: there is no policy "lib:nosuch"`,
		binding + "  policyName: lib:max-image-age\n  params: {day: 3}\n":  `p.yaml:7: policy max-image-age has no parameter "day": it has days`,
		binding + "  policyName: lib:max-image-age\n  params: {days: x}\n": `p.yaml:7: parameter days of policy max-image-age is of type int, and this is of type string`,
	} {
		if _, err := c.Compile(load(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestBinding(t *testing.T) {
	all := compile(t, spec("x", "  subject: image\n  params: {names: [a]}\n  validations:\n  - expression: image.name in params.names\n")+
		"---\napiVersion: plimsoll/v1\nkind: PolicyBinding\nmetadata: {name: mine}\nspec: {policyName: x, action: warn, params: {names: [b, c]}}\n"+
		"---\napiVersion: plimsoll/v1\nkind: PolicyBinding\nmetadata: {name: old}\nspec: {policyName: 'lib:max-image-age', params: {days: 5}}\n")
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprint(p.Name, " ", p.Action, " ", p.Params()))
	}
	if diff := cmp.Diff([]string{"mine warn map[names:[b c]]", "old deny map[days:5]"}, got); diff != "" {
		t.Error(diff)
	}
	again := compile(t, spec("x", "  subject: image\n  params: {names: [b, c]}\n  action: warn\n  validations:\n  - {expression: image.name in params.names}\n"))
	if again[0].Digest != all[0].Digest || all[0].Digest == all[1].Digest {
		t.Error("a digest is to be over what a policy says")
	}
}

func TestFunctions(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"a*c", "abbc", true},
		{"a*c", "abb", false},
		{"a?c", "abc", true},
		{"*/b:*", "x/y/b:1", true},
		{"a*b*c", "aXbXbXc", true},
		{"?", "", false},
		{"**", "x", true},
	} {
		if glob(c.pattern, c.text) != c.want {
			t.Errorf("%q %q", c.pattern, c.text)
		}
	}
	for s, want := range map[string]int64{"200MB": 200e6, "1.5GiB": 3 << 29, "7": 7, "1 kB": 1000, "2Mi": 2 << 20, "": -1, "x": -1, "-1MB": -1, "1 parsec": -1, "1e300GB": -1} {
		if got, err := byteCount(s); err == nil && got != want || err != nil && want >= 0 {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
}

// BenchmarkPolicies holds 10,000 packages against 50 policies of the kinds that people write.
func BenchmarkPolicies(b *testing.B) {
	r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "image", Name: "shop/cart:1.4"}}}
	for i := range 10_000 {
		r.Packages = append(r.Packages, finding.Package{
			ID: fmt.Sprint("p", i), Target: "t1", Type: []string{"deb", "npm", "golang"}[i%3], Name: fmt.Sprint("package-", i), Version: fmt.Sprintf("1.%d.0", i%40),
			PURL: fmt.Sprintf("pkg:deb/package-%d@1", i), Licenses: [][]string{{"MIT"}, {"GPL-2+"}, {"Apache-2.0 OR MIT"}, nil}[i%4], Base: i%2 == 0,
		})
	}
	forms := []string{
		"  subject: package\n  validations:\n  - expression: pkg.name != 'curl%d'\n",
		"  subject: package\n  validations:\n  - expression: '!(pkg.name in [\"apt%d\", \"dpkg\", \"yum\", \"rpm\"])'\n",
		"  subject: package\n  params: {names: [\"nmap%d*\", \"netcat-*\", john]}\n  validations:\n  - expression: '!pkg.name.glob(params.names)'\n",
		"  subject: package\n  matchConditions:\n  - {name: npm, expression: pkg.type == 'npm'}\n  validations:\n  - expression: '!pkg.name.startsWith(\"@evil%d/\")'\n",
		"  subject: package\n  validations:\n  - expression: pkg.licenseClass != 'network-copyleft' || pkg.name == 'x%d'\n",
		"  subject: package\n  matchConditions:\n  - {name: name, expression: pkg.name == 'log4j-core'}\n  validations:\n  - expression: '!pkg.olderThan(\"2.17.%d\")'\n",
		"  subject: package\n  variables:\n  - {name: ours, expression: \"pkg.name.matches('^shop-[a-z]+$')\"}\n  validations:\n  - expression: '!variables.ours || pkg.version != \"%d\"'\n",
		"  subject: package\n  validations:\n  - expression: pkg.licenses.all(l, l != 'Proprietary-%d')\n",
		"  subject: package\n  validations:\n  - expression: '!pkg.base || pkg.type != \"rpm\" || pkg.name == \"x%d\"'\n",
		"  subject: package\n  validations:\n  - expression: '!(pkg.type == \"deb\" && pkg.name.endsWith(\"-dev%d\"))'\n",
	}
	text := ""
	for i := range 50 {
		text += spec(fmt.Sprint("p", i), fmt.Sprintf(forms[i%len(forms)], i))
	}
	policies := compile(b, text)
	for b.Loop() {
		if got, _ := Evaluate(context.Background(), Input{Report: r, Policies: policies, Now: today}); len(got) != 0 {
			b.Fatal(told(got)[0])
		}
	}
}

// BenchmarkCompile is what 50 policies cost before anything is looked at.
func BenchmarkCompile(b *testing.B) {
	set, err := Library()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c, err := NewCompiler()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Compile(set); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTooMany keeps an error a denial where a policy that warns has found more than is listed.
func TestTooMany(t *testing.T) {
	r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "image", Name: "x"}}}
	for i := range maxFindings + 2 {
		p := finding.Package{ID: fmt.Sprint("p", i), Target: "t1", Name: "warned"}
		if i == maxFindings {
			p.Name = "broken"
		}
		r.Packages = append(r.Packages, p)
	}
	policies := compile(t, spec("x", "  subject: package\n  action: warn\n  validations:\n  - {expression: 'pkg.name == \"broken\" && 1 / (pkg.name.size() - 6) > 0', message: no}\n"))
	got, _ := Evaluate(t.Context(), Input{Report: r, Policies: policies, Now: today})
	if last := got[len(got)-1]; len(got) != maxFindings+1 || last.Action != finding.Deny {
		t.Errorf("%d findings, the last %s %s", len(got), last.Action, last.Title)
	}
}

// TestBuild wants what nobody knows of an unbuilt image to be a gap, and neither a finding nor a pass; and what is
// known to be decided.
func TestBuild(t *testing.T) {
	b := &Build{Config: Config{User: "root", Labels: map[string]string{"a": "b"}}, Unknown: map[string]string{"env": "the base may set it", "labels": "the base may set it"}}
	r := &finding.Report{Targets: []finding.Target{{ID: "t1", Kind: "dockerfile", Name: "Dockerfile"}}}
	for expression, want := range map[string]string{
		"config.user == 'root'": "pass", "config.user != 'root'": "deny", "config.env.A == 'x'": "gap", "has(config.env)": "gap", "!has(config.env)": "gap", "!('a' in config.labels)": "gap",
		"config.user == 'x' && config.env.A == 'x'": "deny", "config.user == 'root' || config.env.A == 'x'": "pass", "packages.size() == 0": "gap", "findings.all(f, f.rank < 5)": "gap",
		"image.size < 100": "gap", "!has(image.os)": "gap", "image.kind == 'dockerfile'": "pass", "config.cmd[3] == 'x'": "deny",
	} {
		policies := compile(t, spec("x", "  subject: config\n  validations:\n  - expression: \""+expression+"\"\n"))
		found, gaps := Evaluate(t.Context(), Input{Report: r, Facts: map[string]*Facts{"t1": {Builds: []*Build{b}}}, Policies: policies, Now: today})
		got := "pass"
		switch {
		case len(found) > 0:
			got = "deny"
		case len(gaps) > 0 && gaps[0].Blocking && gaps[0].Class == GapUnbuilt:
			got = "gap"
		}
		if got != want {
			t.Errorf("%s: %s, want %s: %v %v", expression, got, want, found, gaps)
		}
	}
}
