package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	"github.com/plimsoll/plimsoll/internal/read/image/locate"
)

// documents reads the document that a word names, and what lies beside it that its judges want to see.
func (o *targetOptions) documents(path, kind string, stdin io.Reader) ([]scan.Subject, error) {
	if path == "-" {
		b, err := wholeDocument(path, kind, stdin)
		if err != nil {
			return nil, exitError{exitUsage, err}
		}
		name := "standard input"
		return o.judged(&scan.Files{Name: name, Kind: kind, Documents: []inventory.Document{{Path: name, Bytes: b}}})
	}
	b, err := readDocument(path, kind)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	of := &scan.Files{Name: path, Kind: kind, Documents: []inventory.Document{{Path: filepath.ToSlash(path), Bytes: b}}}
	for _, name := range scan.Beside(kind, filepath.Base(path)) {
		beside := besideDocument(filepath.Dir(path), name)
		if beside == "" {
			continue
		}
		b, err := readDocument(beside, kind)
		if err != nil {
			return nil, exitError{exitUsage, err}
		}
		of.Documents = append(of.Documents, inventory.Document{Path: filepath.ToSlash(beside), Bytes: b})
	}
	return o.judged(of)
}

// besideDocument finds a file that matters to what lies in a folder: there, or, as builders and linters look for their
// settings where they are called, in the nearest folder above it up to the current one. It is empty where there is none.
func besideDocument(dir, name string) string {
	here, unknown := os.Getwd()
	for {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
		abs, err := filepath.Abs(dir)
		if err != nil || unknown != nil || !strings.HasPrefix(name, ".") || abs == here || !strings.HasPrefix(abs, here+string(filepath.Separator)) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
}

// judged wants files that a word names to be such that they can be judged.
func (o *targetOptions) judged(of *scan.Files) ([]scan.Subject, error) {
	if err := scan.Broken(of, o.stage); err != nil {
		return nil, exitError{exitUsage, err}
	}
	return []scan.Subject{{Files: of}}, nil
}

func readDocument(path, kind string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return wholeDocument(path, kind, f)
}

func wholeDocument(name, kind string, r io.Reader) ([]byte, error) {
	most := scan.MaxDocument(kind)
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	var named *fs.PathError
	switch {
	case errors.As(err, &named):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s: it has more than %d bytes, which is more than is read of %s", name, most, kind)
	}
	return b, nil
}

// headOf gives the first bytes of a file, or of the standard input, which they remain in.
func headOf(path string, stdin *bufio.Reader) func() []byte {
	return sync.OnceValue(func() []byte {
		if path == "-" {
			head, _ := stdin.Peek(inventory.DocumentHead) // what cannot be read is told when it is read
			return head
		}
		// What a pipe gives, it gives once, and only when somebody writes.
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		head, _ := io.ReadAll(io.LimitReader(f, inventory.DocumentHead))
		return head
	})
}

// packedChart is the path of the packed chart that a word means; empty where it means something else.
func packedChart(word string) string {
	kind, path, err := locate.Parse(word)
	if err != nil || kind != locate.Archive || path == "-" || !scan.IsPackedChart(headOf(path, nil)()) {
		return ""
	}
	return path
}

// absolute is a path from the root, by which a document in a folder of a certain name is known; the path
// itself where that cannot be told.
func absolute(path string) string {
	if path == "-" {
		return path
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.ToSlash(path)
}

// idle says what lies beside documents and has no meaning here, so that nobody relies on it.
func idle(g *global, subjects []scan.Subject) {
	said := map[string]bool{}
	for _, s := range subjects {
		if s.Files == nil {
			continue
		}
		for _, n := range s.Files.Idle {
			if !said[n] {
				g.say("%s", n)
			}
			said[n] = true
		}
	}
}
