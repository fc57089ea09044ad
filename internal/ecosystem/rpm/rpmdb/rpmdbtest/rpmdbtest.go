// Package rpmdbtest writes small databases as rpm's back ends lay them out, for tests: what Berkeley
// DB's db_page.h and rpm's rpmpkg.c describe, of known content.
package rpmdbtest

import "encoding/binary"

// Order is an order of bytes: binary.LittleEndian or binary.BigEndian.
type Order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

const (
	pageHead     = 26
	hashPage     = 13
	overflowPage = 7
)

// BerkeleyDB is a hash file of one page size. As in rpm, the first pair counts packages. Values
// longer than a quarter of a page go to overflow pages.
func BerkeleyDB(order Order, pageSize int, values ...[]byte) []byte {
	w := &hash{order: order, size: pageSize, file: make([]byte, pageSize)}
	w.put(order.AppendUint32(nil, 0), order.AppendUint32(nil, uint32(len(values))))
	for i, v := range values {
		w.put(order.AppendUint32(nil, uint32(i+1)), v)
	}
	w.flush()
	order.PutUint32(w.file[12:], 0x061561)
	order.PutUint32(w.file[16:], 9)
	order.PutUint32(w.file[20:], uint32(pageSize))
	w.file[25] = 8
	order.PutUint32(w.file[32:], uint32(len(w.file)/pageSize-1))
	return w.file
}

// hash is a file that is being written; items are those of the hash page that is not yet in it.
type hash struct {
	order Order
	size  int
	file  []byte
	items [][]byte
	used  int
}

func (w *hash) put(key, value []byte) {
	item := append([]byte{1}, value...)
	if len(value) > w.size/4 {
		item = w.order.AppendUint32([]byte{3, 0, 0, 0}, w.overflow(value))
		item = w.order.AppendUint32(item, uint32(len(value)))
	}
	key = append([]byte{1}, key...)
	if need := len(key) + len(item) + 4; pageHead+w.used+need > w.size {
		w.flush()
	}
	w.items = append(w.items, key, item)
	w.used += len(key) + len(item) + 4
}

// flush writes the items as a hash page.
func (w *hash) flush() {
	page := make([]byte, w.size)
	off := w.size
	for i, item := range w.items {
		off -= len(item)
		copy(page[off:], item)
		w.order.PutUint16(page[pageHead+2*i:], uint16(off))
	}
	w.order.PutUint16(page[20:], uint16(len(w.items)))
	page[25] = hashPage
	w.file = append(w.file, page...)
	w.items, w.used = nil, 0
}

// overflow writes a chain of pages and returns the number of the first.
func (w *hash) overflow(value []byte) uint32 {
	first := uint32(len(w.file) / w.size)
	for n := first; len(value) > 0; n++ {
		page := make([]byte, w.size)
		took := copy(page[pageHead:], value)
		value = value[took:]
		if len(value) > 0 {
			w.order.PutUint32(page[16:], n+1)
		}
		w.order.PutUint16(page[22:], uint16(took))
		page[25] = overflowPage
		w.file = append(w.file, page...)
	}
	return first
}

// NDB is a Packages.db. Between two packages it leaves a free slot.
func NDB(values ...[]byte) []byte {
	le := binary.LittleEndian
	file := make([]byte, 4096)
	copy(file, "RpmP")
	le.PutUint32(file[12:], 1) // page of slots
	slot := 32
	for i := slot; i < len(file); i += 16 {
		copy(file[i:], "Slot")
	}
	for i, v := range values {
		index := uint32(i + 1)
		blob := le.AppendUint32([]byte("BlbS"), index)
		blob = le.AppendUint32(blob, 1) // generation
		blob = le.AppendUint32(blob, uint32(len(v)))
		blob = append(blob, v...)
		for len(blob)%16 != 4 {
			blob = append(blob, 0)
		}
		blob = le.AppendUint32(blob, 0) // checksum, which is not read
		blob = le.AppendUint32(blob, uint32(len(v)))
		blob = append(blob, "BlbE"...)
		le.PutUint32(file[slot+4:], index)
		le.PutUint32(file[slot+8:], uint32(len(file)/16))
		le.PutUint32(file[slot+12:], uint32(len(blob)/16))
		file = append(file, blob...)
		slot += 32
	}
	return file
}
