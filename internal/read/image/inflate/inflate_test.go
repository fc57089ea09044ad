package inflate

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

func pack(t testing.TB, b []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// ours reads with small and uneven reads of the input.
func ours(packed []byte, reads int) ([]byte, error) {
	var src io.Reader = bytes.NewReader(packed)
	if reads > 0 {
		src = &short{r: src, n: reads}
	}
	z, err := NewReader(src)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

type short struct {
	r io.Reader
	n int
}

func (s *short) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

func theirs(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 200_000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 300_000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 9)
	}
	var text strings.Builder
	for i := range 40_000 {
		text.WriteString([]string{"the ", "quick ", "brown ", "fox\n", "jumps"}[r.IntN(5)])
		if i%97 == 0 {
			text.Write(random[i : i+11])
		}
	}
	return map[string][]byte{
		"empty": nil, "one": {7}, "zeros": make([]byte, 1_000_000), "random": random, "skewed": skewed, "text": []byte(text.String()),
		"far": append(append([]byte{}, random[:33_000]...), random[:33_000]...), "pairs": bytes.Repeat([]byte("ab"), 50_000), "sevens": bytes.Repeat([]byte("abcdefg"), 9_000),
	}
}

func TestSameAsStandardLibrary(t *testing.T) {
	for name, b := range samples() {
		for _, level := range []int{gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression, gzip.BestCompression, gzip.HuffmanOnly} {
			packed := pack(t, b, level)
			for _, reads := range []int{0, 1, 7, 4096} {
				got, err := ours(packed, reads)
				if err != nil || !bytes.Equal(got, b) {
					t.Fatalf("%s, level %d, reads of %d: %d bytes, want %d, %v", name, level, reads, len(got), len(b), err)
				}
			}
			var out bytes.Buffer
			z, _ := NewReader(bytes.NewReader(packed))
			if _, err := z.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), b) {
				t.Errorf("%s, level %d, WriteTo: %v", name, level, err)
			}
		}
	}
}

func TestMembers(t *testing.T) {
	text := samples()["text"]
	packed := append(append(pack(t, text, 6), pack(t, nil, 6)...), pack(t, []byte("end"), 1)...)
	got, err := ours(packed, 0)
	if err != nil || !bytes.Equal(got, append(append([]byte{}, text...), "end"...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// A match may not reach into the member before.
	var raw bytes.Buffer
	w, _ := flate.NewWriterDict(&raw, 9, []byte("history of another member"))
	w.Write([]byte("history of another member"))
	w.Close()
	header := pack(t, nil, 6)[:10]
	bad := append(append(pack(t, []byte("history of another member"), 6), header...), raw.Bytes()...)
	if _, err := ours(bad, 0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a match into the member before: %v", err)
	}
}

func TestHeaderFields(t *testing.T) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Name, w.Comment, w.Extra = "layer.tar", "a comment", []byte("extra")
	w.Write([]byte("body"))
	w.Close()
	if got, err := ours(out.Bytes(), 1); err != nil || string(got) != "body" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCutAndFlipped(t *testing.T) {
	packed := pack(t, samples()["text"][:5000], 6)
	for n := range packed {
		if _, err := ours(packed[:n], 0); err == nil || n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d of %d: %v", n, len(packed), err)
		}
	}
	for i := range len(packed) * 8 {
		flipped := bytes.Clone(packed)
		flipped[i/8] ^= 1 << (i % 8)
		got, err := ours(flipped, 0)
		want, wantErr := theirs(flipped)
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("bit %d flipped: %v, the standard library %v", i, err, wantErr)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, b := range samples() {
		for _, level := range []int{0, 1, 9, gzip.HuffmanOnly} {
			f.Add(pack(f, b[:min(len(b), 2000)], level), 0)
		}
	}
	f.Fuzz(func(t *testing.T, packed []byte, reads int) {
		got, err := ours(packed, min(max(reads, 0), 1<<16))
		want, wantErr := theirs(packed)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, the standard library's %v", err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, want %d, or others", len(got), len(want))
		}
	})
}

// sources is a tar of Go's own source, gzipped at level 6, or the file that PLIMSOLL_BENCH_GZIP names.
func sources(b *testing.B) (packed []byte, size int64) {
	if path := os.Getenv("PLIMSOLL_BENCH_GZIP"); path != "" {
		packed, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, z)
		if err != nil {
			b.Fatal(err)
		}
		return packed, n
	}
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	if err := w.AddFS(subtree{os.DirFS(filepath.Join(strings.TrimSpace(string(goroot)), "src", "net"))}); err != nil {
		b.Fatal(err)
	}
	w.Close()
	return pack(b, raw.Bytes(), 6), int64(raw.Len())
}

type subtree struct{ fs.FS }

func BenchmarkGzip(b *testing.B) {
	packed, size := sources(b)
	run := func(name string, open func(io.Reader) (io.Reader, error)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				z, err := open(bytes.NewReader(packed))
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, z); err != nil || n != size {
					b.Fatal(n, err)
				}
			}
		})
	}
	run("ours", func(r io.Reader) (io.Reader, error) { return NewReader(r) })
	run("standard", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	run("klauspost", func(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) })
}
