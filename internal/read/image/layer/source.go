package layer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/plimsoll/plimsoll/internal/read/image/inflate"
)

// A source is a plain tar that is read forwards: window lends the next bytes, skip passes over some.
type source interface {
	// window returns at least n bytes from the current place, or all that is left if that is fewer.
	// They are valid until the next call of any method. n is at most 512.
	window(n int) ([]byte, error)
	// skip moves on by n bytes; it fails with ErrTruncated when the tar ends before that.
	skip(n int64) error
	// Read reads on from the current place.
	io.Reader
	// random gives random access to n bytes from the current place; nil where there is none.
	random(n int64) io.ReaderAt
	// streamed is how many bytes were read that could not be skipped.
	streamed() int64
	// finish ends the walk; when whole is set it reads what is left, so that the digests are of all.
	finish(whole bool) (sums, error)
}

// sums are digests as computed, empty where not all was read.
type sums struct{ digest, diffID string }

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	xzMagic   = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	bz2Magic  = []byte("BZh")
)

// open sniffs the compression by its magic number: media types are often wrong.
func open(ctx context.Context, b Blob, o Options) (source, error) {
	head := make([]byte, 6)
	stream := io.Reader(b.Stream)
	if b.At != nil {
		stream = io.NewSectionReader(b.At, 0, b.Size)
	}
	n, err := io.ReadFull(stream, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read layer: %w", err)
	}
	head = head[:n]
	stream = io.MultiReader(bytes.NewReader(head), stream)
	switch {
	case bytes.HasPrefix(head, gzipMagic), bytes.HasPrefix(head, zstdMagic), IsSkippable(head):
		return startInflating(ctx, stream, head, o), nil
	case bytes.HasPrefix(head, xzMagic), bytes.HasPrefix(head, bz2Magic):
		return nil, fmt.Errorf("read layer: xz and bzip2 are no compressions of the OCI image format: recompress the image with gzip or zstd")
	case b.At != nil && !o.Verify:
		return &seekSource{r: b.At, size: b.Size}, nil
	}
	return startPlain(ctx, stream, o), nil
}

// IsSkippable knows the frames that zstd allows before the data (RFC 8878 §3.1.2).
func IsSkippable(b []byte) bool {
	return len(b) >= 4 && b[0]&0xf0 == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18
}

// seekSource skips through a tar that has random access. Its window is small, because most of what
// stands between two headers is never looked at.
type seekSource struct {
	r    io.ReaderAt
	size int64
	off  int64
	buf  [4096]byte
	at   int64 // place of buf[0]
	have int
}

func (s *seekSource) window(n int) ([]byte, error) {
	if i := s.off - s.at; i >= 0 && i+int64(n) <= int64(s.have) {
		return s.buf[i:s.have], nil
	}
	m, err := s.r.ReadAt(s.buf[:min(int64(len(s.buf)), max(0, s.size-s.off))], s.off)
	s.at, s.have = s.off, m
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read layer: %w", err)
	}
	return s.buf[:m], nil
}

func (s *seekSource) skip(n int64) error {
	if n > s.size-s.off {
		s.off = s.size
		return ErrTruncated
	}
	s.off += n
	return nil
}

func (s *seekSource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if i := s.off - s.at; i >= 0 && i < int64(s.have) {
		n := copy(p, s.buf[i:s.have])
		s.off += int64(n)
		return n, nil
	}
	n, err := s.r.ReadAt(p[:min(int64(len(p)), max(0, s.size-s.off))], s.off)
	s.off += int64(n)
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

func (s *seekSource) random(n int64) io.ReaderAt {
	if n > s.size-s.off {
		return nil
	}
	return io.NewSectionReader(s.r, s.off, n)
}

func (s *seekSource) streamed() int64 { return 0 }

func (s *seekSource) finish(bool) (sums, error) { return sums{}, nil }

// streamSource walks what a goroutine reads, hashes and inflates ahead of it.
type streamSource struct {
	ctx    context.Context
	cancel context.CancelFunc
	full   chan []byte // filled chunks, in order
	free   chan []byte // chunks to fill
	done   chan struct{}
	err    error // how the filling ended; read after full is closed
	sums   sums
	claim  Options

	lent []byte // the chunk being read, and what is left of it
	rest []byte
	got  int64  // bytes of all chunks so far
	join []byte // a window that spans chunks
}

const (
	maxWindow  = 64 << 20 // of zstd; what its levels up to 21 ask for
	chunkSize  = 256 << 10
	chunkCount = 3
)

func startStream(ctx context.Context, o Options, fill func(s *streamSource) error) *streamSource {
	ctx, cancel := context.WithCancel(ctx)
	s := &streamSource{
		ctx: ctx, cancel: cancel, claim: o, full: make(chan []byte, chunkCount),
		free: make(chan []byte, chunkCount), done: make(chan struct{}),
	}
	for range chunkCount {
		s.free <- make([]byte, chunkSize)
	}
	go func() {
		defer close(s.done)
		defer close(s.full)
		defer func() {
			if p := recover(); p != nil {
				s.err = fmt.Errorf("read layer: its decompression broke on it: %v", p)
			}
		}()
		s.err = fill(s)
	}()
	return s
}

func startPlain(ctx context.Context, r io.Reader, o Options) source {
	return startStream(ctx, o, func(s *streamSource) error {
		h := sha256.New()
		if err := s.pump(r, h); err != nil {
			return err
		}
		s.sums.diffID = name(h)
		s.sums.digest = s.sums.diffID
		return nil
	})
}

func startInflating(ctx context.Context, r io.Reader, magic []byte, o Options) source {
	return startStream(ctx, o, func(s *streamSource) error {
		stored, plain := sha256.New(), sha256.New()
		in := io.TeeReader(r, stored)
		var out io.Reader
		if bytes.HasPrefix(magic, gzipMagic) {
			z, err := inflate.NewReader(in)
			if err != nil {
				return err
			}
			out = z
		} else {
			z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				return err
			}
			defer z.Close()
			out = z
		}
		if err := s.pump(out, plain); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			return err
		}
		s.sums = sums{digest: name(stored), diffID: name(plain)}
		return nil
	})
}

