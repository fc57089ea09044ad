// Package sbom reads the inventories that other tools write: CycloneDX 1.2 to 1.7 as JSON or XML, SPDX
// 2.2 and 2.3 as JSON or as tags and values, and Plimsoll's own reports.
//
// What is read is what an image would have told: packages with the names, source packages and versions
// that advisories use, and the distribution. An entry is known by its purl alone, never by CPE or by
// name; an entry without one, and all else that cannot be taken, is a note with a count. The fields
// where Syft and Trivy keep source packages, places and owners are read too. What the maker of the
// document could not read, or leaves out, is a note as well.
//
// Documents are foreign: they are read as streams, entry by entry, within bounds on bytes, depth and
// count, and what is longer than an honest entry is passed over with a note.
package sbom

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Bounds of a document.
const (
	maxBytes   = 256 << 20
	maxEntries = 500_000 // packages, and as many edges for each
	maxEntry   = 4 << 20 // bytes of one entry without those inside it
	maxDepth   = 16      // components inside components
	maxList    = 10_000  // properties, licences, places, digests of one entry
)

// Document is one inventory.
type Document struct {
	Format   string // cyclonedx, spdx, plimsoll
	Version  string // of the format
	Name     string // what the inventory is of; empty when it does not say
	Digest   string // of the image, ALGORITHM:HEX
	Release  *ecosystem.Release
	Packages []Package
	Notes    []ecosystem.Note
}

// Package is one entry, or several that differ in their places alone.
type Package struct {
	ecosystem.Package
	Places []Place
	Owner  int // index of the OS package whose file this is; -1: nobody's
}

// Place is where a package stands. Inner is the path inside an archive, nested archives parted by "!/".
type Place struct {
	Path  string
	Inner string
	Line  int
}

// Read reads a document, whose format it tells by how it begins. With an error it returns what was
// read before it.
func Read(r io.Reader) (Document, error) {
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	in := bufio.NewReaderSize(limited, 64<<10)
	b := &builder{index: map[string]int{}, byRef: map[string]int{}}
	err := b.read(in)
	if limited.N <= 0 {
		err = ecosystem.Limit("more than %d bytes", maxBytes)
	}
	doc := b.finish()
	if err != nil {
		return doc, fmt.Errorf("read SBOM: %w", err)
	}
	if doc.Format == "" {
		return doc, fmt.Errorf("read SBOM: neither CycloneDX, nor SPDX 2, nor a report of Plimsoll")
	}
	return doc, nil
}

func (b *builder) read(in *bufio.Reader) error {
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		in.Discard(3)
	}
	for {
		c, err := in.ReadByte()
		if err == io.EOF {
			return fmt.Errorf("the document is empty")
		}
		if err != nil {
			return err
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		if err := in.UnreadByte(); err != nil {
			return err
		}
		switch c {
		case '{':
			return b.readJSON(in)
		case '<':
			return b.readXML(in)
		}
		return b.readTags(in)
	}
}
