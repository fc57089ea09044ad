package gitleaks

import (
	"strings"
	"testing"
)

const sample = `
title = "rules of acme"
[extend]
useDefault = true
disabledRules = ["jwt"]

[[rules]]
id = "acme-token"
description = "a token of acme"
regex = '''acme_([a-z0-9]{16})'''
secretGroup = 1
entropy = 2.5
keywords = ["ACME_"]
path = '''\.conf$'''
[[rules.allowlists]]
condition = "AND"
regexTarget = "line"
regexes = ['''demo''']
stopwords = ["Test"]

[[rules]]
id = "acme-id"
regex = '''acme-id-\d+'''
skipReport = true
[[rules.required]]
id = "acme-token"
withinLines = 3

[[allowlists]]
targetRules = ["acme-token"]
paths = ['''^vendor/''']
`

func TestParse(t *testing.T) {
	r, err := Parse("acme.toml", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Extend || len(r.Disabled) != 1 || len(r.Rules) != 2 || len(r.Allow) != 1 || r.Allow[0].Rules[0] != "acme-token" || !strings.HasPrefix(r.Digest, "sha256:") {
		t.Errorf("%+v", r)
	}
	one := r.Rules[0]
	if one.Group != 1 || one.Entropy != 2.5 || one.Keywords[0] != "acme_" || !one.Path.MatchString("a.conf") || !one.Allow[0].All || one.Allow[0].Target != "line" || one.Allow[0].Words[0] != "test" {
		t.Errorf("%+v", one)
	}
	if need := r.Rules[1].Required; !r.Rules[1].Silent || len(need) != 1 || *need[0].Lines != 3 || need[0].Columns != nil {
		t.Errorf("%+v", r.Rules[1])
	}
}

// TestBroken wants each error to say what is wrong, and where.
func TestBroken(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no TOML", "[[rules]\n", "read rules x.toml: line 1"},
		{"empty", "title = 'x'", "it has no rules"},
		{"no id", "[[rules]]\nregex = 'x'\n", "rule 1 has no id"},
		{"twice", "[[rules]]\nid='a'\nregex='x'\n[[rules]]\nid='a'\nregex='x'\n", `line 2: rule "a" stands twice`},
		{"look-around", "\n[[rules]]\nid = 'a'\nregex = '''(?=x)'''\n", `line 3: rule "a": regex: error parsing regexp`},
		{"neither", "[[rules]]\nid = 'a'\n", `rule "a" has neither regex nor path`},
		{"group", "[[rules]]\nid = 'a'\nregex='x'\nsecretGroup = 2\n", "secretGroup 2 is no group"},
		{"entropy", "[[rules]]\nid = 'a'\nregex='x'\nentropy = 'much'\n", "entropy is no number"},
		{"keywords", "[[rules]]\nid = 'a'\nregex='x'\nkeywords = 'x'\n", "keywords is no list"},
		{"condition", "[[rules]]\nid = 'a'\nregex='x'\n[[rules.allowlists]]\ncondition='XOR'\npaths=['x']\n", `condition "XOR"`},
		{"target", "[[rules]]\nid = 'a'\nregex='x'\n[rules.allowlist]\nregexTarget='file'\npaths=['x']\n", `regexTarget "file"`},
		{"empty allowlist", "[[rules]]\nid = 'a'\nregex='x'\n[[rules.allowlists]]\n", "it has none of"},
		{"both allowlists", "[allowlist]\npaths=['x']\n[[allowlists]]\npaths=['x']\n", "do not stand beside each other"},
		{"required", "[[rules]]\nid = 'a'\nregex='x'\n[[rules.required]]\nid='b'\n", `requires "b", which is not there`},
		{"for a missing rule", "[[rules]]\nid = 'a'\nregex='x'\n[[allowlists]]\ntargetRules=['b']\npaths=['x']\n", `for rule "b"`},
		{"other file", "[extend]\npath='other.toml'\n", `extend.path "other.toml"`},
		{"large", strings.Repeat("#", MaxFile+1), "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("x.toml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse("x.toml", b)
		if err == nil && len(r.Rules) == 0 && !r.Extend {
			t.Error("a file without rules is taken")
		}
	})
}
