package inventory

import (
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// nobodys is the type of what no package manager brought.
const nobodys = "generic"

// sameSoftware gives a program that is known by its version string alone to the package that names it
// properly, so that it is judged once: one of the same name in the same advisories, which is told of by
// a file in a folder above the program. Bitnami's images are made that way.
func (g *gather) sameSoftware(h *hasher, owners map[uint64]int, on *ecosystem.Release) {
	for i := range g.packages {
		p := &g.packages[i]
		if p.Type != nobodys {
			continue
		}
		feed, name, ok := g.advisedAs(p, on)
		if !ok {
			continue
		}
		for j := range g.packages {
			q := &g.packages[j]
			if q.Type == nobodys || g.kinds[q.Ecosystem].OS {
				continue
			}
			if f, n, ok := g.advisedAs(q, on); !ok || f != feed || n != name {
				continue
			}
			for _, at := range p.Places {
				if key := h.owned(at.Path); owners[key] < 0 && below(q.Places, at.Path) {
					owners[key] = j
				}
			}
		}
	}
}

// advisedAs is the feed and the name in it under which advisories on a package are looked up.
func (g *gather) advisedAs(p *Package, on *ecosystem.Release) (feed, name string, ok bool) {
	kind := g.kinds[p.Ecosystem]
	if kind.Advisories == nil {
		return "", "", false
	}
	var release ecosystem.Release
	if on != nil {
		release = *on
	}
	if feed, ok = kind.Advisories(p.Package, release); !ok {
		return "", "", false
	}
	if kind.Key != nil {
		return feed, kind.Key(p.Package), true
	}
	return feed, p.FullName(), true
}

// below says whether p lies below the folder of one of the places.
func below(places []Place, p string) bool {
	for _, at := range places {
		if dir := path.Dir(at.Path); dir != "." && strings.HasPrefix(p, dir+"/") {
			return true
		}
	}
	return false
}
