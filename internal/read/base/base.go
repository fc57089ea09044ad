// Package base keeps an index of images that others are built on, and recognises them.
//
// An entry is one JSON file, named by the image's digest and platform, that holds what is needed to
// know the image again and to judge its packages with any database: its name, the diff IDs of its
// layers and its packages as purls. Files appear by rename, so that any number of processes can use one
// folder.
package base

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Entry is one known base image.
type Entry struct {
	Schema      string    `json:"schema"`
	Name        string    `json:"name"`
	Digest      string    `json:"digest"`
	IndexDigest string    `json:"indexDigest,omitempty"` // what builders mostly name an image by
	Platform    string    `json:"platform"`
	Created     time.Time `json:"created,omitzero"`
	DiffIDs     []string  `json:"diffIDs"`  // bottom first
	Packages    []string  `json:"packages"` // purls of what is matched against advisories, sorted
}

// Schema names the form of an entry.
const Schema = "plimsoll/base/v1"

// Bounds of an index.
const (
	maxEntries = 10_000
	maxFile    = 32 << 20
)

// Repository is the name without tag and digest.
func (e Entry) Repository() string { return repository(e.Name) }

func repository(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
}

// Index is a folder of entries.
type Index struct{ Dir string }

// Add enters an image; one of the same digest and platform is replaced.
func (x Index) Add(e Entry) error {
	if e.Name == "" || len(e.DiffIDs) == 0 {
		return errors.New("add base: an image without a name or without layers cannot be known again")
	}
	e.Schema = Schema
	b, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(x.Dir, 0o700); err != nil {
		return fmt.Errorf("add base: %w", err)
	}
	f, err := os.CreateTemp(x.Dir, ".new-")
	if err != nil {
		return fmt.Errorf("add base: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(x.Dir, e.file()))
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("add base: %w", err)
	}
	return nil
}

func (e Entry) file() string {
	sum := sha256.Sum256([]byte(e.Name + "\x00" + e.Platform + "\x00" + strings.Join(e.DiffIDs, " ")))
	return hex.EncodeToString(sum[:16]) + ".json"
}

// Remove takes out every entry of a name or digest, and says how many.
func (x Index) Remove(word string) (n int, err error) {
	broken := x.each(func(path string, e Entry) error {
		if e.Name != word && e.Digest != word && e.IndexDigest != word {
			return nil
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove base: %w", err)
		}
		n++
		return nil
	})
	return n, broken
}

// List reads all entries, in the order of names. A file that cannot be read is an error beside the
// entries that can.
func (x Index) List() ([]Entry, error) {
	var entries []Entry
	err := x.each(func(_ string, e Entry) error {
		entries = append(entries, e)
		return nil
	})
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Digest, b.Digest),
			slices.Compare(a.DiffIDs, b.DiffIDs))
	})
	return entries, err
}

// each hands on every entry that can be read, and joins what went wrong.
func (x Index) each(visit func(path string, e Entry) error) error {
	files, err := os.ReadDir(x.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list bases: %w", err)
	}
	n := 0
	var errs []error
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".json") || f.IsDir() {
			continue
		}
		if n++; n > maxEntries {
			errs = append(errs, fmt.Errorf("list bases: more than %d entries in %s", maxEntries, x.Dir))
			break
		}
		path := filepath.Join(x.Dir, f.Name())
		e, err := readEntry(path)
		if err == nil {
			err = visit(path, e)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func readEntry(path string) (Entry, error) {
	var e Entry
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%d bytes, at most %d are read", info.Size(), maxFile)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err == nil {
		err = Parse(b, &e)
	}
	if err != nil {
		return e, fmt.Errorf("read base %s: %w (remove the file, or add the image again)", path, err)
	}
	return e, nil
}

// Parse reads one entry, strictly.
func Parse(b []byte, e *Entry) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return err
	}
	if e.Schema != Schema || e.Name == "" || len(e.DiffIDs) == 0 {
		return errors.New("it is no entry of a known base")
	}
	return nil
}

// Find returns the entries of a name (with or without its registry) or a digest.
func Find(entries []Entry, word string) []Entry {
	if word == "" {
		return nil
	}
	var found []Entry
	for _, e := range entries {
		if e.Name == word || e.Digest == word || e.IndexDigest == word || e.Repository() == repository(word) && tag(e.Name) == tag(word) {
			found = append(found, e)
		}
	}
	return found
}

func tag(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[i+1:]
	}
	return "latest"
}

// Under returns the entry whose layers are the longest beginning of these diff IDs; false when there is
// none. An image is not its own base.
func Under(entries []Entry, diffIDs []string) (Entry, bool) {
	var best Entry
	for _, e := range entries {
		if len(e.DiffIDs) > len(best.DiffIDs) && len(e.DiffIDs) < len(diffIDs) && slices.Equal(e.DiffIDs, diffIDs[:len(e.DiffIDs)]) {
			best = e
		}
	}
	return best, len(best.DiffIDs) > 0
}

// Newer returns the entries of the same repository and platform that were made later, the latest first:
// not those with a lower version for a tag, which get fixes too and are built anew. Builds that can be
// repeated all claim one moment; their tags tell then.
func Newer(entries []Entry, than Entry) []Entry {
	var newer []Entry
	for _, e := range entries {
		if e.Repository() == than.Repository() && e.Platform == than.Platform && byAge(e, than) > 0 && byTag(e, than) >= 0 {
			newer = append(newer, e)
		}
	}
	slices.SortStableFunc(newer, func(a, b Entry) int { return byAge(b, a) })
	return newer
}

func byAge(a, b Entry) int { return cmp.Or(a.Created.Compare(b.Created), byTag(a, b)) }

// byTag is 0 for tags that are no versions.
func byTag(a, b Entry) int {
	c, err := ecosystem.CompareNumbered(tag(a.Name), tag(b.Name))
	if err != nil {
		return 0
	}
	return c
}
