// Package inflate reads gzip (RFC 1952) as fast as Go allows: most layers of images are stored so, and
// inflating them is what a scan of one waits for.
//
// It differs from compress/gzip in how it reads DEFLATE (RFC 1951). Bits come from a 64-bit word that
// is refilled by one unaligned load, several symbols at a time. A code is looked up in a table of 2,048
// entries (256 for distances), each of which holds the symbol's base value and how many bits code and
// extra bits take together, so that most symbols cost one look-up, one shift and one mask; longer codes
// go through a second table. Literals are decoded up to three for each refill. Output goes into one
// buffer behind 32 KiB of history, where matches are copied eight bytes at a time. Near the ends of
// input and output a careful loop takes over that checks every bit.
//
// What compress/gzip accepts is accepted, and what it refuses is refused: a fuzz target holds both
// against each other. A bomb is the caller's to bound.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrCorrupt is wrapped by errors about bytes that are no gzip. An end of the input inside a member
// wraps io.ErrUnexpectedEOF.
var ErrCorrupt = errors.New("the gzip stream is corrupt")

const (
	window  = 32 << 10 // RFC 1951 §2: how far back a match may reach
	chunk   = 256 << 10
	slack   = 258 + 16 // the longest match, and what an 8-byte copy may write past it
	inSize  = 64 << 10
	keep    = 8  // bytes before the place in the input that the bit word may give back
	margin  = 16 // bytes that the fast loop wants ahead of it: two refills
	litBits = 11
	disBits = 8
)

// Reader reads one or several gzip members, one after the other, as their concatenation.
type Reader struct {
	src io.Reader

	in       []byte
	pos, end int
	taken    int64 // bytes of the input before in[0]
	srcErr   error

	bits  uint64 // bits that are read ahead, the next one lowest
	nbits uint   // how many of them count

	out      []byte // history, then what is being decoded
	rpos     int    // up to here it was handed out
	wpos     int    // up to here it is decoded
	low      int    // where the member's output begins, as far as it is still there
	crc      uint32
	size     uint32 // of the member's output, modulo 2³² (RFC 1952 §2.3.1)
	state    state
	last     bool // the block is the member's last
	stored   int  // bytes left of a stored block
	lit, dis table
	fixed    *[2]table
	lens     [288 + 32]uint8
	err      error
}

type state uint8

const (
	inMember state = iota // before a member's header
	inBlock               // before a block's header
	inStored
	inCodes
	inTrailer
)

// NewReader reads the header of the first member.
func NewReader(r io.Reader) (*Reader, error) {
	z := &Reader{in: make([]byte, inSize), out: make([]byte, window+chunk+slack)}
	return z, z.Reset(r)
}

// Reset begins with a new stream; the buffers are used again.
func (z *Reader) Reset(r io.Reader) error {
	*z = Reader{src: r, in: z.in, out: z.out, lit: z.lit, dis: z.dis, fixed: z.fixed}
	z.rpos, z.wpos, z.low = window, window, window
	z.err = z.header()
	if errors.Is(z.err, io.EOF) && z.taken+int64(z.pos) == 0 {
		return io.EOF
	}
	return z.err
}

// Read implements io.Reader.
func (z *Reader) Read(p []byte) (int, error) {
	for z.rpos == z.wpos {
		if z.err != nil {
			return 0, z.err
		}
		z.step()
	}
	n := copy(p, z.out[z.rpos:z.wpos])
	z.rpos += n
	return n, nil
}

