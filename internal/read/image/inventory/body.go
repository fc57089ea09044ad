package inventory

import (
	"io"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// fileBody hands the bytes of one entry to those who want them.
type fileBody struct {
	w      *layerRead
	size   int64
	random io.ReaderAt
	stream io.Reader
	free   func()
}

// body opens an entry; shared says that more than one will read it, so that a stream must be copied.
func (w *layerRead) body(e *layer.Entry, shared bool) (*fileBody, error) {
	b := &fileBody{w: w, size: e.Size, random: e.At()}
	if b.random != nil {
		return b, nil
	}
	var err error
	if b.stream, err = e.Open(); err != nil {
		return nil, err
	}
	if shared {
		_, err = b.at()
	}
	return b, err
}

func (b *fileBody) reader() io.Reader {
	if b.random != nil {
		return io.NewSectionReader(b.random, 0, b.size)
	}
	return b.stream
}

func (b *fileBody) at() (io.ReaderAt, error) {
	if b.random == nil {
		at, free, err := b.w.r.Buffer.Copy(b.stream, b.size)
		if err != nil {
			return nil, err
		}
		b.random, b.free = at, free
	}
	return b.random, nil
}

func (b *fileBody) release() {
	if b.free != nil {
		b.free()
		b.free = nil
	}
}
