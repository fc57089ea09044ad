// Package zipdir reads the central directory of a zip file in place: through a prefix script, zip64
// records and data descriptors, without a list of what it holds.
//
// archive/zip makes an object of every entry. A Java archive of ten thousand classes has three entries
// that tell which artifact it is, and an image has hundreds of such archives.
package zipdir

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Signatures and lengths of the records of a zip file (APPNOTE.TXT 6.3.10, §4.3).
const (
	localMagic     = "PK\x03\x04"
	entryMagic     = "PK\x01\x02"
	endMagic       = "PK\x05\x06"
	end64Magic     = "PK\x06\x06"
	locator64Magic = "PK\x06\x07"

	localLen     = 30
	entryLen     = 46
	endLen       = 22
	end64Len     = 56
	locator64Len = 20
)

const (
	firstTail    = 8 << 10        // what is read first: it holds the directory of most small archives
	fullTail     = 1<<16 + endLen // the furthest that the end record can stand from the end
	maxDirectory = 64 << 20       // half a million entries
)

// What is wrong with a file that has no readable directory.
var (
	ErrNotZip  = errors.New("no zip directory")
	ErrCorrupt = errors.New("corrupt zip directory")
)

// Directory is the central directory of a zip file.
type Directory struct {
	r    io.ReaderAt
	size int64
	base int64 // what stands before the archive: a start script, or the four bytes of a jmod
	data []byte
}

// Entry is one entry of a directory. Its name lies in the directory's own memory.
type Entry struct {
	Name      []byte
	Method    uint16
	Encrypted bool
	Packed    int64 // bytes in the archive
	Size      int64 // bytes inflated, as the directory claims

	offset int64 // of the local header, without base
}

// Methods of compression.
const (
	Stored   = 0
	Deflated = 8
)

// Open finds and reads the directory of a zip file of the given size. Errors wrap [ErrNotZip],
// [ErrCorrupt] or ecosystem.ErrLimit.
func Open(r io.ReaderAt, size int64) (*Directory, error) {
	tail, end, err := findEnd(r, size)
	if err != nil {
		return nil, err
	}
	rec := tail[end:]
	endAt := size - int64(len(tail)) + int64(end)
	length, offset := int64(binary.LittleEndian.Uint32(rec[12:])), int64(binary.LittleEndian.Uint32(rec[16:]))
	if binary.LittleEndian.Uint16(rec[10:]) == 0xffff || length == 0xffffffff || offset == 0xffffffff {
		if at, n, off, ok := zip64End(r, endAt); ok {
			endAt, length, offset = at, n, off
		}
	}
	if length < 0 || offset < 0 || length > endAt {
		return nil, ErrCorrupt
	}
	if length > maxDirectory {
		return nil, ecosystem.Limit("a zip directory of %d bytes", length)
	}
	d := &Directory{r: r, size: size, base: endAt - length - offset}
	if err := d.load(tail, endAt-length, length); err == nil && d.base >= 0 {
		return d, nil
	}
	d.base = 0 // something stands between directory and end
	return d, d.load(tail, offset, length)
}

// findEnd reads the end of the file and finds the end record in it.
func findEnd(r io.ReaderAt, size int64) (tail []byte, end int, err error) {
	for _, n := range []int64{min(size, firstTail), min(size, fullTail)} {
		tail = make([]byte, n)
		if got, err := r.ReadAt(tail, size-n); int64(got) < n {
			return nil, 0, fmt.Errorf("read the end: %w", err)
		}
		for end = bytes.LastIndex(tail, []byte(endMagic)); end >= 0; end = bytes.LastIndex(tail[:end], []byte(endMagic)) {
			if end+endLen <= len(tail) && end+endLen+int(binary.LittleEndian.Uint16(tail[end+20:])) <= len(tail) {
				return tail, end, nil
			}
		}
	}
	return nil, 0, ErrNotZip
}

