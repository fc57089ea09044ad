package inventory

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// A name is one that a file is to be read under, the place that it is listed at, and up to which entry of
// the layer the file is the one that is meant.
type name struct {
	as, place string
	upto      int
}

// Again reads some files of a layer once more, each under other names: files that are wanted for what
// a symbolic link calls them. The keys of want are where they stand in the layer. Streamed is what had to
// be read for it, as Contents.Streamed counts it.
func (r *Reader) Again(ctx context.Context, l image.Layer, want map[string][]string) (reads []Read, gaps []Gap, streamed int64, err error) {
	names := map[string][]name{}
	for at, all := range want {
		for _, as := range all {
			names[at] = append(names[at], name{as: as, place: at, upto: math.MaxInt})
		}
	}
	w := newLayerRead(ctx, r)
	reads, gaps, err = w.again(l, names)
	return reads, gaps, w.c.Streamed, err
}

// maxRounds bounds how often a layer is walked: once for the names that are wanted, and once more for
// each link to a link among those.
const maxRounds = 4

// again reads files under other names. What that spends while it goes on is its own; what it found is the
// caller's to count.
func (w *layerRead) again(l image.Layer, want map[string][]name) (reads []Read, gaps []Gap, err error) {
	for round := range maxRounds {
		a := againRead{w: newLayerRead(w.ctx, w.r), want: want, moved: map[name]moved{}, found: map[name]bool{}}
		a.w.spend(CostOfReads(reads))
		var res layer.Result
		res, err = w.r.walk(w.ctx, l, a.visit)
		w.c.Streamed += res.Streamed
		a.w.late()
		a.w.originate()
		if err == nil {
			a.lost(round)
		}
		err = a.w.end(err)
		a.w.leave(0)
		reads = append(reads, a.w.c.Reads...)
		gaps = append(gaps, a.w.c.Gaps...)
		if want = a.next(); err != nil || len(want) == 0 {
			break
		}
	}
	return reads, gaps, err
}

// againRead is one more walk of a layer.
type againRead struct {
	w     *layerRead
	links places
	count int
	want  map[string][]name
	moved map[name]moved // what was wanted by a hard link's name
	found map[name]bool
}

// moved says which file a hard link is a name of, as far as the layer had come by then.
type moved struct {
	file string
	upto int
}

func (a *againRead) visit(e *layer.Entry) error {
	if e.Kind == layer.Symlink && !a.w.spend(costOf(e.Path, e.Link)) {
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
		a.file(e, at)
	}
	a.links.link(at, target)
	return cmp.Or(a.w.over, a.w.ctx.Err())
}

// meant are the names for which the file that stands at a path now is the right one.
func (a *againRead) meant(at string) []name {
	if len(a.want[at]) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.want[at]), func(n name) bool { return a.count >= n.upto })
}

func (a *againRead) file(e *layer.Entry, at string) {
	if a.w.r.Skip != nil && a.w.r.Skip(at) {
		return
	}
	names := a.meant(at)
	for _, n := range names {
		a.w.forget(n.place)
		delete(a.moved, n)
	}
	for _, n := range names {
		one := *e
		one.Path = n.as
		a.found[n] = true
		a.w.offer(&one, n.place)
	}
}

// hardLink gives the target when the link is one more name of a symbolic link.
func (a *againRead) hardLink(e *layer.Entry, at string) string {
	file, ok := a.links.at(e.Link)
	if !ok || file == at {
		return a.links.links[at]
	}
	if target := a.links.links[file]; target != "" {
		a.w.spend(costOf(at, target))
		return target
	}
	for _, n := range a.meant(at) {
		a.w.forget(n.place)
		delete(a.found, n)
		a.moved[n] = moved{file, a.count}
	}
	return ""
}

// next is what to look for in another walk.
func (a *againRead) next() map[string][]name {
	want := map[string][]name{}
	for _, n := range slices.SortedFunc(maps.Keys(a.moved), compareNames) {
		to := a.moved[n]
		want[to.file] = append(want[to.file], name{as: n.as, place: n.place, upto: min(n.upto, to.upto)})
	}
	return want
}

func compareNames(a, b name) int {
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.as, b.as), cmp.Compare(a.upto, b.upto))
}

// lost tells of links to a file that was not met. What the first walk does not meet, its caller told of.
func (a *againRead) lost(round int) {
	for _, file := range slices.Sorted(maps.Keys(a.want)) {
		for _, n := range a.want[file] {
			if _, moved := a.moved[n]; round > 0 && !a.found[n] && !moved || moved && round == maxRounds-1 {
				a.w.gap(Gap{Class: "unreadable-file", Blocking: true, Path: n.place, What: notHeld + file})
			}
		}
	}
}

const notHeld = "a hard link to a file that its layer does not hold: "
