package layer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// The tar formats that layers come in: POSIX.1-2017 ustar and pax (section "pax Interchange
// Format"), and GNU tar's long names, base-256 numbers and sparse files. Where writers and standards
// leave a choice it is that of Go's archive/tar, with which all engines unpack: what they see is what is
// in the container.
const (
	blockSize = 512
	maxRecord = 1 << 20 // bytes of one pax header or GNU long name
)

// tarReader walks the entries of one tar.
type tarReader struct {
	src    source
	limits Limits
	next   extended // what pax and GNU headers say of the entry that follows
	entry  Entry
	body   tarBody
	res    Result
}

// extended is what headers before an entry say of it. A pax header replaces an earlier one; GNU's long
// names go before those of pax.
type extended struct {
	pax
	longName, longLink string
}

// pax holds the extended records that matter.
type pax struct {
	path, link  string
	sparseName  string
	size        int64
	hasSize     bool
	sparseMap   bool
	major       string // of the sparse format
	minor       string
	realSize    int64
	hasRealSize bool
	capability  string
	uid, gid    id
}

// walkTar visits all entries; the visitor may read the body of the current one.
func walkTar(ctx context.Context, src source, limits Limits, visit func(*Entry) error) (Result, error) {
	t := &tarReader{src: src, limits: limits}
	for {
		ok, err := t.advance()
		if err != nil || !ok {
			return t.res, err
		}
		if t.res.Entries++; t.res.Entries > limits.Entries {
			return t.res, fmt.Errorf("%w: more than %d entries in one layer", ErrLimit, limits.Entries)
		}
		if t.res.Entries%1024 == 0 && ctx.Err() != nil {
			return t.res, ctx.Err()
		}
		if limits.tooLong(&t.entry) {
			t.res.Skipped++
			continue
		}
		if t.entry.Kind == File {
			t.res.Size += t.entry.Size
		}
		if err := visit(&t.entry); err != nil {
			return t.res, err
		}
	}
}

// advance moves to the next entry; false at the end of the archive.
func (t *tarReader) advance() (bool, error) {
	if err := t.body.leave(); err != nil {
		return false, err
	}
	t.next = extended{}
	for {
		block, err := t.src.window(blockSize)
		if err != nil {
			return false, err
		}
		if len(block) == 0 {
			return false, nil // many writers leave out the two zero blocks
		}
		if len(block) < blockSize {
			return false, ErrTruncated
		}
		h := header(block[:blockSize])
		if h.isZero() {
			return false, t.end()
		}
		if !h.sumHolds() {
			return false, errors.New("read tar: a header's checksum does not hold: the layer is corrupt or no tar")
		}
		size, err := h.size()
		if err != nil {
			return false, err
		}
		flag := h[156]
		switch flag {
		case 'x', 'g', 'L', 'K':
			if err := t.extend(flag, size); err != nil {
				return false, err
			}
			continue
		}
		return true, t.begin(h, flag, size)
	}
}

// end checks that the block of zeros that was met is followed by another, or by nothing: engines refuse
// what has entries behind a single one.
func (t *tarReader) end() error {
	if err := t.src.skip(blockSize); err != nil {
		return err
	}
	block, err := t.src.window(blockSize)
	if err != nil || len(block) < blockSize || header(block[:blockSize]).isZero() {
		return err
	}
	return errors.New("read tar: a block of zeros between entries: the layer is corrupt")
}

