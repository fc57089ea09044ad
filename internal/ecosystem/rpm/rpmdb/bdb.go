package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What a Berkeley DB hash file is made of (db_page.h of Berkeley DB 4 and 5): pages of one size, the
// first of which describes the rest. A hash page holds keys and values in turn, growing from its end,
// with their offsets after its head. A value that is too long for it stands in a chain of overflow
// pages.
const (
	bdbMagic      = 0x061561 // hash
	bdbMetaSize   = 72
	bdbPageHead   = 26
	bdbPageUnsort = 2 // hash page, keys unsorted
	bdbPageOver   = 7
	bdbPageMeta   = 8
	bdbPageHash   = 13
	bdbItemHere   = 1 // value within the page
	bdbItemOff    = 3 // value in overflow pages
)

// bdb is an open hash file.
type bdb struct {
	walk   io.ReaderAt
	chains io.ReaderAt
	order  binary.ByteOrder
	size   int64 // of a page
	pages  int64
	visits int64 // of overflow pages
	page   []byte
	over   []byte // an overflow page
	value  []byte
}

// BerkeleyDB reads a hash of Berkeley DB, in either order of bytes: rpm up to 4.15, file Packages.
func BerkeleyDB(r io.ReaderAt, size int64) (Headers, error) {
	meta := make([]byte, bdbMetaSize)
	if err := readFull(r, meta, 0); err != nil {
		return nil, err
	}
	db := &bdb{walk: &ahead{r: r}, chains: &ahead{r: r}, order: binary.LittleEndian}
	if db.order.Uint32(meta[12:]) != bdbMagic {
		db.order = binary.BigEndian
	}
	if db.order.Uint32(meta[12:]) != bdbMagic || meta[25] != bdbPageMeta {
		return nil, errors.New("no Berkeley DB hash")
	}
	db.size = int64(db.order.Uint32(meta[20:]))
	if db.size < 512 || db.size > 64<<10 || db.size&(db.size-1) != 0 {
		return nil, fmt.Errorf("a Berkeley DB with pages of %d bytes", db.size)
	}
	if meta[24] != 0 || meta[26]&1 != 0 {
		return nil, errors.New("a Berkeley DB with encryption or checksums")
	}
	db.pages = min(int64(db.order.Uint32(meta[32:]))+1, size/db.size)
	db.page, db.over = make([]byte, db.size), make([]byte, db.size)
	return within(size, db.headers), nil
}

// headers goes through the pages in the order of the file: which bucket a key is in does not matter.
func (db *bdb) headers(yield func([]byte, error) bool) {
	for n := int64(1); n < db.pages; n++ {
		if err := readFull(db.walk, db.page, n*db.size); err != nil {
			yield(nil, err)
			return
		}
		if kind := db.page[25]; kind != bdbPageHash && kind != bdbPageUnsort {
			continue
		}
		entries := int(db.order.Uint16(db.page[20:]))
		for i := 1; i < entries; i += 2 {
			v, err := db.item(i)
			if err != nil {
				yield(nil, fmt.Errorf("page %d, item %d: %w", n, i, err))
				return
			}
			// One entry counts packages and is no header.
			if len(v) > 4 && !yield(v, nil) {
				return
			}
		}
	}
}

// offset of item i of the page, or -1. Items lie below each other, so each ends where the one before
// it begins.
func (db *bdb) offset(i int) int {
	if i < 0 {
		return len(db.page)
	}
	if at := bdbPageHead + 2*i; at+2 <= len(db.page) {
		if off := int(db.order.Uint16(db.page[at:])); off >= at+2 && off < len(db.page) {
			return off
		}
	}
	return -1
}

func (db *bdb) item(i int) ([]byte, error) {
	from, to := db.offset(i), db.offset(i-1)
	if from < 0 || to <= from {
		return nil, errors.New("it lies outside of its page")
	}
	item := db.page[from:to]
	switch item[0] {
	case bdbItemHere:
		return item[1:], nil
	case bdbItemOff:
		if len(item) < 12 {
			return nil, errors.New("it is cut short")
		}
		return db.chain(int64(db.order.Uint32(item[4:])), int64(db.order.Uint32(item[8:])))
	}
	return nil, fmt.Errorf("it is of unknown kind %d", item[0])
}

// chain joins length bytes from overflow pages.
func (db *bdb) chain(n, length int64) ([]byte, error) {
	if length > db.pages*db.size || length > maxHeader {
		return nil, fmt.Errorf("a value of %d bytes", length)
	}
	db.value = slices.Grow(db.value[:0], int(length+db.size))
	for n != 0 && int64(len(db.value)) < length {
		if db.visits++; db.visits > db.pages || n >= db.pages {
			return nil, errors.New("overflow pages that lead nowhere")
		}
		if err := readFull(db.chains, db.over, n*db.size); err != nil {
			return nil, err
		}
		used := int64(db.order.Uint16(db.over[22:]))
		if db.over[25] != bdbPageOver || used > db.size-bdbPageHead {
			return nil, fmt.Errorf("page %d is no overflow page", n)
		}
		db.value = append(db.value, db.over[bdbPageHead:bdbPageHead+used]...)
		n = int64(db.order.Uint32(db.over[16:]))
	}
	if int64(len(db.value)) < length {
		return nil, fmt.Errorf("%d bytes of %d", len(db.value), length)
	}
	return db.value[:length], nil
}
