package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// pages reads the pages of a SQLite database, those in its write-ahead log before those in the file
// (https://www.sqlite.org/fileformat2.html §4). A transaction that was not committed does not count.
type pages struct {
	file  io.ReaderAt
	size  int64
	log   *io.SectionReader
	page  int64 // bytes of a page
	count int64
	inLog map[int64]int64 // page number → offset in the log
}

const (
	walMagic     = 0x377f0682 // its lowest bit says that checksums are big-endian
	walHead      = 32
	walFrameHead = 24
)

// open finds the size and the number of pages, and reads the head of the database into head. Of a
// database that was made and never written to, count is 0.
func (p *pages) open(head []byte) error {
	if p.size >= sqliteHead {
		if err := readFull(p.file, head, 0); err != nil {
			return err
		}
		p.page = int64(binary.BigEndian.Uint16(head[16:]))
		if p.page == 1 {
			p.page = 64 << 10
		}
		if !isPageSize(p.page) {
			return fmt.Errorf("SQLite pages of %d bytes", p.page)
		}
		p.count = p.size / p.page
	}
	if err := p.replay(); err != nil {
		return err
	}
	if off, ok := p.inLog[1]; ok {
		return readFull(p.log, head, off)
	}
	return nil
}

func isPageSize(n int64) bool { return n >= 512 && n <= 64<<10 && n&(n-1) == 0 }

// replay notes where in the log each page stands that was committed. The log ends at the first frame
// with another salt or a wrong checksum: what follows is left from before it was last emptied.
func (p *pages) replay() error {
	head := make([]byte, walHead)
	if p.log.Size() < walHead {
		return nil
	}
	if err := readFull(p.log, head, 0); err != nil {
		return err
	}
	magic, size := binary.BigEndian.Uint32(head), int64(binary.BigEndian.Uint32(head[8:]))
	if magic&^1 != walMagic || !isPageSize(size) || p.page != 0 && size != p.page {
		return nil
	}
	sum := walSum{order: binary.ByteOrder(binary.LittleEndian)}
	if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	if sum.add(head[:24]); !sum.is(head[24:]) {
		return nil
	}
	p.page = size
	return p.frames(&sum, head[16:24])
}

func (p *pages) frames(sum *walSum, salt []byte) error {
	p.inLog = map[int64]int64{}
	pending := map[int64]int64{}
	frame := make([]byte, walFrameHead+p.page)
	for off := int64(walHead); off+int64(len(frame)) <= p.log.Size(); off += int64(len(frame)) {
		if err := readFull(p.log, frame, off); err != nil {
			return err
		}
		sum.add(frame[:8])
		sum.add(frame[walFrameHead:])
		number := int64(binary.BigEndian.Uint32(frame))
		if string(frame[8:16]) != string(salt) || !sum.is(frame[16:]) || number == 0 {
			return nil
		}
		pending[number] = off + walFrameHead
		if pages := int64(binary.BigEndian.Uint32(frame[4:])); pages > 0 { // a commit
			for n, at := range pending {
				p.inLog[n] = at
			}
			clear(pending)
			p.count = min(pages, (p.size+p.log.Size())/p.page)
		}
	}
	return nil
}

// read reads page n, counted from 1.
func (p *pages) read(n int64, b []byte) error {
	if n < 1 || n > p.count {
		return fmt.Errorf("there is no page %d", n)
	}
	if off, ok := p.inLog[n]; ok {
		return readFull(p.log, b, off)
	}
	if n*p.page > p.size {
		return errors.New("a page lies beyond the end of the file")
	}
	return readFull(p.file, b, (n-1)*p.page)
}

// walSum is the running checksum of a log.
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add takes a multiple of 8 bytes.
func (w *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.s0 += w.order.Uint32(b) + w.s1
		w.s1 += w.order.Uint32(b[4:]) + w.s0
	}
}

// is compares with a checksum as it is stored.
func (w *walSum) is(b []byte) bool {
	return w.s0 == binary.BigEndian.Uint32(b) && w.s1 == binary.BigEndian.Uint32(b[4:])
}
