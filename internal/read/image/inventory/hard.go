package inventory

import (
	"maps"
	"slices"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// hardLink says which file a hard link is a name of.
type hardLink struct {
	file   string // where it stands in its layer
	upto   int    // entries that had come by then: what replaces the file after is another one
	wanted bool   // somebody reads files of this name
	later  bool   // somebody does who has not been offered the file
}

// aProgram is how an executable begins.
const aProgram = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"

// hardLink gives a file one more name. When somebody would read it under this name who did not under
// its own, it is read at the end. Links that nobody wants are not remembered: an image can have a
// million of them.
func (w *layerRead) hardLink(e *layer.Entry, at string) {
	file, ok := w.places.at(e.Link)
	if !ok || file == at {
		return
	}
	w.forget(at)
	if target, ok := w.places.links[file]; ok { // one more name of a symbolic link
		if w.spend(costOf(at, target)) {
			w.places.link(at, target)
		}
		return
	}
	of := hardLink{file: file, upto: w.count}
	if via, ok := w.hard[file]; ok {
		of.file, of.upto = via.file, via.upto // a link to a link: its file may have been replaced since
	}
	w.traitName(file, at)
	named := w.name(file, at)
	named = w.nameGaps(file, at) || named
	w.want(e, at, &of)
	if !of.wanted && !named || !w.spend(costOf(at, of.file)) {
		return
	}
	if w.hard == nil {
		w.hard = map[string]hardLink{}
	}
	w.hard[at] = of
}

// name gives what was read of a file one more name. False when nothing was.
func (w *layerRead) name(file, at string) bool {
	reads := w.at[file]
	cost := int64(len(reads)) * costOf(at)
	for _, s := range reads {
		cost += int64(len(w.c.Reads[s.read].Packages)) * costPlace
	}
	if len(reads) == 0 || !w.spend(cost) {
		return false
	}
	mine := make([]spot, len(reads))
	for n, s := range reads {
		r := &w.c.Reads[s.read]
		mine[n] = spot{s.read, len(r.Paths)}
		r.Paths = append(r.Paths, at)
	}
	w.at[at] = mine
	return true
}

// want says of a link whether somebody reads files of its name, and who has not been offered its file.
func (w *layerRead) want(e *layer.Entry, at string, of *hardLink) {
	if w.r.Skip != nil && (w.r.Skip(e.Path) || w.r.Skip(at)) {
		return
	}
	// The entry of a link has no bytes: what the first ones tell was told to those who wanted the file.
	st := ecosystem.Stat{Path: e.Path, Size: 1, Mode: e.Mode, Head: []byte(aProgram)}
	wanting := w.wanting(st)
	of.wanted = len(wanting) > 0
	st.Path = of.file
	told := w.wanting(st)
	of.later = slices.ContainsFunc(wanting, func(eco *ecosystem.Ecosystem) bool { return !slices.Contains(told, eco) })
}

// linked reads the files of hard links under the names of the links, and tells of links to files that
// the layer does not hold: engines keep layers apart, and do not unpack such a one.
func (w *layerRead) linked(l image.Layer) error {
	want := map[string][]name{}
	missing := map[uint64]bool{}
	sorted := slices.Sorted(maps.Keys(w.hard))
	for _, at := range sorted {
		of := w.hard[at]
		if of.wanted {
			missing[w.places.hash.path(of.file)] = true
		}
		if of.later {
			want[of.file] = append(want[of.file], name{as: at, place: at, upto: of.upto})
		}
	}
	for _, h := range w.c.Names {
		delete(missing, h)
	}
	for _, at := range sorted {
		if of := w.hard[at]; of.wanted && missing[w.places.hash.path(of.file)] {
			w.gap(Gap{Class: "unreadable-file", Blocking: true, Path: at, What: notHeld + of.file})
		}
	}
	if len(want) == 0 {
		return nil
	}
	reads, gaps, err := w.again(l, want)
	if w.spend(CostOfReads(reads)) {
		w.c.Reads = append(w.c.Reads, reads...)
	}
	for _, g := range gaps {
		w.gap(g)
	}
	return err
}
