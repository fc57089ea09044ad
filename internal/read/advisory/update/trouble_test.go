package update_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/update"
)

// TestResume breaks every transfer of a shard after 50 bytes: it is taken up there, with ranges, until
// it is whole. A mirror without ranges that breaks is given up, and what came is kept for the next.
func TestResume(t *testing.T) {
	from := mirror(t, monday, "1.0.0", key)
	var ranges atomic.Int32
	breaking := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Base(r.URL.Path)
		if len(name) != 64 {
			http.ServeFile(w, r, filepath.Join(from, name))
			return
		}
		b, _ := os.ReadFile(filepath.Join(from, name))
		at := 0
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &at); n == 1 {
			ranges.Add(1)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(b)-1, len(b)))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(b)-at))
		if at > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(b[at:min(at+50, len(b))])
	})
	dir := t.TempDir()
	if _, err := update.Run(t.Context(), options(dir, over(t, breaking))); err != nil || ranges.Load() < 2 {
		t.Errorf("%v after %d ranges", err, ranges.Load())
	}
	whole := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		breaking(w, r)
	})
	dir = t.TempDir()
	if _, err := update.Run(t.Context(), options(dir, over(t, whole))); err == nil {
		t.Error("a mirror that always breaks at the same place gave a database")
	}
	parts, _ := filepath.Glob(filepath.Join(dir, advisory.TempPrefix+"*"))
	if len(parts) != 1 {
		t.Fatalf("left behind: %v, want one part", parts)
	}
	ranges.Store(0)
	if _, err := update.Run(t.Context(), options(dir, serve(t, from))); err != nil || fixed(t, dir) != "1.0.0" {
		t.Errorf("%v", err)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, advisory.TempPrefix+"*")); len(parts) != 0 {
		t.Errorf("left behind: %v", parts)
	}
}

// TestDamagedPart takes up a part that is of something else: it is found out, and fetched whole.
func TestDamagedPart(t *testing.T) {
	dir, from := t.TempDir(), mirror(t, monday, "1.0.0", key)
	db, err := advisory.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range db.Manifest().Shards {
		if err := os.WriteFile(filepath.Join(dir, advisory.TempPrefix+s.File), bytes.Repeat([]byte("x"), int(s.Size)-7), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := update.Run(t.Context(), options(dir, serve(t, from))); err != nil || fixed(t, dir) != "1.0.0" {
		t.Error(err)
	}
}

// TestStalled has mirrors that go silent before they answer, within a body, or send a byte at a time.
func TestStalled(t *testing.T) {
	for name, h := range map[string]func(w http.ResponseWriter, r *http.Request){
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half a body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"drop by drop": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t.TempDir(), over(t, http.HandlerFunc(h)))
			o.Stall = 100 * time.Millisecond
			began := time.Now()
			_, err := update.Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), "the mirror stalls") || time.Since(began) > 5*time.Second {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		})
	}
}

// TestFullDisk has a part that lies on a disk without space. The old database stays, and no other
// mirror is asked in vain.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	dir := t.TempDir()
	if _, err := update.Run(t.Context(), options(dir, update.Folder(mirror(t, monday, "1.0.0", key)))); err != nil {
		t.Fatal(err)
	}
	from := mirror(t, monday.Add(time.Hour), "2.0.0", key)
	db, err := advisory.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range db.Manifest().Shards {
		if err := os.Symlink("/dev/full", filepath.Join(dir, advisory.TempPrefix+s.File)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = update.Run(t.Context(), options(dir, update.Folder(from), serve(t, from)))
	if err == nil || !strings.Contains(err.Error(), "no space left on device; the database that was there is unchanged") {
		t.Errorf("%v", err)
	}
	if got := fixed(t, dir); got != "1.0.0" {
		t.Errorf("the database in force says %s", got)
	}
}

// TestCancelled ends at once, and says that it was cancelled.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t.TempDir(), over(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})))
	if _, err := update.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestTwoAtOnce updates one folder from several sides at once: each ends well, and nothing is left over.
func TestTwoAtOnce(t *testing.T) {
	dir, m := t.TempDir(), serve(t, mirror(t, monday, "1.0.0", key))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := update.Run(t.Context(), options(dir, m)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := fixed(t, dir); got != "1.0.0" {
		t.Errorf("the database in force says %s", got)
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, advisory.TempPrefix+"*")); len(parts) != 0 {
		t.Errorf("left behind: %v", parts)
	}
}
