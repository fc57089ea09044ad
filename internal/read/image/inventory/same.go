package inventory

import (
	"path"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// nobodys is the type of what no package manager brought.
const nobodys = "generic"

// sameSoftware gives a program that is known by its version string alone to the package that names it
// properly, so that it is judged once: one of the same name in the same advisories, which is told of by
// a file in a folder above the program. Bitnami's images are made that way.
func (g *gather) sameSoftware(h *hasher, owners map[uint64]int, on *ecosystem.Release) {
	proper := g.properly(on)
	for i := range g.packages {
		p := &g.packages[i]
		if p.Type != nobodys {
			continue
		}
		feed, name, ok := g.advisedAs(p, on)
		if !ok {
			continue
		}
		for _, at := range p.Places {
			key := h.owned(at.Path)
			if owners[key] >= 0 {
				continue
			}
			best := -1
			for dir := path.Dir(at.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
				if j, ok := proper[named{feed, name, dir}]; ok && (best < 0 || j < best) {
					best = j
				}
			}
			if best >= 0 {
				owners[key] = best
			}
		}
	}
}

// named is software that a file in a folder names properly.
type named struct{ feed, name, dir string }

// properly finds the first package that names each software in each folder.
func (g *gather) properly(on *ecosystem.Release) map[named]int {
	all := map[named]int{}
	for j := range g.packages {
		q := &g.packages[j]
		if q.Type == nobodys || g.kinds[q.Ecosystem].OS {
			continue
		}
		feed, name, ok := g.advisedAs(q, on)
		if !ok {
			continue
		}
		for _, at := range q.Places {
			n := named{feed, name, path.Dir(at.Path)}
			if _, ok := all[n]; !ok {
				all[n] = j
			}
		}
	}
	return all
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
