package containerd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The database that containerd keeps its records in is a bbolt file: a tree of pages, of which a
// commit writes new ones before one of two meta pages points at them. containerd holds a lock on it
// for as long as it runs, so it is read here without one, page by page: what a meta page names stays
// in place at least until the next commit but one, and if the meta page has not changed after
// reading, neither has what was read.

// Marks and sizes of the file format (bbolt, internal/common/{meta,page,bucket}.go).
const (
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	pageHeader   = 16
	elementSize  = 16
	bucketHeader = 16
	metaSize     = 64

	branchPage = 0x01
	leafPage   = 0x02
	bucketLeaf = 0x01 // flag of a leaf's element whose value is a bucket

	maxDepth    = 32
	maxPageSize = 64 << 10
	maxOverflow = 16 << 20  // bytes of one page with what it overflows into
	maxRead     = 512 << 20 // bytes of all pages that one question may cost
)

var errBolt = errors.New("the database is corrupt")

// bolt is a snapshot of a database.
type bolt struct {
	r        io.ReaderAt
	pageSize int64
	root     uint64
	tx       uint64
	read     int64 // bytes of pages so far
}

// openBolt reads the meta page of the last commit.
func openBolt(r io.ReaderAt) (*bolt, error) {
	first, err := readMeta(r, 0)
	if err != nil && !errors.Is(err, errBolt) {
		return nil, err
	}
	// Where the second lies depends on the page size, which the first may be too broken to tell.
	sizes := []int64{4096, 8192, 16384, 32768, 65536}
	if err == nil {
		sizes = []int64{first.pageSize}
	}
	for _, size := range sizes {
		if second, err := readMeta(r, size); err == nil && second.pageSize == size && (first == nil || second.tx > first.tx) {
			return second, nil
		}
	}
	if first == nil {
		return nil, errBolt
	}
	return first, nil
}

// consistently reads until no commit has come in between.
func consistently(r io.ReaderAt, read func(*bolt) error) error {
	const attempts = 20
	var err error
	for range attempts {
		var db *bolt
		if db, err = openBolt(r); err != nil {
			continue
		}
		if err = read(db); !db.changed() {
			return err
		}
		err = errors.New("the records change faster than they can be read")
	}
	return err
}

func readMeta(r io.ReaderAt, at int64) (*bolt, error) {
	b := make([]byte, pageHeader+metaSize)
	if _, err := r.ReadAt(b, at); err != nil {
		if err == io.EOF {
			return nil, errBolt
		}
		return nil, err
	}
	le := binary.LittleEndian
	meta := b[pageHeader:]
	sum := fnv.New64a()
	sum.Write(meta[:metaSize-8])
	size := int64(le.Uint32(meta[8:]))
	if le.Uint32(meta) != boltMagic || le.Uint32(meta[4:]) != boltVersion || le.Uint64(meta[56:]) != sum.Sum64() ||
		size < 512 || size > maxPageSize || size&(size-1) != 0 {
		return nil, errBolt
	}
	return &bolt{r: r, pageSize: size, root: le.Uint64(meta[16:]), tx: le.Uint64(meta[48:])}, nil
}

// changed says whether a commit came in between.
func (b *bolt) changed() bool {
	now, err := openBolt(b.r)
	return err != nil || now.tx != b.tx
}

// A bucket is a map inside the database. Its page may stand inside of its parent's.
type bucket struct {
	db     *bolt
	root   uint64
	inline []byte
}

func (b *bolt) bucket() bucket { return bucket{db: b, root: b.root} }

// page reads a page with all that it overflows into.
func (b *bolt) page(id uint64) ([]byte, error) {
	if id < 2 || id > 1<<40 {
		return nil, errBolt
	}
	head := make([]byte, pageHeader)
	if _, err := b.r.ReadAt(head, int64(id)*b.pageSize); err != nil {
		return nil, fmt.Errorf("%w: page %d", errBolt, id)
	}
	size := (int64(binary.LittleEndian.Uint32(head[12:])) + 1) * b.pageSize
	if binary.LittleEndian.Uint64(head) != id || size > maxOverflow {
		return nil, fmt.Errorf("%w: page %d", errBolt, id)
	}
	if b.read += size; b.read > maxRead {
		return nil, fmt.Errorf("%w: its pages lead back to themselves", errBolt)
	}
	p := make([]byte, size)
	if _, err := b.r.ReadAt(p, int64(id)*b.pageSize); err != nil {
		return nil, fmt.Errorf("%w: page %d", errBolt, id)
	}
	return p, nil
}

