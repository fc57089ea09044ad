package layercache

import (
	"bytes"
	"fmt"
	"os"
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
