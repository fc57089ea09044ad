package tree

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	all, err := Parse("x.yaml", []byte("a: &a {x: 1, y: [p, q]}\nb:\n  <<: *a\n  x: 2\nc: |\n  line\nd: !reference [a, b]\ne:\n---\nsecond: 'yes'\n"))
	if err != nil || len(all) != 2 {
		t.Fatal(len(all), err)
	}
	v := all[0]
	if got := v.Get("b", "x"); got.String() != "2" || got.Line != 4 || got.Column != 6 {
		t.Errorf("b.x is %+v", got)
	}
	if y := v.Get("b", "y"); len(y.Items()) != 2 || y.Line != 1 {
		t.Errorf("b.y is %+v", y)
	}
	if c := v.Get("c"); !c.Block || c.Text != "line\n" {
		t.Errorf("c is %+v", c)
	}
	if v.Get("d").Tag != "!reference" || !v.Get("e").Null || v.Get("no", "where").String() != "" || len(v.Get("nope").Items()) != 0 {
		t.Error("tags, nothing or what is missing is read wrongly")
	}
	if !all[1].Get("second").Is("YES") || !all[1].Get("second").Quoted {
		t.Error("the second document is read wrongly")
	}
}

func TestHostile(t *testing.T) {
	bomb := "a0: &a0 [x]\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"bomb":      {bomb, 1},
		"itself":    {"a: &a\n  b: *a\n", 0},
		"deep":      {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), 1},
		"twice":     {"a: 1\nb: 2\na: 3\n", 3},
		"braces":    {"a: 1\nb: {{ c }}\n", 2},
		"tab":       {"a:\n\tb: 1\n", 2},
		"documents": {strings.Repeat("---\na\n", 2*maxDocuments), 0},
		"open":      {"a: 'x\n", 0},
	} {
		_, err := Parse("x.yaml", []byte(c.text))
		var e *Error
		if !errors.As(err, &e) || c.line > 0 && e.Line < c.line {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTypes wants what a person would take for an empty list and an empty map told apart, and the type that YAML gives a word.
func TestTypes(t *testing.T) {
	all, err := Parse("x", []byte("{l: [], m: {}, int: 1, float: 1.5, bool: true, null: ~, timestamp: 2026-01-01, str: '1', binary: !!binary aGk=}"))
	if err != nil {
		t.Fatal(err)
	}
	l, m := all[0].Get("l"), all[0].Get("m")
	if l.List == nil || l.Map != nil || m.List != nil || m.Map == nil {
		t.Errorf("%+v, %+v", l, m)
	}
	for _, e := range all[0].Map[2:] {
		if e.Value.Type != e.Key {
			t.Errorf("%s is %s", e.Key, e.Value.Type)
		}
	}
}

// TestJSON wants what YAML does not know of JSON read, and where YAML does, the same values at the same places.
func TestJSON(t *testing.T) {
	all, err := Parse("x", []byte("{\n\t\"a\": \"\\/\\ud83d\\ude00\",\n\t\"ä\": {\"b\": 1}}"))
	if err != nil || all[0].Get("a").Text != "/😀" {
		t.Fatal(all, err)
	}
	if b := all[0].Get("ä", "b"); b.Line != 3 || b.Column != 13 {
		t.Errorf("%+v", b)
	}
	const both = "{\n  \"n\": [1, -2.5e3, true, null, \"ä\", {}, []],\n  \"ä\": {\"k\": \"v\", \"l\": [{\"m\": 1}]}\n}"
	asJSON, err := Parse("x", []byte(both))
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := Parse("x", []byte(both+"\n# so it is no JSON\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asYAML, asJSON); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		"{\"a\": 1,\n\"a\": 2}": `x:2: the key "a" stands in line 1 already`,
		"[\n" + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "]": "x:2: it is deeper than is read",
	} {
		if _, err := Parse("x", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestAt wants the place of fields of Kubernetes' objects, as its own errors and tools name them.
func TestAt(t *testing.T) {
	all, err := Parse("x", []byte("a: b\n---\nmetadata:\n  labels:\n    app.kubernetes.io/name: cart\nspec:\n  containers:\n  - name: a\n  - name: b\n    image: c\n    ports: [{containerPort: 1}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                            "3:1 true",
		"spec":                        "6:1 true",
		"spec.containers[1].image":    "10:5 true",
		"spec.containers[1].ports[0]": "11:13 true",
		"metadata.labels[app.kubernetes.io/name]":       "5:5 true",
		"spec.containers[0].securityContext.privileged": "8:5 false",
		"spec.containers[2]":                            "7:3 false",
		"spec.containers[-1]":                           "7:3 false",
		"spec.containers[0":                             "7:3 false",
		"spec..containers":                              "6:1 false",
		"nope":                                          "3:1 false",
	} {
		line, column, found := all[1].At(path)
		if got := fmt.Sprintf("%d:%d %t", line, column, found); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		if v := all[1].Find(path); (v != nil) != found {
			t.Errorf("%s: %+v", path, v)
		}
	}
}

// TestLong wants a long file read whole, when it is no larger than it looks.
func TestLong(t *testing.T) {
	if _, err := Parse("x", []byte(strings.Repeat("- a\n", leastValues+1))); err != nil {
		t.Error(err)
	}
}

// TestStrict wants the first thing that is wrong kept, with its line.
func TestStrict(t *testing.T) {
	for text, want := range map[string]string{
		"must: 1\nlist: [1]\nfree: {x: 1}":  "",
		"must: 1\nlist: ~\nfree: ~":         "",
		"must: 1\nlist: []\nfree: {}":       "",
		"must: 1\nmoist: 2":                 `x:2: "moist" is no key of it: use must, list, free`,
		"list: []":                          `x:1: it lacks the key "must"`,
		"[must]":                            "x:1: it is to be a map of keys and values",
		"must: 1\nlist: {}\nfree: []":       `x:2: list is to be a list: begin each item with "- "`,
		"must: 1\nlist: a":                  "x:2: list is to be a list",
		"must: 1\nfree: []":                 "x:2: free is to be a map",
		strings.Repeat("x", 900) + ": must": "x:1: \"" + strings.Repeat("x", 60) + "…\" is no key",
	} {
		all, err := Parse("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s := Strict{Path: "x"}
		s.Map(all[0], "it", []string{"must"}, []string{"list", "free"})
		list, free := s.List(all[0].Get("list"), "list"), s.Free(all[0].Get("free"), "free")
		if want == "" && (s.Err != nil || len(list) != len(free)) || want != "" && (s.Err == nil || !strings.HasPrefix(s.Err.Error(), want)) {
			t.Errorf("%.40s: %v", text, s.Err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &a {x: 1}\nb: {<<: *a}\n"))
	f.Add([]byte(`{"a": [1, {"b": null}], "c": "\\ud83d"}`))
	f.Add([]byte("- |\n  x\n- >-\n  y\n- !t [a]\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		all, err := Parse("x", source)
		if err != nil && len(all) > 0 {
			t.Error("half a file is given out")
		}
		for _, v := range all {
			v.At("a[0].b")
		}
	})
}