// element is one entry of a page.
type element struct {
	key, value []byte
	child      uint64 // of a branch
	isBucket   bool
}

// elements decodes a page. Every offset is checked: the file is another program's.
func elements(p []byte) (all []element, leaf bool, err error) {
	if len(p) < pageHeader {
		return nil, false, errBolt
	}
	le := binary.LittleEndian
	flags, count := le.Uint16(p[8:]), int(le.Uint16(p[10:]))
	if flags != branchPage && flags != leafPage || pageHeader+count*elementSize > len(p) {
		return nil, false, errBolt
	}
	for i := range count {
		at := pageHeader + i*elementSize
		h := p[at : at+elementSize]
		var e element
		var pos, keySize, valueSize uint32
		if flags == leafPage {
			e.isBucket = le.Uint32(h)&bucketLeaf != 0
			pos, keySize, valueSize = le.Uint32(h[4:]), le.Uint32(h[8:]), le.Uint32(h[12:])
		} else {
			pos, keySize, e.child = le.Uint32(h), le.Uint32(h[4:]), le.Uint64(h[8:])
		}
		begin := uint64(at) + uint64(pos)
		middle := begin + uint64(keySize)
		end := middle + uint64(valueSize)
		if end > uint64(len(p)) {
			return nil, false, errBolt
		}
		e.key, e.value = p[begin:middle], p[middle:end]
		all = append(all, e)
	}
	return all, flags == leafPage, nil
}

// find looks a key up; nil when it is not there.
func (b bucket) find(key string) (*element, error) {
	p, root := b.inline, b.root
	for range maxDepth {
		var err error
		if p == nil {
			if p, err = b.db.page(root); err != nil {
				return nil, err
			}
		}
		all, leaf, err := elements(p)
		if err != nil {
			return nil, err
		}
		if leaf {
			for i, e := range all {
				if string(e.key) == key {
					return &all[i], nil
				}
			}
			return nil, nil
		}
		// The last child whose first key is not behind the wanted one; the first, if there is none.
		if len(all) == 0 {
			return nil, errBolt
		}
		root, p = all[0].child, nil
		for _, e := range all {
			if bytes.Compare(e.key, []byte(key)) <= 0 {
				root = e.child
			}
		}
	}
	return nil, errBolt
}

// sub follows a path of buckets; ok is false when one of them is not there.
func (b bucket) sub(path ...string) (at bucket, ok bool, err error) {
	for _, name := range path {
		e, err := b.find(name)
		if err != nil || e == nil || !e.isBucket {
			return bucket{}, false, err
		}
		if len(e.value) < bucketHeader {
			return bucket{}, false, errBolt
		}
		b = bucket{db: b.db, root: binary.LittleEndian.Uint64(e.value)}
		if b.root == 0 {
			b.inline = e.value[bucketHeader:]
		}
	}
	return b, true, nil
}

// value returns what stands under a key, "" when nothing does.
func (b bucket) value(key string) (string, error) {
	e, err := b.find(key)
	if err != nil || e == nil || e.isBucket {
		return "", err
	}
	return string(e.value), nil
}

// buckets lists the names of the buckets in this one, at most so many.
func (b bucket) buckets(most int) (names []string, err error) {
	err = b.walk(0, func(e element) bool {
		if e.isBucket {
			names = append(names, string(e.key))
		}
		return len(names) < most
	})
	return names, err
}

func (b bucket) walk(depth int, visit func(element) bool) error {
	p := b.inline
	if p == nil {
		var err error
		if p, err = b.db.page(b.root); err != nil {
			return err
		}
	}
	all, leaf, err := elements(p)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return errBolt
	}
	for _, e := range all {
		if leaf {
			if !visit(e) {
				return nil
			}
			continue
		}
		if err := (bucket{db: b.db, root: e.child}).walk(depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}
