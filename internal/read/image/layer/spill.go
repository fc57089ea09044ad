package layer

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
)

// Buffer lends memory, and past that unlinked temporary files, to bodies that need random access.
// It is shared by all layers that are walked at the same time.
type Buffer struct {
	memory atomic.Int64 // bytes left
	disk   atomic.Int64
	pools  [maxClass + 1]sync.Pool
	dir    string
}

// Memory is lent in powers of two, so that what was used for one file fits the next.
const (
	minClass = 12 // 4 KiB
	maxClass = 25 // 32 MiB
)

// class is the power of two that holds size bytes; false when memory is never lent for so much.
func class(size int64) (int, bool) {
	c := max(bits.Len64(uint64(max(size-1, 0))), minClass)
	return c, c <= maxClass
}

// NewBuffer allows so many bytes of memory and of temporary files, the latter in dir (the system's
// temporary folder when empty).
func NewBuffer(memory, disk int64, dir string) *Buffer {
	b := &Buffer{dir: dir}
	b.memory.Store(memory)
	b.disk.Store(disk)
	return b
}

// Copy reads size bytes of r and gives random access to them until free is called. It fails with
// ErrLimit when neither memory nor disk is left.
func (b *Buffer) Copy(r io.Reader, size int64) (at io.ReaderAt, free func(), err error) {
	if c, ok := class(size); ok && take(&b.memory, 1<<c) {
		return b.inMemory(r, size, c)
	}
	if !take(&b.disk, size) {
		return nil, nil, fmt.Errorf("%w: no room to buffer a file of %d bytes", ErrLimit, size)
	}
	f, err := os.CreateTemp(b.dir, ".plimsoll-")
	if err != nil {
		b.disk.Add(size)
		return nil, nil, fmt.Errorf("buffer a file of a layer: %w", err)
	}
	// Unlinked at once, so that no end of the process leaves it behind; where the system does not
	// allow that (Windows), it is removed when it is freed.
	unlinked := os.Remove(f.Name()) == nil
	free = func() {
		f.Close()
		if !unlinked {
			os.Remove(f.Name())
		}
		b.disk.Add(size)
	}
	if _, err := io.CopyN(f, r, size); err != nil {
		free()
		return nil, nil, fmt.Errorf("buffer a file of a layer: %w", cut(err))
	}
	return f, free, nil
}

func (b *Buffer) inMemory(r io.Reader, size int64, class int) (io.ReaderAt, func(), error) {
	buf, _ := b.pools[class].Get().(*[]byte)
	if buf == nil {
		fresh := make([]byte, 1<<class)
		buf = &fresh
	}
	free := func() {
		b.pools[class].Put(buf)
		b.memory.Add(1 << class)
	}
	if _, err := io.ReadFull(r, (*buf)[:size]); err != nil {
		free()
		return nil, nil, fmt.Errorf("buffer a file of a layer: %w", cut(err))
	}
	return bytes.NewReader((*buf)[:size]), free, nil
}

func take(from *atomic.Int64, n int64) bool {
	for {
		left := from.Load()
		if left < n {
			return false
		}
		if from.CompareAndSwap(left, left-n) {
			return true
		}
	}
}
