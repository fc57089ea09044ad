package inventory

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Budget bounds, in bytes, what the contents of an image's layers keep in memory. A layer of half a
// megabyte can hold links that take gigabytes. It is safe for concurrent use.
type Budget struct {
	whole int64
	left  atomic.Int64
}

// NewBudget allows so many bytes. No budget at all, nil, bounds nothing.
func NewBudget(bytes int64) *Budget {
	b := &Budget{whole: bytes}
	b.left.Store(bytes)
	return b
}

func (b *Budget) take(n int64) error {
	if b == nil || b.left.Add(-n) >= 0 {
		return nil
	}
	b.left.Add(n)
	return fmt.Errorf("%w: to keep what the image lists takes more than %d bytes of memory", layer.ErrLimit, b.whole)
}

// Take counts contents that were kept by an earlier run.
func (b *Budget) Take(c *Contents) error {
	n := int64(len(c.Names))*costHash + int64(len(c.Folders))*costFolder
	for _, l := range c.Links {
		n += costOf(l.Path, l.Target)
	}
	for _, p := range c.Whiteouts {
		n += costOf(p)
	}
	for _, p := range c.Opaques {
		n += costOf(p)
	}
	for i := range c.Reads {
		r := &c.Reads[i]
		n += costOf(r.Paths...) + costOfPackages(r.Packages)
		for _, o := range r.Owned {
			n += int64(len(o.Files)) * costHash
		}
	}
	return b.take(n)
}

// What things take, counting what maps and growing slices add.
const (
	costHash    = 16
	costFolder  = 64
	costString  = 64
	costPackage = 1024 // it becomes a package of the report, and perhaps findings
)

func costOf(words ...string) int64 {
	n := int64(0)
	for _, s := range words {
		n += costString + int64(len(s))
	}
	return n
}

func costOfPackages(of []ecosystem.Package) int64 {
	n := int64(len(of)) * costPackage
	for i := range of {
		p := &of[i]
		n += int64(len(p.Namespace) + len(p.Name) + len(p.Version) + len(p.SourceName) + len(p.SourceVer) + len(p.Vendor) +
			len(p.Maintainer) + len(p.Inner) + len(p.Files)*costHash)
		for _, list := range [][]string{p.Licenses, p.Digests, p.Qualifiers, p.Depends} {
			n += costOf(list...)
		}
	}
	return n
}

func costOfOwned(of []ecosystem.Owned) int64 {
	n := int64(0)
	for _, o := range of {
		n += costString + int64(len(o.Paths))*costHash
	}
	return n
}

func costOfAsks(f *ecosystem.Found) int64 {
	n := int64(0)
	if f.Asks != nil {
		n += costOf(f.Asks.Names...) + costOf(f.Asks.Maybe...)
	}
	for _, i := range f.Includes {
		n += costOf(i.Path, i.As)
	}
	return n
}

// costOfEntry is what is kept of an entry: its hash, and the paths of what is no file of its own.
func costOfEntry(e *layer.Entry) int64 {
	switch e.Kind {
	case layer.Whiteout, layer.Opaque:
		return costHash + costOf(e.Path)
	case layer.Symlink, layer.Hardlink:
		return costHash + costOf(e.Path, e.Link)
	}
	return costHash
}

// chunk is what a layer takes of the budget at a time: others read beside it.
const chunk = 64 << 10

// spend takes from the budget; false, for good, once that is used up.
func (w *layerRead) spend(n int64) bool {
	if w.over == nil && n > w.spare {
		more := max(n-w.spare, chunk)
		if w.over = w.r.Budget.take(more); w.over == nil {
			w.spare += more
		}
	}
	w.spare -= n
	return w.over == nil
}

// end gives back what was taken and not spent, drops what was forgotten, and tells of a budget that was
// used up at the very end.
func (w *layerRead) end(err error) error {
	if w.r.Budget != nil && w.over == nil {
		w.r.Budget.left.Add(w.spare)
	}
	w.spare = 0
	for i := range w.c.Reads {
		r := &w.c.Reads[i]
		r.Paths = slices.DeleteFunc(r.Paths, func(p string) bool { return p == "" })
	}
	w.c.Reads = slices.DeleteFunc(w.c.Reads, func(r Read) bool { return len(r.Paths) == 0 })
	if err == nil {
		err = w.over
	}
	return err
}
