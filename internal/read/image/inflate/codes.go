package inflate

import "encoding/binary"

// codes decodes the symbols of a block until it ends or the output is full.
func (z *Reader) codes() error {
	for z.wpos < window+chunk && z.state == inCodes {
		if z.end-z.pos < margin {
			z.fill()
		}
		var err error
		if z.end-z.pos >= margin {
			err = z.fast()
		} else {
			err = z.careful()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fast decodes while there is plenty of input and room. The bit word is refilled as Fabian Giesen
// describes ("Reading bits in far too many ways", variant 4): bits above nbits are those of the input
// already, so that loading them once more changes nothing.
func (z *Reader) fast() error {
	in, out := z.in[:z.end], z.out
	pos, w := z.pos, z.wpos
	word, n := z.bits, z.nbits
	lit, dis := z.lit[:1<<litBits], z.dis[:1<<disBits]
	var fault string
	for len(in)-pos >= margin && w < window+chunk {
		word |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e := lit[word&(1<<litBits-1)]
		if e&isLiteral != 0 {
			word >>= e & 63
			n -= uint(e & 255)
			out[w] = byte(e >> 16)
			w++
			e = lit[word&(1<<litBits-1)]
			if e&isLiteral != 0 {
				word >>= e & 63
				n -= uint(e & 255)
				out[w] = byte(e >> 16)
				w++
				e = lit[word&(1<<litBits-1)]
				if e&isLiteral != 0 {
					word >>= e & 63
					n -= uint(e & 255)
					out[w] = byte(e >> 16)
					w++
					continue
				}
			}
		}
		// At most 22 bits are spent by now, so that 34 are left: enough for any code and its extra bits.
		if e&isSpecial != 0 {
			if e&isSecond != 0 {
				word >>= litBits
				n -= litBits
				e = z.lit[uint64(e>>16)+word&(1<<(e>>8&15)-1)]
			}
			if e&isLiteral != 0 {
				word >>= e & 63
				n -= uint(e & 255)
				out[w] = byte(e >> 16)
				w++
				continue
			}
			if e&isEnd != 0 {
				word >>= e & 63
				n -= uint(e & 255)
				z.state = inBlock
				break
			}
			if e&isSpecial != 0 {
				fault = "a symbol that has no code"
				break
			}
		}
		length := int(e>>16) + int(word&(1<<(e&63)-1)>>(e>>8&15))
		word >>= e & 63
		n -= uint(e & 255)

		word |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		e = dis[word&(1<<disBits-1)]
		if e&isSpecial != 0 {
			if e&isSecond != 0 {
				word >>= disBits
				n -= disBits
				e = z.dis[uint64(e>>16)+word&(1<<(e>>8&15)-1)]
			}
			if e&isSpecial != 0 {
				fault = "a distance that has no code"
				break
			}
		}
		distance := int(e>>16) + int(word&(1<<(e&63)-1)>>(e>>8&15))
		word >>= e & 63
		n -= uint(e & 255)
		if distance > w-z.low {
			fault = "a match reaches back before the beginning"
			break
		}
		match(out, w, distance, length)
		w += length
	}
	z.pos, z.wpos = pos, w
	z.bits, z.nbits = word&(1<<n-1), n
	if fault != "" {
		return z.corrupt(fault)
	}
	return nil
}

// match copies length bytes from distance before w. It may write up to 7 bytes more.
func match(out []byte, w, distance, length int) {
	from := w - distance
	if distance >= 8 {
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[w+i:], binary.LittleEndian.Uint64(out[from+i:]))
		}
		return
	}
	if distance == 1 {
		v := uint64(out[from]) * 0x0101010101010101
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[w+i:], v)
		}
		return
	}
	for i := range length {
		out[w+i] = out[from+i]
	}
}

// careful decodes one symbol near the end of the input, where not every bit may be there.
func (z *Reader) careful() error {
	z.ahead(56)
	e, ok := z.symbol(z.lit, litBits)
	switch {
	case !ok:
		return z.missing("a symbol that has no code")
	case e&isLiteral != 0:
		z.out[z.wpos] = byte(e >> 16)
		z.wpos++
		return nil
	case e&isEnd != 0:
		z.state = inBlock
		return nil
	}
	length := z.value(e)
	z.ahead(56)
	if e, ok = z.symbol(z.dis, disBits); !ok {
		return z.missing("a distance that has no code")
	}
	distance := z.value(e)
	if distance > z.wpos-z.low {
		return z.corrupt("a match reaches back before the beginning")
	}
	match(z.out, z.wpos, distance, length)
	z.wpos += length
	return nil
}

// symbol looks up the next code and, unless the symbol has a value behind it, takes its bits. False when
// there is no such code, or not all of its bits are there.
func (z *Reader) symbol(t table, primary uint) (uint32, bool) {
	word, used := z.bits, uint(0)
	e := t[word&(1<<primary-1)]
	if e&isSecond != 0 {
		used = primary
		word >>= primary
		e = t[uint64(e>>16)+word&(1<<(e>>8&15)-1)]
	}
	if e&isSpecial != 0 && e&isEnd == 0 || used+uint(e&255) > z.nbits {
		return 0, false
	}
	z.bits >>= used
	z.nbits -= used
	if e&isLiteral != 0 || e&isEnd != 0 {
		z.bits >>= e & 63
		z.nbits -= uint(e & 255)
	}
	return e, true
}

// value is the base of a length or distance with its extra bits; code and bits are taken.
func (z *Reader) value(e uint32) int {
	v := int(e>>16) + int(z.bits&(1<<(e&63)-1)>>(e>>8&15))
	z.bits >>= e & 63
	z.nbits -= uint(e & 255)
	return v
}

// missing tells the end of the input from a code that does not exist.
func (z *Reader) missing(what string) error {
	if z.nbits < 28 && z.pos == z.end {
		return z.cut()
	}
	return z.corrupt(what)
}
