package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// places follows how one layer is unpacked: into a folder of its own, which overlayfs then lays over the
// layers below. So a symbolic link of the same layer leads on, and one of a lower layer does not: a
// layer that writes below its name puts a folder in its place. Docker, containerd and Podman agree on
// that.
type places struct {
	hash    hasher
	links   map[string]string // path → target, as the layer stands now
	folders map[uint64]int    // hash → how many names there were when it became a folder
	order   []uint64          // of folders, as they came
	implied map[uint64]bool   // folders without an entry of their own, so far
	dir     string            // the folder of the last entry, and what it resolved to
	real    string
	entered string // the last folder that was noted
	work    int    // what following links has cost
}

// maxWork bounds what following links may cost, in paths and pieces of 16 bytes of them that are
// looked up: some seconds. Honest layers take a hundredth of it.
const maxWork = 1 << 27

var errTiring = fmt.Errorf("%w: its symbolic links lead in so many ways that not all were followed", layer.ErrLimit)

// at is where an entry is unpacked: the links on the way are followed, the last element is not. False
// when they lead in a circle, which no engine unpacks.
func (p *places) at(name string) (string, bool) {
	if len(p.links) == 0 {
		return name, true
	}
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return name, true
	}
	if name[:i] != p.dir {
		real, ok := p.folder(name[:i])
		if !ok {
			return "", false
		}
		p.dir, p.real = name[:i], real
	}
	return strings.TrimPrefix(p.real+name[i:], "/"), true
}

// folder follows the links of a path to its end.
func (p *places) folder(name string) (string, bool) {
	return follow(name, true, func(at string) (string, bool) {
		p.work += 1 + len(at)/16
		t, ok := p.links[at]
		return t, ok
	})
}

// link notes a symbolic link, or with an empty target that there is none.
func (p *places) link(at, target string) {
	if target == "" {
		if _, ok := p.links[at]; !ok {
			return
		}
		delete(p.links, at)
	} else {
		if p.links == nil {
			p.links = map[string]string{}
		}
		p.links[at] = target
	}
	p.dir, p.real = "", ""
}

// enter notes a folder, and those that it lies in. Anew says that it takes the place of what the layer
// had under its name.
func (p *places) enter(dir string, names int, anew bool) {
	if dir == p.entered && !anew {
		return
	}
	p.entered = dir
	for dir != "" {
		h := p.hash.path(dir)
		_, have := p.folders[h]
		if have && !anew {
			return
		}
		if p.folders[h] = names; !have {
			p.order = append(p.order, h)
		}
		p.imply(h, !anew)
		dir, anew = parent(dir), false
	}
}

// imply notes of a folder whether it has an entry of its own.
func (p *places) imply(h uint64, implied bool) {
	if !implied {
		delete(p.implied, h)
		return
	}
	if p.implied == nil {
		p.implied = map[uint64]bool{}
	}
	p.implied[h] = true
}

func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}

func (p *places) isFolder(hash uint64) bool { _, ok := p.folders[hash]; return ok }

// settle gives what the layer ends up with: of a path that was a folder and something else, the last.
func (p *places) settle(names []uint64) (rest, folders []uint64) {
	both := false
	for i, h := range names {
		since, ok := p.folders[h]
		if both = both || ok; ok && since <= i {
			delete(p.folders, h)
		}
	}
	if !both {
		return names, p.order
	}
	n := 0
	rest = slices.DeleteFunc(names, func(h uint64) bool {
		n++
		since, ok := p.folders[h]
		return ok && since > n-1
	})
	folders = slices.DeleteFunc(p.order, func(h uint64) bool { _, ok := p.folders[h]; return !ok })
	return rest, folders
}

// maxLinks bounds how many symbolic links one path leads through, as the kernel does (path_resolution(7)).
const maxLinks = 40

// follow gives the path that a path leads to, one element after the other: links count from the root
// of the image, and none leads out of it. The last element is followed only when whole is set. False
// when the links lead in a circle.
func follow(p string, whole bool, link func(at string) (target string, ok bool)) (string, bool) {
	real, followed := "", 0
	for p != "" {
		name, rest, _ := strings.Cut(p, "/")
		p = rest
		switch name {
		case "", ".":
			continue
		case "..":
			real = parent(real)
			continue
		}
		next := strings.TrimPrefix(real+"/"+name, "/")
		target, ok := "", false
		if rest != "" || whole {
			target, ok = link(next)
		}
		if !ok {
			real = next
			continue
		}
		if followed++; followed > maxLinks || len(target)+len(rest) > maxPath {
			return "", false
		}
		if strings.HasPrefix(target, "/") {
			real = ""
		}
		p = target + "/" + rest
	}
	return real, true
}

const maxPath = 4096 // bytes; Linux's PATH_MAX
