package inflate

import "math/bits"

// A table finds the symbol of the next code by its first bits. An entry is
//
//	bits 0–7    how many bits of the input the symbol takes, extra bits included
//	bits 8–11   how many of them are the code
//	bit 12      the end of the block
//	bit 13      a second table: bits 8–11 are its size, 16–30 its place, 0–7 the bits that led here
//	bit 14      neither a literal nor a match: one of the above, or no code at all
//	bits 16–30  the literal, or the base of a length or distance
//	bit 31      a literal
type table []uint32

const (
	isEnd     = 1 << 12
	isSecond  = 1 << 13
	isSpecial = 1 << 14
	isLiteral = 1 << 31
)

// The base values and extra bits of lengths and distances (RFC 1951 §3.2.5).
var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	clenOrder   = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// litEntry is what a literal/length symbol means, without its code's length.
func litEntry(sym int) (entry uint32, extra uint) {
	switch {
	case sym < 256:
		return isLiteral | uint32(sym)<<16, 0
	case sym == 256:
		return isSpecial | isEnd, 0
	case sym < 286:
		return uint32(lengthBase[sym-257]) << 16, uint(lengthExtra[sym-257])
	}
	return isSpecial, 0
}

func distEntry(sym int) (entry uint32, extra uint) {
	if sym >= 30 {
		return isSpecial, 0
	}
	return uint32(distBase[sym]) << 16, uint(distExtra[sym])
}

func clenEntry(sym int) (entry uint32, extra uint) { return uint32(sym) << 16, 0 }

// build makes the table of a canonical code (RFC 1951 §3.2.2) of which each symbol's length is given.
// It reuses t's memory. False: the lengths are no complete code; a single code of one bit is allowed,
// and no code at all.
func build(t table, primary uint, lens []uint8, meaning func(int) (uint32, uint)) (table, bool) {
	var count [16]int
	for _, l := range lens {
		count[l]++
	}
	count[0] = 0
	longest, code := uint(0), 0
	var next [17]int
	for l := uint(1); l <= 15; l++ {
		next[l] = code
		code += count[l]
		if count[l] > 0 {
			longest = l
		}
		code <<= 1
	}
	// code counts in units of 16 bits by now: a complete code fills them all.
	complete := code == 1<<16
	if !complete && longest != 0 && !(longest == 1 && count[1] == 1) {
		return t, false
	}
	t = t[:0]
	for range 1 << primary {
		t = append(t, isSpecial)
	}
	if longest > primary {
		t = second(t, primary, lens, next)
	}
	for sym, l := range lens {
		if l == 0 {
			continue
		}
		c := uint(next[l])
		next[l]++
		reversed := uint(bits.Reverse16(uint16(c)) >> (16 - l))
		entry, extra := meaning(sym)
		t.enter(primary, uint(l), reversed, entry, extra)
	}
	return t, true
}

// enter writes an entry wherever the bits of its code lead.
func (t table) enter(primary, length, reversed uint, entry uint32, extra uint) {
	if length <= primary {
		entry |= uint32(length+extra) | uint32(length)<<8
		for i := reversed; i < 1<<primary; i += 1 << length {
			t[i] = entry
		}
		return
	}
	link := t[reversed&(1<<primary-1)]
	start, size := uint(link>>16), uint(link>>8&15)
	rest := length - primary
	entry |= uint32(rest+extra) | uint32(rest)<<8
	for i := reversed >> primary; i < 1<<size; i += 1 << rest {
		t[start+i] = entry
	}
}

// second makes room for codes that are longer than the first table: for each beginning a table as large
// as its longest code wants.
func second(t table, primary uint, lens []uint8, next [17]int) table {
	var longest [1 << litBits]uint8
	for _, l := range lens {
		if uint(l) <= primary {
			continue
		}
		c := uint(next[l])
		next[l]++
		at := uint(bits.Reverse16(uint16(c))>>(16-l)) & (1<<primary - 1)
		longest[at] = max(longest[at], l)
	}
	for at, l := range longest[:1<<primary] {
		if l == 0 {
			continue
		}
		size := uint(l) - primary
		t[at] = isSpecial | isSecond | uint32(len(t))<<16 | uint32(size)<<8 | uint32(primary)
		for range 1 << size {
			t = append(t, isSpecial)
		}
	}
	return t
}

// useFixed takes the codes that every stream may use (RFC 1951 §3.2.6).
func (z *Reader) useFixed() {
	if z.fixed == nil {
		var lens [288]uint8
		for i := range lens {
			switch {
			case i < 144, i >= 280:
				lens[i] = 8
			case i < 256:
				lens[i] = 9
			default:
				lens[i] = 7
			}
		}
		z.fixed = new([2]table)
		z.fixed[0], _ = build(nil, litBits, lens[:], litEntry)
		var dist [32]uint8
		for i := range dist {
			dist[i] = 5
		}
		z.fixed[1], _ = build(nil, disBits, dist[:], distEntry)
	}
	z.lit = append(z.lit[:0], z.fixed[0]...)
	z.dis = append(z.dis[:0], z.fixed[1]...)
	z.state = inCodes
}

// readTables reads the codes of a block that brings its own (RFC 1951 §3.2.7).
func (z *Reader) readTables() error {
	h, err := z.take(14)
	if err != nil {
		return err
	}
	nlit, ndist, nclen := int(h&31)+257, int(h>>5&31)+1, int(h>>10)+4
	if nlit > 286 || ndist > 30 {
		return z.corrupt("a block has more symbols than there are")
	}
	var clens [19]uint8
	for i := range nclen {
		v, err := z.take(3)
		if err != nil {
			return err
		}
		clens[clenOrder[i]] = uint8(v)
	}
	codes, ok := build(z.dis, 7, clens[:], clenEntry)
	z.dis = codes
	if !ok {
		return z.corrupt("the code of a block's codes makes no sense")
	}
	if err := z.readLengths(codes, z.lens[:nlit+ndist]); err != nil {
		return err
	}
	if z.lit, ok = build(z.lit, litBits, z.lens[:nlit], litEntry); !ok {
		return z.corrupt("a block's code of literals makes no sense")
	}
	if z.dis, ok = build(z.dis, disBits, z.lens[nlit:nlit+ndist], distEntry); !ok {
		return z.corrupt("a block's code of distances makes no sense")
	}
	z.state = inCodes
	return nil
}

// readLengths reads the lengths of both codes, some of them as repetitions.
func (z *Reader) readLengths(codes table, lens []uint8) error {
	for i := 0; i < len(lens); {
		z.ahead(7)
		e := codes[z.bits&127]
		if e&isSpecial != 0 || uint(e&255) > z.nbits {
			if z.nbits < 7 {
				return z.cut()
			}
			return z.corrupt("a length that has no code")
		}
		z.bits >>= e & 255
		z.nbits -= uint(e & 255)
		sym := e >> 16
		if sym < 16 {
			lens[i] = uint8(sym)
			i++
			continue
		}
		base, extra, value := 3, uint(2), uint8(0)
		switch sym {
		case 16:
			if i == 0 {
				return z.corrupt("a length repeats where none came before")
			}
			value = lens[i-1]
		case 17:
			extra = 3
		case 18:
			base, extra = 11, 7
		}
		n, err := z.take(extra)
		if err != nil {
			return err
		}
		if base+int(n) > len(lens)-i {
			return z.corrupt("lengths repeat past their end")
		}
		for range base + int(n) {
			lens[i] = value
			i++
		}
	}
	return nil
}
