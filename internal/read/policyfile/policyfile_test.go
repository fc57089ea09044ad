package policyfile

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const head = "apiVersion: plimsoll/v1\nkind: Policy\nmetadata: {name: x}\nspec:\n"

func files(text string) fstest.MapFS { return fstest.MapFS{"p.yaml": {Data: []byte(text)}} }

func TestLoad(t *testing.T) {
	set, err := Load(fstest.MapFS{
		"d/b.yaml": {Data: []byte(head + `  subject: package
  action: warn
  severity: low
  description: >
    folded
    text
  fix: mend
  references: [https://example.com]
  aliases: [a/1]
  params: {n: &n 3, f: 1.5, yes: true, day: 2026-01-01, list: [a, b], map: {k: v, again: *n}}
  paramsFrom: {names: lists/names.txt}
  matchConditions:
  - {name: one, expression: true}
  variables:
  - {name: v, expression: '1'}
  validations:
  - expression: |
      a &&
      b
    message: no
    messageExpression: '"x"'
`)},
		"d/lists/names.txt": {Data: []byte("# names\ncurl  # a tool\n\n wget \n")},
		"d/a.yml":           {Data: []byte("---\n---\napiVersion: plimsoll/v1\nkind: PolicyBinding\nmetadata: {name: y}\nspec: {policyName: x, action: deny, params: {n: 4}}\n")},
		"d/.git/c.yaml":     {Data: []byte("nonsense")},
		"d/readme.md":       {Data: []byte("nonsense")},
	}, "d", "shown")
	if err != nil {
		t.Fatal(err)
	}
	p := set.Policies[0]
	want := map[string]any{
		"n": int64(3), "f": 1.5, "yes": true, "day": "2026-01-01", "list": []any{"a", "b"}, "map": map[string]any{"k": "v", "again": int64(3)}, "names": []any{"curl", "wget"},
	}
	if diff := cmp.Diff(want, p.Params); diff != "" {
		t.Error(diff)
	}
	v := p.Validations[0]
	got := fmt.Sprint(p.Name.At(1), " ", p.Subject.Value, " ", p.Action.Value, " ", p.Severity.Value, " ", p.Description, " ", v.Expression.At(1), " ", v.Expression.At(2), " ", v.Message, " ", v.MessageExpression.At(1), " ", p.Conditions[0].Expression.Value)
	if got != "shown/b.yaml:3 package warn low folded text shown/b.yaml:22 shown/b.yaml:23 no shown/b.yaml:25 true" {
		t.Error(got)
	}
	if b := set.Bindings[0]; b.Policy.Value != "x" || b.Lines["n"] != "shown/a.yml:6" || b.Params["n"] != int64(4) {
		t.Errorf("%+v", b)
	}
}

