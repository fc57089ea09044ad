package scan

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// layer gets what one layer holds: from this run, from the cache, or by reading it.
func (s *scan) layer(ctx context.Context, by *inventory.Reader, img *image.Image, i int) (c *inventory.Contents, cached bool, err error) {
	l := img.Layers[i]
	keys := s.keys(l)
	for _, key := range keys {
		if c := s.read.get(key); c != nil && agrees(c, l) {
			return c, true, nil
		}
	}
	if c := s.kept(l, keys); c != nil {
		if err := by.Budget.Take(c); err != nil {
			return &inventory.Contents{}, true, err
		}
		s.read.put(keys, c)
		return c, true, nil
	}
	c, err = s.walk(ctx, *by, l)
	if err == nil && !blocked(c) {
		s.read.put(keys, c)
		s.keep(l, c)
	}
	return c, false, err
}

// walk reads a layer, and remembers what is passed over in it.
func (s *scan) walk(ctx context.Context, by inventory.Reader, l image.Layer) (*inventory.Contents, error) {
	what := passed{}
	by.Skip = s.skipper(what)
	c, err := by.Layer(ctx, l)
	s.passed.put(c, what)
	return c, err
}

// memo is what this run has read: images of several platforms, and of one base, share layers.
type memo struct {
	mu    sync.Mutex
	of    map[string]*inventory.Contents
	held  map[*inventory.Contents]bool
	bytes int64 // what all contents take that are held
}

// maxMemo bounds, in bytes, what a run holds on to.
const maxMemo = 64 << 20

func (m *memo) get(key string) *inventory.Contents {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[key]
}

func (m *memo) holds(c *inventory.Contents) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held[c]
}

func (m *memo) put(keys []string, c *inventory.Contents) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cost := c.Cost()
	if cost > maxMemo || len(keys) == 0 {
		return
	}
	if m.bytes += cost; m.of == nil || m.bytes > maxMemo {
		m.of, m.held, m.bytes = map[string]*inventory.Contents{}, map[*inventory.Contents]bool{}, cost
	}
	m.held[c] = true
	for _, key := range keys {
		m.of[key] = c
	}
}

// blocked says whether something of a layer could not be read. That may go better another time, so
// the layer is read again then.
func blocked(c *inventory.Contents) bool {
	return slices.ContainsFunc(c.Gaps, func(g inventory.Gap) bool { return g.Blocking })
}

// agrees says whether contents are those that a layer's configuration claims. Where they are not the
// layer is read, and found to be another, as it would be without a cache.
func agrees(c *inventory.Contents, l image.Layer) bool {
	return c.DiffID == "" || l.DiffID == "" || c.DiffID == l.DiffID
}

// keys are the names under which a layer may be found. A blob's digest is believed of a source that
// verified it. A file that nobody hashed is known by what the system says of it, together with what is
// claimed of it; never by the claim alone.
func (s *scan) keys(l image.Layer) []string {
	var keys []string
	if l.Trusted && l.Digest != "" {
		keys = append(keys, s.key("blob", l.Digest))
	}
	if l.Identity != "" {
		keys = append(keys, s.fileKey(l))
	}
	return keys
}

func (s *scan) fileKey(l image.Layer) string {
	return s.key("file", l.Identity+" "+l.DiffID+" "+l.Digest)
}

func (s *scan) key(kind, name string) string {
	return kind + " " + name + " read by " + s.o.Tool.Version + " " + inventory.Key(s.o.Kinds) + s.inspectorKey()
}

// caches says whether contents outlive the run: not when paths were left out of them.
func (s *scan) caches() bool { return s.o.Cache != nil && s.o.Skip == nil }

// kept looks for contents in the cache. What is to be verified, and lies on this host, is read.
func (s *scan) kept(l image.Layer, keys []string) *inventory.Contents {
	if !s.caches() || s.o.Verify && l.Identity != "" {
		return nil
	}
	for _, key := range keys {
		b, ok := s.o.Cache.Get(key)
		if ok && image.CheckDigest(string(b)) == nil {
			b, ok = s.o.Cache.Get(s.key("diff", string(b)))
		}
		if !ok {
			continue
		}
		if c, err := inventory.Decode(b); err == nil && agrees(c, l) && (c.Verified || !s.o.Verify) {
			return c
		}
	}
	return nil
}

// keep stores contents: what is verified under its diff ID, to which the digest of the blob and the
// identity of the file then lead. A file that was verified only because that was asked for is not
// remembered so: a run that does not ask says the same whether the cache has it or not. A cache that
// cannot be written costs time, not truth.
func (s *scan) keep(l image.Layer, c *inventory.Contents) {
	known, file := c.Verified && c.DiffID != "", l.Identity != "" && !s.o.Verify
	if !s.caches() || !known && !file {
		return
	}
	b, err := c.Encode()
	if err != nil {
		return
	}
	if known {
		s.o.Cache.Put(s.key("diff", c.DiffID), b)
		b = []byte(c.DiffID)
		s.o.Cache.Put(s.key("blob", c.Digest), b)
	}
	if file {
		s.o.Cache.Put(s.fileKey(l), b)
	}
}

// largestFirst orders layers by what they will cost, as far as it is known.
func largestFirst(layers []image.Layer) []int {
	order := make([]int, len(layers))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(layers[b].Size, layers[a].Size) })
	return order
}

// progress counts layers of one image.
type progress struct {
	mu   sync.Mutex
	tell func(Progress)
	now  Progress
}

func newProgress(tell func(Progress), target string, of int) *progress {
	return &progress{tell: tell, now: Progress{Target: target, Of: of}}
}

func (p *progress) done(cached bool) {
	if p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Done++
	p.now.Cached = cached
	p.tell(p.now)
}
