package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The header of a package (rpm, docs/manual/format_header.md): the number of entries and of bytes of
// data, the entries, the data. An entry is tag, type, offset into the data and count. All numbers are
// big-endian.
const (
	maxEntries = 1 << 16
	entrySize  = 16

	int16Type   = 3
	int32Type   = 4
	stringType  = 6
	stringsType = 8
	i18nType    = 9
)

type tag uint32

// The tags that are read (rpm, include/rpm/rpmtag.h).
const (
	nameTag       tag = 1000
	versionTag    tag = 1001
	releaseTag    tag = 1002
	epochTag      tag = 1003
	vendorTag     tag = 1011
	licenseTag    tag = 1014
	packagerTag   tag = 1015
	archTag       tag = 1022
	oldFilesTag   tag = 1027
	fileModesTag  tag = 1030
	sourceTag     tag = 1044
	providesTag   tag = 1047
	requiresTag   tag = 1049
	dirIndexesTag tag = 1116
	baseNamesTag  tag = 1117
	dirNamesTag   tag = 1118
	modularityTag tag = 5096
)

// header finds values by their tag.
type header struct {
	entries, data []byte
}

func parseHeader(b []byte) (header, error) {
	if len(b) < 8 {
		return header{}, errors.New("a header is cut short")
	}
	n, size := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	if n > maxEntries || 8+n*entrySize+size > int64(len(b)) {
		return header{}, fmt.Errorf("a header of %d entries and %d bytes in %d bytes", n, size, len(b))
	}
	return header{entries: b[8 : 8+n*entrySize], data: b[8+n*entrySize:][:size]}, nil
}

// find returns the data from where a tag's values begin, and their number; nothing when the header
// has no such tag of one of the types.
func (h header) find(t tag, types ...uint32) (data []byte, count int) {
	for e := h.entries; len(e) >= entrySize; e = e[entrySize:] {
		if tag(binary.BigEndian.Uint32(e)) != t {
			continue
		}
		kind, off, n := binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])
		for _, want := range types {
			if kind == want && int64(off) < int64(len(h.data)) {
				// No value is shorter than a byte.
				return h.data[off:], int(min(int64(n), int64(len(h.data))))
			}
		}
		return nil, 0
	}
	return nil, 0
}

// text is a single string; the first one of a translated text.
func (h header) text(t tag) []byte {
	data, n := h.find(t, stringType, i18nType, stringsType)
	if n == 0 {
		return nil
	}
	s, _, _ := bytes.Cut(data, []byte{0})
	return s
}

// texts calls do with each string of an array, until it returns false or the data ends.
func (h header) texts(t tag, do func(i int, s []byte) bool) {
	data, n := h.find(t, stringsType, stringType, i18nType)
	for i := range n {
		s, rest, ok := bytes.Cut(data, []byte{0})
		if !ok || !do(i, s) {
			return
		}
		data = rest
	}
}

// numbers returns an accessor to an array, which is false where it has no such number.
func (h header) numbers(t tag) func(i int) (uint32, bool) {
	if data, n := h.find(t, int16Type); n > 0 {
		return func(i int) (uint32, bool) {
			if i < 0 || i >= n || 2*i+2 > len(data) {
				return 0, false
			}
			return uint32(binary.BigEndian.Uint16(data[2*i:])), true
		}
	}
	data, n := h.find(t, int32Type)
	return func(i int) (uint32, bool) {
		if i < 0 || i >= n || 4*i+4 > len(data) {
			return 0, false
		}
		return binary.BigEndian.Uint32(data[4*i:]), true
	}
}
