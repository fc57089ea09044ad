package rpmdb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem/rpm/rpmdb"
	"github.com/plimsoll/plimsoll/internal/ecosystem/rpm/rpmdb/rpmdbtest"
)

// values are headers of many sizes, most of them across page borders.
func values() (v [][]byte) {
	for i, n := range []int{5, 20, 100, 1000, 4069, 4070, 70_000, 8, 300_000} {
		v = append(v, bytes.Repeat([]byte{byte(i + 1)}, n))
	}
	return v
}

func collect(h rpmdb.Headers, err error) (all [][]byte, _ error) {
	if err != nil {
		return nil, err
	}
	for b, err := range h {
		if err != nil {
			return all, err
		}
		all = append(all, bytes.Clone(b))
	}
	return all, nil
}

func equal(t *testing.T, want, got [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d headers, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("header %d of %d bytes differs", i, len(want[i]))
		}
	}
}

func bdb(b []byte) ([][]byte, error) {
	return collect(rpmdb.BerkeleyDB(bytes.NewReader(b), int64(len(b))))
}

func ndb(b []byte) ([][]byte, error) {
	return collect(rpmdb.NDB(bytes.NewReader(b), int64(len(b))))
}

func sqlite(b, log []byte) ([][]byte, error) {
	return collect(rpmdb.SQLite(bytes.NewReader(b), int64(len(b)), io.NewSectionReader(bytes.NewReader(log), 0, int64(len(log)))))
}

func TestBerkeleyDB(t *testing.T) {
	for _, order := range []rpmdbtest.Order{binary.LittleEndian, binary.BigEndian} {
		for size := 512; size <= 64<<10; size *= 2 {
			t.Run(fmt.Sprint(order, size), func(t *testing.T) {
				got, err := bdb(rpmdbtest.BerkeleyDB(order, size, values()...))
				if err != nil {
					t.Fatal(err)
				}
				equal(t, values(), got)
			})
		}
	}
}

// TestBerkeleyDBLoop has an overflow page lead back to itself.
func TestBerkeleyDBLoop(t *testing.T) {
	b := rpmdbtest.BerkeleyDB(binary.LittleEndian, 512, bytes.Repeat([]byte{1}, 2000))
	for n := 512; n < len(b); n += 512 {
		if b[n+25] == 7 {
			binary.LittleEndian.PutUint32(b[n+16:], uint32(n/512))
			binary.LittleEndian.PutUint16(b[n+22:], 0)
		}
	}
	if _, err := bdb(b); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a chain without an end gives %v", err)
	}
}

func TestNDB(t *testing.T) {
	got, err := ndb(rpmdbtest.NDB(values()...))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, values(), got)
}

// TestNDBOverlap has two slots claim the same blob.
func TestNDBOverlap(t *testing.T) {
	b := rpmdbtest.NDB(bytes.Repeat([]byte{1}, 100_000))
	copy(b[48:64], b[32:48])
	if got, err := ndb(b); err == nil {
		t.Errorf("%d headers and no error", len(got))
	}
}

func TestForeign(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("x"), make([]byte, 10_000)} {
		if _, err := bdb(b); err == nil {
			t.Errorf("%d bytes pass for Berkeley DB", len(b))
		}
		if _, err := ndb(b); err == nil {
			t.Errorf("%d bytes pass for NDB", len(b))
		}
	}
	if got, err := sqlite(nil, nil); len(got) > 0 || err != nil {
		t.Errorf("an empty SQLite file gives %v, %v", got, err)
	}
}

func FuzzBerkeleyDB(f *testing.F) {
	f.Add(rpmdbtest.BerkeleyDB(binary.LittleEndian, 512, []byte("header"), bytes.Repeat([]byte{1}, 900)))
	f.Add(rpmdbtest.BerkeleyDB(binary.BigEndian, 512, []byte("header")))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := bdb(b)
		bounded(t, got, len(b))
	})
}

func FuzzNDB(f *testing.F) {
	f.Add(rpmdbtest.NDB([]byte("header"), bytes.Repeat([]byte{1}, 50)))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := ndb(b)
		bounded(t, got, len(b))
	})
}

// bounded checks that headers together are not longer than what they came from.
func bounded(t *testing.T, got [][]byte, size int) {
	t.Helper()
	sum := 0
	for _, h := range got {
		sum += len(h)
	}
	if sum > size {
		t.Errorf("%d bytes of headers from %d", sum, size)
	}
}
