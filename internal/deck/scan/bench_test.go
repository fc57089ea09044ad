package scan_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/archive"
	"github.com/plimsoll/plimsoll/internal/tell/layercache"
)

// BenchmarkSecondScan scans the archive that PLIMSOLL_BENCH_IMAGE names again, with its layers kept.
func BenchmarkSecondScan(b *testing.B) {
	path := os.Getenv("PLIMSOLL_BENCH_IMAGE")
	if path == "" {
		b.Skip("PLIMSOLL_BENCH_IMAGE names no archive")
	}
	cache, err := layercache.Open(b.TempDir(), 0)
	if err != nil {
		b.Fatal(err)
	}
	db, err := snapshot.Open()
	if err != nil {
		b.Fatal(err)
	}
	run := func() {
		imgs, err := archive.Open(context.Background(), path, image.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer imgs[0].Close()
		r, err := scan.Run(context.Background(), []scan.Subject{{Image: imgs[0]}},
			scan.Options{Kinds: all.Ecosystems(), Lookup: db, Cache: cache, Jobs: 2, Now: time.Now()})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Packages)), "packages")
	}
	run()
	for b.Loop() {
		run()
	}
}

// BenchmarkMatch judges 5,000 packages with the shards warm: names of the feeds themselves and as many
// that they do not know.
func BenchmarkMatch(b *testing.B) {
	db, err := snapshot.Open()
	if err != nil {
		b.Fatal(err)
	}
	kinds := all.Ecosystems()
	var subjects []vuln.Subject
	names := []string{"lodash", "minimist", "axios", "express", "ejs", "left-pad", "react", "qs", "ws", "tar"}
	for i := range kinds {
		if kinds[i].Name != "npm" {
			continue
		}
		for n := range 5000 {
			name := names[n%len(names)]
			if n >= len(names)*50 {
				name += string(rune('a'+n%26)) + string(rune('a'+n/26%26))
			}
			subjects = append(subjects, vuln.Subject{Package: &ecosystem.Package{Type: "npm", Name: name, Version: "1.2.3"}, Kind: &kinds[i]})
		}
	}
	for b.Loop() {
		matches, _, err := vuln.Judge(subjects, ecosystem.Release{}, db)
		if err != nil || len(matches) == 0 {
			b.Fatal(len(matches), err)
		}
	}
}
