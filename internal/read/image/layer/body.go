package layer

import "io"

// tarBody is the body of the current entry.
type tarBody struct {
	src       source
	size      int64
	left, pad int64
}

func (b *tarBody) head(n int) ([]byte, error) {
	w, err := b.src.window(int(min(int64(n), b.left)))
	if err != nil {
		return nil, err
	}
	return w[:min(int64(len(w)), int64(n), b.left)], nil
}

func (b *tarBody) reader() (io.Reader, error) { return b, nil }

func (b *tarBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = ErrTruncated
	}
	return n, err
}

func (b *tarBody) at() io.ReaderAt {
	if b.left != b.size {
		return nil
	}
	return b.src.random(b.size)
}

// leave moves the source past what is left of the body.
func (b *tarBody) leave() error {
	if b.src == nil {
		return nil
	}
	n := b.left + b.pad
	b.left, b.pad = 0, 0
	if n == 0 {
		return nil
	}
	return b.src.skip(n)
}
