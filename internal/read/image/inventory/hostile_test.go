package inventory

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// TestMillionFiles walks a layer of a million empty files. What is remembered of each is 8 bytes.
func TestMillionFiles(t *testing.T) {
	const files = 1_000_000
	pr, pw := io.Pipe()
	go func() {
		w := tar.NewWriter(pw)
		for i := range files {
			w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d%d/file%d", i%1000, i), Typeflag: tar.TypeReg, Mode: 0o644, Format: tar.FormatUSTAR})
		}
		pw.CloseWithError(w.Close())
	}()
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
	c, err := r.Layer(context.Background(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
		return layer.Blob{Stream: pr, Size: -1}, nil
	}})
	if err != nil || c.Entries != files {
		t.Fatalf("%d entries, %v", c.Entries, err)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 64<<20 {
		t.Errorf("%d MB are held", m.HeapAlloc>>20)
	}
	runtime.KeepAlive(c)
}

// TestBrokenReader is a parser that panics, fails or finds a bound: each is a gap, and the rest stands.
func TestBrokenReader(t *testing.T) {
	broken := append([]ecosystem.Ecosystem{{
		Name:  "broken",
		Wants: func(s ecosystem.Stat) bool { return strings.HasPrefix(s.Path, "bad") },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			switch f.Path {
			case "bad/panic":
				panic("index out of range")
			case "bad/limit":
				return ecosystem.Found{}, ecosystem.Limit("too deep")
			}
			return ecosystem.Found{}, errors.New("no such format")
		},
	}}, kinds...)
	raw := tarOf(t, "bad/panic=x", "bad/limit=x", "bad/format=x", "good.pkg=1")
	r := &Reader{Ecosystems: broken, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
	c, err := r.Layer(context.Background(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
		return layer.Blob{At: bytes.NewReader(raw), Size: int64(len(raw))}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]string{}
	for _, g := range c.Gaps {
		if !g.Blocking {
			t.Errorf("%s does not block", g.Path)
		}
		classes[g.Path] = g.Class
	}
	if classes["bad/panic"] != "unreadable-package" || classes["bad/limit"] != "limit-reached" || classes["bad/format"] != "unreadable-package" {
		t.Errorf("gaps %v", classes)
	}
	if len(c.Reads) != 1 {
		t.Errorf("%d files were read, want the good one", len(c.Reads))
	}
}

// TestSparse has a program and a package that are stored sparse, so that nobody knows what they are: both
// are gaps. A file that nobody could want is none.
func TestSparse(t *testing.T) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range []tar.Header{{Name: "bin/tool", Mode: 0o755}, {Name: "a.pkg", Mode: 0o644}, {Name: "disk.img", Mode: 0o644}} {
		h.Typeflag, h.Size, h.Format = tar.TypeReg, 4, tar.FormatPAX
		h.PAXRecords = map[string]string{"VND.sparse.map": "0,4"}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "body")
	}
	w.Close()
	raw := bytes.ReplaceAll(buf.Bytes(), []byte("VND.sparse"), []byte("GNU.sparse")) // which the writer does not write
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
	c, err := r.Layer(t.Context(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
		return layer.Blob{At: bytes.NewReader(raw), Size: int64(len(raw))}, nil
	}})
	if err != nil || len(c.Gaps) != 2 || c.Gaps[0].Path != "bin/tool" || c.Gaps[1].Path != "a.pkg" || !c.Gaps[0].Blocking {
		t.Errorf("gaps %+v, %v", c.Gaps, err)
	}
}

// TestNoRoomToBuffer has neither memory nor a folder for temporary files: what needs random access is a
// gap, and the rest stands.
func TestNoRoomToBuffer(t *testing.T) {
	random := append([]ecosystem.Ecosystem{{
		Name:  "random",
		Wants: func(s ecosystem.Stat) bool { return s.Path == "needs-random" },
		Read: func(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
			_, err := f.At()
			return ecosystem.Found{}, err
		},
	}}, kinds...)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(tarOf(t, "needs-random="+strings.Repeat("x", 10_000), "good.pkg=1"))
	w.Close()
	for name, buffer := range map[string]*layer.Buffer{
		"no room":   layer.NewBuffer(0, 0, ""),
		"no folder": layer.NewBuffer(0, 1<<20, "/nowhere/to/write"),
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reader{Ecosystems: random, Buffer: buffer}
			c, err := r.Layer(context.Background(), image.Layer{Open: func(context.Context) (layer.Blob, error) {
				return layer.Blob{Stream: io.NopCloser(bytes.NewReader(packed.Bytes())), Size: int64(packed.Len())}, nil
			}})
			if err != nil || len(c.Reads) != 1 || len(c.Gaps) != 1 || !c.Gaps[0].Blocking {
				t.Errorf("%d reads, gaps %+v, %v", len(c.Reads), c.Gaps, err)
			}
		})
	}
}

