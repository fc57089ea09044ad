package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Bounds are what a scan may take, in bytes; 0 stands for the default. What lies beyond depends on the
// images and their order alone: not on the cache, nor on how many layers are read at a time.
type Bounds struct {
	Kept   int64 // what the contents of one image's layers take in memory
	Held   int64 // what the layers of one image hold that are read from front to back
	Listed int64 // what the packages and findings of all targets take in memory
}

// The defaults: an image may list a hundred thousand packages, or some eight million files; a layer has a
// bound of its own, and a thousand of them would still take half a day; and a run takes as much as four
// images at their bound.
const (
	maxKept   = 128 << 20
	maxHeld   = 256 << 30
	maxListed = 512 << 20
)

func (b Bounds) orDefault() Bounds {
	return Bounds{Kept: cmp.Or(b.Kept, maxKept), Held: cmp.Or(b.Held, maxHeld), Listed: cmp.Or(b.Listed, maxListed)}
}

// stack is the layers of one image, as they were read.
type stack struct {
	contents []*inventory.Contents
	errs     []error
	of       Bounds
	left     Bounds // of what the image may take
	refused  []int  // layers that list too much
}

// layers gets the contents of all layers of an image. They are read in parallel, as far as they find room
// beside each other. Those that do not are read again, one by one; and then the bounds are held against
// what each layer takes, from the bottom up.
//
// When ctx ends, what was read until then stands, and the rest is a gap.
func (s *scan) layers(ctx context.Context, img *image.Image) *stack {
	st := &stack{contents: make([]*inventory.Contents, len(img.Layers)), errs: make([]error, len(img.Layers)), of: s.bounds, left: s.bounds}
	reader := s.readerOf(img)
	reader.Budget, reader.Total = inventory.NewBudget(s.bounds.Kept), new(atomic.Int64)
	reader.Total.Store(s.bounds.Held)
	var group errgroup.Group
	group.SetLimit(max(s.o.Jobs, 1))
	progress := newProgress(s.o.Progress, img.Name, len(img.Layers))
	for _, i := range largestFirst(img.Layers) {
		group.Go(func() error {
			var cached bool
			if st.contents[i], cached, st.errs[i] = s.layer(ctx, &reader, img, i); !crowded(st.errs[i]) {
				progress.done(cached)
			}
			return nil
		})
	}
	group.Wait()
	for i, err := range st.errs {
		if crowded(err) {
			var cached bool
			st.contents[i], cached, st.errs[i] = s.layer(ctx, s.alone(img, st), img, i)
			progress.done(cached)
		}
		st.hold(i)
	}
	for _, i := range st.refused {
		s.cut(ctx, st, img, i)
	}
	return st
}

// crowded says that a layer was refused for what was read beside it.
func crowded(err error) bool {
	return errors.Is(err, inventory.ErrCrowded) || errors.Is(err, layer.ErrTotal)
}

// ahead is more than a layer is read ahead of what is looked at, and does not count.
const ahead = 1 << 20

// alone is a reader for one layer beside which none is read.
func (s *scan) alone(img *image.Image, st *stack) *inventory.Reader {
	reader := s.readerOf(img)
	reader.Total = new(atomic.Int64)
	reader.Total.Store(st.left.Held + ahead)
	return &reader
}

// hold takes what a layer takes from what is left. A layer for which that is too little is as good as not
// read; those above it may still fit.
func (st *stack) hold(i int) {
	c := st.contents[i]
	if st.left.Held < c.Streamed || errors.Is(st.errs[i], layer.ErrTotal) {
		st.left.Held = 0
		st.contents[i] = &inventory.Contents{}
		st.errs[i] = fmt.Errorf("%w: the layers of the image hold more than %d bytes", layer.ErrLimit, st.of.Held)
		return
	}
	st.left.Held -= c.Streamed
	if cost := c.Cost(); cost <= st.left.Kept {
		st.left.Kept -= cost
		return
	}
	st.contents[i] = &inventory.Contents{}
	st.refused = append(st.refused, i)
}

// cut reads a layer that was refused once more, as far as what it lists fits into what is left.
func (s *scan) cut(ctx context.Context, st *stack, img *image.Image, i int) {
	reader := s.readerOf(img)
	reader.Kept = max(st.left.Kept, 1)
	c, err := s.walk(ctx, reader, img.Layers[i])
	if cost := c.Cost(); cost <= st.left.Kept {
		st.contents[i] = c
		st.left.Kept -= cost
	}
	if before := st.errs[i]; before != nil && !errors.Is(before, layer.ErrLimit) {
		return // that says more
	}
	if err == nil || errors.Is(err, layer.ErrLimit) {
		err = st.tooMuch()
	}
	st.errs[i] = err
}

func (st *stack) tooMuch() error {
	return fmt.Errorf("%w: to keep what the image lists takes more than %d bytes of memory", layer.ErrLimit, st.of.Kept)
}

// again reads files that links lead to, and adds them to copies of the contents, because those may be
// shared with other images.
func (s *scan) again(ctx context.Context, id string, img *image.Image, st *stack, needs []inventory.Need) []finding.Gap {
	want := map[int]map[string][]string{}
	for _, n := range needs {
		if want[n.Layer] == nil {
			want[n.Layer] = map[string][]string{}
		}
		want[n.Layer][n.Path] = append(want[n.Layer][n.Path], n.As)
	}
	var gaps []finding.Gap
	for i := range img.Layers {
		if want[i] == nil {
			continue
		}
		reads, more, streamed, err := s.alone(img, st).Again(ctx, img.Layers[i], want[i])
		if cost := inventory.CostOfReads(reads); cost > st.left.Kept {
			reads, err = nil, st.tooMuch()
		} else {
			st.left.Kept -= cost
		}
		st.left.Held = max(0, st.left.Held-streamed)
		c := *st.contents[i]
		c.Reads = append(append([]inventory.Read(nil), c.Reads...), reads...)
		st.contents[i] = &c
		gaps = append(gaps, layerGaps(id, i, more, err)...)
	}
	return gaps
}

// costFinding is what a finding takes in memory.
const costFinding = 2048

// room takes what packages take from what is left for the whole run. False, with a gap, when that is too
// little: the target's packages are not listed then.
func (s *scan) room(id string, packages []inventory.Package) bool {
	if cost := inventory.CostOfPackages(packages); cost <= s.bounds.Listed-s.listed {
		s.listed += cost
		return true
	}
	s.report.Coverage = append(s.report.Coverage, finding.Gap{
		Class: "limit-reached", Blocking: true, Target: id, Count: 1,
		What: fmt.Sprintf("its %d packages are not listed: with those of the targets before it they take more than %d bytes of memory", len(packages), s.bounds.Listed),
	})
	return false
}
