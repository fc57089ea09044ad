package layer

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
)

// header is the 512 bytes before an entry.
type header []byte

func (h header) isZero() bool {
	for _, b := range h {
		if b != 0 {
			return false
		}
	}
	return true
}

// sumHolds compares the sum of all bytes, with the field itself counted as spaces. Old writers took
// the bytes as signed.
func (h header) sumHolds() bool {
	var unsigned, signed int
	for i, b := range h {
		if i >= 148 && i < 156 {
			b = ' '
		}
		unsigned += int(b)
		signed += int(int8(b))
	}
	want, ok := octal(h[148:156])
	return ok && (int(want) == unsigned || int(want) == signed)
}

func (h header) size() (int64, error) {
	n, ok := numeric(h[124:136])
	if !ok || n < 0 || n > 1<<62 {
		return 0, errors.New("read tar: an entry's size is no number")
	}
	return n, nil
}

// number reads a field that is not worth an error: 0 when it makes no sense.
func (h header) number(at, width int) int {
	n, ok := numeric(h[at : at+width])
	if !ok || n < 0 || n > 1<<40 {
		return 0
	}
	return int(n)
}

func (h header) mode() fs.FileMode {
	bits := h.number(100, 8)
	m := fs.FileMode(bits & 0o777)
	if bits&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if bits&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if bits&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}

func (h header) name() string {
	if prefix := h.prefix(); prefix != "" {
		return prefix + "/" + cString(h[:100])
	}
	return cString(h[:100])
}

// prefix is what stands before the name, as archive/tar finds it, with which runtimes unpack: nobody
// is to hide a file in a form that they read and we do not.
func (h header) prefix() string {
	switch {
	case string(h[257:263]) == "ustar\x00" && string(h[508:512]) == "tar\x00": // star keeps times behind it
		return cString(h[345:476])
	case string(h[257:263]) == "ustar\x00":
		return cString(h[345:500])
	case string(h[257:265]) != "ustar  \x00" || h.isTime(345) && h.isTime(357):
		return ""
	}
	// Go before 1.8 wrote a prefix where GNU tar has times.
	prefix := cString(h[345:500])
	if strings.ContainsFunc(prefix, func(r rune) bool { return r >= 0x80 }) {
		return ""
	}
	return prefix
}

// isTime says whether a field of GNU's header holds a time, or nothing.
func (h header) isTime(at int) bool {
	field := h[at : at+12]
	_, ok := octal(field)
	return field[0] == 0 || field[0]&0x80 != 0 || ok
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// numeric reads octal digits, or GNU's base-256 when the first bit is set.
func numeric(b []byte) (int64, bool) {
	if b[0]&0x80 == 0 {
		return octal(b)
	}
	if b[0] != 0x80 {
		return 0, false // negative, or larger than any file
	}
	var n int64
	for i, c := range b[1:] {
		if n > 1<<54 && i < len(b)-1 {
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}

func octal(b []byte) (int64, bool) {
	var n int64
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == 0) {
		i++
	}
	for ; i < len(b) && b[i] >= '0' && b[i] <= '7'; i++ {
		n = n<<3 | int64(b[i]-'0')
	}
	for ; i < len(b) && b[i] != 0; i++ { // what follows a zero byte counts for nobody
		if b[i] != ' ' {
			return 0, false
		}
	}
	return n, true
}
