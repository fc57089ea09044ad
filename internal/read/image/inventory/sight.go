package inventory

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Inspector looks into texts for what is no package: for secrets. It is safe for concurrent use.
type Inspector interface {
	// Wants says by its name and size whether a file is looked into, as long as it is a text.
	Wants(path string, size int64) bool
	// IsText says it by a file's first bytes.
	IsText(head []byte) bool
	// Inspect looks at a text, or at the beginning of one. Cut says what was not looked at, and why.
	Inspect(path string, text []byte) (sights []Sight, cut string)
}

// Sight is what an inspector found at one place of a file. It says where and of which kind; what was found
// is not in it, for contents are kept on disk.
type Sight struct {
	Rule     string
	Title    string
	Severity finding.Severity
	Line     int
	Column   int
	Name     string // what it is assigned to
	Shown    string // what may be shown of it
	ID       string // tells it from others, one way; empty for what could be guessed
	Note     string
	Until    time.Time // when it expires
	Allowed  bool      // the file itself says that it may stand there
}

// Sighted is a file in which something was found. Sums name it together with its bytes, as Vouched does.
type Sighted struct {
	Path   string
	Sums   []uint64
	Sights []Sight
}

// Seen is a sight in the image as a whole.
type Seen struct {
	Sight
	Path    string
	Layer   int
	Deleted bool // a layer above removes or replaces the file: the container does not see it
	Removed int  // the first layer that does, where Deleted
}

// Bounds on what is looked into.
const (
	maxText   = 10 << 20 // bytes of one file; more is not looked at
	maxSights = 10_000   // of one layer
)

// looks says whether a file is looked into, or lists what vouches for others.
func (w *layerRead) looks(e *layer.Entry, at string) bool {
	if !w.inspects || e.Size == 0 {
		return false
	}
	if listOf(at) != nil {
		return e.Size <= maxText
	}
	if !w.r.Inspect.Wants(at, e.Size) {
		return false
	}
	head, err := e.Head(512)
	return err == nil && w.r.Inspect.IsText(head)
}

// looked looks into a file, and gives its body to those who want it beside.
func (w *layerRead) looked(e *layer.Entry, at string, b *fileBody) (*fileBody, error) {
	whole, err := w.text(e, b)
	if err != nil {
		return nil, err
	}
	w.look(at, whole)
	if whole {
		return &fileBody{w: w, size: e.Size, random: bytes.NewReader(w.buf)}, nil
	}
	return b, nil
}

// text reads a file that is looked into, as far as it is. Whole says that this is all of it.
func (w *layerRead) text(e *layer.Entry, b *fileBody) (whole bool, err error) {
	n := min(e.Size, maxText)
	if int64(cap(w.buf)) < n {
		w.buf = make([]byte, max(n, 64<<10))
	}
	w.buf = w.buf[:n]
	if _, err := io.ReadFull(b.reader(), w.buf); err != nil {
		return false, err
	}
	return n == e.Size, nil
}

// look has the inspector look at the text that was read.
func (w *layerRead) look(at string, whole bool) {
	if list := listOf(at); list != nil {
		list(w, at, w.buf)
		return
	}
	if !whole {
		w.gap(Gap{Class: "large-text", Path: at, What: fmt.Sprintf("it is larger than the %d MiB of it that were searched for secrets", maxText>>20)})
	}
	sights, cut := w.inspect(at)
	if cut != "" {
		w.gap(Gap{Class: "limit-reached", Blocking: true, Path: at, What: cut})
	}
	if len(sights) == 0 {
		return
	}
	if w.sights += len(sights); w.sights > maxSights {
		w.gap(Gap{Class: "limit-reached", Blocking: true, Path: at, What: fmt.Sprintf("the layer holds more than %d secrets", maxSights)})
		return
	}
	s := Sighted{Path: at, Sights: sights}
	if whole {
		md, sha, sha2 := md5.Sum(w.buf), sha1.Sum(w.buf), sha256.Sum256(w.buf)
		s.Sums = []uint64{w.places.hash.vouched(at, md[:]), w.places.hash.vouched(at, sha[:]), w.places.hash.vouched(at, sha2[:])}
	}
	if w.spend(costOfSighted(&s)) {
		w.c.Sighted = append(w.c.Sighted, s)
	}
}

