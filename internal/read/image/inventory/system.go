package inventory

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// System is what the container sees of its files, as far as they are not like most.
type System struct {
	Files    []SpecialFile // by path
	Accounts []Accounts
	Owners   []OwnedFiles

	stack *stack
}

// Look gives the rights of any path, links followed; false when nothing stands there.
func (s *System) Look(path string) (f Standing, ok bool) { return s.stack.look(path) }

// SpecialFile is one of them: Owner is the index of the OS package whose file it is, -1 when it is nobody's.
type SpecialFile struct {
	Trait
	Layer int
	Owner int
	Known bool // a package of a language was recognised in it
	Roles []trait.Role
	// Manager is the package manager that the file is a program of; empty when it is none.
	Manager string
}

// SetID says whether the file runs as its owner or its group, whoever starts it.
func (f *SpecialFile) SetID() bool { return f.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 }

// Standing is what stands at a path.
type Standing struct {
	Path     string // links followed
	Mode     fs.FileMode
	UID, GID int
	Layer    int
}

// OwnedFiles are files of a user that is not root: how many there are, and some of them.
type OwnedFiles struct {
	UID, Count int
	Path       string
	Layer      int
}

// special keeps the traits of layer i that can be seen through the layers above, of which above are the sets.
func (s *stack) special(i int, above *layerSets) {
	t := &s.layers[i].Traits
	top := i == len(s.layers)-1
	for n := range t.Files {
		f := SpecialFile{Trait: t.Files[n], Layer: i, Owner: -1}
		if !top {
			f.Paths = slices.DeleteFunc(slices.Clone(f.Paths), func(p string) bool { return s.covered(i, above, p, f.Mode.IsDir()) })
		}
		if len(f.Paths) > 0 {
			s.system.Files = append(s.system.Files, f)
		}
	}
	for _, a := range t.Accounts {
		if top || !hides(above, &s.hash, a.Path) {
			s.system.Accounts = append(s.system.Accounts, a)
		}
	}
	counts := map[int]int{}
	for _, r := range t.Rights {
		if !has(above.names, r.Path) && r.UID != 0 {
			counts[r.UID]++
		}
	}
	for _, o := range t.Owners {
		if at := slices.IndexFunc(o.Paths, func(p string) bool { return top || !hides(above, &s.hash, p) }); at >= 0 {
			s.system.Owners = append(s.system.Owners, OwnedFiles{UID: o.UID, Count: max(counts[o.UID], 1), Path: o.Paths[at], Layer: i})
		}
	}
}

// covered says whether the layers above layer i show something else at p. A folder that a layer above writes
// into, and does not list itself, is that of below.
func (s *stack) covered(i int, above *layerSets, p string, folder bool) bool {
	if !folder {
		return hides(above, &s.hash, p)
	}
	key := s.hash.path(p)
	for j := i + 1; j < len(s.layers); j++ {
		of := s.set(j)
		if has(of.names, key) || has(of.whiteouts, key) || has(of.folders, key) && !s.implies(j, key) || hidesFrom(of, &s.hash, p) {
			return true
		}
	}
	return false
}

// implies says whether a folder of a layer has no entry of its own.
func (s *stack) implies(layer int, key uint64) bool {
	_, ok := slices.BinarySearch(s.layers[layer].Traits.Implied, key)
	return ok
}

// look gives the rights of what stands at a path.
func (s *stack) look(p string) (f Standing, ok bool) {
	at, ok := s.resolve(strings.TrimPrefix(p, "/"))
	if !ok || s.tired {
		return f, false
	}
	key := s.hash.path(at)
	for i := len(s.layers) - 1; i >= 0; i-- {
		sets := s.set(i)
		isFolder := has(sets.folders, key) && !has(sets.names, key)
		if has(sets.names, key) || isFolder && !s.implies(i, key) {
			return s.rights(i, at, key, isFolder), true
		}
		if !isFolder && hides(sets, &s.hash, at) {
			return f, false
		}
	}
	return f, false
}

// rights are root's, and nobody else's to change, unless the layer says otherwise.
func (s *stack) rights(layer int, at string, key uint64, folder bool) Standing {
	f := Standing{Path: at, Layer: layer, Mode: 0o755}
	if folder {
		f.Mode |= fs.ModeDir
	}
	of := s.layers[layer].Traits.Rights
	if n, ok := slices.BinarySearchFunc(of, key, func(r Rights, key uint64) int { return cmp.Compare(r.Path, key) }); ok {
		f.Mode, f.UID, f.GID = of[n].Mode, of[n].UID, of[n].GID
	}
	return f
}

// play gives programs their roles: by their own names, and by those of links that lead to them.
func (s *stack) play() {
	files := s.system.Files
	at := map[string]int{}
	add := func(i int, name string) {
		f, r := &files[i], trait.RoleOf(name)
		if r != "" && !slices.Contains(f.Roles, r) {
			f.Roles = append(f.Roles, r)
		}
		if r == trait.PackageManager && f.Manager == "" {
			f.Manager = trait.FamilyOf(name)
		}
	}
	for i := range files {
		if files[i].Program == trait.NoProgram {
			continue
		}
		for _, p := range files[i].Paths {
			at[p] = i
			add(i, p)
		}
	}
	for _, c := range s.layers {
		for _, l := range c.Links {
			if trait.RoleOf(l.Path) == "" {
				continue
			}
			if to, ok := s.resolve(l.Path); ok {
				if i, ok := at[to]; ok {
					add(i, l.Path)
				}
			}
		}
	}
	for i := range files {
		slices.Sort(files[i].Roles)
	}
}

// ownFiles finds the OS package of each special file, and what is a package by itself.
func (g *gather) ownFiles(h *hasher) {
	standing := map[string]bool{}
	for i := range g.packages {
		if !g.kinds[g.packages[i].Ecosystem].OS {
			for _, at := range g.packages[i].Places {
				standing[at.Path] = true
			}
		}
	}
	for n := range g.special {
		f := &g.special[n]
		for _, p := range f.Paths {
			if i, ok := g.owned[h.owned(p)]; ok && i >= 0 {
				f.Owner = i
				break
			}
			f.Known = f.Known || standing[p]
		}
	}
}
