package inventory

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// noLock is the class of gap for a manifest that nothing answers.
const noLock = "no-lock-file"

// maxIncludes bounds the files of one image that others include and that are read for it.
const maxIncludes = 100

// included finds the files that others include and that were not read, because nothing in their names
// told what they are. What is not there is a gap: requirements that nobody can read are not known.
func (s *stack) included(reads []seen) (needs []Need, gaps []Gap) {
	if !slices.ContainsFunc(reads, func(r seen) bool { return len(r.Includes) > 0 }) {
		return nil, nil
	}
	have := map[[2]string]bool{}
	for i := range reads {
		for _, p := range reads[i].paths {
			have[[2]string{reads[i].Ecosystem, p}] = true
		}
	}
	count := 0
	for i := range reads {
		r := &reads[i]
		if len(r.paths) == 0 {
			continue
		}
		for _, inc := range r.Includes {
			if count++; count > maxIncludes {
				return needs, append(gaps, Gap{Class: "limit-reached", Blocking: true, Count: 1, Path: r.paths[0], What: fmt.Sprintf("more than %d files that others include", maxIncludes)})
			}
			at, layer, ok := s.find(inc.Path)
			switch {
			case ok && have[[2]string{r.Ecosystem, at}]:
			case ok:
				needs = append(needs, Need{Layer: layer, Path: at, As: inc.As})
			case !inc.Only:
				gaps = append(gaps, Gap{Class: noLock, Blocking: true, Count: 1, Path: r.paths[0], What: fmt.Sprintf("it includes %.200q, which is not there: what that asks for is not known", inc.Path)})
			}
		}
	}
	return needs, gaps
}

// find is where the file stands that a path leads to, and the layer that holds it. What lies outside a
// folder is no file of it.
func (s *stack) find(p string) (at string, layer int, ok bool) {
	if p == ".." || strings.HasPrefix(p, "../") {
		return "", 0, false
	}
	if at, ok = s.resolve(p); ok && at != "" {
		layer, ok = s.holder(at)
	}
	return at, layer, ok && at != ""
}

// open is a manifest that nothing answers.
type open struct {
	read    *seen
	at      string
	missing []string
}

// unanswered finds the manifests of which nothing says what their projects get.
func (g *gather) unanswered(s *stack) (all []open) {
	a := answers{g: g, by: map[[2]string]*answer{}, askers: map[string]bool{}}
	locks := map[string]bool{}
	if !a.prepare() {
		return nil
	}
	for i := range g.reads {
		r := &g.reads[i]
		if r.Asks == nil {
			continue
		}
		for _, at := range r.paths {
			missing, answered := a.missing(r, at)
			if !answered && !s.locked(at, r.Asks.Locks, locks) {
				all = append(all, open{r, at, missing})
			}
		}
	}
	return all
}

// declare adds what manifests declare themselves. Where something better answers they count no more.
func (g *gather) declare(all []open) {
	for _, o := range all {
		if isManifest(o.read) {
			one := only(o.read, true)
			one.paths = []string{o.at}
			g.add(one)
		}
	}
}

// only is a read with those of its packages that are declared, or with the others.
func only(r *seen, declared bool) *seen {
	what := *r.Read
	what.Packages = slices.DeleteFunc(slices.Clone(what.Packages), func(p ecosystem.Package) bool { return p.Declared != declared })
	return &seen{Read: &what, layer: r.layer, paths: r.paths}
}

// isManifest says that a file asks for packages of which a lock file should say the versions.
func isManifest(r *seen) bool { return r.Asks != nil && len(r.Asks.Locks) > 0 }

// unlocked tells of manifests that nothing answers, but for files of an OS package, which are no project's.
func (g *gather) unlocked(h *hasher, all []open) (gaps []Gap) {
	for _, o := range all {
		if g.owned[h.owned(o.at)] < 0 {
			gaps = append(gaps, Gap{Class: noLock, Blocking: true, Count: 1, Path: o.at, What: saying(o.read.Asks, o.missing)})
		}
	}
	return gaps
}

// locked says whether the container sees one of these files beside a manifest or in a folder above.
// Known are the paths that were looked for.
func (s *stack) locked(manifest string, locks []string, known map[string]bool) bool {
	for dir := parent(manifest); len(locks) > 0; dir = parent(dir) {
		for _, name := range locks {
			p := path.Join(dir, name)
			found, ok := known[p]
			if !ok {
				at, ok := s.resolve(p)
				found = ok && s.there(at)
				known[p] = found
			}
			if found {
				return true
			}
		}
		if dir == "" {
			break
		}
	}
	return false
}