// zip64End reads the end record of archives with large counts or offsets, through its locator or, if
// a prefix moved it, right before it.
func zip64End(r io.ReaderAt, endAt int64) (at, length, offset int64, ok bool) {
	var locator [locator64Len]byte
	if n, _ := r.ReadAt(locator[:], endAt-locator64Len); n < locator64Len || string(locator[:4]) != locator64Magic {
		return 0, 0, 0, false
	}
	var rec [end64Len]byte
	for _, at := range []int64{int64(binary.LittleEndian.Uint64(locator[8:])), endAt - locator64Len - end64Len} {
		if at < 0 {
			continue
		}
		if n, _ := r.ReadAt(rec[:], at); n == end64Len && string(rec[:4]) == end64Magic {
			return at, int64(binary.LittleEndian.Uint64(rec[40:])), int64(binary.LittleEndian.Uint64(rec[48:])), true
		}
	}
	return 0, 0, 0, false
}

// Archive is the whole file.
func (d *Directory) Archive() *io.SectionReader { return io.NewSectionReader(d.r, 0, d.size) }

// load takes the directory from the tail, where it is already there, or from the file.
func (d *Directory) load(tail []byte, at, length int64) error {
	if at < 0 || at+length > d.size {
		return ErrCorrupt
	}
	if from := at - (d.size - int64(len(tail))); from >= 0 {
		d.data = tail[from : from+length]
	} else {
		d.data = make([]byte, length)
		if n, err := d.r.ReadAt(d.data, at); int64(n) < length {
			return fmt.Errorf("read the directory: %w", err)
		}
	}
	if length > 0 && !bytes.HasPrefix(d.data, []byte(entryMagic)) {
		return ErrCorrupt
	}
	return nil
}

// Each calls visit for every entry, in the directory's order, until it fails.
func (d *Directory) Each(visit func(*Entry) error) error {
	var e Entry
	for b := d.data; len(b) > 0; {
		if len(b) < entryLen || string(b[:4]) != entryMagic {
			return ErrCorrupt
		}
		name := int(binary.LittleEndian.Uint16(b[28:]))
		extra := name + int(binary.LittleEndian.Uint16(b[30:]))
		end := extra + int(binary.LittleEndian.Uint16(b[32:]))
		if len(b) < entryLen+end {
			return ErrCorrupt
		}
		e = Entry{
			Name:      b[entryLen : entryLen+name],
			Method:    binary.LittleEndian.Uint16(b[10:]),
			Encrypted: b[8]&1 != 0,
			Packed:    int64(binary.LittleEndian.Uint32(b[20:])),
			Size:      int64(binary.LittleEndian.Uint32(b[24:])),
			offset:    int64(binary.LittleEndian.Uint32(b[42:])),
		}
		e.widen(b[entryLen+name : entryLen+extra])
		if err := visit(&e); err != nil {
			return err
		}
		b = b[entryLen+end:]
	}
	return nil
}

// widen takes what does not fit 32 bits from the zip64 extra field (§4.5.3): only those fields stand
// in it that are all ones in the entry.
func (e *Entry) widen(extra []byte) {
	for len(extra) >= 4 {
		n := int(binary.LittleEndian.Uint16(extra[2:]))
		if len(extra) < 4+n {
			return
		}
		if binary.LittleEndian.Uint16(extra) == 1 {
			field := extra[4 : 4+n]
			for _, v := range []*int64{&e.Size, &e.Packed, &e.offset} {
				if *v == 0xffffffff && len(field) >= 8 {
					*v = int64(binary.LittleEndian.Uint64(field))
					field = field[8:]
				}
			}
			return
		}
		extra = extra[4+n:]
	}
}

// Content is where the bytes of an entry lie, still deflated if they are. The lengths of name and
// extra field in the local header differ from those in the directory.
func (d *Directory) Content(e *Entry) (*io.SectionReader, error) {
	var local [localLen]byte
	at := d.base + e.offset
	if e.offset < 0 || at < 0 || e.Packed < 0 || e.Size < 0 {
		return nil, ErrCorrupt
	}
	if n, _ := d.r.ReadAt(local[:], at); n < localLen || string(local[:4]) != localMagic {
		return nil, ErrCorrupt
	}
	at += localLen + int64(binary.LittleEndian.Uint16(local[26:])) + int64(binary.LittleEndian.Uint16(local[28:]))
	if at > d.size || e.Packed > d.size-at {
		return nil, ErrCorrupt
	}
	return io.NewSectionReader(d.r, at, e.Packed), nil
}
