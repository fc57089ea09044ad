// Package rpmdb takes the packages' headers out of rpm's databases, in each of the three forms that
// they have had. It reads bytes at offsets and writes nothing; indexes beside the headers are not
// looked at.
//
// A corrupt database cannot hold it up: no page is visited more often than the file has pages, and
// all headers together are no longer than the file.
package rpmdb

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// Headers yields the header of each package, in the form that rpm keeps it: without the magic and
// lead of a package file. The bytes are good until the next one. After an error it ends.
type Headers = iter.Seq2[[]byte, error]

// maxHeader bounds the bytes of one header; it is rpm's own limit.
const maxHeader = 256 << 20

// readFull reads len(b) bytes at off, or fails.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%d bytes at %d: %w", len(b), off, err)
	}
	return nil
}

// ahead reads more than it is asked for once it is asked for what follows, because pages that belong
// together mostly stand together.
type ahead struct {
	r    io.ReaderAt
	next int64 // where the last answer ended
	off  int64 // of buf in r
	buf  []byte
}

const aheadSize = 128 << 10 // bytes; two of the largest pages

func (a *ahead) ReadAt(b []byte, off int64) (n int, err error) {
	has := func() bool { return off >= a.off && off+int64(len(b)) <= a.off+int64(len(a.buf)) }
	if !has() && off != a.next {
		n, err = a.r.ReadAt(b, off)
		a.next = off + int64(n)
		return n, err
	}
	if !has() {
		if a.buf == nil {
			a.buf = make([]byte, aheadSize)
		}
		n, err = a.r.ReadAt(a.buf[:cap(a.buf)], off)
		a.off, a.buf = off, a.buf[:n]
	}
	n = copy(b, a.buf[off-a.off:])
	a.next = off + int64(n)
	return n, err
}

// within ends after headers of size bytes in total: in a sound database none shares its bytes with
// another, so more than the file has is a sign of corruption, and would be work without end.
func within(size int64, h Headers) Headers {
	return func(yield func([]byte, error) bool) {
		left := size
		for b, err := range h {
			if left -= int64(len(b)); left < 0 && err == nil {
				b, err = nil, errors.New("headers overlap")
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}
