package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

const (
	defaultSpool = 32 << 30
	maxWindow    = 128 << 20 // of zstd: what its longest common setting (--long=27) asks for
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	xzMagic   = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	bz2Magic  = []byte("BZh")
)

// indexFile indexes a tar where it lies, or a copy of it when it is compressed. It owns f.
func indexFile(ctx context.Context, f *os.File, o image.Options) (tree, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, bare(err)
	}
	identity := ""
	if info.Mode().IsRegular() {
		identity = image.FileIdentity(info)
	}
	var head [6]byte
	n, _ := f.ReadAt(head[:], 0)
	if !info.Mode().IsRegular() || isCompressed(head[:n]) {
		copied, err := spool(ctx, f, o)
		f.Close()
		if err != nil {
			return nil, err
		}
		f = copied
	}
	t, err := indexTar(ctx, f, identity)
	if err != nil {
		f.Close()
		return nil, err
	}
	return t, nil
}

func isCompressed(head []byte) bool {
	for _, magic := range [][]byte{gzipMagic, zstdMagic, xzMagic, bz2Magic} {
		if bytes.HasPrefix(head, magic) {
			return true
		}
	}
	return layer.IsSkippable(head)
}

// spool copies a stream, inflated, to a temporary file. The file is unlinked at once, so that no end
// of the process leaves it behind; where the system does not allow that (Windows) it stays until the
// temporary folder is cleaned.
func spool(ctx context.Context, r io.Reader, o image.Options) (*os.File, error) {
	in, done, err := inflate(r)
	if err != nil {
		return nil, err
	}
	defer done()
	f, err := os.CreateTemp(o.TempDir, ".plimsoll-")
	if err != nil {
		return nil, fmt.Errorf("spool the archive: %w", err)
	}
	_ = os.Remove(f.Name())
	limit := o.MaxSpool
	if limit == 0 {
		limit = defaultSpool
	}
	n, err := io.Copy(f, io.LimitReader(&interruptible{ctx, in}, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%w: the archive holds more than %d bytes", layer.ErrLimit, limit)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("spool the archive: %w", err)
	}
	return f, nil
}

// inflate sniffs the compression of a stream by its magic number.
func inflate(r io.Reader) (in io.Reader, done func(), err error) {
	b := bufio.NewReaderSize(r, 1<<20)
	head, err := b.Peek(6)
	switch {
	case len(head) == 0 && err == io.EOF:
		return nil, nil, errors.New("it is empty: did the command fail that writes it?")
	case bytes.HasPrefix(bytes.TrimLeft(head, " \r\n\t\ufeff"), []byte("{")), bytes.HasPrefix(head, []byte("<?xml")), bytes.HasPrefix(head, []byte("SPDXVe")):
		return nil, nil, errors.New("it is a document, not an archive: an SBOM is read as sbom:-")
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(b)
		return z, func() {}, err
	case bytes.HasPrefix(head, zstdMagic), layer.IsSkippable(head): // pzstd begins with such a frame
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case bytes.HasPrefix(head, xzMagic), bytes.HasPrefix(head, bz2Magic):
		return nil, nil, errors.New("it is compressed with xz or bzip2: decompress it first")
	}
	return b, func() {}, nil
}

// interruptible stops between two reads when its context ends.
type interruptible struct {
	ctx context.Context //nolint:containedctx // lives for one copy
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}