// inspect is the border to the inspector, as readSafely is to the parsers.
func (w *layerRead) inspect(at string) (sights []Sight, cut string) {
	defer func() {
		if p := recover(); p != nil {
			sights, cut = nil, fmt.Sprintf("the search for secrets broke on it: %v", p)
		}
	}()
	return w.r.Inspect.Inspect(at, w.buf)
}

// lookGap tells of a file that could not be looked into.
func (w *layerRead) lookGap(at string, err error) {
	if w.ctx.Err() != nil {
		return
	}
	class := "unreadable-file"
	if errors.Is(err, ecosystem.ErrLimit) || errors.Is(err, layer.ErrLimit) {
		class = "limit-reached"
	}
	w.gap(Gap{Class: class, Blocking: true, Path: at, What: err.Error()})
}

func costOfSighted(s *Sighted) int64 {
	n := costOf(s.Path) + int64(len(s.Sums))*costHash
	for i := range s.Sights {
		one := &s.Sights[i]
		n += 256 + costOf(one.Rule, one.Title, one.Name, one.Shown, one.ID, one.Note)
	}
	return n
}

// sighted keeps what was found in a layer for the end, and whether the layers above hide it.
func (s *stack) sighted(i int, above *layerSets) {
	for n := range s.layers[i].Sighted {
		of := &s.layers[i].Sighted[n]
		removed, hidden := i, hides(above, &s.hash, of.Path)
		for by := i + 1; hidden && removed == i && by < len(s.layers); by++ {
			if hides(s.set(by), &s.hash, of.Path) {
				removed = by
			}
		}
		for _, one := range of.Sights {
			s.seen = append(s.seen, Seen{Sight: one, Path: of.Path, Layer: i, Deleted: hidden, Removed: removed})
		}
	}
}

// sights are what was found in all layers, but for what stands in files that a package manager vouches for;
// passed counts those.
func (s *stack) sights() (all []Seen, passed int) {
	if len(s.seen) == 0 {
		return nil, 0
	}
	vouched := s.vouched()
	for _, one := range s.seen {
		if vouched[place{one.Layer, one.Path}] {
			passed++
		} else {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	return all, passed
}

// place is a path of a layer.
type place struct {
	layer int
	path  string
}

// vouched says which files with sights are those that a package manager installed, unchanged.
func (s *stack) vouched() map[place]bool {
	files := map[uint64][]place{}
	for i, c := range s.layers {
		for n := range c.Sighted {
			for _, sum := range c.Sighted[n].Sums {
				files[sum] = append(files[sum], place{i, c.Sighted[n].Path})
			}
		}
	}
	found := map[place]bool{}
	for _, c := range s.layers {
		for _, v := range c.Vouched {
			for _, p := range files[v] {
				found[p] = true
			}
		}
	}
	s.vouchedByRPM(found)
	return found
}

// vouchedByRPM adds files below /usr that came with the layer whose rpm database is the first to list them:
// that list has no sums. Settings lie elsewhere, and are looked at.
func (s *stack) vouchedByRPM(found map[place]bool) {
	first := map[uint64]int{} // hash of a path with sights → the first layer whose database lists it
	for i, c := range s.layers {
		for n := range c.Sighted {
			if p := c.Sighted[n].Path; strings.HasPrefix(p, "usr/") && !strings.HasPrefix(p, "usr/local/") && !found[place{i, p}] {
				first[s.hash.owned(p)] = -1
			}
		}
	}
	for i, c := range s.layers {
		for n := range c.Reads {
			if r := &c.Reads[n]; r.Ecosystem == "rpm" && len(first) > 0 {
				for _, o := range r.Owned {
					for _, f := range o.Files {
						if at, ok := first[f]; ok && at < 0 {
							first[f] = i
						}
					}
				}
			}
		}
	}
	for i, c := range s.layers {
		for n := range c.Sighted {
			p := c.Sighted[n].Path
			if at, ok := first[s.hash.owned(p)]; ok && at == i && strings.HasPrefix(p, "usr/") {
				found[place{i, p}] = true
			}
		}
	}
}
