package ecosystem

import (
	"bytes"
	"debug/elf"
	"os"
	"testing"
)

// TestELFSections holds the lean reader against debug/elf on this test and the objects of the machine.
func TestELFSections(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{self, "/bin/bash", "/bin/sh", "/usr/bin/openssl"} {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(b, []byte(elfMagic)) {
			continue
		}
		want, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		got := ELFSections(bytes.NewReader(b))
		if !got.Present() {
			t.Errorf("%s: no sections", path)
		}
		for _, s := range want.Sections {
			r, ok := got.Find(s.Name)
			if !ok || r.Size() != int64(s.FileSize) && s.Type != elf.SHT_NOBITS {
				t.Errorf("%s: section %q: %v", path, s.Name, ok)
			}
		}
		if _, ok := got.Find(".tex"); ok {
			t.Errorf("%s: a part of a name is taken for it", path)
		}
	}
}

func FuzzELFSections(f *testing.F) {
	b := make([]byte, 512)
	copy(b, "\x7fELF\x02\x01\x01")
	b[40], b[58], b[60], b[62] = 64, 64, 3, 1
	f.Add(b)
	f.Fuzz(func(_ *testing.T, b []byte) {
		s := ELFSections(bytes.NewReader(b))
		if r, ok := s.Find(".dep-v0"); ok {
			_, _ = r.ReadAt(make([]byte, 16), 0)
		}
	})
}
