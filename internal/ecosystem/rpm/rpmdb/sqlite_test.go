package rpmdb_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tiny is a database with pages of 512 bytes that SQLite 3.40 wrote, three rows in the file and a
// fourth in the log.
func tiny(t testing.TB) (db, log []byte) {
	t.Helper()
	db, err := os.ReadFile("testdata/tiny.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if log, err = os.ReadFile("testdata/tiny.sqlite-wal"); err != nil {
		t.Fatal(err)
	}
	return db, log
}

func TestSQLiteLog(t *testing.T) {
	rows := [][]byte{{1, 2, 3, 4, 5}, make([]byte, 700), make([]byte, 1800), {0xaa, 0xbb, 0xcc}}
	db, log := tiny(t)
	got, err := sqlite(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, rows[:3], got)
	if got, err = sqlite(db, log); err != nil {
		t.Fatal(err)
	}
	equal(t, rows, got)
}

// TestSQLite reads what SQLite itself writes now: each size of page, rows of all lengths, and so many
// that the tree has several floors.
func TestSQLite(t *testing.T) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		if os.Getenv("PLIMSOLL_TEST") == "all" {
			t.Fatal("sqlite3 is not here")
		}
		t.Skip("sqlite3 is not here")
	}
	rows := values()
	for i := range 3000 {
		rows = append(rows, fmt.Appendf(nil, "row %d", i))
	}
	for size := 512; size <= 64<<10; size *= 2 {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			got, err := sqlite(makeSQLite(t, size, rows), nil)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, rows, got)
		})
	}
}

func makeSQLite(t *testing.T, size int, rows [][]byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	var sql strings.Builder
	fmt.Fprintf(&sql, "PRAGMA page_size=%d; PRAGMA synchronous=off;\n", size)
	sql.WriteString("CREATE TABLE Name (key TEXT); CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL); BEGIN;\n")
	for _, row := range rows {
		fmt.Fprintf(&sql, "INSERT INTO Packages(blob) VALUES (x'%s');\n", hex.EncodeToString(row))
	}
	sql.WriteString("COMMIT;\n")
	cmd := exec.Command("sqlite3", path)
	cmd.Stdin = strings.NewReader(sql.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSQLiteLoop has the first page of the tree lead to itself.
func TestSQLiteLoop(t *testing.T) {
	db, _ := tiny(t)
	for page := 512; page < len(db); page += 512 {
		if db[page] == 13 { // a leaf becomes an inner page without cells, whose last child is page 2
			copy(db[page:], []byte{5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2})
		}
	}
	if _, err := sqlite(db, nil); err == nil {
		t.Error("a tree without an end gives no error")
	}
}

func FuzzSQLite(f *testing.F) {
	db, log := tiny(f)
	f.Add(db, log)
	f.Add(db, []byte(nil))
	f.Add([]byte(nil), log)
	f.Add(bytes.Repeat(db[:512], 3), []byte(nil))
	f.Fuzz(func(t *testing.T, db, log []byte) {
		got, _ := sqlite(db, log)
		bounded(t, got, len(db)+len(log))
	})
}
