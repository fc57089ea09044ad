package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Inventory is what the container sees.
type Inventory struct {
	Packages []Package // sorted by kind, name, version and place
	Release  *ecosystem.Release
	Needs    []Need // files to read once more; lay the layers over each other again after
	Gaps     []Gap
	Layers   [][]Gap // what is not assessed of each layer, as far as the container could see it
	System   System
	Sights   []Seen // what an inspector found, in all layers; sorted by path and layer
	Passed   int    // sights in files that a package manager installed and nobody changed
}

// Package is one package, wherever it stands.
type Package struct {
	ecosystem.Package
	Ecosystem string
	Places    []Place
	Owner     int  // index of the OS package whose files all its places are; -1: nobody's
	Unvouched bool // the owner's own distribution does not speak for it
}

// Place is where a package stands, and the layer that brought it.
type Place struct {
	Path  string
	Inner string
	Layer int
	Line  int
}

// Squash lays layers over each other, bottom first.
func Squash(layers []*Contents, of []ecosystem.Ecosystem) Inventory {
	s := newStack(layers)
	kinds := map[string]*ecosystem.Ecosystem{}
	for i := range of {
		kinds[of[i].Name] = &of[i]
	}
	all := s.visible()
	for i := range of {
		if of[i].OneOf {
			keepFirst(all, &of[i])
		}
		if of[i].Better != nil {
			keepBetter(all, &of[i])
		}
	}
	inv := Inventory{Release: release(all, of), Needs: s.needs(of, all), Layers: s.gaps}
	included, missing := s.included(all)
	inv.Needs = append(inv.Needs, included...)
	s.play()
	g := gather{special: s.system.Files, kinds: kinds, index: make(map[string]int, len(all)), packages: make([]Package, 0, len(all)), reads: all, names: map[string]map[string]int{}}
	for i := range all {
		switch r := &all[i]; {
		case len(r.paths) == 0 || kinds[r.Ecosystem] == nil:
		case isManifest(r):
			g.add(only(r, false))
		default:
			g.add(r)
		}
	}
	unanswered := g.unanswered(s)
	g.declare(unanswered)
	g.own(&s.hash, inv.Release)
	inv.Gaps = append(missing, g.unlocked(&s.hash, unanswered)...)
	g.ownFiles(&s.hash)
	inv.Packages = g.sorted()
	inv.System = s.system
	inv.System.stack = s
	inv.Sights, inv.Passed = s.sights()
	if s.tired {
		inv.Gaps = append(inv.Gaps, Gap{
			Class: "limit-reached", Blocking: true, Count: 1,
			What: "its symbolic links lead in so many ways that not all were followed",
		})
	}
	return inv
}

// release takes the distribution from the file that comes first in its ecosystem's fixed paths.
func release(all []seen, of []ecosystem.Ecosystem) *ecosystem.Release {
	var best *ecosystem.Release
	rank := len(all) + 100
	for _, e := range of {
		for _, r := range all {
			if r.Ecosystem != e.Name || r.Release == nil {
				continue
			}
			for _, p := range r.paths {
				at := slices.Index(e.Fixed, p)
				if at < 0 {
					at = len(e.Fixed)
				}
				if at < rank {
					best, rank = r.Release, at
				}
			}
		}
	}
	return best
}

// gather makes one package of all that stand under the same name and version.
type gather struct {
	kinds    map[string]*ecosystem.Ecosystem
	packages []Package
	index    map[string]int
	reads    []seen
	at       map[string][]int          // path of a database → its reads, bottom first
	names    map[string]map[string]int // kind → what file lists call its packages
	owned    map[uint64]int            // hash of a place, manifest or special file → the OS package whose file it is; -1: nobody's
	special  []SpecialFile
}

func (g *gather) add(r *seen) {
	eco := g.kinds[r.Ecosystem]
	var brought map[string]int
	if eco.Database {
		brought = g.brought(r)
	}
	for _, p := range r.Packages {
		key := key(&p)
		i, ok := g.index[key]
		if !ok {
			i = len(g.packages)
			g.index[key] = i
			g.packages = append(g.packages, Package{Package: p, Ecosystem: r.Ecosystem, Owner: -1})
		} else {
			merge(&g.packages[i].Package, &p)
		}
		from := r.layer
		if b, ok := brought[key]; ok {
			from = b
		}
		for _, at := range r.paths {
			g.packages[i].Places = append(g.packages[i].Places, Place{Path: at, Inner: p.Inner, Layer: from, Line: p.Line})
		}
	}
}

