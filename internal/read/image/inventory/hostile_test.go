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
