package rpmdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// What a SQLite file is made of (https://www.sqlite.org/fileformat2.html): pages of one size. A table
// is a tree of pages; its leaves hold rows, of which the end may stand in a chain of overflow pages.
// The first page begins with the file's head and is the root of the table of tables.
const (
	sqliteMagic    = "SQLite format 3\x00"
	sqliteHead     = 100
	sqliteInterior = 5
	sqliteLeaf     = 13
	maxDepth       = 20
)

// sqliteDB is an open database.
type sqliteDB struct {
	pages  pages
	usable int64 // bytes of a page that are in use
	visits int64
	over   []byte // an overflow page
	row    []byte
}

// SQLite reads a SQLite database together with its write-ahead log, which may be empty: rpm from 4.16
// on, files rpmdb.sqlite and rpmdb.sqlite-wal.
func SQLite(r io.ReaderAt, size int64, log *io.SectionReader) (Headers, error) {
	p := pages{file: &ahead{r: r}, size: size, log: log}
	head := make([]byte, sqliteHead)
	if err := p.open(head); err != nil {
		return nil, err
	}
	if p.count == 0 && size == 0 {
		return func(func([]byte, error) bool) {}, nil // made, and nothing written to it
	}
	if string(head[:16]) != sqliteMagic {
		return nil, errors.New("no SQLite database")
	}
	db := &sqliteDB{pages: p, usable: p.page - int64(head[20]), over: make([]byte, p.page)}
	if db.usable < 480 {
		return nil, fmt.Errorf("%d usable bytes in a page", db.usable)
	}
	root, err := db.root("Packages")
	if err != nil {
		return nil, err
	}
	return within(size+log.Size(), func(yield func([]byte, error) bool) {
		stopped := errors.New("stopped")
		db.visits = 0
		err := db.walk(root, 0, func(row []byte) error {
			blob, err := column(row, 1)
			if err == nil && !yield(blob, nil) {
				err = stopped
			}
			return err
		})
		if err != nil && err != stopped {
			yield(nil, err)
		}
	}), nil
}

// root finds a table's first page in the table of tables: type, name, table name, root page, SQL.
func (db *sqliteDB) root(table string) (root int64, err error) {
	err = db.walk(1, 0, func(row []byte) error {
		kind, err := column(row, 0)
		if err != nil || string(kind) != "table" {
			return err
		}
		name, err := column(row, 1)
		if err != nil || string(name) != table {
			return err
		}
		number, err := column(row, 3)
		for _, b := range number {
			root = root<<8 | int64(b)
		}
		return err
	})
	if err == nil && root <= 0 {
		err = fmt.Errorf("no table %s", table)
	}
	return root, err
}

// walk goes through the rows of the tree below page n, in order.
func (db *sqliteDB) walk(n int64, depth int, do func(row []byte) error) error {
	if db.visits++; db.visits > db.pages.count || depth > maxDepth {
		return errors.New("a tree without an end")
	}
	page, err := db.node(n)
	if err != nil {
		return err
	}
	for i := range page.cells {
		off := int(binary.BigEndian.Uint16(page.pointers[2*i:]))
		if off+4 > int(db.usable) {
			return fmt.Errorf("page %d: cell %d lies outside", n, i)
		}
		cell := page.all[off:db.usable]
		if page.inner {
			if err := db.walk(int64(binary.BigEndian.Uint32(cell)), depth+1, do); err != nil {
				return err
			}
			continue
		}
		row, err := db.payload(cell)
		if err == nil {
			err = do(row)
		}
		if err != nil {
			return err
		}
	}
	if page.inner {
		return db.walk(page.last, depth+1, do)
	}
	return nil
}

// node is a page of a tree. An inner one has a last child beside those of its cells.
type node struct {
	all      []byte
	inner    bool
	cells    int
	pointers []byte
	last     int64
}

func (db *sqliteDB) node(n int64) (node, error) {
	page := node{all: make([]byte, db.pages.page)}
	if err := db.pages.read(n, page.all); err != nil {
		return page, err
	}
	head := page.all
	if n == 1 {
		head = head[sqliteHead:]
	}
	page.cells = int(binary.BigEndian.Uint16(head[3:]))
	switch head[0] {
	case sqliteInterior:
		page.inner, page.last, page.pointers = true, int64(binary.BigEndian.Uint32(head[8:])), head[12:]
	case sqliteLeaf:
		page.pointers = head[8:]
	default:
		return page, fmt.Errorf("page %d is no page of a table", n)
	}
	if 2*page.cells > len(page.pointers) {
		return page, fmt.Errorf("page %d has %d cells", n, page.cells)
	}
	return page, nil
}

// payload is the row of a leaf's cell: its length, its number, as much of it as fits, and the first
// overflow page.
func (db *sqliteDB) payload(cell []byte) ([]byte, error) {
	size, cell := varint(cell)
	_, cell = varint(cell)
	if size > maxHeader || int64(size) > db.pages.count*db.pages.page {
		return nil, fmt.Errorf("a row of %d bytes", size)
	}
	here := db.local(int64(size))
	if here > int64(len(cell)) {
		return nil, errors.New("a row lies outside of its page")
	}
	if here == int64(size) {
		return cell[:here], nil
	}
	if here+4 > int64(len(cell)) {
		return nil, errors.New("a row lies outside of its page")
	}
	db.row = append(slices.Grow(db.row[:0], int(size)), cell[:here]...)
	next := int64(binary.BigEndian.Uint32(cell[here:]))
	for int64(len(db.row)) < int64(size) {
		if db.visits++; db.visits > db.pages.count {
			return nil, errors.New("overflow pages that lead nowhere")
		}
		if err := db.pages.read(next, db.over); err != nil {
			return nil, err
		}
		next = int64(binary.BigEndian.Uint32(db.over))
		db.row = append(db.row, db.over[4:min(db.usable, 4+int64(size)-int64(len(db.row)))]...)
	}
	return db.row, nil
}

// local is how much of a row of that size stands in the leaf (file format §1.6).
func (db *sqliteDB) local(size int64) int64 {
	largest := db.usable - 35
	if size <= largest {
		return size
	}
	least := (db.usable-12)*32/255 - 23
	if k := least + (size-least)%(db.usable-4); k <= largest {
		return k
	}
	return least
}

// column returns the bytes of a row's column: text and blobs as they are, integers big-endian
// (file format §2.1).
func column(row []byte, want int) ([]byte, error) {
	size, types := varint(row)
	if size > uint64(len(row)) || int(size) < len(row)-len(types) {
		return nil, errors.New("a row's head is longer than the row")
	}
	types = types[:int(size)-(len(row)-len(types))]
	values := row[size:]
	for i := 0; len(types) > 0; i++ {
		var kind uint64
		kind, types = varint(types)
		n := width(kind)
		if n > uint64(len(values)) {
			return nil, errors.New("a column is longer than its row")
		}
		if i == want {
			return values[:n], nil
		}
		values = values[n:]
	}
	return nil, fmt.Errorf("a row has no column %d", want)
}

func width(kind uint64) uint64 {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind == 5:
		return 6
	case kind == 6 || kind == 7:
		return 8
	case kind <= 4:
		return kind
	}
	return 0
}

// varint reads SQLite's number of up to nine bytes; of what is cut short it takes what there is.
func varint(b []byte) (n uint64, rest []byte) {
	for i := range min(9, len(b)) {
		if i == 8 {
			return n<<8 | uint64(b[i]), b[9:]
		}
		n = n<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return n, b[i+1:]
		}
	}
	return n, nil
}
