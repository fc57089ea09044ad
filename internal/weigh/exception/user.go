package exception

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// User is who asks for what findings are about, as an API server knows them.
type User struct {
	Name   string
	Groups []string
}

// UserPattern is a word for a user or a group as a regular expression (RE2) for the whole name. In names every letter
// counts, slashes at the ends too.
func UserPattern(word string) string { return formOf(word, true) }

// nameWords are patterns of the names of users or groups.
type nameWords []func(name string) bool

func compileNames(words []string) (all nameWords) {
	for _, w := range words {
		if !strings.ContainsAny(w, "*?") {
			all = append(all, func(name string) bool { return name == w })
			continue
		}
		all = append(all, regexp.MustCompile(UserPattern(w)).MatchString) // everything foreign in it is quoted
	}
	return all
}

func (all nameWords) match(name string) bool {
	return slices.ContainsFunc(all, func(is func(string) bool) bool { return is(name) })
}

// forWho says whether an entry is for who asks. Of an exception for some, nobody knows it for others.
func (e *entry) forWho(by *User) bool {
	if !e.Personal() {
		return true
	}
	return by != nil && (len(e.users) == 0 || e.users.match(by.Name)) && (len(e.groups) == 0 || slices.ContainsFunc(by.Groups, e.groups.match))
}

// personal says of each file how many of its exceptions are for users or groups, where none of these is known.
func (p *Pass) personal() map[string]string {
	if p.By != nil {
		return nil
	}
	count, notes := map[string]int{}, map[string]string{}
	for e := range p.all() {
		if e.Personal() {
			count[e.File]++
		}
	}
	for file, n := range count {
		notes[file] = fmt.Sprintf("exceptions for users or groups, of whom only an API server knows who asks: %d, which let nothing pass here", n)
	}
	return notes
}
