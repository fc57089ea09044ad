package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Reader reads layers. It is safe for concurrent use.
type Reader struct {
	Ecosystems []ecosystem.Ecosystem
	Buffer     *layer.Buffer // for files of compressed layers that need random access
	Kept       int64         // bytes that the contents of one layer may take while it is read; 0: no bound
	Budget     *Budget       // what those that are read at the same time may take; nil: no bound
	Total      *atomic.Int64 // bytes that the layers of one image may still hold; nil: no bound
	Limits     layer.Limits
	Verify     bool              // read and hash also what could be skipped
	Skip       func(string) bool // paths that are not to be looked at; nil: none
	Inspect    Inspector         // looks into texts; nil: nobody does
	Documents  func(string) Keep // how files of source folders are kept whole; nil: none is
	Traits     bool              // keep what is special about files: of images, where rights and owners mean something
}

// Layer reads one layer. On an error the contents hold what was read before it, and are incomplete. Those
// of ErrCrowded and layer.ErrTotal depend on what else is read, and are empty.
func (r *Reader) Layer(ctx context.Context, l image.Layer) (*Contents, error) {
	w := newLayerRead(ctx, r)
	if r.Traits {
		w.traits = newTraitRead()
	}
	w.inspects = r.Inspect != nil
	res, err := r.walk(ctx, l, w.visit)
	w.c.Streamed = res.Streamed
	w.late()
	w.originate()
	if err == nil && len(w.hard) > 0 {
		err = w.linked(l)
	}
	if res.Skipped > 0 {
		w.gap(Gap{Class: "limit-reached", Blocking: true, What: fmt.Sprintf("%d paths are too long to be read", res.Skipped)})
	}
	w.settle()
	w.settleTraits()
	if err = w.end(err); errors.Is(err, ErrCrowded) || errors.Is(err, layer.ErrTotal) {
		w.leave(0)
		return &Contents{}, err
	}
	c := w.c
	c.Digest, c.DiffID, c.Verified, c.Size, c.Entries = res.Digest, res.DiffID, res.Verified, res.Size, res.Entries
	w.leave(c.Cost())
	return c, err
}

// walk goes through a layer. A fault in what unpacks it is an error of that layer, as one in a parser is
// of its file.
func (r *Reader) walk(ctx context.Context, l image.Layer, visit func(*layer.Entry) error) (res layer.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read layer: the reader broke on it: %v", p)
		}
	}()
	if l.Folder != nil {
		return layer.WalkFolder(ctx, *l.Folder, r.Limits, visit)
	}
	b, err := l.Open(ctx)
	if err != nil {
		return layer.Result{}, err
	}
	if b.Close != nil {
		defer b.Close()
	}
	return layer.Walk(ctx, b, layer.Options{Limits: r.Limits, Total: r.Total, Digest: l.Digest, DiffID: l.DiffID, Verify: r.Verify}, visit)
}

// layerRead is the reading of one layer.
type layerRead struct {
	ctx    context.Context
	c      *Contents
	places places
	count  int                 // of entries so far
	at     map[string][]spot   // path → where the reads have it
	hard   map[string]hardLink // by where the link stands
	held   []heldFile
	said   []origin
	gaps   map[gapKind]*gapCount
	gapAt  map[string][]spot // path → where the gaps have it: name 0 is Path, the others Also
	moved  []int             // gaps of which Path was forgotten
	traits *traitRead        // nil: nobody asks for them

	inspects bool   // the reader's inspector looks at this walk
	buf      []byte // the text that is looked into
	head     []byte // of the document that is looked at
	sights   int
	account
}

// spot is one name of one read: Reads[read].Paths[name].
type spot struct{ read, name int }

func newLayerRead(ctx context.Context, r *Reader) *layerRead {
	return &layerRead{account: account{r: r}, ctx: ctx, c: &Contents{}, places: places{folders: map[uint64]int{}}, at: map[string][]spot{}, gapAt: map[string][]spot{}}
}

// origin is what one ecosystem says of where packages come from.
type origin struct {
	eco string
	ecosystem.Origin
}

// originate adds what was said of origins to the packages that it is about.
func (w *layerRead) originate() {
	for _, o := range w.said {
		for _, at := range w.at[o.Of] {
			i := at.read
			if w.c.Reads[i].Ecosystem != o.eco || !w.spend(int64(len(w.c.Reads[i].Packages))*costOf(o.Qualifiers...)) {
				continue
			}
			for n := range w.c.Reads[i].Packages {
				p := &w.c.Reads[i].Packages[n]
				p.Main = p.Main || o.Main
				p.Qualifiers = append(p.Qualifiers, o.Qualifiers...)
			}
		}
	}
}

