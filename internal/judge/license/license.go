// Package license says what the licences of packages ask for: it reads SPDX expressions, knows the common
// other spellings of licences, and holds both against lists of licences and classes.
//
// A class says how far a licence reaches: permissive, weak-copyleft (files or a library), strong-copyleft (the
// whole program), network-copyleft (also where it is only served) and non-commercial (not to be used freely at
// all). What is not understood is unknown, told as it is written, and never guessed. Where an expression lets
// one choose (OR), the choice that asks for least counts. This is no legal advice.
package license

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
)

// Class is how far a licence reaches.
type Class string

// The classes, from the one that asks for least.
const (
	Permissive      Class = "permissive"
	WeakCopyleft    Class = "weak-copyleft"
	StrongCopyleft  Class = "strong-copyleft"
	NetworkCopyleft Class = "network-copyleft"
	NonCommercial   Class = "non-commercial"
	Unknown         Class = "unknown"
)

// Classes lists all, from the one that asks for least.
func Classes() []Class {
	return []Class{Permissive, WeakCopyleft, StrongCopyleft, NetworkCopyleft, NonCommercial, Unknown}
}

//go:embed classes.txt
var classesText string

//go:embed names.txt
var namesText string

// Table knows licences. Make one with [New]; it remembers what it has read, and is not for several goroutines.
type Table struct {
	exact   map[string]Class
	begins  map[string]Class
	linking []string
	names   map[string]string
	read    map[string]Terms
}

// Terms are what all licences of one package come to.
type Terms struct {
	// Expression is SPDX's, as far as it could be made; empty where nothing is known.
	Expression string
	Class      Class
	// Unknown are the texts that are no licence that is known.
	Unknown []string

	all []term // one for each text; all of them hold
}

// New reads the tables of classes and names.
func New() *Table {
	t := &Table{exact: map[string]Class{}, begins: map[string]Class{}, names: map[string]string{}, read: map[string]Terms{}}
	for line := range strings.Lines(classesText) {
		class, ids, ok := strings.Cut(line, ":")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		for _, id := range strings.Fields(ids) {
			id = strings.ToLower(id)
			prefix, wild := strings.CutSuffix(id, "*")
			switch {
			case class == "linking":
				t.linking = append(t.linking, id)
			case wild:
				t.begins[prefix] = Class(class)
			default:
				t.exact[id] = Class(class)
			}
		}
	}
	for line := range strings.Lines(namesText) {
		if name, id, ok := strings.Cut(strings.TrimSpace(line), " = "); ok && !strings.HasPrefix(line, "#") {
			t.names[name] = id
		}
	}
	return t
}

// Known says whether a word of a list means anything: a class, a licence of SPDX's list, or LicenseRef-….
func (t *Table) Known(word string) bool {
	if slices.Contains(Classes(), Class(word)) || strings.HasPrefix(word, "LicenseRef-") {
		return true
	}
	ok, _ := spdxexp.ValidateLicenses([]string{word})
	return ok && !strings.ContainsAny(word, " ()")
}

// Read makes terms of what a package says. No text at all gives unknown terms.
func (t *Table) Read(texts []string) Terms {
	key := strings.Join(texts, "\x00")
	if have, ok := t.read[key]; ok {
		return have
	}
	out := Terms{Class: Permissive}
	var parts []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		one, expression := t.parse(text)
		out.all = append(out.all, one)
		if expression == "" {
			out.Unknown = append(out.Unknown, text)
		} else {
			parts = append(parts, expression)
		}
		out.Class = worse(out.Class, one.class())
	}
	if len(out.all) == 0 {
		out.Class = Unknown
	}
	out.Expression = join(parts)
	if len(t.read) < maxKept {
		t.read[key] = out
	}
	return out
}

// maxKept bounds how many texts are remembered.
const maxKept = 20_000

func join(parts []string) string {
	slices.Sort(parts)
	parts = slices.Compact(parts)
	if len(parts) > 1 {
		for i, p := range parts {
			if strings.Contains(p, " OR ") {
				parts[i] = "(" + p + ")"
			}
		}
	}
	return strings.Join(parts, " AND ")
}

// Within says whether the terms can be met by licences of a list alone: SPDX ids, and classes.
func (t Terms) Within(list []string) bool {
	return len(t.all) > 0 && t.holds(func(l leaf) bool { return l.in(list) })
}

// Without says whether they can be met by none of a list.
func (t Terms) Without(list []string) bool {
	if len(t.all) == 0 {
		return !slices.Contains(list, string(Unknown))
	}
	return t.holds(func(l leaf) bool { return !l.in(list) })
}

func (t Terms) holds(ok func(leaf) bool) bool {
	return !slices.ContainsFunc(t.all, func(one term) bool { return !one.holds(ok) })
}

func worse(a, b Class) Class {
	return Classes()[max(slices.Index(Classes(), a), slices.Index(Classes(), b))]
}

// String tells terms in words.
func (t Terms) String() string {
	switch {
	case len(t.all) == 0:
		return "no licence is named"
	case len(t.Unknown) == 0:
		return t.Expression
	}
	said := "not understood: " + strings.Join(quoted(t.Unknown), ", ")
	if t.Expression == "" {
		return said
	}
	return fmt.Sprintf("%s, and %s", t.Expression, said)
}

// quoted are the first few texts, cut short.
func quoted(texts []string) []string {
	const most, letters = 3, 80
	var all []string
	for _, s := range texts[:min(len(texts), most)] {
		if len(s) > letters {
			s = s[:letters] + "…"
		}
		all = append(all, fmt.Sprintf("%q", s))
	}
	return all
}
