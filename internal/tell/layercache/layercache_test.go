package layercache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestCacheKeepsAndPrunes(t *testing.T) {
	c, err := Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		key := fmt.Sprint("key", i)
		if err := c.Put(key, bytes.Repeat([]byte{byte(i)}, 1000)); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(time.Duration(i-10) * time.Hour)
		os.Chtimes(c.path(key), then, then)
	}
	if _, ok := c.Get("key0"); !ok { // used now, so the last to go
		t.Fatal("key0 is gone")
	}
	removed, freed, err := c.Prune(2100)
	if err != nil || removed != 2 || freed != 2064 {
		t.Fatalf("removed %d, %d bytes, %v", removed, freed, err)
	}
	for key, want := range map[string]bool{"key0": true, "key1": false, "key2": false, "key3": true, "other": false} {
		if _, ok := c.Get(key); ok != want {
			t.Errorf("%s is there: %v, want %v", key, ok, want)
		}
	}
}

// TestBounded writes far more than the limit, and nobody prunes by hand.
func TestBounded(t *testing.T) {
	const limit = 100_000
	dir := t.TempDir()
	for p := range 5 { // processes, one after the other
		c, err := Open(dir, limit)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			if err := c.Put(fmt.Sprint(p, "/", i), make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if i%10 != 0 {
				continue
			}
			if s, err := c.Status(); err != nil || s.Bytes > limit+2*limit/share {
				t.Fatalf("%d bytes after %d entries of process %d, %v", s.Bytes, i, p, err)
			}
		}
		if _, ok := c.Get(fmt.Sprint(p, "/", 99)); !ok {
			t.Error("what was written last is gone")
		}
	}
	c, _ := Open(dir, limit)
	if err := c.Put("large", make([]byte, limit)); err == nil {
		t.Error("an entry as large as all is kept")
	}
}

// TestSmallWritersAreBounded has many processes that each write little: one of them looks at the size
// when nobody has for a while.
func TestSmallWritersAreBounded(t *testing.T) {
	const limit = 20_000
	dir := t.TempDir()
	for i := range 60 {
		c, _ := Open(dir, limit)
		if i == 50 {
			then := time.Now().Add(-time.Hour)
			os.Chtimes(c.stamp(), then, then)
		}
		if err := c.Put(fmt.Sprint(i), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := Open(dir, limit)
	if s, _ := c.Status(); s.Bytes > 2*limit {
		t.Errorf("%d bytes are kept", s.Bytes)
	}
}

// TestUnwritable has a folder that can only be read: what is there is found, and nothing is lost.
func TestUnwritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c, _ := Open(dir, 0)
	c.Put("k", []byte("value"))
	gone, _ := Open(filepath.Join(t.TempDir(), "cache"), 0)
	os.RemoveAll(gone.dir)
	os.WriteFile(gone.dir, nil, 0o600) // a file in the place of the folder: for root, too, not to be written
	if err := gone.Put("k", []byte("value")); err == nil {
		t.Error("an entry was written to a file")
	}
	if _, ok := gone.Get("k"); ok {
		t.Error("an entry was found in a file")
	}
	if v, ok := c.Get("k"); !ok || string(v) != "value" {
		t.Errorf("got %q, %v", v, ok)
	}
}

func TestDamagedEntryIsNone(t *testing.T) {
	c, _ := Open(t.TempDir(), 0)
	c.Put("k", []byte("value"))
	os.WriteFile(c.path("k"), []byte("something of another length than it had before"), 0o600)
	if v, ok := c.Get("k"); ok {
		t.Errorf("got %q", v)
	}
}

func TestManyProcessesShareOneFolder(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, err := Open(dir, 10_000)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 50 {
				key := fmt.Sprint(i % 7)
				if v, ok := c.Get(key); ok && !bytes.Equal(v, bytes.Repeat([]byte(key), 500)) {
					t.Errorf("wrong value under %s", key)
				}
				if err := c.Put(key, bytes.Repeat([]byte(key), 500)); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					c.Prune(-1)
				}
			}
		})
	}
	wg.Wait()
}
