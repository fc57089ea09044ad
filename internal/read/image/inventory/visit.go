package inventory

import (
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// visit takes one entry of the layer.
func (w *layerRead) visit(e *layer.Entry) error {
	if !w.spend(costHash + w.cost(e)) {
		return w.over
	}
	switch e.Kind {
	case layer.Whiteout:
		w.c.Whiteouts = append(w.c.Whiteouts, e.Path)
		return nil
	case layer.Opaque:
		w.c.Opaques = append(w.c.Opaques, e.Path)
		return nil
	case layer.Dir:
		w.c.Folders = append(w.c.Folders, w.hash.path(e.Path))
		w.forget(e.Path)
		return nil
	}
	w.c.Names = append(w.c.Names, w.hash.path(e.Path))
	if e.Kind == layer.Hardlink {
		w.hardLink(e)
		return nil
	}
	w.forget(e.Path)
	if w.r.Skip != nil && w.r.Skip(e.Path) {
		return nil
	}
	switch e.Kind {
	case layer.Symlink:
		w.c.Links = append(w.c.Links, Link{Path: e.Path, Target: e.Link})
	case layer.File:
		w.offer(e)
	}
	if w.over != nil {
		return w.over
	}
	return w.ctx.Err()
}

// cost is what is kept of an entry besides its hash.
func (w *layerRead) cost(e *layer.Entry) int64 {
	switch e.Kind {
	case layer.Whiteout, layer.Opaque:
		return costOf(e.Path)
	case layer.Symlink:
		return costOf(e.Path, e.Link)
	case layer.Hardlink:
		if len(w.at[e.Link]) > 0 {
			return costOf(e.Path)
		}
	}
	return 0
}

// place is one name of one read: Reads[read].Paths[name].
type place struct{ read, name int }

// forget drops what an earlier entry of the same path said: the last entry of a tar wins. The name is
// emptied only, and taken out at the end: a file may have a million names.
func (w *layerRead) forget(path string) {
	for _, at := range w.at[path] {
		w.c.Reads[at.read].Paths[at.name] = ""
	}
	delete(w.at, path)
}

// hardLink gives a file that was read one more name. When it was not, but would be under this name,
// it is read at the end.
func (w *layerRead) hardLink(e *layer.Entry) {
	if e.Path == e.Link {
		return
	}
	w.forget(e.Path)
	if reads := w.at[e.Link]; len(reads) > 0 {
		mine := make([]place, len(reads))
		for n, at := range reads {
			r := &w.c.Reads[at.read]
			mine[n] = place{at.read, len(r.Paths)}
			r.Paths = append(r.Paths, e.Path)
		}
		w.at[e.Path] = mine
		return
	}
	// The link's own entry has no bytes: what only the first bytes could tell was told by the target.
	st := ecosystem.Stat{Path: e.Path, Size: 1, Mode: e.Mode, Head: []byte("\x7fELF\x02\x01\x01")}
	for i := range w.r.Ecosystems {
		if w.r.Ecosystems[i].Wants(st) {
			if w.spend(costOf(e.Path, e.Link)) {
				w.links = append(w.links, Link{Path: e.Path, Target: e.Link})
			}
			return
		}
	}
}

// again reads the targets of hard links under the names of the links.
func (w *layerRead) again(l image.Layer) error {
	want := map[string][]string{}
	for _, link := range w.links {
		want[link.Target] = append(want[link.Target], link.Path)
	}
	reads, gaps, err := w.r.Again(w.ctx, l, want)
	w.c.Reads = append(w.c.Reads, reads...)
	for _, g := range gaps {
		w.gap(g)
	}
	return err
}