// key is what makes two packages the same one.
func key(p *ecosystem.Package) string {
	return strings.Join([]string{p.Type, p.Namespace, p.Name, p.Version, p.Arch, p.Module, strings.Join(p.Qualifiers, "&")}, "\x00")
}

// maxMerged bounds the dependencies that several sights of one package add up to.
const maxMerged = 1000

// merge adds what another sight of the same package tells.
func merge(to, from *ecosystem.Package) {
	to.Declared = to.Declared && from.Declared
	to.Dev = to.Dev && from.Dev
	to.Heuristic = to.Heuristic && from.Heuristic
	to.Data = to.Data && from.Data
	if len(to.Licenses) == 0 {
		to.Licenses = from.Licenses
	}
	if len(to.Digests) == 0 {
		to.Digests = from.Digests
	}
	if to.SourceName == "" {
		to.SourceName, to.SourceVer = from.SourceName, from.SourceVer
	}
	if len(to.Depends) == 0 {
		to.Depends = from.Depends
		return
	}
	for _, d := range from.Depends {
		if len(to.Depends) >= maxMerged {
			return
		}
		if !slices.Contains(to.Depends, d) {
			to.Depends = append(slices.Clip(to.Depends), d)
		}
	}
}

// brought tells for each package of a database the layer since which every version of that database
// has it: a database is written anew by each layer that installs anything.
func (g *gather) brought(top *seen) map[string]int {
	since := make(map[string]int, len(top.Packages))
	for i := range top.Packages {
		since[key(&top.Packages[i])] = top.layer
	}
	left := since
	for _, i := range slices.Backward(g.sharing(top)) {
		r := &g.reads[i]
		if r.layer >= top.layer || len(left) == 0 {
			continue
		}
		had := make(map[string]int, len(r.Packages))
		for n := range r.Packages {
			if k := key(&r.Packages[n]); hadBefore(left, k) {
				had[k] = r.layer
				since[k] = r.layer
			}
		}
		left = had
	}
	return since
}

func hadBefore(m map[string]int, k string) bool { _, ok := m[k]; return ok }

