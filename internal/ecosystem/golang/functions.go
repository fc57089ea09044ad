package golang

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// ErrNoFunctions says that a program does not tell its functions: it is not a Go program in ELF form,
// or was built before Go 1.16.
var ErrNoFunctions = errors.New("no table of functions")

// maxNames bounds the names of a program's functions; the largest programs known have 20 MB.
const maxNames = 256 << 20

// Magic numbers of the function table, by the Go version that brought its layout (runtime/symtab.go).
const (
	table116 = 0xfffffffa
	table118 = 0xfffffff0
	table120 = 0xfffffff1
)

// Functions reads which functions are linked into a Go program. The answer takes a package's import
// path and a symbol as the Go vulnerability database writes them: "Parse", or "Decoder.Decode" for a
// method of either receiver. Functions that were inlined everywhere count as linked. Stripped
// programs tell as well, because the runtime needs the table to print a stack.
func Functions(r io.ReaderAt) (linked func(importPath, symbol string) bool, err error) {
	sections := ecosystem.ELFSections(r)
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		if table, ok := sections.Find(name); ok {
			names, err := functionNames(table)
			if err != nil {
				return nil, fmt.Errorf("read table of functions: %w", err)
			}
			return func(importPath, symbol string) bool { return isLinked(names, importPath, symbol) }, nil
		}
	}
	return nil, ErrNoFunctions
}

// functionNames reads the names, each ended by a zero byte, and puts one before the first.
func functionNames(table *io.SectionReader) ([]byte, error) {
	var head [8 + 8*8]byte
	if n, _ := table.ReadAt(head[:], 0); n < len(head) {
		return nil, ErrNoFunctions
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 0xff {
		order = binary.BigEndian
	}
	field := 3 // of the offset of the names; that of what follows them comes next
	switch order.Uint32(head[:]) {
	case table116:
		field = 2
	case table118, table120:
	default:
		return nil, ErrNoFunctions
	}
	word := func(i int) int64 {
		if head[7] == 4 {
			return int64(order.Uint32(head[8+4*i:]))
		}
		return int64(order.Uint64(head[8+8*i:]))
	}
	from, to := word(field), word(field+1)
	if from < 0 || to < from || to > table.Size() {
		return nil, ErrNoFunctions
	}
	if to-from > maxNames {
		return nil, ecosystem.Limit("%d bytes of names", to-from)
	}
	// The file may end before what the section claims: what is read decides how much is held.
	names, err := io.ReadAll(io.NewSectionReader(table, from, to-from))
	if err != nil || int64(len(names)) < to-from {
		return nil, ErrNoFunctions
	}
	return append([]byte{0}, names...), nil
}

func isLinked(names []byte, importPath, symbol string) bool {
	prefix := escape(importPath) + "."
	forms := []string{prefix + symbol, prefix + symbol + "[...]"}
	if typ, method, ok := strings.Cut(symbol, "."); ok {
		for _, t := range []string{"(*" + typ + ")", "(*" + typ + "[...])", typ + "[...]"} {
			forms = append(forms, prefix+t+"."+method)
		}
	}
	for _, form := range forms {
		if bytes.Contains(names, []byte("\x00"+form+"\x00")) {
			return true
		}
	}
	return false
}

// escape writes an import path as the linker does: dots of its last element, quotes, percent signs and
// what is not printable ASCII in hexadecimal (cmd/internal/objabi.PathToPrefix).
func escape(path string) string {
	slash := strings.LastIndexByte(path, '/')
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c <= ' ' || c == '.' && i > slash || c == '%' || c == '"' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02x", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
