package maven

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the name under which Maven repositories know an archive, no protection
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/maven/zipdir"
)

// Bounds for one outermost archive and all inside it.
const (
	maxDepth    = 8
	maxEntries  = 2_000_000
	maxInflated = 2 << 30  // bytes inflated in total, and no more than maxRatio times the archive's size
	maxRatio    = 100      // plus freeInflated
	freeInflate = 64 << 20 // what even a tiny archive may inflate to
	maxLive     = 64 << 20 // inflated inner archives in memory at once
	maxSmall    = 1 << 20  // a manifest or pom.properties
	maxName     = 4096     // longer names of entries are passed over
	maxPoms     = 10_000   // pom files in one archive
	maxHashed   = 64 << 20 // archives that tell nothing of themselves are hashed up to this size
)

// readArchive reads the archive at path and every archive inside it.
func readArchive(ctx context.Context, st ecosystem.Stat, r io.ReaderAt) (ecosystem.Found, error) {
	s := &scan{ctx: ctx, budget: min(maxInflated, freeInflate+st.Size*maxRatio)}
	if st.Size == 0 {
		return s.found, nil
	}
	if err := s.archive(r, st.Size, place{file: st.Base()}); err != nil {
		return s.found, fmt.Errorf("read Java archive: %w", err)
	}
	return s.found, nil
}

// scan is the walk through one outermost archive.
type scan struct {
	ctx     context.Context //nolint:containedctx // the walk lives as long as the call
	found   ecosystem.Found
	budget  int64 // bytes that may still be inflated
	entries int
	buffers [maxDepth + 1][]byte // one per depth, reused by the archives that lie side by side
	live    int64                // bytes in buffers
	inflate io.ReadCloser
}

// place is where an archive lies: its own file name, and the way to it from the outermost one.
type place struct {
	file  string
	inner string
	depth int
}

func (p place) inside(name string) place {
	return place{file: name[strings.LastIndexByte(name, '/')+1:], inner: p.to(name), depth: p.depth + 1}
}

// to is the way to an entry of the archive.
func (p place) to(name string) string {
	if p.inner == "" {
		return name
	}
	return p.inner + "!/" + name
}

// contents is what matters of an archive's directory.
type contents struct {
	manifest *zipdir.Entry
	poms     []zipdir.Entry // pom.properties, and pom.xml
	nested   []zipdir.Entry
}

// archive reads one archive, outermost or not.
func (s *scan) archive(r io.ReaderAt, size int64, at place) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	d, err := zipdir.Open(r, size)
	if err != nil {
		return err
	}
	c, err := s.list(d, at)
	s.identify(d, c, at, err == nil && len(c.nested) > 0)
	for i := range c.nested {
		if e := s.nested(d, &c.nested[i], at); e != nil {
			return e
		}
	}
	return err
}

// list picks the entries that matter.
func (s *scan) list(d *zipdir.Directory, at place) (contents, error) {
	var c contents
	err := d.Each(func(e *zipdir.Entry) error {
		if s.entries++; s.entries > maxEntries {
			return ecosystem.Limit("more than %d entries", maxEntries)
		}
		if len(e.Name) < 5 || len(e.Name) > maxName {
			return nil
		}
		if bytes.HasSuffix(e.Name, []byte(".class")) || e.Name[len(e.Name)-1] == '/' {
			return nil // most entries are
		}
		switch {
		case bytes.HasSuffix(e.Name, []byte("/pom.properties")), bytes.HasSuffix(e.Name, []byte("/pom.xml")):
			if bytes.Contains(e.Name, []byte("META-INF/maven/")) {
				if len(c.poms) == maxPoms {
					return ecosystem.Limit("more than %d pom files", maxPoms)
				}
				c.poms = append(c.poms, *e)
			}
		case bytes.Equal(e.Name, []byte("META-INF/MANIFEST.MF")):
			m := *e
			c.manifest = &m
		case hasArchiveName(e.Name):
			c.nested = append(c.nested, *e)
		}
		return nil
	})
	if err != nil && at.depth == 0 {
		err = fmt.Errorf("after %d entries: %w", s.entries, err)
	}
	return c, err
}