// extend reads a header that speaks of the next entry.
func (t *tarReader) extend(flag byte, size int64) error {
	if size > maxRecord {
		return fmt.Errorf("read tar: an extended header of %d bytes, at most %d are read", size, maxRecord)
	}
	if err := t.src.skip(blockSize); err != nil {
		return err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(t.src, b); err != nil {
		return cut(err)
	}
	if err := t.src.skip(padding(size)); err != nil {
		return err
	}
	switch flag {
	case 'L':
		t.next.longName = cString(b)
	case 'K':
		t.next.longLink = cString(b)
	case 'x':
		t.next.pax = pax{}
		return t.next.parse(b)
	case 'g': // what it says of all entries that follow is ignored by engines
	}
	return nil
}

// cut turns the end of the input into ErrTruncated.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}

// begin fills in the entry and places the source at its body.
func (t *tarReader) begin(h header, flag byte, size int64) error {
	if t.next.hasSize {
		size = t.next.size
	}
	e := &t.entry
	*e = Entry{Mode: h.mode(), UID: t.next.uid.or(h.number(108, 8)), GID: t.next.gid.or(h.number(116, 8)), capability: t.next.capability}
	sparse, moreMaps := t.next.isSparse(), false
	if !sparse {
		t.next.sparseName = ""
	}
	name := cmp.Or(t.next.sparseName, t.next.longName, t.next.path, h.name())
	link := cmp.Or(t.next.longLink, t.next.link, cString(h[157:257]))
	isDir := strings.HasSuffix(name, "/")
	e.Path = Clean(name)
	hasBody := false
	switch flag {
	case '0', 0, '7', 'S':
		if e.Kind = File; isDir && flag == 0 {
			e.Kind = Dir // as tars from before ustar say it
		}
		hasBody = true
	case '1':
		e.Kind, e.Link = Hardlink, Clean(link)
		size = 0 // pax allows a body on a link, but engines take none
	case '2':
		e.Kind, e.Link, size = Symlink, link, 0
	case '5':
		e.Kind, size = Dir, 0
	case '3', '4', '6':
		e.Kind, size = Device, 0
		e.Mode |= map[byte]fs.FileMode{'3': fs.ModeDevice | fs.ModeCharDevice, '4': fs.ModeDevice, '6': fs.ModeNamedPipe}[flag]
	default:
		e.Kind, hasBody = Device, true // unknown to us, and to the runtime
	}
	asWhiteout(e)
	if flag == 'S' {
		sparse, moreMaps = true, h[482] != 0
		t.next.realSize, t.next.hasRealSize = int64(h.number(483, 12)), true
	}
	if err := t.src.skip(blockSize); err != nil {
		return err
	}
	if err := t.skipSparseMaps(moreMaps); err != nil {
		return err
	}
	t.body = tarBody{src: t.src}
	if hasBody {
		t.body = tarBody{src: t.src, left: size, pad: padding(size), size: size}
	}
	if e.Kind == File {
		e.Size = size
		if sparse {
			if t.next.hasRealSize {
				e.Size = t.next.realSize
			}
			return nil // its bytes are a map and pieces: the entry stands, the body does not
		}
		e.body = &t.body
	}
	return nil
}

func (t *tarReader) skipSparseMaps(more bool) error {
	for more {
		b, err := t.src.window(blockSize)
		if err != nil {
			return err
		}
		if len(b) < blockSize {
			return ErrTruncated
		}
		more = b[504] != 0
		if err := t.src.skip(blockSize); err != nil {
			return err
		}
	}
	return nil
}

// asWhiteout turns the marker files of the OCI image layer specification ("Whiteouts") into what
// they mean. What else begins with .wh..wh. is aufs' own bookkeeping and no file of the image.
func asWhiteout(e *Entry) {
	dir, base := path.Split(e.Path)
	if !strings.HasPrefix(base, ".wh.") {
		return
	}
	dir = strings.TrimSuffix(dir, "/")
	switch {
	case base == ".wh..wh..opq":
		e.Kind, e.Path = Opaque, dir
	case strings.HasPrefix(base, ".wh..wh."), base == ".wh.", base == ".wh..", base == ".wh...":
		e.Kind = Device // or no name of a file is left
	default:
		e.Kind, e.Path = Whiteout, strings.TrimPrefix(dir+"/"+base[len(".wh."):], "/")
	}
}

// Clean makes a path relative to the root: no leading slash, no "." and no ".." that could lead out.
func Clean(name string) string {
	for strings.HasPrefix(name, "./") {
		name = name[2:]
	}
	name = strings.Trim(name, "/")
	if name == "." {
		return ""
	}
	if !strings.Contains(name, "//") && !strings.Contains(name, "./") && !strings.HasSuffix(name, "/.") &&
		!strings.HasSuffix(name, "/..") && name != ".." {
		return name
	}
	return path.Clean("/" + name)[1:]
}

func padding(size int64) int64 { return -size & (blockSize - 1) }

// parse reads pax records: "LENGTH KEY=VALUE\n".
func (p *pax) parse(b []byte) error {
	bad := errors.New("read tar: a pax header makes no sense")
	for len(b) > 0 {
		sp := bytes.IndexByte(b, ' ')
		if sp < 1 || sp > 10 {
			return bad
		}
		n, err := strconv.Atoi(string(b[:sp]))
		if err != nil || n <= sp+1 || n > len(b) || b[n-1] != '\n' {
			return bad
		}
		key, value, ok := strings.Cut(string(b[sp+1:n-1]), "=")
		if !ok || strings.HasSuffix(key, "path") && strings.Contains(value, "\x00") {
			return bad
		}
		if err := p.set(key, value); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (p *pax) set(key, value string) error {
	number := func(into *int64) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("read tar: pax record %s=%q is no size", key, value)
		}
		*into = n
		return nil
	}
	switch key {
	case "path":
		p.path = value
	case "linkpath":
		p.link = value
	case "size":
		if value == "" {
			return nil // nothing: as if it were not there
		}
		p.hasSize = true
		return number(&p.size)
	case "GNU.sparse.name":
		p.sparseName = value
	case "GNU.sparse.realsize", "GNU.sparse.size":
		p.hasRealSize = true
		return number(&p.realSize)
	case capabilityRecord:
		if len(value) <= maxCapability {
			p.capability = value // what is longer no kernel takes
		}
	case "uid":
		return p.uid.parse(value)
	case "gid":
		return p.gid.parse(value)
	case "GNU.sparse.major":
		p.major = value
	case "GNU.sparse.minor":
		p.minor = value
	case "GNU.sparse.map", "GNU.sparse.offset":
		p.sparseMap = true
	}
	return nil
}

// capabilityRecord is how tars hold the extended attribute that gives a program capabilities, and maxCapability
// more than it takes.
const (
	capabilityRecord = "SCHILY.xattr.security.capability"
	maxCapability    = 64
)

// id is a user or group that a pax record names, where one does: numbers that the header has no room for.
type id struct {
	number int
	given  bool
}

func (i id) or(other int) int {
	if i.given {
		return i.number
	}
	return other
}

func (i *id) parse(value string) error {
	if value == "" {
		*i = id{}
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("read tar: pax record %q is no user or group", value)
	}
	*i = id{number: int(n), given: true}
	return nil
}

// isSparse knows the sparse formats of GNU tar that go by pax records: 0.0, 0.1 and 1.0.
func (p *pax) isSparse() bool {
	switch p.major + "." + p.minor {
	case "0.0", "0.1", "1.0":
		return true
	case ".":
		return p.sparseMap
	}
	return false
}
