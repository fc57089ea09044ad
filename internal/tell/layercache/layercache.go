// Package layercache keeps what layers hold, so that no layer is read twice.
//
// An entry is a file named by the hash of its key, with a checksum in front. Files appear by rename and
// are never changed, so that any number of processes can use one folder at a time; an entry that does
// not match its checksum is as good as none. When the folder outgrows its bound, what was used longest
// ago goes first.
package layercache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// DefaultLimit bounds a cache, in bytes: some ten thousand layers.
const DefaultLimit = 2 << 30

// Cache is a folder of entries.
type Cache struct {
	dir   string
	limit int64
}

// Open makes the folder when it is missing. A limit of 0 is DefaultLimit.
func Open(dir string, limit int64) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the layer cache: %w", err)
	}
	return &Cache{dir: dir, limit: cmp.Or(limit, DefaultLimit)}, nil
}

func (c *Cache) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(c.dir, name[:2], name[2:])
}

// Get returns the entry of a key, and marks it as used.
func (c *Cache) Get(key string) ([]byte, bool) {
	path := c.path(key)
	b, err := os.ReadFile(path)
	if err != nil || len(b) < sha256.Size {
		return nil, false
	}
	sum := sha256.Sum256(b[sha256.Size:])
	if !bytes.Equal(sum[:], b[:sha256.Size]) {
		os.Remove(path)
		return nil, false
	}
	now := time.Now()
	os.Chtimes(path, now, now) // for the order of pruning; it may fail
	return b[sha256.Size:], true
}

// Put keeps an entry. What cannot be kept is read again next time, so an error is only worth a word.
func (c *Cache) Put(key string, value []byte) error {
	path := c.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write to the layer cache: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return fmt.Errorf("write to the layer cache: %w", err)
	}
	sum := sha256.Sum256(value)
	_, err = f.Write(sum[:])
	if err == nil {
		_, err = f.Write(value)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write to the layer cache: %w", err)
	}
	return nil
}

// Status says how much a cache holds.
type Status struct {
	Dir     string    `json:"dir"`
	Entries int       `json:"entries"`
	Bytes   int64     `json:"bytes"`
	Limit   int64     `json:"limit"`
	Oldest  time.Time `json:"oldest,omitzero"` // last use of the entry that would go first
}

type file struct {
	path string
	size int64
	used time.Time
}

// Status counts the entries.
func (c *Cache) Status() (Status, error) {
	files, err := c.files()
	s := Status{Dir: c.dir, Entries: len(files), Limit: c.limit}
	for _, f := range files {
		s.Bytes += f.size
	}
	if len(files) > 0 {
		s.Oldest = files[0].used.UTC()
	}
	return s, err
}

// files lists the entries, the one used longest ago first.
func (c *Cache) files() ([]file, error) {
	var files []file
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process pruned it
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		files = append(files, file{path, info.Size(), info.ModTime()})
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	if err != nil {
		err = fmt.Errorf("list the layer cache: %w", err)
	}
	return files, err
}

// Prune removes what was used longest ago until at most keep bytes are left; a negative keep is the
// cache's own limit. It returns what was removed.
func (c *Cache) Prune(keep int64) (removed int, freed int64, err error) {
	if keep < 0 {
		keep = c.limit
	}
	files, err := c.files()
	var total int64
	for _, f := range files {
		total += f.size
	}
	for _, f := range files {
		if total <= keep {
			break
		}
		if rmErr := os.Remove(f.path); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			err = errors.Join(err, rmErr)
			continue
		}
		removed++
		freed += f.size
		total -= f.size
	}
	return removed, freed, err
}