// hasArchiveName is isArchive without a copy of the many names that are none.
func hasArchiveName(name []byte) bool {
	dot := bytes.LastIndexByte(name, '.')
	return dot >= 0 && len(name)-dot <= 5 && isArchive(string(name[dot:]))
}

// nested reads an archive inside an archive; one that cannot be read is noted. It fails only when the
// context does.
func (s *scan) nested(d *zipdir.Directory, e *zipdir.Entry, at place) error {
	inner := at.inside(string(e.Name))
	if inner.depth > maxDepth {
		s.note("limit-reached", inner.inner, fmt.Sprintf("archives nested deeper than %d are not read", maxDepth))
		return nil
	}
	content, err := d.Content(e)
	if err == nil && e.Encrypted {
		err = errors.New("encrypted")
	}
	if err == nil {
		switch e.Method {
		case zipdir.Stored:
			err = s.archive(content, content.Size(), inner)
		case zipdir.Deflated:
			err = s.deflatedArchive(content, e, inner)
		default:
			err = fmt.Errorf("compression method %d", e.Method)
		}
	}
	if err == nil || s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	class := "unreadable-package"
	if errors.Is(err, ecosystem.ErrLimit) {
		class = "limit-reached"
	}
	s.note(class, inner.inner, fmt.Sprintf("inner archive not read: %v", err))
	return nil
}

// deflatedArchive inflates an inner archive into the buffer of its depth and reads it there.
func (s *scan) deflatedArchive(content *io.SectionReader, e *zipdir.Entry, inner place) error {
	if e.Size > content.Size()*1040+64 { // deflate cannot do more
		return zipdir.ErrCorrupt
	}
	buf := s.buffers[inner.depth]
	if need := e.Size - int64(cap(buf)); need > 0 {
		if s.live+need > maxLive {
			return ecosystem.Limit("inflated inner archives of more than %d bytes", int64(maxLive))
		}
		s.live += need
		buf = make([]byte, e.Size)
		s.buffers[inner.depth] = buf
	}
	buf = buf[:e.Size]
	if err := s.inflateInto(buf, content); err != nil {
		return err
	}
	return s.archive(bytes.NewReader(buf), e.Size, inner)
}

func (s *scan) inflateInto(buf []byte, content io.Reader) error {
	if s.budget -= int64(len(buf)); s.budget < 0 {
		return ecosystem.Limit("the archive inflates to too much")
	}
	if s.inflate == nil {
		s.inflate = flate.NewReader(content)
	} else if err := s.inflate.(flate.Resetter).Reset(content, nil); err != nil {
		return err
	}
	if _, err := io.ReadFull(s.inflate, buf); err != nil {
		return fmt.Errorf("inflate: %w", err)
	}
	return nil
}

// small reads an entry that is a short text.
func (s *scan) small(d *zipdir.Directory, e *zipdir.Entry) ([]byte, error) {
	content, err := d.Content(e)
	if err != nil {
		return nil, err
	}
	if e.Encrypted {
		return nil, errors.New("encrypted")
	}
	if e.Size > maxSmall {
		return nil, ecosystem.Limit("a text of %d bytes", e.Size)
	}
	buf := make([]byte, e.Size)
	switch e.Method {
	case zipdir.Stored:
		_, err = io.ReadFull(content, buf)
	case zipdir.Deflated:
		err = s.inflateInto(buf, content)
	default:
		err = fmt.Errorf("compression method %d", e.Method)
	}
	return buf, err
}

func (s *scan) note(class, path, what string) {
	s.found.Notes = append(s.found.Notes, ecosystem.Note{Class: class, Blocking: true, What: what, Path: path})
}

// sha1Of is the digest by which Maven repositories list an archive, for those that tell nothing else.
func sha1Of(archive *io.SectionReader) []string {
	if archive.Size() > maxHashed {
		return nil
	}
	h := sha1.New() //nolint:gosec // see the import
	if n, err := io.Copy(h, archive); err != nil || n != archive.Size() {
		return nil
	}
	return []string{"sha1:" + hex.EncodeToString(h.Sum(nil))}
}
