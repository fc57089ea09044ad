package zipdir

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWiden(t *testing.T) {
	extra := []byte("\x09\x00\x01\x00z\x01\x00\x10\x00")
	extra = binary.LittleEndian.AppendUint64(extra, 1<<33)
	extra = binary.LittleEndian.AppendUint64(extra, 1<<34)
	e := Entry{Size: 0xffffffff, Packed: 7, offset: 0xffffffff}
	if e.widen(extra); e.Size != 1<<33 || e.Packed != 7 || e.offset != 1<<34 {
		t.Errorf("widened to %+v", e)
	}
}

// TestDirectoryOfRealArchives holds our directory reader against archive/zip on this machine's jars.
func TestDirectoryOfRealArchives(t *testing.T) {
	n := 0
	for _, root := range []string{"/usr/share/java", "/usr/share/maven/lib", "/usr/lib/jvm"} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".jar") && d.Type().IsRegular() && n < 200 {
				n++
				sameEntries(t, path)
			}
			return nil
		})
	}
	t.Logf("%d archives", n)
}

func sameEntries(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return
	}
	d, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	i := 0
	err = d.Each(func(e *Entry) error {
		want := z.File[i]
		at, _ := want.DataOffset()
		if string(e.Name) != want.Name || e.Size != int64(want.UncompressedSize64) || e.Packed != int64(want.CompressedSize64) {
			t.Errorf("%s: entry %d is %s, want %s", path, i, e.Name, want.Name)
		}
		if content, err := d.Content(e); err != nil {
			t.Errorf("%s: %s: %v", path, e.Name, err)
		} else if _, off, _ := content.Outer(); off != at {
			t.Errorf("%s: %s lies at %d, want %d", path, e.Name, off, at)
		}
		i++
		return nil
	})
	if err != nil || i != len(z.File) {
		t.Errorf("%s: %d entries, want %d: %v", path, i, len(z.File), err)
	}
}

func FuzzDirectory(f *testing.F) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, _ = w.Create("META-INF/MANIFEST.MF")
	_ = w.Close()
	f.Add(b.Bytes())
	f.Add([]byte(locator64Magic + strings.Repeat("\x00", 16) + endMagic + strings.Repeat("\xff", 16) + "\x00\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		d, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		_ = d.Each(func(e *Entry) error {
			_, _ = d.Content(e)
			return nil
		})
	})
}
