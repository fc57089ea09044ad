// Package layercache keeps what layers hold, so that no layer is read twice.
//
// An entry is a file named by the hash of its key, with a checksum in front. Files appear by rename and
// are never changed, so that any number of processes can use one folder at a time; an entry that does
// not match its checksum is as good as none. When the folder outgrows its bound, what was used longest
// ago goes first; processes that write at the same time may exceed it by a sixteenth each for a while.
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
	"sync"
	"time"
)

// DefaultLimit bounds a cache, in bytes: some ten thousand layers.
const DefaultLimit = 2 << 30

// Cache is a folder of entries.
type Cache struct {
	dir   string
	limit int64

	mu      sync.Mutex
	written int64 // bytes since this process last looked at the size of the folder
	looked  bool
}

// How often the size of the folder is looked at, which costs a walk through it: by a process that has
// written a share of the limit, and else by the first one that writes after a while.
const (
	share = 16
	often = 10 * time.Minute
)

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
	if int64(len(value)) > c.limit/2 {
		return fmt.Errorf("write to the layer cache: an entry of %d bytes is too large for %d in all", len(value), c.limit)
	}
	c.bound(int64(len(value)) + sha256.Size)
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

// bound keeps the folder within its limit while it is written to. It leaves some room, so that the next
// ones need not prune again.
func (c *Cache) bound(more int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.written += more; c.written < c.limit/share && (c.looked || !c.isStale()) {
		return
	}
	c.written, c.looked = more, true
	os.WriteFile(c.stamp(), nil, 0o600)
	if s, err := c.Status(); err == nil && s.Bytes+more > c.limit {
		c.Prune(c.limit - c.limit/share)
	}
}

// stamp is a file whose time says when the size was last looked at.
func (c *Cache) stamp() string { return filepath.Join(c.dir, "looked-at") }

func (c *Cache) isStale() bool {
	info, err := os.Stat(c.stamp())
	return err != nil || time.Since(info.ModTime()) > often
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
		if err != nil || !d.Type().IsRegular() || path == c.stamp() {
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
