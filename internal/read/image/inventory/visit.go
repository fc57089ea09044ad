package inventory

import (
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// visit takes one entry of the layer.
func (w *layerRead) visit(e *layer.Entry) error {
	if !w.spend(costOfEntry(e)) {
		return w.over
	}
	folders := len(w.places.order)
	err := w.enter(e)
	if !w.spend(int64(len(w.places.order)-folders) * costFolder) {
		return w.over
	}
	return err
}

func (w *layerRead) enter(e *layer.Entry) error {
	w.count++
	name := e.Path
	if e.Kind == layer.Opaque {
		name += "/." // the folder itself, wherever its name leads
	}
	at, ok := w.places.at(name)
	if w.places.work > maxWork {
		return errTiring
	}
	if !ok {
		w.gap(Gap{Class: "unreadable-file", Blocking: true, What: "the symbolic links to it lead in a circle", Path: e.Path})
		return nil
	}
	switch e.Kind {
	case layer.Whiteout:
		w.places.enter(parent(at), len(w.c.Names), false)
		w.c.Whiteouts = append(w.c.Whiteouts, at)
	case layer.Opaque:
		at = strings.TrimSuffix(strings.TrimSuffix(at, "."), "/")
		w.places.enter(at, len(w.c.Names), false)
		w.c.Opaques = append(w.c.Opaques, at)
	case layer.Dir:
		w.forget(at)
		w.places.enter(at, len(w.c.Names), true)
		if w.traits != nil {
			w.traits.here = w.places.hash.path(at)
		}
		w.trait(e, at, nil)
	default:
		w.file(e, at)
	}
	return w.ctx.Err()
}

// file takes an entry that is no folder. It has its own name from the entry, by which it is known, and
// stands at another where a link of its layer leads there.
func (w *layerRead) file(e *layer.Entry, at string) {
	w.places.enter(parent(at), len(w.c.Names), false)
	h := w.places.hash.path(at)
	if w.places.isFolder(h) {
		w.forgetBelow(at)
	}
	w.c.Names = append(w.c.Names, h)
	if w.traits != nil {
		w.traits.here = h
	}
	switch e.Kind {
	case layer.Hardlink:
		w.hardLink(e, at)
	case layer.Symlink:
		w.forget(at)
		w.places.link(at, e.Link)
	case layer.File:
		w.forget(at)
		if w.r.Skip == nil || !w.r.Skip(e.Path) && !w.r.Skip(at) {
			w.document(e, at)
			w.offer(e, at)
		}
	default:
		w.forget(at)
		w.trait(e, at, nil)
	}
}

// forget drops what an earlier entry of the same path said: the last entry of a tar wins.
func (w *layerRead) forget(at string) {
	for _, s := range w.at[at] {
		w.c.Reads[s.read].Paths[s.name] = "" // and taken out at the end: a file may have a million names
	}
	delete(w.at, at)
	delete(w.hard, at)
	w.forgetGaps(at)
	w.forgetTrait(at)
	w.places.link(at, "")
}

// forgetBelow drops what stood in a folder that something else replaces within its layer.
func (w *layerRead) forgetBelow(dir string) {
	w.places.work += 8 * (1 + len(w.at) + len(w.places.links) + len(w.hard))
	var gone []string
	prefix := dir + "/"
	for p := range w.at {
		if strings.HasPrefix(p, prefix) {
			gone = append(gone, p)
		}
	}
	for p := range w.places.links {
		if strings.HasPrefix(p, prefix) {
			gone = append(gone, p)
		}
	}
	for p := range w.hard {
		if strings.HasPrefix(p, prefix) {
			gone = append(gone, p)
		}
	}
	if w.traits != nil {
		w.places.work += 8 * len(w.traits.at)
		for p := range w.traits.at {
			if strings.HasPrefix(p, prefix) {
				gone = append(gone, p)
			}
		}
	}
	for _, p := range gone {
		w.forget(p)
	}
}

// settle keeps of each path what stands there in the end. A folder that takes the place of its own
// whiteout lies over the folder below as any other does: engines make no opaque one of it.
func (w *layerRead) settle() {
	w.c.Whiteouts = slices.DeleteFunc(w.c.Whiteouts, func(p string) bool { return w.places.isFolder(w.places.hash.path(p)) })
	w.c.Names, w.c.Folders = w.places.settle(w.c.Names)
	for _, at := range slices.Sorted(maps.Keys(w.places.links)) {
		if w.r.Skip == nil || !w.r.Skip(at) {
			w.c.Links = append(w.c.Links, Link{Path: at, Target: w.places.links[at]})
		}
	}
}
