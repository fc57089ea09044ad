package tree

import (
	"errors"
	"fmt"
	"strings"
	"testing"
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

func FuzzParse(f *testing.F) {
	f.Add([]byte("a: &a {x: 1}\nb: {<<: *a}\n"))
	f.Add([]byte("- |\n  x\n- >-\n  y\n- !t [a]\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		all, err := Parse("x", source)
		if err != nil && len(all) > 0 {
			t.Error("half a file is given out")
		}
	})
}
