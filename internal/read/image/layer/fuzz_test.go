package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzTar holds what we read of a tar against archive/tar, where that reads it to its end: names, kinds,
// links and bytes.
func FuzzTar(f *testing.F) {
	long := strings.Repeat("n/", 100) + "x"
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		name := long
		if format == tar.FormatUSTAR {
			name = "n"
		}
		f.Add(pack(f, tar.Header{Name: "a", Uname: "hello", Format: format, Mode: 0o755}, tar.Header{Name: name, Uname: "x", Format: format},
			tar.Header{Name: "d/", Typeflag: tar.TypeDir, Format: format}, tar.Header{Name: "s", Linkname: name, Typeflag: tar.TypeSymlink, Format: format},
			tar.Header{Name: "h", Linkname: "a", Typeflag: tar.TypeLink, Format: format}))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, ok := standard(raw)
		if !ok {
			return
		}
		got, _, err := walkAll(t, atBlob(raw), Options{})
		if err != nil && !errors.Is(err, ErrTruncated) { // a tar that ends behind an extended header is whole to archive/tar
			t.Fatalf("archive/tar reads it, we say %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("archive/tar and we differ: %s", diff)
		}
	})
}

// standard is what archive/tar says of a tar, in the words of describe. False where it fails, or where
// we mean to differ: sparse files, whose bytes we do not put together, and what is passed over.
func standard(raw []byte) (all []string, ok bool) {
	if bytes.HasPrefix(raw, gzipMagic) || bytes.HasPrefix(raw, zstdMagic) || bytes.Contains(raw, []byte("GNU.sparse")) {
		return nil, false
	}
	r := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return all, true
		}
		if err != nil {
			return nil, false
		}
		e := Entry{Path: Clean(h.Name)}
		switch h.Typeflag {
		case tar.TypeReg, '7':
			e.Kind = File // with a slash at the end, too, but in tars from before ustar, which h has as a directory
		case tar.TypeDir:
			e.Kind = Dir
		case tar.TypeSymlink:
			e.Kind, e.Link = Symlink, h.Linkname
		case tar.TypeLink:
			e.Kind, e.Link = Hardlink, Clean(h.Linkname)
		case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
			e.Kind = Device
		default:
			return nil, false
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, false
		}
		if asWhiteout(&e); DefaultLimits.tooLong(&e) {
			return nil, false
		}
		if e.Kind == File {
			e.Size, e.body = int64(len(body)), &bytesBody{bytes.NewReader(body)}
		}
		all = append(all, describe(&e))
	}
}

// bytesBody is a body that is at hand.
type bytesBody struct{ r *bytes.Reader }

func (b *bytesBody) head(int) ([]byte, error)   { return nil, nil }
func (b *bytesBody) reader() (io.Reader, error) { return b.r, nil }
func (b *bytesBody) at() io.ReaderAt            { return nil }

// FuzzPacked inflates what is packed: never more than the limit, and the same as the plain tar gives.
func FuzzPacked(f *testing.F) {
	raw := pack(f, tar.Header{Name: "a", Uname: "hello"}, tar.Header{Name: "b", Uname: strings.Repeat("x", 3000)})
	f.Add(gz(raw))
	f.Add(zst(raw))
	f.Add(append(zst(raw[:700]), zst(raw[700:])...))
	f.Add(append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), zst(raw)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 20
		var size int64
		res, err := Walk(context.Background(), streamBlob(b), Options{Limits: Limits{Entries: 1000, Uncompressed: limit, PathLength: 4096}}, func(e *Entry) error {
			if e.Kind == File {
				if r, err := e.Open(); err == nil {
					n, _ := io.Copy(io.Discard, r)
					size += n
				}
			}
			return nil
		})
		if size > limit {
			t.Errorf("%d bytes of files", size)
		}
		if err == nil && res.Digest != sum(b) {
			t.Errorf("digest %s, want %s", res.Digest, sum(b))
		}
	})
}
