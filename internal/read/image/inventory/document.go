package inventory

import (
	"fmt"
	"io"

	"github.com/plimsoll/plimsoll/internal/read/image/layer"
)

// Document is a file of a source folder that is kept whole for those who judge it: a Dockerfile, say.
type Document struct {
	Path  string
	Bytes []byte
}

// MaxDocument bounds, in bytes, what is kept of one document. People write them by hand.
const MaxDocument = 1 << 20

// document keeps a file that Documents asks for. One that is not kept is a gap: nobody judges it.
func (w *layerRead) document(e *layer.Entry, at string) {
	if w.r.Documents == nil || !w.r.Documents(at) {
		return
	}
	if e.Size > MaxDocument {
		w.gap(Gap{Class: "limit-reached", Blocking: true, What: fmt.Sprintf("it has more than %d bytes, and was not judged", MaxDocument), Path: at})
		return
	}
	if !w.spend(costOf(at) + e.Size) {
		return
	}
	body, err := w.body(e, true)
	if err == nil {
		defer body.release()
		b := make([]byte, e.Size)
		if _, err = io.ReadFull(body.reader(), b); err == nil {
			w.c.Documents = append(w.c.Documents, Document{Path: at, Bytes: b})
		}
	}
	if err != nil {
		w.gap(Gap{Class: "unreadable-file", Blocking: true, What: err.Error(), Path: at})
	}
}
