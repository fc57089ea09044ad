package build_test

import (
	"fmt"
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
)

// Measured over the snapshot: 30 shards, 35,000 vulnerabilities, 128,000 rows.

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		db, err := snapshot.Open()
		if err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}

// BenchmarkFirst opens the database and asks one question: what a scan of one package pays.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		db, err := snapshot.Open()
		if err != nil {
			b.Fatal(err)
		}
		look(b, db, "Debian:12", "openssl")
		db.Close()
	}
}

func BenchmarkHit(b *testing.B)  { one(b, "npm", "lodash") }
func BenchmarkMiss(b *testing.B) { one(b, "npm", "no-such-package") }

func one(b *testing.B, ecosystem, name string) {
	db := opened(b)
	for b.Loop() {
		look(b, db, ecosystem, name)
	}
}

// Benchmark5000 asks for the packages of a large image: 5,000 of six ecosystems, one in twenty with rows.
func Benchmark5000(b *testing.B) {
	db := opened(b)
	ecosystems := []string{"npm", "Debian:12", "Go", "PyPI", "Maven", "RubyGems"}
	known := []string{"lodash", "glibc", "stdlib", "django", "org.yaml:snakeyaml", "rack"}
	for b.Loop() {
		for i := range 5000 {
			name := fmt.Sprintf("package-%d", i)
			if i%20 == 0 {
				name = known[i/20%len(known)]
				look(b, db, ecosystems[i/20%len(known)], name)
				continue
			}
			look(b, db, ecosystems[i%len(ecosystems)], name)
		}
	}
}

func opened(b *testing.B) *advisory.DB {
	b.Helper()
	db, err := snapshot.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

func look(b *testing.B, db *advisory.DB, ecosystem, name string) {
	if _, cover, err := db.Package(ecosystem, name); err != nil || cover == advisory.NoFeed {
		b.Fatal(ecosystem, cover, err)
	}
}
