package containerd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
)

// TestWhileItIsWritten reads without a lock what bbolt commits at the same time: every answer must be
// one that was true.
func TestWhileItIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func(n int) {
		err := db.Update(func(tx *bbolt.Tx) error {
			v1, err := tx.CreateBucketIfNotExists([]byte("v1"))
			if err != nil {
				return err
			}
			for k := range 50 {
				if err := v1.Put(fmt.Appendf(nil, "key-%d", k), bytes.Repeat(fmt.Appendf(nil, "%08d", n), 20)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	write(0)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := range 300 {
			write(n)
		}
	})
	read := 0
	for range 2000 {
		snapshot, err := openBolt(f)
		if err != nil {
			continue
		}
		v1, _, err1 := snapshot.bucket().sub("v1")
		var a, b string
		var err2, err3 error
		if err1 == nil {
			a, err2 = v1.value("key-0")
			b, err3 = v1.value("key-49")
		}
		if snapshot.changed() {
			continue
		}
		if read++; err1 != nil || err2 != nil || err3 != nil || a != b || len(a) != 160 {
			t.Fatalf("%v, %v, %v: %q and %q", err1, err2, err3, a, b)
		}
	}
	writer.Wait()
	if read == 0 {
		t.Log("no read came between two commits")
	}
}

func FuzzBolt(f *testing.F) {
	path := filepath.Join(f.TempDir(), "meta.db")
	db, err := bbolt.Open(path, 0o644, &bbolt.Options{PageSize: 512})
	if err != nil {
		f.Fatal(err)
	}
	db.Update(func(tx *bbolt.Tx) error {
		v1, _ := tx.CreateBucketIfNotExists([]byte("v1"))
		for i := range 20 {
			b, _ := v1.CreateBucketIfNotExists(fmt.Appendf(nil, "namespace-%d", i))
			b.Put([]byte("digest"), bytes.Repeat([]byte("x"), 40))
		}
		return nil
	})
	db.Close()
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, uint16(1600), byte(3))
	f.Add(seed[:2048], uint16(20), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, to byte) {
		if int(at) < len(b) {
			b[at] = to // one byte of an otherwise sound file
		}
		snapshot, err := openBolt(bytes.NewReader(b))
		if err != nil {
			return
		}
		top, ok, err := snapshot.bucket().sub("v1")
		if err != nil || !ok {
			return
		}
		names, _ := top.buckets(1000)
		for _, n := range names {
			if at, ok, _ := top.sub(n); ok {
				at.value("digest")
			}
		}
	})
}
