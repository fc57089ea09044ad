package npm

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readCache reads an archive from which Yarn's Plug'n'Play runs a package without unpacking it. Its
// package.json says what it is; where none is found, the name of the archive does.
func readCache(f *ecosystem.File) ecosystem.Found {
	name, text := zippedManifest(bufio.NewReader(f.Reader))
	if m, err := parseManifest(text); err == nil {
		found := m.found(installed)
		for i := range found.Packages {
			found.Packages[i].Inner = name
		}
		return found
	}
	return cacheName(f.Base())
}

const (
	maxCached    = 100_000 // files in one archive
	localHeader  = 30      // bytes, before the name; APPNOTE.TXT 4.3.7
	localMagic   = 0x04034b50
	sizesFollow  = 8 // the flag of an entry whose sizes are not in front of it
	methodStored = 0
	methodFlate  = 8
)

// zippedManifest looks for node_modules/NAME/package.json in a zip archive, from its beginning: Yarn
// writes the package's root first, so a few KiB are read and not the directory at the end.
func zippedManifest(r *bufio.Reader) (name string, text []byte) {
	var h [localHeader]byte
	for range maxCached {
		if _, err := io.ReadFull(r, h[:]); err != nil || binary.LittleEndian.Uint32(h[:]) != localMagic {
			return "", nil
		}
		flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
		packed := int64(binary.LittleEndian.Uint32(h[18:]))
		path := make([]byte, binary.LittleEndian.Uint16(h[26:]))
		if _, err := io.ReadFull(r, path); err != nil || flags&sizesFollow != 0 {
			return "", nil
		}
		skip := int64(binary.LittleEndian.Uint16(h[28:]))
		wanted := strings.HasSuffix(string(path), "/package.json") && manifestOf(string(path)) == installed
		if !wanted {
			skip += packed
		}
		if n, err := io.CopyN(io.Discard, r, skip); err != nil || n != skip {
			return "", nil
		}
		if wanted {
			return string(path), unpacked(io.LimitReader(r, packed), method)
		}
	}
	return "", nil
}

// unpacked is the content of an entry, nil if it is too large or packed in another way.
func unpacked(r io.Reader, method uint16) []byte {
	switch method {
	case methodStored:
	case methodFlate:
		r = flate.NewReader(r)
	default:
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil || len(b) > maxManifest {
		return nil
	}
	return b
}

// cacheName reads the name of an archive: NAME-npm-VERSION-HASH-HASH.zip, a scope joined with a hyphen.
// A scope with a hyphen of its own can't be told from the name, so this is only a heuristic.
func cacheName(base string) ecosystem.Found {
	name, rest, ok := strings.Cut(strings.TrimSuffix(base, ".zip"), "-npm-")
	if !ok {
		return ecosystem.Found{}
	}
	for range 2 {
		if n := strings.LastIndexByte(rest, '-'); n > 0 {
			rest = rest[:n]
		}
	}
	if strings.HasPrefix(name, "@") {
		name = strings.Replace(name, "-", "/", 1)
	}
	p := named(name, rest)
	if p.Name == "" {
		return ecosystem.Found{}
	}
	p.Heuristic = true
	return ecosystem.Found{Packages: []ecosystem.Package{p}}
}