// there says whether the container sees anything at p.
func (s *stack) there(p string) bool {
	if s.work += len(s.layers) * (1 + strings.Count(p, "/")) * (1 + len(p)/16); s.work > maxWork {
		return false // and it counts as missing
	}
	key := s.hash.path(p)
	for i := len(s.layers) - 1; i >= 0; i-- {
		if sets := s.set(i); has(sets.names, key) || has(sets.folders, key) {
			return true
		} else if hides(sets, &s.hash, p) {
			return false
		}
	}
	return false
}

// maxNamed bounds how many packages a gap names.
const maxNamed = 5

func saying(a *ecosystem.Asks, missing []string) string {
	what := "it asks for packages that it does not name"
	if n := len(missing); n > 0 {
		what = "it asks for " + strings.Join(missing[:min(n, maxNamed)], ", ")
		if n > maxNamed {
			what += fmt.Sprintf(" and %d more", n-maxNamed)
		}
	}
	if len(a.Locks) == 0 {
		return what + " without naming one version, and no such package is installed"
	}
	return what + ", and no lock file says which versions it gets (" + strings.Join(a.Locks[:min(len(a.Locks), 3)], ", ") + ")"
}

// answers looks packages up by the names that manifests ask for.
type answers struct {
	g      *gather
	by     map[[2]string]*answer // kind and name
	askers map[string]bool       // manifests: what they say themselves is no answer to one
}

// answer is where the packages of one name stand, by folder.
type answer struct {
	installed bool
	declared  map[string]bool // folders of the files that declare one with its version
	local     map[string]bool // folders in which one is installed for the projects there and below
}

// prepare is false when nobody asks.
func (a *answers) prepare() bool {
	local := map[string][]string{} // kind → its folders of installed packages
	for i := range a.g.reads {
		r := &a.g.reads[i]
		if r.Asks == nil || len(r.paths) == 0 {
			continue
		}
		for _, p := range r.paths {
			a.askers[p] = true
		}
		for _, n := range slices.Concat(r.Asks.Names, r.Asks.Maybe) {
			a.by[[2]string{r.Ecosystem, n}] = nil
		}
		local[r.Ecosystem] = r.Asks.Local
	}
	if len(a.askers) == 0 {
		return false
	}
	for i := range a.g.packages {
		p := &a.g.packages[i]
		name := p.FullName()
		if kind := a.g.kinds[p.Ecosystem]; kind.Key != nil {
			name = kind.Key(p.Package)
		}
		k := [2]string{p.Ecosystem, name}
		one, asked := a.by[k]
		if !asked || p.Version == "" || p.Main {
			continue
		}
		if one == nil {
			one = &answer{declared: map[string]bool{}, local: map[string]bool{}}
			a.by[k] = one
		}
		a.enter(one, p, local[p.Ecosystem])
	}
	return true
}

// enter adds the places of one package.
func (a *answers) enter(one *answer, p *Package, local []string) {
	for _, at := range p.Places {
		switch {
		case a.askers[at.Path]:
		case p.Declared:
			one.declared[parent(at.Path)] = true
		default:
			one.installed = one.installed || len(local) == 0
			for _, folder := range local {
				if i := strings.Index("/"+at.Path, "/"+folder+"/"); i >= 0 {
					one.local[strings.TrimSuffix(at.Path[:i], "/")] = true
				}
			}
		}
	}
}

// missing are the names that a manifest asks for and that nothing answers. All says that nothing is
// missing, also of what it does not name.
func (a *answers) missing(r *seen, at string) (names []string, all bool) {
	some := false
	look := func(name string) bool {
		one := a.by[[2]string{r.Ecosystem, name}]
		if one == nil {
			return false
		}
		installed := one.installed || isAbove(one.local, at)
		some = some || installed
		return installed || isAbove(one.declared, at)
	}
	for _, n := range r.Asks.Names {
		if !look(n) {
			names = append(names, n)
		}
	}
	var maybe []string
	for _, n := range r.Asks.Maybe {
		if !look(n) {
			maybe = append(maybe, n)
		}
	}
	if some && (len(r.Asks.Local) > 0 || len(names) == 0) {
		return nil, true
	}
	if !some {
		names = append(names, maybe...)
	}
	slices.Sort(names)
	return slices.Compact(names), len(names) == 0 && !r.Asks.More
}

// isAbove says whether a file lies in one of these folders or below it.
func isAbove(folders map[string]bool, file string) bool {
	for dir := parent(file); len(folders) > 0; dir = parent(dir) {
		if folders[dir] {
			return true
		}
		if dir == "" {
			break
		}
	}
	return false
}
