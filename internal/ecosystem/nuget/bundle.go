package nuget

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// A .NET program that was published as a single file is the host with the application's files behind
// it (github.com/dotnet/designs, accepted/2020/single-file, and dotnet/runtime's bundler). In the host's
// data stands the SHA-256 of ".net core bundle" and a line end, before it where the list of files begins.
const bundleMark = "\x8b\x12\x02\xb9\x6a\x61\x20\x38\x72\x7b\x93\x02\x14\xd7\xa0\x32\x13\xf5\xb9\xe6\xef\xae\x33\x18\xee\x3b\x2d\xce\x24\xb3\x6a\xae"

const (
	minBundle = 32 << 10 // no host is smaller
	maxData   = 4 << 20  // bytes of the host's data
	maxID     = 1 << 14  // bytes of a bundle's own name: its length is written in up to two bytes
)

// couldBeBundle looks at Linux programs; what tells is behind their first bytes.
func couldBeBundle(s ecosystem.Stat) bool { return s.Size >= minBundle && s.IsELF() && s.IsProgram() }

// readBundle reads the deps.json inside a program. Most programs have nothing behind their sections,
// and end there.
func readBundle(f *ecosystem.File) (ecosystem.Found, error) {
	r, err := f.At()
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read program: %w", err)
	}
	sections := ecosystem.ELFSections(r)
	if !sections.Present() || sections.End() >= f.Size {
		return ecosystem.Found{}, nil
	}
	at, ok := bundleHeader(sections)
	if !ok {
		return ecosystem.Found{}, nil
	}
	from, size, err := depsInside(r, at)
	if err != nil || size <= 0 || from <= 0 || from > f.Size-size {
		return ecosystem.Found{Notes: []ecosystem.Note{{
			Class: "unreadable-package", Blocking: true, What: "a .NET program in a single file that does not list its packages",
		}}}, nil
	}
	if size > maxFile {
		return ecosystem.Found{}, fmt.Errorf("read deps.json: %w", ecosystem.Limit("%d bytes", size))
	}
	data, err := io.ReadAll(io.NewSectionReader(r, from, size))
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read deps.json: %w", err)
	}
	found, err := parseDeps(data, "")
	for i := range found.Packages {
		found.Packages[i].Inner = "deps.json"
	}
	return found, err
}

// bundleHeader is where the list of files begins; a host that waits for its files has the mark, too, and
// no such place.
func bundleHeader(sections ecosystem.Sections) (int64, bool) {
	data, ok := sections.Find(".data")
	if !ok {
		return 0, false
	}
	b, err := io.ReadAll(io.LimitReader(data, maxData))
	if err != nil {
		return 0, false
	}
	i := bytes.Index(b, []byte(bundleMark))
	if i < 8 {
		return 0, false
	}
	at := int64(binary.LittleEndian.Uint64(b[i-8:]))
	return at, at > 0
}

// depsInside is where the deps.json lies: the header of version 2 (.NET 5) and later says it, after the
// version, the count of files and the bundle's own name.
func depsInside(r io.ReaderAt, at int64) (from, size int64, err error) {
	var head [12 + 2]byte
	if _, err := r.ReadAt(head[:], at); err != nil {
		return 0, 0, err
	}
	major := binary.LittleEndian.Uint32(head[:])
	if major < 2 || major > 99 {
		return 0, 0, fmt.Errorf("bundle of version %d", major)
	}
	length, after := int64(head[12]), int64(13)
	if length >= 0x80 {
		length, after = length&0x7f|int64(head[13])<<7, 14
	}
	if length > maxID {
		return 0, 0, fmt.Errorf("a name of %d bytes", length)
	}
	var place [16]byte
	if _, err := r.ReadAt(place[:], at+after+length); err != nil {
		return 0, 0, err
	}
	return int64(binary.LittleEndian.Uint64(place[:])), int64(binary.LittleEndian.Uint64(place[8:])), nil
}