// many is a layer of n entries, made as it is read.
func many(n int, header func(i int) (tar.Header, string)) image.Layer {
	return image.Layer{Open: func(context.Context) (layer.Blob, error) {
		pr, pw := io.Pipe()
		go func() {
			w := tar.NewWriter(pw)
			for i := range n {
				h, body := header(i)
				h.Size = int64(len(body))
				w.WriteHeader(&h)
				io.WriteString(w, body)
			}
			pw.CloseWithError(w.Close())
		}()
		return layer.Blob{Stream: pr, Size: -1, Close: pr.Close}, nil
	}}
}

// TestBudget has layers whose entries would each be kept in memory: what is beyond the bound is an error
// that says so, and what was read before stands.
func TestBudget(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 200)+"/", 15)
	for name, header := range map[string]func(i int) (tar.Header, string){
		"links": func(i int) (tar.Header, string) {
			return tar.Header{Name: fmt.Sprint(i), Linkname: long, Typeflag: tar.TypeSymlink}, ""
		},
		"whiteouts": func(i int) (tar.Header, string) { return tar.Header{Name: fmt.Sprintf("%s.wh.%d", long, i)}, "" },
		"opaques": func(i int) (tar.Header, string) {
			return tar.Header{Name: fmt.Sprintf("%s%d/.wh..wh..opq", long, i)}, ""
		},
		"setuid files": func(i int) (tar.Header, string) { return tar.Header{Name: fmt.Sprint(i), Mode: 0o4755}, "" },
		"files of others": func(i int) (tar.Header, string) {
			return tar.Header{Name: fmt.Sprint(i), Mode: 0o644, Uid: i}, ""
		},
		"folders of others": func(i int) (tar.Header, string) {
			return tar.Header{Name: fmt.Sprint(i), Mode: 0o777, Uid: 5, Typeflag: tar.TypeDir}, ""
		},
		"packages": func(i int) (tar.Header, string) { return tar.Header{Name: fmt.Sprintf("%d.pkg", i)}, "1" },
		"names":    func(i int) (tar.Header, string) { return tar.Header{Name: fmt.Sprint(i)}, "" },
		"hard links": func(i int) (tar.Header, string) {
			if i == 0 {
				return tar.Header{Name: "a.pkg"}, "1"
			}
			return tar.Header{Name: fmt.Sprintf("%s%d.pkg", long, i), Linkname: "a.pkg", Typeflag: tar.TypeLink}, ""
		},
		"hard links to what was not read": func(i int) (tar.Header, string) {
			return tar.Header{Name: fmt.Sprintf("%s%d.pkg", long, i), Linkname: "other", Typeflag: tar.TypeLink}, ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			const bound = 256 << 10
			r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Kept: bound, Traits: true}
			c, err := r.Layer(t.Context(), many(40_000, header))
			if !errors.Is(err, layer.ErrLimit) {
				t.Fatalf("%d entries, %v", c.Entries, err)
			}
			if cost := c.Cost(); cost > bound {
				t.Errorf("what was kept takes %d bytes, more than is allowed", cost)
			}
		})
	}
}

// TestManyNames gives one file a hundred thousand names, each twice: the second entry of a path replaces
// the first.
func TestManyNames(t *testing.T) {
	const names = 100_000
	start := spent(t)
	c, err := (&Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}).Layer(t.Context(), many(2*names, func(i int) (tar.Header, string) {
		if i == 0 {
			return tar.Header{Name: "a.pkg"}, "1"
		}
		return tar.Header{Name: fmt.Sprintf("a%d.pkg", i%names), Linkname: "a.pkg", Typeflag: tar.TypeLink}, ""
	}))
	if err != nil || len(c.Reads) != 1 || len(c.Reads[0].Paths) != names+1 {
		t.Fatalf("%d reads, %v", len(c.Reads), err)
	}
	if took := spent(t) - start; took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// TestManyPlaces gives a list of a hundred packages a hundred names: each package stands in each place.
