package nuget

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// bundle is a program as "dotnet publish -p:PublishSingleFile=true" makes it: an ELF host with .data
// and a section table at its end, files behind it, then the header.
func bundle(deps string, major uint32, header bool) []byte {
	le := binary.LittleEndian
	const dataAt, dataLen, namesAt = 0x8000, 0x100, 0x8100
	names := "\x00.data\x00.shstrtab\x00"
	table := namesAt + len(names)
	b := make([]byte, table+3*64)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 3)
	le.PutUint64(b[40:], uint64(table))
	le.PutUint16(b[58:], 64)
	le.PutUint16(b[60:], 3)
	le.PutUint16(b[62:], 2)
	section := func(i int, name, kind uint32, off, size int) {
		h := b[table+i*64:]
		le.PutUint32(h, name)
		le.PutUint32(h[4:], kind)
		le.PutUint64(h[24:], uint64(off))
		le.PutUint64(h[32:], uint64(size))
	}
	section(1, 1, 1, dataAt, dataLen)
	section(2, 7, 3, namesAt, len(names))
	copy(b[namesAt:], names)
	mark := sha256.Sum256([]byte(".net core bundle\n"))
	copy(b[dataAt+40:], mark[:])
	if !header {
		return append(b, deps...)
	}
	from := len(b)
	b = append(b, deps...)
	le.PutUint64(b[dataAt+32:], uint64(len(b)))
	b = le.AppendUint32(b, major)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, 1)
	b = append(b, 12)
	b = append(b, "AbCdEfGhIjKl"...)
	b = le.AppendUint64(b, uint64(from))
	b = le.AppendUint64(b, uint64(len(deps)))
	return append(b, make([]byte, 24)...)
}

func program(b []byte) *ecosystem.File {
	return &ecosystem.File{
		Stat:   ecosystem.Stat{Path: "app/Shop", Size: int64(len(b)), Mode: 0o755, Head: b[:64]},
		Reader: bytes.NewReader(b), At: func() (io.ReaderAt, error) { return bytes.NewReader(b), nil },
	}
}

func TestBundle(t *testing.T) {
	for name, c := range map[string]struct {
		b        []byte
		packages int
		notes    int
	}{
		".NET 8":               {bundle(shopDeps, 6, true), 3, 0},
		".NET 5":               {bundle(shopDeps, 2, true), 3, 0},
		"without a list":       {bundle("", 6, true), 0, 1},
		"of an older version":  {bundle(shopDeps, 1, true), 0, 1},
		"a host without files": {bundle(shopDeps, 6, false), 0, 0},
		"cut short":            {bundle(shopDeps, 6, true)[:len(bundle(shopDeps, 6, true))-40], 0, 1},
		"another program":      {bytes.ReplaceAll(bundle(shopDeps, 6, true), []byte(bundleMark), make([]byte, 32)), 0, 0},
	} {
		f := program(c.b)
		if !Ecosystem.Wants(f.Stat) {
			t.Fatal("not wanted")
		}
		found, err := read(context.Background(), f)
		if err != nil || len(found.Packages) != c.packages || len(found.Notes) != c.notes {
			t.Errorf("%s: %d packages, notes %v, %v", name, len(found.Packages), found.Notes, err)
		}
		if c.packages > 0 && (found.Packages[0].Name != "Microsoft.NETCore.App.Runtime.linux-x64" && !strings.Contains(shopDeps, found.Packages[0].Name)) {
			t.Errorf("%s: %+v", name, found.Packages[0])
		}
	}
}

func FuzzBundle(f *testing.F) {
	f.Add(bundle(shopDeps, 6, true))
	f.Add(bundle("", 2, true))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) >= 64 {
			_, _ = readBundle(program(b))
		}
	})
}
