package ecosystem

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The section table of an object is read up to these bounds; every linker stays far below.
const (
	maxSectionTable = 4 << 20
	maxSectionNames = 1 << 20
	elfLead         = 1024 // what is read before the section table, where the names most often stand
)

// ELF object types (e_type) that can be loaded and run; the others are object files and core dumps.
const (
	elfExec = 2
	elfDyn  = 3
)

// IsProgram says whether the file begins as a program or shared object: ELF of either byte order, PE
// (Windows) or Mach-O (macOS). Java classes share the magic of Mach-O's multi-architecture files; what
// is a count of architectures there is the class file's version, 45 or more, here.
func (s Stat) IsProgram() bool {
	if len(s.Head) < 20 {
		return false
	}
	switch string(s.Head[:4]) {
	case elfMagic:
		kind := s.Head[16]
		if s.Head[5] == 2 { // big-endian
			kind = s.Head[17]
		}
		return kind == elfExec || kind == elfDyn
	case "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe":
		return true
	case "\xca\xfe\xba\xbe", "\xca\xfe\xba\xbf":
		return s.Head[4]|s.Head[5]|s.Head[6] == 0 && s.Head[7] < 45
	}
	return s.Head[0] == 'M' && s.Head[1] == 'Z'
}

// Sections is the section table of an ELF object, read without looking at what the sections hold
// (System V ABI, chapter 4). It is what tells the few programs with something to say from the
// thousands without, so it costs one read of a few kilobytes for most files.
type Sections struct {
	r       io.ReaderAt
	order   binary.ByteOrder
	is64    bool
	entry   int
	table   []byte
	names   []byte
	end     int64
	present bool
}

// ELFSections reads the section table. An object without one, or with one that makes no sense, has
// no sections; Present tells.
func ELFSections(r io.ReaderAt) Sections {
	var head [64]byte
	if n, _ := r.ReadAt(head[:], 0); n < 52 || string(head[:4]) != elfMagic {
		return Sections{}
	}
	s := Sections{r: r, order: binary.LittleEndian, is64: head[4] == 2}
	if head[5] == 2 {
		s.order = binary.BigEndian
	}
	var at uint64
	var count, names int
	if s.is64 {
		at = s.order.Uint64(head[40:])
		s.entry, count, names = int(s.order.Uint16(head[58:])), int(s.order.Uint16(head[60:])), int(s.order.Uint16(head[62:]))
	} else {
		at = uint64(s.order.Uint32(head[32:]))
		s.entry, count, names = int(s.order.Uint16(head[46:])), int(s.order.Uint16(head[48:])), int(s.order.Uint16(head[50:]))
	}
	if at == 0 || at > 1<<62 || count == 0 || names >= count || s.entry < s.minEntry() || s.entry*count > maxSectionTable {
		return Sections{}
	}
	s.load(int64(at), count, names)
	return s
}

func (s *Sections) minEntry() int {
	if s.is64 {
		return 64
	}
	return 40
}

// load reads the table and the names; in one go where the names stand right before the table.
func (s *Sections) load(at int64, count, names int) {
	lead := min(at, elfLead)
	b := make([]byte, int(lead)+s.entry*count)
	if n, _ := s.r.ReadAt(b, at-lead); n < len(b) {
		return
	}
	s.table = b[lead:]
	off, size := s.extent(names)
	if size <= 0 || size > maxSectionNames {
		return
	}
	if from := off - (at - lead); from >= 0 && off+size <= at {
		s.names = b[from : from+size]
	} else {
		s.names = make([]byte, size)
		if n, _ := s.r.ReadAt(s.names, off); n < len(s.names) {
			return
		}
	}
	s.present = true
	s.end = at + int64(s.entry*count)
	for i := range count {
		const noBits = 8
		if off, size := s.extent(i); s.order.Uint32(s.table[i*s.entry+4:]) != noBits && off >= 0 && size >= 0 && off+size > s.end {
			s.end = off + size
		}
	}
}

// End is where the object ends, as far as its sections tell: what follows was appended to it.
func (s Sections) End() int64 { return s.end }

// Present says whether the object has a section table that could be read.
func (s Sections) Present() bool { return s.present }

// Find is the content of the first section of that name, and whether there is one. Its length is
// what the table claims; the file may end before.
func (s Sections) Find(name string) (*io.SectionReader, bool) {
	if !s.present {
		return nil, false
	}
	for i := 0; (i+1)*s.entry <= len(s.table); i++ {
		at := int64(s.order.Uint32(s.table[i*s.entry:]))
		if at >= int64(len(s.names)) || !bytes.HasPrefix(s.names[at:], []byte(name)) {
			continue
		}
		if end := at + int64(len(name)); end < int64(len(s.names)) && s.names[end] != 0 {
			continue
		}
		off, size := s.extent(i)
		if off < 0 || size < 0 {
			return nil, false
		}
		return io.NewSectionReader(s.r, off, size), true
	}
	return nil, false
}

// extent is offset and size of section i; negative where the file claims more than 63 bits.
func (s Sections) extent(i int) (off, size int64) {
	h := s.table[i*s.entry:]
	if s.is64 {
		return int64(s.order.Uint64(h[24:])), int64(s.order.Uint64(h[32:]))
	}
	return int64(s.order.Uint32(h[16:])), int64(s.order.Uint32(h[20:]))
}

// Budget gives out at most limit bytes of r in all, so that lengths claimed by a hostile file cannot
// make a library read a sparse file of many gigabytes. Beyond it, reads fail with [ErrLimit].
func Budget(r io.ReaderAt, limit int64) io.ReaderAt { return &budget{r: r, left: limit, limit: limit} }

type budget struct {
	r           io.ReaderAt
	left, limit int64
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, Limit("more than %d bytes", b.limit)
	}
	return b.r.ReadAt(p, off)
}
