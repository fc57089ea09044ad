package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// pack writes headers and bodies with the standard library's writer.
func pack(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range entries {
		body := []byte(h.Uname) // the body rides in a field that layers do not use
		h.Uname = ""
		if h.Typeflag == tar.TypeReg || h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(body))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func sum(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zst(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func describe(e *Entry) string {
	s := fmt.Sprintf("%d %s", e.Kind, e.Path)
	if e.Link != "" {
		s += " -> " + e.Link
	}
	if e.Kind == File {
		r, err := e.Open()
		if err != nil {
			return s + " " + err.Error()
		}
		b, err := io.ReadAll(r)
		s += fmt.Sprintf(" %q %v", b, err)
	}
	return s
}

func walkAll(t testing.TB, b Blob, o Options) ([]string, Result, error) {
	t.Helper()
	var got []string
	res, err := Walk(context.Background(), b, o, func(e *Entry) error {
		got = append(got, describe(e))
		return nil
	})
	return got, res, err
}

func atBlob(b []byte) Blob { return Blob{At: bytes.NewReader(b), Size: int64(len(b))} }
func streamBlob(b []byte) Blob {
	return Blob{Stream: io.NopCloser(bytes.NewReader(b)), Size: int64(len(b))}
}

func TestWalkTellsEntries(t *testing.T) {
	long := strings.Repeat("d/", 80) + "file"
	raw := pack(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir},
		tar.Header{Name: "./etc/passwd", Uname: "root"},
		tar.Header{Name: "/abs", Uname: "a"},
		tar.Header{Name: "../../../escape", Uname: "e"},
		tar.Header{Name: "x/../y", Uname: "y"},
		tar.Header{Name: long, Uname: "long"},
		tar.Header{Name: "bin", Linkname: "usr/bin", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "usr/bin/perl5", Linkname: "./usr/bin/perl", Typeflag: tar.TypeLink},
		tar.Header{Name: "a/.wh.b", Uname: ""},
		tar.Header{Name: ".wh.top", Uname: ""},
		tar.Header{Name: "a/.wh..wh..opq", Uname: ""},
		tar.Header{Name: ".wh..wh.plnk/1", Uname: ""},
		tar.Header{Name: "dev/null", Typeflag: tar.TypeChar},
		tar.Header{Name: "ends", Uname: strings.Repeat("z", 5000)},
	)
	want := []string{
		`1 `, `0 etc/passwd "root" <nil>`, `0 abs "a" <nil>`, `0 escape "e" <nil>`, `0 y "y" <nil>`,
		fmt.Sprintf(`0 %s "long" <nil>`, long), `2 bin -> usr/bin`, `3 usr/bin/perl5 -> usr/bin/perl`,
		`5 a/b`, `5 top`, `6 a`, `0 .wh..wh.plnk/1 "" <nil>`, `4 dev/null`,
		fmt.Sprintf(`0 ends "%s" <nil>`, strings.Repeat("z", 5000)),
	}
	forms := map[string]struct {
		blob     Blob
		verified bool
		o        Options
	}{
		"skipped through": {atBlob(raw), false, Options{}},
		"verified":        {atBlob(raw), true, Options{Verify: true, DiffID: sum(raw)}},
		"stream":          {streamBlob(raw), true, Options{DiffID: sum(raw)}},
		"gzip":            {streamBlob(gz(raw)), true, Options{Digest: sum(gz(raw)), DiffID: sum(raw)}},
		"gzip at random":  {atBlob(gz(raw)), true, Options{Digest: sum(gz(raw))}},
		"zstd":            {streamBlob(zst(raw)), true, Options{DiffID: sum(raw)}},
	}
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			got, res, err := walkAll(t, f.blob, f.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if res.Verified != f.verified {
				t.Errorf("verified: %v, want %v", res.Verified, f.verified)
			}
		})
	}
}

func TestWalkRefusesWrongBytes(t *testing.T) {
	raw := pack(t, tar.Header{Name: "f", Uname: strings.Repeat("x", 2000)})
	bomb := gz(make([]byte, 1<<20))
	for name, c := range map[string]struct {
		blob Blob
		o    Options
		want error
	}{
		"diff ID":                  {streamBlob(gz(raw)), Options{DiffID: sum([]byte("other"))}, ErrDigest},
		"digest":                   {streamBlob(gz(raw)), Options{Digest: sum([]byte("other"))}, ErrDigest},
		"digest of what is inside": {streamBlob(gz(raw)), Options{Digest: sum(raw)}, ErrDigest},
		"cut in a body":            {atBlob(raw[:1000]), Options{}, ErrTruncated},
		"cut stream":               {streamBlob(raw[:1000]), Options{}, ErrTruncated},
		"cut gzip":                 {streamBlob(gz(raw)[:30]), Options{}, io.ErrUnexpectedEOF},
		"cut zstd":                 {streamBlob(zst(raw)[:30]), Options{}, io.ErrUnexpectedEOF},
		"bomb":                     {streamBlob(bomb), Options{Limits: Limits{Entries: 9, Uncompressed: 1 << 19, PathLength: 99}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := walkAll(t, c.blob, c.o)
			if name == "bomb" { // it is all zeros: the tar ends at once, the rest must still be bounded
				c.want = ErrLimit
			}
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestSparseFileCostsNothing(t *testing.T) {
	// A header that claims 50 GiB over a source that is sparse itself: only headers are read.
	var h bytes.Buffer
	w := tar.NewWriter(&h)
	if err := w.WriteHeader(&tar.Header{Name: "big", Size: 50 << 30, Typeflag: tar.TypeReg, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	r := &hole{head: h.Bytes(), size: 50<<30 + 512 + 1024}
	var seen int64
	_, err := Walk(context.Background(), Blob{At: r, Size: r.size}, Options{}, func(e *Entry) error { seen = e.Size; return nil })
	if err != nil || seen != 50<<30 || r.read > 1<<20 {
		t.Errorf("size %d, %d bytes read, error %v", seen, r.read, err)
	}
}

// hole is head followed by zeros.
type hole struct {
	head []byte
	size int64
	read int64
}

func (h *hole) ReadAt(p []byte, off int64) (int, error) {
	h.read += int64(len(p))
	clear(p)
	if off < int64(len(h.head)) {
		copy(p, h.head[off:])
	}
	return len(p), nil
}
