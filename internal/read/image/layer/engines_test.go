package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asEngines lists the entries of a tar as engines unpack it, with Go's archive/tar: they clean names and
// pass over global headers. False when it is refused.
func asEngines(raw []byte) (all []string, ok bool) {
	r := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, true
		}
		if err != nil {
			return all, false
		}
		name := path.Clean("/" + h.Name)[1:]
		switch h.Typeflag {
		case tar.TypeXGlobalHeader:
		case tar.TypeReg, tar.TypeGNUSparse:
			all = append(all, fmt.Sprintf("file %q %d", name, h.Size))
		case tar.TypeDir:
			all = append(all, fmt.Sprintf("folder %q", name))
		case tar.TypeSymlink:
			all = append(all, fmt.Sprintf("link %q -> %q", name, h.Linkname))
		case tar.TypeLink:
			all = append(all, fmt.Sprintf("hard link %q -> %q", name, path.Clean("/" + h.Linkname)[1:]))
		default: // devices, and what engines refuse
		}
	}
}

// asWe lists them as we walk them. Whiteouts are not told apart, because engines do that above the tar.
func asWe(b Blob) (all []string, err error) {
	_, err = Walk(context.Background(), b, Options{Limits: Limits{Entries: 1000, Uncompressed: 1 << 20, PathLength: 1 << 20}}, func(e *Entry) error {
		switch e.Kind {
		case File:
			all = append(all, fmt.Sprintf("file %q %d", e.Path, e.Size))
		case Dir:
			all = append(all, fmt.Sprintf("folder %q", e.Path))
		case Symlink:
			all = append(all, fmt.Sprintf("link %q -> %q", e.Path, e.Link))
		case Hardlink:
			all = append(all, fmt.Sprintf("hard link %q -> %q", e.Path, e.Link))
		}
		return nil
	})
	return all, err
}

// entry is a raw header with a body, where the standard library's writer would not go along.
func entry(flag byte, name, link, body string, change ...func(h []byte)) []byte {
	h := make([]byte, blockSize)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00", len(body)))
	h[156] = flag
	copy(h[157:], link)
	copy(h[257:], "ustar\x0000")
	for _, f := range change {
		f(h)
	}
	copy(h[148:], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(append(h, body...), make([]byte, padding(int64(len(body))))...)
}

func record(key, value string) string {
	for n := len(key) + len(value) + 3; ; n++ {
		if s := fmt.Sprintf("%d %s=%s\n", n, key, value); len(s) == n {
			return s
		}
	}
}

// tricks are tars that readers read in different ways, each with what engines see in it.
func tricks() map[string][]byte {
	end := make([]byte, 2*blockSize)
	sized := func(n int) func([]byte) {
		return func(h []byte) { copy(h[124:], fmt.Sprintf("%011o\x00", n)) }
	}
	of := func(parts ...[]byte) []byte { return append(bytes.Join(parts, nil), end...) }
	return map[string][]byte{
		"global header":             of(entry('g', "g", "", record("path", "hidden")+record("size", "0")), entry('0', "seen", "", "body"), entry('0', "next", "", "")),
		"second pax header":         of(entry('x', "x", "", record("path", "first")+record("size", "3")), entry('x', "x", "", record("path", "second")), entry('0', "seen", "", "body")),
		"pax before GNU's name":     of(entry('L', "", "", "gnu\x00"), entry('x', "x", "", record("path", "pax")), entry('0', "seen", "", "body")),
		"empty pax values":          of(entry('x', "x", "", record("path", "")+record("size", "")), entry('0', "seen", "", "body")),
		"file with a slash":         of(entry('0', "status/", "", "body")),
		"file of old with a slash":  of(entry(0, "folder/", "", "")),
		"hard link with a size":     of(entry('1', "l", "seen", "", sized(blockSize)), entry('0', "seen", "", "body")),
		"symbolic link with a size": of(entry('2', "l", "seen", "", sized(blockSize)), entry('0', "seen", "", "body")),
		"folder with a size":        of(entry('5', "d", "", "", sized(blockSize)), entry('0', "seen", "", "body")),
		"unknown entry with a body": of(entry('Z', "z", "", strings.Repeat("z", blockSize)), entry('0', "seen", "", "body")),
		"one block of zeros":        of(entry('0', "a", "", "body"), make([]byte, blockSize), entry('0', "b", "", "body")),
		"entries behind the end":    of(entry('0', "a", "", "body"), end, entry('0', "b", "", "body")),
		"no end":                    entry('0', "a", "", strings.Repeat("b", blockSize)),
		"prefix":                    of(entry('0', "name", "", "body", func(h []byte) { copy(h[345:], "pre/fix") })),
		"prefix of star": of(entry('0', "name", "", "", func(h []byte) {
			copy(h[345:], strings.Repeat("p", 131)+"00000000000\x0000000000000\x00")
			copy(h[508:], "tar\x00")
		})),
		"sparse name that is not used": of(entry('x', "x", "", record("GNU.sparse.name", "other")+record("GNU.sparse.major", "7")), entry('0', "seen", "", "body")),
		"sparse":                       of(entry('x', "x", "", record("GNU.sparse.name", "seen")+record("GNU.sparse.major", "0")+record("GNU.sparse.minor", "1")+record("GNU.sparse.numblocks", "1")+record("GNU.sparse.map", "0,4")+record("GNU.sparse.size", "9")), entry('0', "other", "", "body")),
		"up and out":                   of(entry('0', "../../a/./b/../c", "", "body"), entry('0', "/abs//x", "", ""), entry('1', "h", "../abs/x", "")),
	}
}

func TestWalkLikeEngines(t *testing.T) {
	for name, raw := range tricks() {
		want, ok := asEngines(raw)
		for how, b := range map[string]Blob{"in place": atBlob(raw), "stream": streamBlob(raw)} {
			got, err := asWe(b)
			if (err == nil) != ok {
				t.Errorf("%s, %s: %v, engines take it: %v", name, how, err, ok)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: %s", name, how, diff)
			}
		}
	}
}

// FuzzWalk holds our reader against that of the engines: whatever theirs reads without complaint, ours
// reads to the same entries or refuses, skipping and streaming make no difference, and nothing makes
// ours panic or hang.
func FuzzWalk(f *testing.F) {
	f.Add(pack(f, tar.Header{Name: "a", Uname: "hello"}, tar.Header{Name: strings.Repeat("n", 150), Uname: "x"}))
	f.Add(pack(f, tar.Header{Name: "l", Linkname: "a", Typeflag: tar.TypeSymlink}, tar.Header{Name: "d/", Typeflag: tar.TypeDir}))
	for _, raw := range tricks() {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		seek, err := asWe(atBlob(raw))
		stream, _ := asWe(streamBlob(raw))
		if bytes.HasPrefix(raw, gzipMagic) || bytes.HasPrefix(raw, zstdMagic) {
			return
		}
		if diff := cmp.Diff(seek, stream); diff != "" {
			t.Errorf("skipping and streaming differ: %s", diff)
		}
		if bytes.Contains(raw, []byte(".wh.")) || len(seek) > 500 {
			return
		}
		if want, ok := asEngines(raw); ok && err == nil {
			if diff := cmp.Diff(want, seek); diff != "" {
				t.Errorf("engines see otherwise: %s", diff)
			}
		}
	})
}