func TestManyPlaces(t *testing.T) {
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Kept: 1 << 20}
	c, err := r.Layer(t.Context(), many(101, func(i int) (tar.Header, string) {
		if i == 0 {
			return tar.Header{Name: "var/db"}, strings.Repeat("a=1\n", 100)
		}
		return tar.Header{Name: fmt.Sprint(i), Linkname: "var/db", Typeflag: tar.TypeLink}, ""
	}))
	if !errors.Is(err, layer.ErrLimit) || c.Cost() > 1<<20 || len(c.Reads) != 1 {
		t.Errorf("%d bytes, %v", c.Cost(), err)
	}
}

// TestManyLinks has hard links to files that nobody wants, as stores of packages do that give each file
// its place by one: they cost no more than files. One among them that is wanted is read.
func TestManyLinks(t *testing.T) {
	const files = 150_000
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Kept: 8 << 20}
	c, err := r.Layer(t.Context(), many(2*files, func(i int) (tar.Header, string) {
		name := fmt.Sprintf("env/%d", i)
		if i == files {
			name = "env/a.pkg"
		}
		if i < files {
			return tar.Header{Name: fmt.Sprintf("store/%d", i)}, "1"
		}
		return tar.Header{Name: name, Linkname: fmt.Sprintf("store/%d", i-files), Typeflag: tar.TypeLink}, ""
	}))
	if err != nil || len(c.Gaps) > 0 || len(c.Reads) != 1 || c.Reads[0].Paths[0] != "env/a.pkg" {
		t.Errorf("%d reads, gaps %+v, %v", len(c.Reads), c.Gaps, err)
	}
}

// TestSecondWalk has a layer of links whose files are looked for in a second walk. What that remembers of
// it is not what the layer takes; and it is what it is, whether something else has been read beside it.
func TestSecondWalk(t *testing.T) {
	links := func(n int) image.Layer {
		return many(n, func(i int) (tar.Header, string) {
			switch i {
			case 0:
				return tar.Header{Name: "data"}, "1"
			case 1:
				return tar.Header{Name: "a.pkg", Linkname: "data", Typeflag: tar.TypeLink}, ""
			}
			return tar.Header{Name: fmt.Sprintf("l/%d", i), Linkname: "../x", Typeflag: tar.TypeSymlink}, ""
		})
	}
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, ""), Kept: 1 << 20, Budget: NewBudget(3 << 20)}
	c, err := r.Layer(t.Context(), links(5000))
	if err != nil || len(c.Reads) != 1 {
		t.Fatalf("%d reads, %v", len(c.Reads), err)
	}
	if left := r.Budget.left.Load(); left != 3<<20-c.Cost() {
		t.Errorf("%d bytes are left, of %d the layer takes %d", left, 3<<20, c.Cost())
	}
	if _, err = r.Layer(t.Context(), links(8000)); !errors.Is(err, layer.ErrLimit) || errors.Is(err, ErrCrowded) {
		t.Errorf("past its own bound: %v", err)
	}
	r.Budget = NewBudget(1 << 20)
	c, err = r.Layer(t.Context(), links(5000))
	if !errors.Is(err, ErrCrowded) || len(c.Names) > 0 || r.Budget.left.Load() != 1<<20 {
		t.Errorf("crowded: %d names, %v", len(c.Names), err)
	}
}

// TestManyGaps tells of each thing once: what is counted and not listed is not forgotten.
func TestManyGaps(t *testing.T) {
	const links = maxGaps + 50
	c, err := (&Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}).Layer(t.Context(), many(1+2*links, func(i int) (tar.Header, string) {
		switch {
		case i == 0:
			return tar.Header{Name: "first"}, ""
		case i <= links:
			return tar.Header{Name: fmt.Sprintf("y%d", i), Linkname: "elsewhere", Typeflag: tar.TypeLink}, ""
		}
		return tar.Header{Name: fmt.Sprintf("%d.pkg", i), Linkname: fmt.Sprintf("y%d", i-links), Typeflag: tar.TypeLink}, ""
	}))
	count := 0
	for _, g := range c.Gaps {
		count += g.Count
	}
	if err != nil || count != links || len(c.Gaps) != maxGaps+1 {
		t.Errorf("%d gaps that count %d, want %d; %v", len(c.Gaps), count, links, err)
	}
}

