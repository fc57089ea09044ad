package imagecfg

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// since is the release that brought these checks.
const since = "0.1"

// card is that of a misconfiguration; what is common to all of them stands here.
func card(id, title string, how finding.Severity, page check.Page, aliases ...string) check.Card {
	c := check.Card{
		ID: id, Title: title, Kind: finding.KindMisconfiguration, Severity: how, Decks: []string{finding.Build}, Since: since, Page: page,
	}
	for _, a := range aliases {
		if strings.HasPrefix(a, "cis-docker") {
			c.Controls = append(c.Controls, a)
		} else {
			c.Aliases = append(c.Aliases, a)
		}
	}
	return c
}

// field names what of a configuration a hit is about: the same in a built image and its Dockerfile.
func field(name string) *finding.Subject { return &finding.Subject{Field: name} }

// Bounds of what one finding names.
const (
	maxPlaces = 20 // as its locations
	maxShown  = 5  // in words
)

// files is a hit about some files: all of them counted, the first of them named.
func files(of []File, what string) check.Hit {
	h := check.Hit{Detail: fmt.Sprintf("%s: %s", plural(len(of), what), first(of, maxShown, func(f File) string { return f.Path }))}
	for i := range of[:min(len(of), maxPlaces)] {
		h.At = append(h.At, finding.Location{Path: of[i].Path, Layer: &of[i].Layer})
	}
	h.Where = first(of, maxPlaces, describe)
	return h
}

// first names the first few.
func first[T any](of []T, most int, name func(T) string) string {
	var words []string
	for _, one := range of[:min(len(of), most)] {
		words = append(words, name(one))
	}
	if more := len(of) - most; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// describe tells a file's rights and whose it is.
func describe(f File) string {
	s := fmt.Sprintf("%s %s %d:%d", f.Path, rights(f), f.UID, f.GID)
	if len(f.Capabilities) > 0 {
		s += " " + strings.Join(f.Capabilities, ",")
	}
	if f.Package != "" {
		s += " of " + f.Package
	}
	return s
}

// rights are a mode in the octal form of chmod(1).
func rights(f File) string {
	n := uint32(f.Mode.Perm())
	for i, bit := range []uint32{0o4000, 0o2000, 0o1000} {
		if f.Mode&special[i] != 0 {
			n |= bit
		}
	}
	return fmt.Sprintf("%04o", n)
}

// plural counts: in what stands %s for the letter that many have.
func plural(n int, what string) string {
	s := "s"
	if n == 1 {
		s = ""
	}
	return fmt.Sprintf("%d %s", n, strings.Replace(what, "%s", s, 1))
}
