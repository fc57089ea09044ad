package inventory

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Budget is the memory, in bytes, at hand for contents that are read beside each other. It guards the
// process and decides nothing: who is refused is read again alone. It is safe for concurrent use.
type Budget struct{ left atomic.Int64 }

// NewBudget allows so many bytes. No budget at all, nil, bounds nothing.
func NewBudget(bytes int64) *Budget {
	b := &Budget{}
	b.left.Store(bytes)
	return b
}

// ErrCrowded says that a layer found no room beside those that were read at the same time.
var ErrCrowded = errors.New("the memory that it needs is taken by other layers")

func (b *Budget) take(n int64) error {
	if b == nil || b.left.Add(-n) >= 0 {
		return nil
	}
	b.left.Add(n)
	return ErrCrowded
}

func (b *Budget) give(n int64) {
	if b != nil {
		b.left.Add(n)
	}
}

// Take makes room for contents that were kept by an earlier run.
func (b *Budget) Take(c *Contents) error { return b.take(c.Cost()) }

// Cost is what contents take in memory, in bytes. It depends on them alone: not on how they were had.
func (c *Contents) Cost() int64 {
	n := int64(len(c.Names))*costHash + int64(len(c.Folders))*costFolder
	for _, l := range c.Links {
		n += costOf(l.Path, l.Target)
	}
	n += costOf(c.Whiteouts...) + costOf(c.Opaques...) + CostOfReads(c.Reads) + c.Traits.cost()
	for i := range c.Gaps {
		n += costOfGap(&c.Gaps[i])
	}
	for i := range c.Sighted {
		n += costOfSighted(&c.Sighted[i])
	}
	n += int64(len(c.Vouched)) * costHash
	for _, d := range c.Documents {
		n += costOf(d.Path) + int64(len(d.Bytes))
	}
	return n
}

// What things take, counting what maps and growing slices add.
const (
	costHash    = 16
	costFolder  = 64
	costString  = 64
	costPackage = 1024 // it becomes a package of the report
	costPlace   = 128  // of each package under each name of its file
)

func costOf(words ...string) int64 {
	n := int64(0)
	for _, s := range words {
		n += costString + int64(len(s))
	}
	return n
}

// CostOfReads is what reads take.
func CostOfReads(of []Read) int64 {
	n := int64(0)
	for i := range of {
		r := &of[i]
		n += costOf(r.Paths...) + int64(len(r.Paths)*len(r.Packages))*costPlace + costOfAsks(r)
		for k := range r.Packages {
			n += costOfPackage(&r.Packages[k])
		}
		for _, o := range r.Owned {
			n += costString + int64(len(o.Files))*costHash
		}
	}
	return n
}

// CostOfPackages is what packages of an inventory take.
func CostOfPackages(of []Package) int64 {
	n := int64(0)
	for i := range of {
		n += costOfPackage(&of[i].Package) + int64(len(of[i].Places))*costPlace
		for _, at := range of[i].Places {
			n += int64(len(at.Path) + len(at.Inner))
		}
	}
	return n
}

func costOfAsks(r *Read) int64 {
	n := int64(0)
	if r.Asks != nil {
		n += costOf(r.Asks.Names...) + costOf(r.Asks.Maybe...)
	}
	for _, i := range r.Includes {
		n += costOf(i.Path, i.As)
	}
	return n
}

func costOfPackage(p *ecosystem.Package) int64 {
	n := costPackage + int64(len(p.Namespace)+len(p.Name)+len(p.Version)+len(p.SourceName)+len(p.SourceVer)+len(p.Vendor)+
		len(p.Maintainer)+len(p.Inner)+len(p.Files)*costHash)
	for _, list := range [][]string{p.Licenses, p.Digests, p.Qualifiers, p.Depends} {
		n += costOf(list...)
	}
	return n
}

func costOfGap(g *Gap) int64 { return costOf(g.What, g.Path, g.Inner) + costOf(g.Also...) }

// costOfEntry is what is kept of an entry: its hash, and the paths of what is no file.
func costOfEntry(e *layer.Entry) int64 {
	switch e.Kind {
	case layer.Whiteout, layer.Opaque:
		return costHash + costOf(e.Path)
	case layer.Symlink:
		return costHash + costOf(e.Path, e.Link)
	}
	return costHash
}

// chunk is what a layer takes of the budget at a time: others read beside it.
const chunk = 64 << 10

// account is what the reading of one layer spends. What it has at any time is bounded by Reader.Kept,
// which does not depend on what else is read.
type account struct {
	r     *Reader
	spent int64
	taken int64 // of the reader's budget
	over  error // no more is to be had
}

// spend counts what is about to be kept; false, for good, once that is too much.
func (a *account) spend(n int64) bool {
	if a.over != nil {
		return false
	}
	if a.spent += n; a.r.Kept > 0 && a.spent > a.r.Kept {
		a.over = fmt.Errorf("%w: to keep what the layer lists takes more than %d bytes of memory", layer.ErrLimit, a.r.Kept)
		return false
	}
	if more := a.spent - a.taken; more > 0 {
		more = max(more, chunk)
		if a.over = a.r.Budget.take(more); a.over == nil {
			a.taken += more
		}
	}
	return a.over == nil
}

// leave gives back all of the budget but what stays.
func (a *account) leave(stays int64) {
	a.r.Budget.give(a.taken - stays)
	a.taken = stays
}

// end drops what was forgotten, and tells of a bound that was reached at the very end.
func (w *layerRead) end(err error) error {
	for i := range w.c.Reads {
		r := &w.c.Reads[i]
		r.Paths = slices.DeleteFunc(r.Paths, func(p string) bool { return p == "" })
	}
	w.c.Reads = slices.DeleteFunc(w.c.Reads, func(r Read) bool { return len(r.Paths) == 0 })
	w.endGaps()
	if err == nil {
		err = w.over
	}
	return err
}