// TestManyDatabases has twenty thousand databases of packages, as distroless images have one for each.
func TestManyDatabases(t *testing.T) {
	start := spent(t)
	var contents []*Contents
	for range 3 {
		c := &Contents{}
		for i := range 20_000 {
			c.Reads = append(c.Reads, Read{Ecosystem: "db", Paths: []string{fmt.Sprintf("d/%d.db", i)}, Packages: []ecosystem.Package{{Type: "db", Name: fmt.Sprint(i), Version: "1"}}})
		}
		contents = append(contents, c)
	}
	inv := Squash(contents, kinds)
	if len(inv.Packages) != 20_000 || inv.Packages[7].Places[0].Layer != 0 {
		t.Errorf("%d packages, %+v", len(inv.Packages), inv.Packages[7])
	}
	if took := spent(t) - start; took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// TestTiringLinks has a fixed path that links lead from, through links, below paths as deep as they may
// be, under a thousand layers: following them ends, and says that not all were followed.
func TestTiringLinks(t *testing.T) {
	deep := strings.Repeat("d/", 200)
	var contents []*Contents
	for i := range 1000 {
		c := &Contents{Whiteouts: []string{fmt.Sprintf("w%d", i)}}
		if i == 0 {
			c.Links = append(c.Links, Link{Path: "var/db", Target: "/" + deep + "l0"})
			for n := range 38 {
				c.Links = append(c.Links, Link{Path: fmt.Sprintf("%sl%d", deep, n), Target: fmt.Sprintf("l%d", n+1)})
			}
		}
		contents = append(contents, c)
	}
	start := spent(t)
	inv := Squash(contents, kinds)
	if len(inv.Gaps) != 1 || !inv.Gaps[0].Blocking {
		t.Errorf("gaps %+v", inv.Gaps)
	}
	if took := spent(t) - start; took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// TestTiringLayer is one layer of entries below links with targets as long as they may be, and one in
// which a folder and a file take each other's place again and again.
func TestTiringLayer(t *testing.T) {
	long := "/" + strings.Repeat("a/../", 800)
	for name, header := range map[string]func(i int) (tar.Header, string){
		"links": func(i int) (tar.Header, string) {
			if i < 38 {
				return tar.Header{Name: fmt.Sprintf("l%d", i), Typeflag: tar.TypeSymlink, Linkname: fmt.Sprintf("%sl%d", long, i+1)}, ""
			}
			return tar.Header{Name: fmt.Sprintf("l%d/x", i%2)}, ""
		},
		"folders": func(i int) (tar.Header, string) {
			switch {
			case i < 20_000:
				return tar.Header{Name: fmt.Sprintf("%d.pkg", i)}, "1"
			case i%2 == 0:
				return tar.Header{Name: "x", Typeflag: tar.TypeDir}, ""
			}
			return tar.Header{Name: "x"}, ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := spent(t)
			_, err := (&Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}).Layer(t.Context(), many(500_000, header))
			if !errors.Is(err, layer.ErrLimit) {
				t.Errorf("%v", err)
			}
			if took := spent(t) - start; took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestBrokenLayer is a source that panics: an error of its layer.
func TestBrokenLayer(t *testing.T) {
	r := &Reader{Ecosystems: kinds, Buffer: layer.NewBuffer(1<<20, 1<<20, "")}
	for name, b := range map[string]layer.Blob{"in place": {At: breaking{}, Size: 1 << 20}, "stream": {Stream: breaking{}, Size: -1}} {
		c, err := r.Layer(t.Context(), image.Layer{Open: func(context.Context) (layer.Blob, error) { return b, nil }})
		if err == nil || !strings.Contains(err.Error(), "broke on it") || c == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// breaking gives a tar's first bytes and breaks then.
type breaking struct{}

func (breaking) ReadAt(p []byte, off int64) (int, error) { panic("index out of range") }
func (breaking) Read(p []byte) (int, error)              { panic("index out of range") }
func (breaking) Close() error                            { return nil }
