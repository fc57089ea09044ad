package license

import (
	"slices"
	"strings"
	"testing"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

func TestRead(t *testing.T) {
	table := New()
	for _, c := range []struct {
		texts   []string
		class   Class
		want    string
		unknown int
	}{
		{[]string{"MIT"}, Permissive, "MIT", 0},
		{[]string{"The Apache License, Version 2.0"}, Permissive, "Apache-2.0", 0},
		{[]string{"GPL-2+"}, StrongCopyleft, "GPL-2.0-or-later", 0},
		{[]string{"GPL-2.0-only WITH Classpath-exception-2.0"}, WeakCopyleft, "GPL-2.0-only WITH Classpath-exception-2.0", 0},
		{[]string{"GPL-3.0-only OR MIT"}, Permissive, "GPL-3.0-only OR MIT", 0},
		{[]string{"GPL-3.0-only AND MIT"}, StrongCopyleft, "GPL-3.0-only AND MIT", 0},
		{[]string{"MIT", "GPL-3.0-only OR Apache-2.0"}, Permissive, "(GPL-3.0-only OR Apache-2.0) AND MIT", 0},
		{[]string{"MIT AND (LGPL-2.1-only OR AGPL-3.0-only)"}, WeakCopyleft, "MIT AND (LGPL-2.1-only OR AGPL-3.0-only)", 0},
		{[]string{"MIT OR GPL-2.0-only AND AGPL-3.0-only"}, Permissive, "MIT OR GPL-2.0-only AND AGPL-3.0-only", 0},
		{[]string{"EUPL-1.2"}, NetworkCopyleft, "EUPL-1.2", 0},
		{[]string{"CC-BY-NC-SA-4.0"}, NonCommercial, "CC-BY-NC-SA-4.0", 0},
		{[]string{"CC-BY-SA-4.0"}, StrongCopyleft, "CC-BY-SA-4.0", 0},
		{[]string{"bsd"}, Permissive, "bsd", 0},
		{[]string{"LicenseRef-ours"}, Unknown, "LicenseRef-ours", 0},
		{[]string{"See the file COPYING"}, Unknown, "", 1},
		{[]string{"MIT", "proprietary"}, Unknown, "MIT", 1},
		{[]string{"SEE LICENSE IN x"}, Unknown, "", 1},
		{nil, Unknown, "", 0},
		{[]string{" "}, Unknown, "", 0},
		{[]string{strings.Repeat("(", 500) + "MIT" + strings.Repeat(")", 500)}, Unknown, "", 1},
		{[]string{strings.Repeat("MIT AND ", 1000) + "MIT"}, Unknown, "", 1},
		{[]string{strings.Repeat("(MIT OR ISC) AND ", 50) + "MIT"}, Permissive, strings.Repeat("(MIT OR ISC) AND ", 50) + "MIT", 0},
	} {
		got := table.Read(c.texts)
		if got.Class != c.class || got.Expression != c.want || len(got.Unknown) != c.unknown {
			t.Errorf("%.60q: %s %q, unknown %q; want %s %q", c.texts, got.Class, got.Expression, got.Unknown, c.class, c.want)
		}
	}
}

func TestLists(t *testing.T) {
	table := New()
	for _, c := range []struct {
		text            string
		list            []string
		within, without bool
	}{
		{"MIT", []string{"permissive"}, true, false},
		{"MIT", []string{"mit"}, true, false},
		{"GPL-2.0-or-later", []string{"GPL-2.0"}, true, false},
		{"GPL-2.0+", []string{"GPL-2.0-or-later"}, true, false},
		{"GPL-3.0-only OR MIT", []string{"strong-copyleft"}, true, true},
		{"GPL-3.0-only AND MIT", []string{"strong-copyleft"}, false, false},
		{"GPL-3.0-only AND MIT", []string{"permissive", "GPL-3.0-only"}, true, false},
		{"nonsense", []string{"permissive"}, false, true},
		{"nonsense", []string{"unknown"}, true, false},
		{"", []string{"unknown"}, false, false},
		{"", []string{"permissive"}, false, true},
	} {
		terms := table.Read([]string{c.text})
		if terms.Within(c.list) != c.within || terms.Without(c.list) != c.without {
			t.Errorf("%q against %v: within %t, without %t", c.text, c.list, terms.Within(c.list), terms.Without(c.list))
		}
	}
}

// TestTables holds every line of the tables against SPDX's own lists.
func TestTables(t *testing.T) {
	ids := slices.Concat(spdxlicenses.GetLicenses(), spdxlicenses.GetDeprecated())
	known := func(list []string, word string) bool {
		prefix, wild := strings.CutSuffix(word, "*")
		return slices.ContainsFunc(list, func(id string) bool {
			id = strings.ToLower(id)
			return id == word || wild && strings.HasPrefix(id, prefix)
		})
	}
	table := New()
	for id := range table.exact {
		if !known(ids, id) {
			t.Errorf("%s is not on SPDX's list", id)
		}
	}
	for id := range table.begins {
		if !known(ids, id+"*") {
			t.Errorf("no licence of SPDX's list begins with %s", id)
		}
	}
	for _, id := range table.linking {
		if !known(spdxlicenses.GetExceptions(), id) {
			t.Errorf("%s is no exception on SPDX's list", id)
		}
	}
	classed := 0
	for _, id := range ids {
		if table.class(id) != Unknown {
			classed++
		}
	}
	t.Logf("%d of %d licences have a class", classed, len(ids))
	for name, id := range table.names {
		class, isClass := strings.CutPrefix(id, "class:")
		ok, _ := spdxexp.ValidateLicenses([]string{id})
		if isClass && !slices.Contains(Classes(), Class(class)) || !isClass && !ok || name != strings.ToLower(name) {
			t.Errorf("%q = %q", name, id)
		}
	}
	for _, word := range []string{"MIT", "permissive", "unknown", "LicenseRef-x"} {
		if !table.Known(word) {
			t.Errorf("%q is not known", word)
		}
	}
	if table.Known("nonsense") || table.Known("MIT OR ISC") {
		t.Error("nonsense is known")
	}
}

// TestExamples runs each check on its page's examples: the first line is the call, the rest a licence each.
func TestExamples(t *testing.T) {
	table := New()
	look := func(c Check, example string) int {
		call, texts, _ := strings.Cut(strings.TrimSpace(example), "\n")
		flag, word, _ := strings.Cut(call, " ")
		rules := Rules{Deny: []string{word}}
		if flag == "--allow-license" {
			rules = Rules{Allow: []string{word}}
		}
		return len(c.Look(table.Read(strings.Split(texts, "\n")), rules))
	}
	for _, c := range Checks() {
		if look(c, c.Page.Bad) != 1 || look(c, c.Page.Good) != 0 {
			t.Errorf("%s: bad %d, good %d", c.ID, look(c, c.Page.Bad), look(c, c.Page.Good))
		}
		if len(c.Look(table.Read([]string{"AGPL-3.0-only"}), Rules{})) != 0 {
			t.Errorf("%s looks without being asked", c.ID)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"MIT", "GPL-2.0-only WITH Classpath-exception-2.0", "(MIT OR ISC) AND", "a OR (b", "DocumentRef-x:LicenseRef-y", "gpl-2+", "((((", "MIT AND AND"} {
		f.Add(s)
	}
	table := New()
	f.Fuzz(func(t *testing.T, s string) {
		terms := table.Read([]string{s})
		if !slices.Contains(Classes(), terms.Class) {
			t.Errorf("%q has class %q", s, terms.Class)
		}
		terms.Within([]string{"permissive"})
		_ = terms.String()
	})
}
