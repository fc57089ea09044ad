package inventory

import (
	"context"
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

// maxHard bounds the hard links of one layer whose files are remembered.
const maxHard = 100_000

// hardLink gives a file one more name. When somebody would read it under this name who did not under
// its own, it is read at the end.
func (w *layerRead) hardLink(e *layer.Entry, at string) {
	file, ok := w.places.at(e.Link)
	if !ok || file == at {
		return
	}
	w.forget(at)
	if target, ok := w.places.links[file]; ok {
		w.places.link(at, target) // one more name of a symbolic link
		return
	}
	if len(w.hard) == maxHard {
		w.gap(Gap{Class: "limit-reached", Blocking: true, What: "more hard links than are followed", Path: e.Path})
		return
	}
	of := hardLink{file: file, upto: w.count}
	if via, ok := w.hard[file]; ok {
		of = via // a link to a link: its file may have been replaced since
	}
	if reads := w.at[file]; len(reads) > 0 {
		mine := make([]spot, len(reads))
		for n, s := range reads {
			r := &w.c.Reads[s.read]
			mine[n] = spot{s.read, len(r.Paths)}
			r.Paths = append(r.Paths, at)
		}
		w.at[at] = mine
	}
	if w.r.Skip == nil || !w.r.Skip(e.Path) && !w.r.Skip(at) {
		// The entry of a link has no bytes: what the first ones tell was told to those who wanted the file.
		st := ecosystem.Stat{Path: e.Path, Size: 1, Mode: e.Mode, Head: []byte(aProgram)}
		wanting := w.wanting(st)
		of.wanted = len(wanting) > 0
		st.Path = of.file
		told := w.wanting(st)
		of.later = slices.ContainsFunc(wanting, func(eco *ecosystem.Ecosystem) bool { return !slices.Contains(told, eco) })
	}
	if w.hard == nil {
		w.hard = map[string]hardLink{}
	}
	w.hard[at] = of
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
			want[of.file] = append(want[of.file], name{as: at, place: at})
		}
	}
	for _, h := range w.c.Names {
		delete(missing, h)
	}
	for _, at := range sorted {
		if of := w.hard[at]; of.wanted && missing[w.places.hash.path(of.file)] {
			w.gap(Gap{Class: "unreadable-file", Blocking: true, Path: at, What: "a hard link to a file that its layer does not hold: " + of.file})
		}
	}
	if len(want) == 0 {
		return nil
	}
	reads, gaps, err := w.r.again(w.ctx, l, want, func(n name, count int) bool { return count < w.hard[n.as].upto })
	w.c.Reads = append(w.c.Reads, reads...)
	for _, g := range gaps {
		w.gap(g)
	}
	return err
}

// A name is one that a file is to be read under, and the place that it is listed at.
type name struct{ as, place string }

// Again reads some files of a layer once more, each under other names: files that are wanted for what
// a symbolic link calls them. The keys of want are where they stand in the layer.
func (r *Reader) Again(ctx context.Context, l image.Layer, want map[string][]string) ([]Read, []Gap, error) {
	names := map[string][]name{}
	for at, all := range want {
		for _, as := range all {
			names[at] = append(names[at], name{as: as, place: at})
		}
	}
	return r.again(ctx, l, names, func(name, int) bool { return true })
}

// again asks for each file, by the number of its entry, whether it is still the one that a name means.
func (r *Reader) again(ctx context.Context, l image.Layer, want map[string][]name, means func(n name, count int) bool) (reads []Read, gaps []Gap, err error) {
	for range 2 { // what is wanted may turn out to be a hard link
		a := againRead{w: newLayerRead(ctx, r), want: want, means: means, hard: map[string]string{}, moved: map[string][]name{}}
		_, err = r.walk(ctx, l, a.visit)
		a.w.late()
		a.w.originate()
		err = a.w.end(err)
		reads = append(reads, a.w.c.Reads...)
		gaps = append(gaps, a.w.c.Gaps...)
		if want = a.moved; err != nil || len(want) == 0 {
			break
		}
	}
	return reads, gaps, err
}

// againRead is a second walk of a layer.
type againRead struct {
	w     *layerRead
	links places
	count int
	want  map[string][]name
	means func(n name, count int) bool
	hard  map[string]string // hard link → its file
	moved map[string][]name // by file, what was wanted by a hard link's name
}

func (a *againRead) visit(e *layer.Entry) error {
	if !a.w.spend(costOfEntry(e)) {
		return a.w.over
	}
	if a.links.work > maxWork {
		return errTiring
	}
	a.count++
	at, ok := a.links.at(e.Path)
	if !ok || e.Kind == layer.Whiteout || e.Kind == layer.Opaque {
		return a.w.ctx.Err()
	}
	target := ""
	switch e.Kind {
	case layer.Symlink:
		target = e.Link
	case layer.Hardlink:
		target = a.hardLink(e, at)
	case layer.File:
		delete(a.hard, at)
		for _, n := range a.want[at] {
			if a.means(n, a.count) && (a.w.r.Skip == nil || !a.w.r.Skip(at)) {
				one := *e
				one.Path = n.as
				a.w.forget(n.place)
				a.w.offer(&one, n.place)
			}
		}
	}
	a.links.link(at, target)
	return a.w.ctx.Err()
}

// hardLink gives the target when the link is one more name of a symbolic link.
func (a *againRead) hardLink(e *layer.Entry, at string) string {
	file, ok := a.links.at(e.Link)
	if !ok || file == at {
		return a.links.links[at]
	}
	if of, ok := a.hard[file]; ok {
		file = of
	}
	if len(a.want[at]) > 0 {
		a.moved[file] = a.want[at]
	}
	if len(a.hard) < maxHard {
		a.hard[at] = file
	}
	return a.links.links[file]
}