// heldFile waits for the end of the layer, because its ecosystem reads several files together.
type heldFile struct {
	place string // where it stands
	stat  ecosystem.Stat
	eco   *ecosystem.Ecosystem
	at    io.ReaderAt
	free  func()
}

// offer asks every ecosystem whether it wants the file, and has the first bytes at hand where those
// could decide: for programs and libraries.
func (w *layerRead) offer(e *layer.Entry, at string) {
	st := ecosystem.Stat{Path: e.Path, Size: e.Size, Mode: e.Mode}
	if e.Size > 0 && couldBeProgram(&st) {
		head, err := e.Head(64)
		if err != nil {
			w.trait(e, at, nil)
			w.gap(Gap{Class: "unreadable-file", Blocking: true, What: err.Error(), Path: at})
			return
		}
		st.Head = slices.Clone(head)
	}
	w.trait(e, at, st.Head)
	wanting := w.wanting(st)
	if len(wanting) == 0 && at != st.Path {
		st.Path = at
		wanting = w.wanting(st)
	}
	looks, accounts := w.looks(e, at), w.traits != nil && wantsAccounts(at)
	if len(wanting) > 0 || looks || accounts {
		w.read(e, at, st, wants{wanting, looks, accounts})
	}
}

func (w *layerRead) wanting(st ecosystem.Stat) (all []*ecosystem.Ecosystem) {
	for i := range w.r.Ecosystems {
		if eco := &w.r.Ecosystems[i]; eco.Wants(st) {
			all = append(all, eco)
		}
	}
	return all
}

// couldBeProgram is true for what is executable, and for what is named like a library or a Windows
// program. Everything else is known by its name alone.
func couldBeProgram(st *ecosystem.Stat) bool {
	if st.Mode&0o111 != 0 {
		return true
	}
	base := st.Base()
	return strings.Contains(base, ".so") || strings.HasSuffix(base, ".dll") || strings.HasSuffix(base, ".exe")
}

// wants says who wants to see a file: ecosystems, the inspector, and those who know accounts.
type wants struct {
	kinds           []*ecosystem.Ecosystem
	looks, accounts bool
}

func (w *layerRead) read(e *layer.Entry, at string, st ecosystem.Stat, by wants) {
	others := len(by.kinds)
	if by.accounts {
		others++
	}
	body, err := w.body(e, others > 1 && !by.looks || by.looks && e.Size > maxText && others > 0)
	if err == nil {
		defer body.release()
		if by.looks {
			body, err = w.looked(e, at, body)
		}
	}
	if err != nil && len(by.kinds) == 0 {
		w.lookGap(at, err)
		return
	}
	if err != nil {
		w.readGap(by.kinds[0], at, err)
		return
	}
	if by.accounts {
		w.readAccounts(body, at)
	}
	for _, eco := range by.kinds {
		if eco.Late {
			w.hold(body, at, st, eco)
			continue
		}
		f := &ecosystem.File{Stat: st, Reader: body.reader(), At: body.at}
		w.keep(eco, at, f)
	}
}

// keep has one ecosystem read one file, and keeps what it says.
func (w *layerRead) keep(eco *ecosystem.Ecosystem, path string, f *ecosystem.File) {
	found, err := readSafely(w.ctx, eco, f)
	if err != nil {
		w.readGap(eco, path, err)
	}
	for _, n := range found.Notes {
		w.gap(Gap{Class: n.Class, Blocking: n.Blocking, What: n.What, Path: path, Inner: n.Path})
	}
	if found.Origin != nil && w.spend(costOf(found.Origin.Of)+costOf(found.Origin.Qualifiers...)) {
		o := origin{eco.Name, *found.Origin}
		if dir := parent(path); dir != "" {
			o.Of = dir + "/" + o.Of
		}
		w.said = append(w.said, o)
	}
	if len(found.Packages) == 0 && len(found.Owned) == 0 && found.Release == nil && found.Asks == nil && len(found.Includes) == 0 && !eco.Database {
		return
	}
	read := w.compact(eco, path, found)
	if !w.spend(CostOfReads([]Read{read})) {
		return
	}
	w.at[path] = append(w.at[path], spot{len(w.c.Reads), 0})
	w.c.Reads = append(w.c.Reads, read)
}

