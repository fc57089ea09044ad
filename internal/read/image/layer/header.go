package layer

import (
	"bytes"
	"errors"
	"io/fs"
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
	name := cString(h[:100])
	if string(h[257:262]) == "ustar" && h[262] == 0 && h[345] != 0 {
		prefix := h[345:500]
		if string(h[508:512]) == "tar\x00" {
			prefix = h[345:476] // star keeps times behind it
		}
		return cString(prefix) + "/" + name
	}
	return name
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