// WriteTo implements io.WriterTo, without a copy.
func (z *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		for z.rpos == z.wpos {
			if z.err == io.EOF {
				return total, nil
			}
			if z.err != nil {
				return total, z.err
			}
			z.step()
		}
		n, err := w.Write(z.out[z.rpos:z.wpos])
		z.rpos += n
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// step decodes until the buffer is full or the stream ends. All that was decoded has been handed out.
func (z *Reader) step() {
	if z.wpos >= window+chunk {
		n := copy(z.out, z.out[z.wpos-window:z.wpos])
		z.low = max(z.low-(z.wpos-n), 0)
		z.wpos, z.rpos = n, n
	}
	from := z.wpos
	for z.err == nil && z.wpos < window+chunk {
		switch z.state {
		case inMember:
			z.err = z.header()
		case inBlock:
			z.err = z.blockHeader()
		case inStored:
			z.err = z.copyStored()
		case inCodes:
			z.err = z.codes()
		case inTrailer:
			z.sum(from)
			from = z.wpos
			z.err = z.trailer()
		}
	}
	z.sum(from)
}

func (z *Reader) sum(from int) {
	z.crc = crc32.Update(z.crc, crc32.IEEETable, z.out[from:z.wpos])
	z.size += uint32(z.wpos - from)
}

func (z *Reader) corrupt(what string) error {
	return fmt.Errorf("%w: %s, at byte %d", ErrCorrupt, what, z.taken+int64(z.pos))
}

// cut says that the input ends too soon.
func (z *Reader) cut() error {
	if z.srcErr != nil && z.srcErr != io.EOF {
		return z.srcErr
	}
	return fmt.Errorf("the gzip stream is cut short at byte %d: %w", z.taken+int64(z.end), io.ErrUnexpectedEOF)
}

// fill reads on; false when there is no more input.
func (z *Reader) fill() bool {
	if z.srcErr != nil {
		return false
	}
	if from := max(z.pos-keep, 0); from > 0 {
		copy(z.in, z.in[from:z.end])
		z.pos, z.end, z.taken = z.pos-from, z.end-from, z.taken+int64(from)
	}
	for range 100 {
		n, err := z.src.Read(z.in[z.end:])
		z.end += n
		z.srcErr = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	z.srcErr = io.ErrNoProgress
	return false
}

// align gives whole bytes that were read ahead back to the input, and drops the rest.
func (z *Reader) align() {
	z.pos -= int(z.nbits >> 3)
	z.bits, z.nbits = 0, 0
}

func (z *Reader) byte() (byte, error) {
	if z.pos == z.end && !z.fill() {
		return 0, z.cut()
	}
	z.pos++
	return z.in[z.pos-1], nil
}

func (z *Reader) bytes(b []byte) error {
	for i := range b {
		var err error
		if b[i], err = z.byte(); err != nil {
			return err
		}
	}
	return nil
}

// The flags of a member's header (RFC 1952 §2.3.1).
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// maxText bounds a name or a comment, as compress/gzip does.
const maxText = 512

// header reads a member's header; io.EOF when the stream ends well before it. It must not be empty.
func (z *Reader) header() error {
	if z.pos == z.end && !z.fill() {
		if z.srcErr == io.EOF {
			return io.EOF
		}
		return z.srcErr
	}
	var h [10]byte
	if err := z.bytes(h[:]); err != nil {
		return err
	}
	if h[0] != 0x1f || h[1] != 0x8b || h[2] != 8 {
		return z.corrupt("no header stands where a member ought to begin")
	}
	digest := crc32.Update(0, crc32.IEEETable, h[:])
	flags := h[3]
	if flags&flagExtra != 0 {
		var n [2]byte
		if err := z.bytes(n[:]); err != nil {
			return err
		}
		extra := make([]byte, binary.LittleEndian.Uint16(n[:]))
		if err := z.bytes(extra); err != nil {
			return err
		}
		digest = crc32.Update(crc32.Update(digest, crc32.IEEETable, n[:]), crc32.IEEETable, extra)
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		var err error
		if digest, err = z.text(digest); err != nil {
			return err
		}
	}
	if flags&flagHeaderCRC != 0 {
		var c [2]byte
		if err := z.bytes(c[:]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(c[:]) != uint16(digest) {
			return z.corrupt("the header's checksum does not hold")
		}
	}
	z.state, z.crc, z.size, z.low = inBlock, 0, 0, z.wpos
	return nil
}

func (z *Reader) text(digest uint32) (uint32, error) {
	for n := 0; ; n++ {
		b, err := z.byte()
		if err != nil {
			return 0, err
		}
		if n >= maxText {
			return 0, z.corrupt("a name in the header is too long")
		}
		digest = crc32.Update(digest, crc32.IEEETable, []byte{b})
		if b == 0 {
			return digest, nil
		}
	}
}

// trailer holds a member's output against its checksum and size.
func (z *Reader) trailer() error {
	var t [8]byte
	if err := z.bytes(t[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(t[:]) != z.crc || binary.LittleEndian.Uint32(t[4:]) != z.size {
		return z.corrupt("a member's checksum does not hold")
	}
	z.state = inMember
	return nil
}

// ahead makes at least n bits available; false when the input ends before that.
func (z *Reader) ahead(n uint) bool {
	for z.nbits < n {
		if z.pos == z.end && !z.fill() {
			return false
		}
		z.bits |= uint64(z.in[z.pos]) << z.nbits
		z.pos++
		z.nbits += 8
	}
	return true
}

func (z *Reader) take(n uint) (uint, error) {
	if !z.ahead(n) {
		return 0, z.cut()
	}
	v := uint(z.bits & (1<<n - 1))
	z.bits >>= n
	z.nbits -= n
	return v, nil
}

// blockHeader begins a block (RFC 1951 §3.2.3).
func (z *Reader) blockHeader() error {
	if z.last {
		z.last = false
		z.align()
		z.state = inTrailer
		return nil
	}
	h, err := z.take(3)
	if err != nil {
		return err
	}
	z.last = h&1 != 0
	switch h >> 1 {
	case 0:
		return z.beginStored()
	case 1:
		z.useFixed()
		return nil
	case 2:
		return z.readTables()
	}
	return z.corrupt("a block of no known kind")
}

// beginStored reads the length of a stored block (RFC 1951 §3.2.4).
func (z *Reader) beginStored() error {
	z.align()
	var n [4]byte
	if err := z.bytes(n[:]); err != nil {
		return err
	}
	length := binary.LittleEndian.Uint16(n[:])
	if length != ^binary.LittleEndian.Uint16(n[2:]) {
		return z.corrupt("the length of a stored block makes no sense")
	}
	z.state, z.stored = inStored, int(length)
	return nil
}

func (z *Reader) copyStored() error {
	for z.stored > 0 && z.wpos < window+chunk {
		if z.pos == z.end && !z.fill() {
			return z.cut()
		}
		n := copy(z.out[z.wpos:min(z.wpos+z.stored, window+chunk)], z.in[z.pos:z.end])
		z.pos, z.wpos, z.stored = z.pos+n, z.wpos+n, z.stored-n
	}
	if z.stored == 0 {
		z.state = inBlock
	}
	return nil
}