// sharing finds the reads of one database, in all layers: those that have a path in common with it.
func (g *gather) sharing(top *seen) []int {
	if g.at == nil {
		g.at = map[string][]int{}
		for i := range g.reads {
			if eco := g.kinds[g.reads[i].Ecosystem]; eco != nil && eco.Database {
				for _, p := range g.reads[i].Paths {
					g.at[eco.Name+" "+p] = append(g.at[eco.Name+" "+p], i)
				}
			}
		}
	}
	if len(top.Paths) == 1 {
		return g.at[top.Ecosystem+" "+top.Paths[0]]
	}
	var all []int
	for _, p := range top.Paths {
		all = append(all, g.at[top.Ecosystem+" "+p]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// own finds for each package of a language the OS package that its files belong to, and marks OS
// packages of which no file is code.
func (g *gather) own(h *hasher, on *ecosystem.Release) {
	wanted := map[uint64]int{} // hash of a place → index of an OS package, -1 as long as nobody owns it
	for i := range g.packages {
		if !g.kinds[g.packages[i].Ecosystem].OS {
			for _, at := range g.packages[i].Places {
				wanted[h.owned(at.Path)] = -1
			}
		}
	}
	for i := range g.reads {
		if r := &g.reads[i]; r.Asks != nil {
			for _, p := range r.paths {
				wanted[h.owned(p)] = -1
			}
		}
	}
	for i := range g.special {
		for _, p := range g.special[i].Paths {
			wanted[h.owned(p)] = -1
		}
	}
	for i := range g.reads {
		if r := &g.reads[i]; len(r.paths) > 0 && len(r.Owned) > 0 {
			g.owners(r, wanted)
		}
	}
	g.owned = wanted
	g.sameSoftware(h, wanted, on)
	for i := range g.packages { // what split adds at the end is settled already
		if !g.kinds[g.packages[i].Ecosystem].OS {
			g.split(i, h, wanted, on)
		}
	}
}

// split gives a package its owner. One that stands both among the files of OS packages and elsewhere
// becomes several, each with the places of one owner: what nobody owns is to be judged by itself.
func (g *gather) split(i int, h *hasher, owners map[uint64]int, on *ecosystem.Release) {
	whole := &g.packages[i]
	if len(whole.Places) == 1 {
		whole.Owner = owners[h.owned(whole.Places[0].Path)]
		whole.Unvouched = whole.Owner >= 0 && g.thirdParty(whole.Owner, on)
		return
	}
	places := map[int][]Place{}
	var order []int
	for _, at := range whole.Places {
		owner := owners[h.owned(at.Path)]
		if places[owner] == nil {
			order = append(order, owner)
		}
		places[owner] = append(places[owner], at)
	}
	for n, owner := range order {
		p := g.packages[i]
		p.Places, p.Owner = places[owner], owner
		p.Unvouched = owner >= 0 && g.thirdParty(owner, on)
		if n == 0 {
			g.packages[i] = p
		} else {
			g.packages = append(g.packages, p)
		}
	}
}

func (g *gather) thirdParty(i int, on *ecosystem.Release) bool {
	eco := g.kinds[g.packages[i].Ecosystem]
	if eco.ThirdParty == nil {
		return false
	}
	var r ecosystem.Release
	if on != nil {
		r = *on
	}
	return eco.ThirdParty(g.packages[i].Package, r)
}

// owners enters the files of one list.
func (g *gather) owners(r *seen, wanted map[uint64]int) {
	byName := g.byName(r.Ecosystem)
	for _, o := range r.Owned {
		i, ok := byName[o.Package]
		if !ok {
			continue
		}
		if o.Data {
			g.packages[i].Data = true
		}
		for _, f := range o.Files {
			if _, ok := wanted[f]; ok {
				wanted[f] = i
			}
		}
	}
}

// byName finds the packages of one kind as file lists call them: NAME, or NAME:ARCH.
func (g *gather) byName(kind string) map[string]int {
	if names := g.names[kind]; names != nil {
		return names
	}
	names := map[string]int{}
	for i := range g.packages {
		if p := &g.packages[i]; p.Ecosystem == kind {
			names[p.Name] = i
			if p.Arch != "" {
				names[p.Name+":"+p.Arch] = i
			}
		}
	}
	g.names[kind] = names
	return names
}

// sorted orders packages, and keeps owners pointing at the same ones.
func (g *gather) sorted() []Package {
	order := make([]int, len(g.packages))
	for i := range order {
		order[i] = i
	}
	for i := range g.packages {
		slices.SortFunc(g.packages[i].Places, comparePlaces)
		g.packages[i].Places = slices.Compact(g.packages[i].Places)
	}
	slices.SortFunc(order, func(a, b int) int { return comparePackages(&g.packages[a], &g.packages[b]) })
	place := make([]int, len(order))
	sorted := make([]Package, len(order))
	for to, from := range order {
		place[from] = to
		sorted[to] = g.packages[from]
	}
	for i := range sorted {
		if sorted[i].Owner >= 0 {
			sorted[i].Owner = place[sorted[i].Owner]
		}
	}
	for i := range g.special {
		if f := &g.special[i]; f.Owner >= 0 {
			f.Owner = place[f.Owner]
		}
	}
	slices.SortStableFunc(g.special, func(a, b SpecialFile) int { return cmp.Compare(a.Paths[0], b.Paths[0]) })
	return sorted
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inner, b.Inner), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Line, b.Line))
}

func comparePackages(a, b *Package) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Version, b.Version), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Module, b.Module),
		slices.Compare(a.Qualifiers, b.Qualifiers), comparePlaces(first(a.Places), first(b.Places)))
}

func first(of []Place) Place {
	if len(of) == 0 {
		return Place{}
	}
	return of[0]
}