// compact keeps file lists as hashes.
func (w *layerRead) compact(eco *ecosystem.Ecosystem, path string, found ecosystem.Found) Read {
	r := Read{Ecosystem: eco.Name, Paths: []string{path}, Packages: found.Packages, Release: found.Release, Asks: found.Asks, Includes: found.Includes}
	add := func(name string, files []string) {
		o := Owned{Package: name, Files: make([]uint64, 0, len(files)), Data: len(files) > 0}
		for _, f := range files {
			o.Files = append(o.Files, w.places.hash.owned(f))
			o.Data = o.Data && isData(f)
		}
		r.Owned = append(r.Owned, o)
	}
	for _, o := range found.Owned {
		add(o.Package, o.Paths)
	}
	for i := range r.Packages {
		if p := &r.Packages[i]; len(p.Files) > 0 {
			add(p.Name, p.Files)
			p.Files = nil
		}
	}
	return r
}

// isData knows the places where distributions put what is never run: documentation, translations,
// time zones, fonts, C headers.
func isData(p string) bool {
	p = strings.TrimPrefix(p, "/")
	for _, dir := range []string{
		"usr/include/", "usr/src/", "usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/",
		"usr/share/zoneinfo/", "usr/share/fonts/", "usr/share/icons/", "usr/share/lintian/", "usr/share/bug/",
		"usr/share/doc-base/", "usr/share/licenses/",
	} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	// Lists that name folders too name those on the way.
	return slices.Contains([]string{
		".", "", "usr", "usr/include", "usr/src", "usr/share", "usr/share/doc", "usr/share/man", "usr/share/info",
		"usr/share/locale", "usr/share/zoneinfo", "usr/share/fonts", "usr/share/icons", "usr/share/lintian", "usr/share/lintian/overrides",
		"usr/share/bug", "usr/share/doc-base", "usr/share/licenses",
	}, p)
}

// readSafely is the border to the parsers of foreign bytes: a fault in one becomes an error about
// that file, so that the rest of the scan stands.
func readSafely(ctx context.Context, eco *ecosystem.Ecosystem, f *ecosystem.File) (found ecosystem.Found, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = ecosystem.Found{}, fmt.Errorf("the reader for %s broke on it: %v", eco.Name, p)
		}
	}()
	return eco.Read(ctx, f)
}

func (w *layerRead) readGap(eco *ecosystem.Ecosystem, path string, err error) {
	if w.ctx.Err() != nil {
		return // the walk ends with that error
	}
	class := "unreadable-package"
	switch {
	case errors.Is(err, ecosystem.ErrLimit), errors.Is(err, layer.ErrLimit):
		class = "limit-reached"
	case eco.Database:
		class = "unreadable-database"
	case errors.Is(err, fs.ErrPermission):
		class = "unreadable-file"
	}
	w.gap(Gap{Class: class, Blocking: true, What: err.Error(), Path: path})
}

func (w *layerRead) hold(b *fileBody, place string, st ecosystem.Stat, eco *ecosystem.Ecosystem) {
	at, free, err := w.r.Buffer.Copy(b.reader(), st.Size)
	if err != nil {
		w.readGap(eco, place, err)
		return
	}
	h := heldFile{place, st, eco, at, free}
	for i, old := range w.held {
		if old.place == place && old.eco == eco { // the last entry of a path wins
			old.free()
			w.held[i] = h
			return
		}
	}
	if len(w.held) == maxHeld {
		free()
		w.readGap(eco, place, ecosystem.Limit("more than %d databases in one layer", maxHeld))
		return
	}
	w.held = append(w.held, h)
}

// maxHeld bounds the files of one layer that wait for its end.
const maxHeld = 100

// late reads the files that were held.
func (w *layerRead) late() {
	open := func(h heldFile) *ecosystem.File {
		return &ecosystem.File{Stat: h.stat, Reader: io.NewSectionReader(h.at, 0, h.stat.Size), At: func() (io.ReaderAt, error) { return h.at, nil }}
	}
	for _, h := range w.held {
		f := open(h)
		f.Sibling = func(path string) (*ecosystem.File, bool) {
			for _, other := range slices.Backward(w.held) {
				if other.eco == h.eco && other.stat.Path == path {
					return open(other), true
				}
			}
			return nil, false
		}
		w.keep(h.eco, h.place, f)
	}
	for _, h := range w.held {
		h.free()
	}
	w.held = nil
}
