// Package comply shows what reports say as people know it from a framework: each control passed, failed, to be looked at
// by a person, not applicable, or not visible. A framework is a view on checks: nothing is judged here. Which checks stand
// for a control is what their cards say.
package comply

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/check"
)

// Framework is a list of controls. Its name with its version is how checks' cards refer to it.
type Framework struct {
	ID       string
	Title    string
	About    string
	Sections []Section
}

// Section is a chapter of a framework.
type Section struct {
	ID       string
	Title    string
	Controls []Control
}

// Control is one demand of a framework.
type Control struct {
	ID     string
	Title  string
	Manual string   // why a person has to look; empty where checks do
	Checks []string // that stand for it: all of them have to have looked
	Proofs []string // checks that can show that it fails, and not that it is met

	unproven bool // no check can show that it is met
}

//go:embed framework/*.txt
var tables embed.FS

// Frameworks lists all, by name. Cards are those of all checks.
func Frameworks(cards []check.Card, proves func(id string) bool) ([]Framework, error) {
	files, err := fs.Glob(tables, "framework/*.txt")
	if err != nil {
		return nil, err
	}
	var all []Framework
	for _, file := range files {
		b, err := fs.ReadFile(tables, file)
		if err != nil {
			return nil, err
		}
		f, err := parse(strings.TrimSuffix(path.Base(file), ".txt"), string(b))
		if err != nil {
			return nil, err
		}
		f.enter(cards, proves)
		all = append(all, f)
	}
	return all, nil
}

// parse reads a table: its title; then, in lines whose fields tabs part, "= ID TITLE" for a section, and for a control ID, TITLE
// and perhaps the reason why a person has to look, and the word proof where checks can only show that it fails.
func parse(id, text string) (f Framework, err error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	f.ID = id
	f.Title, f.About, _ = strings.Cut(lines[0], "\t")
	for n, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		section, isSection := strings.CutPrefix(fields[0], "= ")
		switch {
		case len(fields) < 2, len(fields) > 4, len(fields) == 4 && fields[3] != "proof", !isSection && len(f.Sections) == 0:
			return f, fmt.Errorf("framework %s, line %d: %q", id, n+2, line)
		case isSection:
			f.Sections = append(f.Sections, Section{ID: section, Title: fields[1]})
		default:
			c := Control{ID: fields[0], Title: fields[1]}
			if len(fields) > 2 {
				c.Manual = fields[2]
			}
			c.unproven = len(fields) == 4
			last := &f.Sections[len(f.Sections)-1]
			last.Controls = append(last.Controls, c)
		}
	}
	return f, nil
}

// enter says of each control which checks stand for it. Where some do, no person has to look.
func (f *Framework) enter(cards []check.Card, proves func(id string) bool) {
	for s := range f.Sections {
		for i := range f.Sections[s].Controls {
			c := &f.Sections[s].Controls[i]
			for n := range cards {
				card := &cards[n]
				if !slices.Contains(card.Controls, f.ID+"/"+c.ID) {
					continue
				}
				if c.unproven || proves(card.ID) {
					c.Proofs = append(c.Proofs, card.ID)
				} else {
					c.Checks = append(c.Checks, card.ID)
				}
			}
			if len(c.Checks) > 0 {
				c.Manual = ""
			}
		}
	}
}

// Only leaves the sections and controls whose ids are, or lie under, one of those; one that names nothing is an error.
func (f Framework) Only(ids []string) (Framework, error) {
	if len(ids) == 0 {
		return f, nil
	}
	used := map[string]bool{}
	within := func(id string) bool {
		for _, one := range ids {
			if id == one || strings.HasPrefix(id, one+".") || strings.HasPrefix(id, one+"/") {
				used[one] = true
				return true
			}
		}
		return false
	}
	var kept []Section
	for _, s := range f.Sections {
		whole := within(s.ID)
		s.Controls = slices.DeleteFunc(slices.Clone(s.Controls), func(c Control) bool { return !within(c.ID) && !whole })
		if len(s.Controls) > 0 {
			kept = append(kept, s)
		}
	}
	for _, one := range ids {
		if !used[one] {
			return f, fmt.Errorf("%s has no section or control %q", f.ID, one)
		}
	}
	f.Sections = kept
	return f, nil
}
