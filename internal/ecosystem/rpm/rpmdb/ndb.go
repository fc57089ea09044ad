package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What rpm's own database is made of (rpm, lib/backend/ndb/rpmpkg.c); all numbers are little-endian.
// Pages of slots, the first two of which are the file's head, say in which blocks a package's blob
// lies. A blob is a head, the header, and a tail.
const (
	ndbMagic    = "RpmP"
	ndbPage     = 4096
	ndbSlot     = 16
	ndbHead     = 32
	ndbBlock    = 16
	ndbBlobHead = 16
	ndbBlobTail = 12
	maxSlots    = 1 << 20
)

// NDB reads the database of rpm's own kind: SUSE, file Packages.db.
func NDB(r io.ReaderAt, size int64) (Headers, error) {
	head := make([]byte, ndbHead)
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	if string(head[:4]) != ndbMagic {
		return nil, errors.New("no NDB file")
	}
	if v := binary.LittleEndian.Uint32(head[4:]); v != 0 {
		return nil, fmt.Errorf("NDB version %d is not known", v)
	}
	length := int64(binary.LittleEndian.Uint32(head[12:])) * ndbPage
	if length > size || length > maxSlots*ndbSlot {
		return nil, fmt.Errorf("%d bytes of slots", length)
	}
	db := &ndb{r: r, left: size, slots: make([]byte, length)}
	return db.headers, readFull(r, db.slots, 0)
}

type ndb struct {
	r     io.ReaderAt
	slots []byte
	left  int64 // bytes that blobs can still have, as they don't overlap
	blob  []byte
}

func (db *ndb) headers(yield func([]byte, error) bool) {
	for at := ndbHead; at+ndbSlot <= len(db.slots); at += ndbSlot {
		slot := db.slots[at : at+ndbSlot]
		if string(slot[:4]) != "Slot" {
			yield(nil, fmt.Errorf("no slot at %d", at))
			return
		}
		index, block := binary.LittleEndian.Uint32(slot[4:]), binary.LittleEndian.Uint32(slot[8:])
		if index == 0 || block == 0 {
			continue // free
		}
		h, err := db.read(index, int64(block)*ndbBlock, int64(binary.LittleEndian.Uint32(slot[12:]))*ndbBlock)
		if err != nil {
			yield(nil, fmt.Errorf("package %d: %w", index, err))
			return
		}
		if !yield(h, nil) {
			return
		}
	}
}

func (db *ndb) read(index uint32, off, size int64) ([]byte, error) {
	if db.left -= size; size < ndbBlobHead+ndbBlobTail || db.left < 0 || size > maxHeader {
		return nil, fmt.Errorf("a blob of %d bytes", size)
	}
	if int64(cap(db.blob)) < size {
		db.blob = make([]byte, size)
	}
	b := db.blob[:size]
	if err := readFull(db.r, b, off); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(b[12:]))
	if string(b[:4]) != "BlbS" || binary.LittleEndian.Uint32(b[4:]) != index || length > size-ndbBlobHead-ndbBlobTail {
		return nil, errors.New("its blob is not where its slot says")
	}
	return b[ndbBlobHead : ndbBlobHead+length], nil
}