func name(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// pump moves all of r into chunks; it stops with an error past the bound of a layer, or that of all.
func (s *streamSource) pump(r io.Reader, h hash.Hash) error {
	var total int64
	limit, left := s.claim.Limits.Uncompressed, s.claim.Total
	for {
		var chunk []byte
		select {
		case chunk = <-s.free:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		n, err := fill(r, chunk)
		h.Write(chunk[:n])
		if total += int64(n); total > limit {
			return fmt.Errorf("%w: the layer holds more than %d bytes", ErrLimit, limit)
		}
		if left != nil && left.Add(-int64(n)) < 0 {
			return ErrTotal
		}
		if n > 0 {
			select {
			case s.full <- chunk[:n]:
			case <-s.ctx.Done():
				return s.ctx.Err()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read layer: %w", err)
		}
	}
}

// fill reads until b is full. Unlike io.ReadFull it keeps an orderly end apart from a reader's own
// io.ErrUnexpectedEOF, which is how decompressors say that their input was cut.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

// more makes rest non-empty; io.EOF when the stream has ended well.
func (s *streamSource) more() error {
	if len(s.rest) > 0 {
		return nil
	}
	if s.lent != nil {
		s.free <- s.lent[:cap(s.lent)]
		s.lent = nil
	}
	chunk, ok := <-s.full
	if !ok {
		if s.err != nil {
			return s.err
		}
		return io.EOF
	}
	s.lent, s.rest = chunk, chunk
	s.got += int64(len(chunk))
	return nil
}

func (s *streamSource) window(n int) ([]byte, error) {
	if err := s.more(); err != nil {
		if err == io.EOF {
			return nil, nil
		}
		return nil, err
	}
	if len(s.rest) >= n {
		return s.rest, nil
	}
	s.join = append(s.join[:0], s.rest...)
	s.rest = nil
	for len(s.join) < n {
		if err := s.more(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		take := min(n-len(s.join), len(s.rest))
		s.join = append(s.join, s.rest[:take]...)
		s.rest = s.rest[take:]
	}
	// What was joined goes back in front: the chunk that it came from stays lent until it is used up.
	s.rest = append(append(make([]byte, 0, len(s.join)+len(s.rest)), s.join...), s.rest...)
	return s.rest, nil
}

func (s *streamSource) skip(n int64) error {
	for n > 0 {
		if err := s.more(); err == io.EOF {
			return ErrTruncated
		} else if err != nil {
			return err
		}
		take := min(n, int64(len(s.rest)))
		s.rest = s.rest[take:]
		n -= take
	}
	return nil
}

func (s *streamSource) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := s.more(); err != nil {
		return 0, err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *streamSource) random(int64) io.ReaderAt { return nil }

func (s *streamSource) streamed() int64 { return s.got - int64(len(s.rest)) }

func (s *streamSource) finish(whole bool) (sums, error) {
	for whole {
		s.rest = nil
		if err := s.more(); err == io.EOF {
			break
		} else if err != nil {
			s.cancel()
			<-s.done
			return sums{}, err
		}
	}
	s.cancel()
	for range s.full { //nolint:revive // drained so that the filler can end
	}
	<-s.done
	if !whole || s.err != nil {
		return sums{}, nil
	}
	return s.sums, s.checkClaims()
}

func (s *streamSource) checkClaims() error {
	if d := s.claim.Digest; d != "" && d != s.sums.digest {
		return fmt.Errorf("%w: the manifest names layer %s, its bytes are %s", ErrDigest, d, s.sums.digest)
	}
	if d := s.claim.DiffID; d != "" && d != s.sums.diffID {
		return fmt.Errorf("%w: the configuration names layer content %s, it is %s", ErrDigest, d, s.sums.diffID)
	}
	return nil
}