func TestWrong(t *testing.T) {
	valid := "  subject: image\n  validations: [{expression: true}]\n"
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for text, want := range map[string]string{
		head + "  subjekt: image\n":                                                                `p.yaml:5: "subjekt" is no key of the spec of a Policy: use subject, validations, action`,
		head + valid + "  subject: image\n":                                                        `p.yaml:7: the key "subject" stands in line 5 already`,
		head + "  subject: image\n":                                                                `p.yaml:5: the spec of a Policy lacks the key "validations"`,
		head + "  subject: image\n  validations: []\n":                                             `p.yaml:5: validations is empty`,
		head + "  subject: [image]\n  validations: []\n":                                           `p.yaml:5: subject is to be a text`,
		head + "  subject: image\n  validations: {a: b}\n":                                         `p.yaml:6: validations is to be a list`,
		head + "  subject: image\n  validations: [{expression: 1}]\n":                              `p.yaml:6: expression is to be a text: put it in quotes`,
		head + "  subject: image\n  validations: [{expression: ''}]\n":                             `p.yaml:6: expression is empty`,
		head + "  subject: image\n  validations: [{expresion: true}]\n":                            `p.yaml:6: "expresion" is no key of a validation`,
		head + valid + "  params: {a-b: 1}\n":                                                      `p.yaml:7: parameter "a-b"`,
		head + valid + "  params: {a: null}\n":                                                     `p.yaml:7: a value is to be`,
		head + valid + "  params: {a: " + deep + "}\n":                                             `p.yaml:7: it is deeper, or with its aliases larger`,
		head + valid + "  params: {a: !!binary aGk=}\n":                                            `p.yaml:7: a value is to be`,
		head + valid + "  params: {a: 1}\n  paramsFrom: {a: p.yaml}\n":                             `p.yaml:8: parameter "a" stands twice`,
		head + valid + "  paramsFrom: {a: ../secret}\n":                                            `p.yaml:7: "../secret": name a file below the folder`,
		head + valid + "  paramsFrom: {a: /etc/passwd}\n":                                          `p.yaml:7: "/etc/passwd": name a file below the folder`,
		head + valid + "  paramsFrom: {a: nosuch.txt}\n":                                           `p.yaml:7: open nosuch.txt`,
		head + valid + "  variables: [{name: a b, expression: true}]\n":                            `p.yaml:7: variable "a b"`,
		head + valid + "  variables: [{name: a, expression: true}, {name: a, expression: true}]\n": `two items of the name "a"`,
		strings.Replace(head, "v1", "v2", 1) + valid:                                               `p.yaml:1: apiVersion "plimsoll/v2" is not known`,
		strings.Replace(head, "Policy", "Polisy", 1) + valid:                                       `p.yaml:2: kind "Polisy" is not known`,
		strings.Replace(head, "Policy", "ValidatingAdmissionPolicy", 1) + valid:                    `is Kubernetes' own`,
		strings.Replace(head, "name: x", "name: X y", 1) + valid:                                   `p.yaml:3: "X y" is no name`,
		"kind: Policy\n":               `p.yaml:1: a document lacks the key "apiVersion"`,
		"- a\n":                        `p.yaml:1: a document is to be a map`,
		"a: [\n":                       `p.yaml:1: did not find`,
		"":                             `p.yaml holds no policy`,
		"# nothing\n---\n":             `p.yaml holds no policy`,
		strings.Repeat("#", maxFile+1): `p.yaml is larger than`,
		strings.Repeat("---\n", 1001):  `p.yaml: it has more than`,
		head + valid + "  params: {a: &a [" + strings.Repeat("1,", 1000) + "], b: [" + strings.Repeat("*a,", 1000) + "]}\n": `p.yaml:7: it is deeper, or with its aliases larger`,
		head + valid + "  params: {a: {{ b }}}\n": `p.yaml:7: this key is a list or a map`,
	} {
		if _, err := Load(files(text), "p.yaml", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.120s: %v, want %q", text, err, want)
		}
	}
	for name, want := range map[string]string{"nosuch": "nosuch", "empty": "folder empty holds no *.yaml file"} {
		_, err := Load(fstest.MapFS{"empty": {Mode: fs.ModeDir}}, name, "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongCases(t *testing.T) {
	test := strings.Replace(head, "Policy", "PolicyTest", 1) + "  policy: a\n  cases:\n  - "
	for text, want := range map[string]string{
		"{name: a, expect: pass}":                            "p.yaml:7: a case has either given, report or manifest",
		"{name: a, expect: maybe, given: {}}":                `p.yaml:7: expect "maybe"`,
		"{name: a, expect: pass, given: {}, report: p.yaml}": "either given, report or manifest",
		"{name: a, expect: pass, given: {}, findings: many}": "p.yaml:7: findings is to be a number",
		"{name: a, expect: pass, given: {a: 1, a: 2}}":       `the key "a" stands in line 7 already`,
		"{name: a, expect: pass, report: ../x}":              "name a file below",
		"{expect: pass, given: {}}":                          `lacks the key "name"`,
	} {
		if _, err := Load(files(test+text+"\n"), "p.yaml", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	set, err := Load(files(test+"{name: a, expect: deny, message: m, findings: 2, given: {packages: [{name: x}]}}\n"), "p.yaml", "")
	if err != nil {
		t.Fatal(err)
	}
	c := set.Tests[0].Cases[0]
	if string(c.Given) != `{"packages":[{"name":"x"}]}` || c.Count != 2 || c.Message != "m" || c.Place["packages"] != "p.yaml:7" {
		t.Errorf("%+v", c)
	}
}

func TestValue(t *testing.T) {
	for text, want := range map[string]any{"3": int64(3), "a": "a", "[a, b]": []any{"a", "b"}, "true": true, "1.5": 1.5} {
		if got, err := Value(text); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "[", "&a [*a]", "--- 1\n--- 2"} {
		if v, err := Value(text); err == nil {
			t.Errorf("%q: %v", text, v)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(head + "  subject: image\n  validations: [{expression: true}]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("apiVersion: plimsoll/v1\nkind: PolicyTest\nmetadata: {name: x}\nspec: {policy: a, cases: [{name: a, expect: pass, given: {a: {b: 1}}}]}\n"))
	f.Add([]byte("{{{{{{{{[[[[[["))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := Load(fstest.MapFS{"p.yaml": {Data: b}}, "p.yaml", "")
		if err == nil && len(set.Policies)+len(set.Bindings)+len(set.Tests) == 0 {
			t.Error("nothing was read, and nothing said")
		}
		_, _ = Value(string(b))
	})
}
