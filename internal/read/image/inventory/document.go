package inventory

import (
	"fmt"
	"io"
	"slices"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Document is a file of a source folder that is kept whole for those who judge it: a Dockerfile, say.
type Document struct {
	Path  string
	Bytes []byte
}

// Keep says how a file is kept whole. The zero Keep keeps none.
type Keep struct {
	Max int64 // bytes; what is larger is a gap
	// Is knows it by its first DocumentHead bytes; nil: its path told already.
	Is func(head []byte) bool
}

// MaxDocument bounds, in bytes, what is kept of a document that people write by hand.
const MaxDocument = 1 << 20

// DocumentHead is how many bytes tell what a file is. Whoever has many files that are something else, JSON say,
// pays for no more of each.
const DocumentHead = 32 << 10

// document keeps a file that Documents asks for. One that is not kept is a gap: nobody judges it.
func (w *layerRead) document(e *layer.Entry, at string) {
	if w.r.Documents == nil {
		return
	}
	keep := w.r.Documents(at)
	if keep.Max == 0 || keep.Is != nil && e.Size == 0 {
		return
	}
	body, err := w.body(e, true)
	if err == nil {
		defer body.release()
		err = w.keepWhole(e, at, keep, body)
	}
	if err != nil {
		w.gap(Gap{Class: "unreadable-file", Blocking: true, What: err.Error(), Path: at})
	}
}

func (w *layerRead) keepWhole(e *layer.Entry, at string, keep Keep, body *fileBody) error {
	if keep.Is != nil {
		w.head = slices.Grow(w.head[:0], DocumentHead)[:min(e.Size, DocumentHead)]
		if _, err := io.ReadFull(body.reader(), w.head); err != nil {
			return err
		}
		if !keep.Is(w.head) {
			return nil
		}
	}
	if e.Size > keep.Max {
		w.gap(Gap{Class: "limit-reached", Blocking: true, What: fmt.Sprintf("it has more than %d bytes, and was not judged", keep.Max), Path: at})
		return nil
	}
	if !w.spend(costOf(at) + e.Size) {
		return nil
	}
	b := make([]byte, e.Size)
	if _, err := io.ReadFull(body.reader(), b); err != nil {
		return err
	}
	w.c.Documents = append(w.c.Documents, Document{Path: at, Bytes: b})
	return nil
}
