// Package inventory turns the layers of an image into what its container sees: which packages there
// are, where each stands and which layer brought it.
//
// [Reader.Layer] reads one layer into [Contents], which depend on that layer alone and so can be kept
// and used for every image that has it. [Squash] lays the contents of all layers over each other:
// whiteouts, opaque folders, replaced files, hard and symbolic links take effect there.
package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Contents is what one layer holds, as far as it matters above it.
type Contents struct {
	Digest   string // of the blob as stored, when it was computed
	DiffID   string // of the tar, when it was computed
	Verified bool   // every byte was read and the digests claimed for them hold
	Size     int64  // bytes of all files
	Entries  int
	Streamed int64 // bytes that had to be read from front to back for it, as they came out of the compression

	Reads     []Read
	Names     []uint64 // hashes of the paths of all that is not a folder
	Folders   []uint64 // hashes of the paths of folders
	Links     []Link   // symbolic links
	Whiteouts []string // paths that are removed from the layers below
	Opaques   []string // folders of which the layers below show nothing
	Gaps      []Gap
	Traits    Traits

	Sighted   []Sighted  // files in which an inspector found something
	Vouched   []uint64   // hashes of installed files and their bytes, as package managers list them; only beside an inspector
	Documents []Document // of source folders, when they are asked for
}

// Read is what one file says. Paths are the names of that one file: hard links give it several.
type Read struct {
	Ecosystem string
	Paths     []string
	Packages  []ecosystem.Package
	Owned     []Owned
	Release   *ecosystem.Release
	Asks      *ecosystem.Asks
	Includes  []ecosystem.Include
}

// Owned lists, by hash, the files of one OS package. Data says that none of them could be code.
type Owned struct {
	Package string
	Files   []uint64
	Data    bool
}

// Link is a symbolic link: Target is as written.
type Link struct{ Path, Target string }

// Gap is something in a layer that was not assessed. Those with a path are about one file.
type Gap struct {
	Class    string
	Blocking bool
	What     string
	Path     string   // where the file stands
	Also     []string // its other names
	Inner    string   // the path inside of it, where it is an archive
	Count    int
}

// Key names the code that reads layers: contents that were read under another key are stale. It
// holds the form of Contents and the version of each ecosystem.
func Key(of []ecosystem.Ecosystem) string {
	var b strings.Builder
	b.WriteString("5")
	for _, e := range of {
		fmt.Fprintf(&b, " %s%d", e.Name, e.Version)
	}
	return b.String()
}

// Encode writes contents for a cache.
func (c *Contents) Encode() ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(c)
	return b.Bytes(), err
}

// Decode reads what Encode wrote.
func Decode(b []byte) (*Contents, error) {
	var c Contents
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&c); err != nil {
		return nil, fmt.Errorf("decode the contents of a layer: %w", err)
	}
	return &c, nil
}

// hasher turns paths into the numbers under which layers remember them: a path costs 8 bytes however
// long it is. They come from SHA-256, so that nobody can make a path that shadows another.
type hasher struct{ buf []byte }

func (h *hasher) path(p string) uint64 {
	h.buf = append(h.buf[:0], p...)
	sum := sha256.Sum256(h.buf)
	return binary.LittleEndian.Uint64(sum[:])
}

// owned is the hash under which package managers' file lists are kept. On systems with a merged /usr
// the lists still say /bin/x for what stands in /usr/bin/x; both get one hash.
func (h *hasher) owned(p string) uint64 {
	p = strings.TrimPrefix(p, "/")
	for _, top := range []string{"bin/", "sbin/", "lib/", "lib64/", "lib32/", "libx32/"} {
		if strings.HasPrefix(p, top) {
			h.buf = append(append(h.buf[:0], "usr/"...), p...)
			sum := sha256.Sum256(h.buf)
			return binary.LittleEndian.Uint64(sum[:])
		}
	}
	return h.path(p)
}
