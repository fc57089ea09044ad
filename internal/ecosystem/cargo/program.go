package cargo

import (
	"compress/zlib"
	"debug/macho"
	"debug/pe"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// auditSection is where cargo-auditable puts its record
// (https://github.com/rust-secure-code/cargo-auditable, PARSING.md).
const auditSection = ".dep-v0"

const (
	maxRead     = 64 << 20 // headers and symbols of PE and Mach-O files, and the section
	maxPacked   = 4 << 20  // the section, deflated
	maxInflated = 32 << 20 // the JSON in it
)

// record is the JSON of the section.
type record struct {
	Packages []struct {
		Name         string `json:"name"`
		Version      string `json:"version"`
		Source       string `json:"source"`
		Kind         string `json:"kind"` // runtime, if not said, or build
		Root         bool   `json:"root"`
		Dependencies []int  `json:"dependencies"`
	} `json:"packages"`
}

func readProgram(f *ecosystem.File) (ecosystem.Found, error) {
	r, err := f.At()
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read program: %w", err)
	}
	section, ok := findSection(f.Stat, ecosystem.Budget(r, maxRead))
	if !ok {
		return ecosystem.Found{}, nil
	}
	rec, err := parseRecord(section)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read section %s: %w", auditSection, err)
	}
	return crates(rec)
}

// findSection finds the section in an ELF, PE or single-architecture Mach-O file.
func findSection(st ecosystem.Stat, r io.ReaderAt) (io.Reader, bool) {
	if st.IsELF() {
		return ecosystem.ELFSections(r).Find(auditSection)
	}
	if st.Head[0] == 'M' {
		f, err := pe.NewFile(r)
		if err != nil {
			return nil, false
		}
		s := f.Section(auditSection)
		if s == nil {
			return nil, false
		}
		return s.Open(), true
	}
	f, err := macho.NewFile(r)
	if err != nil {
		return nil, false
	}
	s := f.Section(auditSection)
	if s == nil {
		return nil, false
	}
	return s.Open(), true
}

func parseRecord(section io.Reader) (record, error) {
	var rec record
	z, err := zlib.NewReader(io.LimitReader(section, maxPacked))
	if err != nil {
		return rec, err
	}
	defer z.Close()
	limited := &io.LimitedReader{R: z, N: maxInflated}
	err = json.NewDecoder(limited).Decode(&rec)
	if err != nil && limited.N <= 0 {
		err = ecosystem.Limit("more than %d bytes inflated", maxInflated)
	}
	return rec, err
}

func crates(rec record) (ecosystem.Found, error) {
	var found ecosystem.Found
	if len(rec.Packages) > maxPackages {
		return found, ecosystem.Limit("more than %d crates", maxPackages)
	}
	for _, c := range rec.Packages {
		if c.Name == "" {
			return found, errors.New("read audit record: a crate without a name")
		}
		p, notes := crate(c.Name, c.Version, c.Source)
		// What only the build needed is not in the program.
		p.Declared, p.Dev = c.Kind == "build", c.Kind == "build"
		p.Main = p.Main || c.Root
		for _, i := range c.Dependencies {
			if i >= 0 && i < len(rec.Packages) {
				p.Depends = append(p.Depends, rec.Packages[i].Name)
			}
		}
		found.Packages = append(found.Packages, p)
		found.Notes = append(found.Notes, notes...)
	}
	return found, nil
}
