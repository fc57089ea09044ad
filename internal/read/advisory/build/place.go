package build

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/cvelist"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/debian"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/epss"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/kev"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/osv"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/secdb"
)

// place is where a mirror may have a feed, and what reads it.
type place struct {
	name, file string // the feed's name, and its path with slashes
	read       func(ctx context.Context, f *os.File, size int64, source *advisory.SourceStatus) (feed.Info, error)
}

// places lists all of them: those with rows first, in the order of their names, then those that add
// facts to the ids that occur.
func (b *builder) places() ([]place, error) {
	archives, err := b.archives()
	if err != nil {
		return nil, err
	}
	databases, err := b.databases()
	if err != nil {
		return nil, err
	}
	tracker := place{"debian", "debian/tracker.json", func(ctx context.Context, f *os.File, _ int64, s *advisory.SourceStatus) (feed.Info, error) {
		return debian.Read(ctx, f, s.Name, b.sink(s))
	}}
	return slices.Concat(archives, []place{tracker}, databases, b.additions()), nil
}

// archives are those of OSV's bucket.
func (b *builder) archives() ([]place, error) {
	files, err := filepath.Glob(filepath.Join(b.o.From, "osv", "*", "all.zip"))
	slices.Sort(files)
	var all []place
	for _, file := range files {
		of := filepath.Base(filepath.Dir(file))
		all = append(all, place{"osv/" + of, path.Join("osv", of, "all.zip"), func(ctx context.Context, f *os.File, size int64, s *advisory.SourceStatus) (feed.Info, error) {
			return osv.Read(ctx, f, size, osv.Options{Ecosystem: of, Name: s.Name, Compare: order(of)}, b.sink(s))
		}})
	}
	return all, err
}

// databases are those in Alpine's layout.
func (b *builder) databases() ([]place, error) {
	ecosystems := map[string]string{"wolfi/security.json": "Wolfi", "chainguard/security.json": "Chainguard"}
	repositories := map[string]int{}
	files, err := filepath.Glob(filepath.Join(b.o.From, "alpine", "*", "*.json"))
	for _, file := range files {
		release := filepath.Base(filepath.Dir(file))
		ecosystems[path.Join("alpine", release, filepath.Base(file))] = "Alpine:" + release
		repositories["Alpine:"+release]++
	}
	for release, n := range repositories {
		b.partial[release] = n < 2 // main or community is missing, and a package does not tell which it is from
	}
	var all []place
	for _, file := range slices.Sorted(maps.Keys(ecosystems)) {
		name := strings.TrimSuffix(strings.TrimSuffix(file, ".json"), "/security")
		all = append(all, place{name, file, func(ctx context.Context, f *os.File, _ int64, s *advisory.SourceStatus) (feed.Info, error) {
			return secdb.Read(ctx, f, ecosystems[file], s.Name, b.sink(s))
		}})
	}
	return all, err
}

// additions are the feeds of facts alone.
func (b *builder) additions() []place {
	return []place{
		{"cvelist", "cvelist/cves.zip", func(ctx context.Context, f *os.File, size int64, _ *advisory.SourceStatus) (feed.Info, error) {
			return cvelist.Read(ctx, f, size, b.facts.addKnown)
		}},
		{"kev", "kev/known_exploited_vulnerabilities.json", func(_ context.Context, f *os.File, _ int64, _ *advisory.SourceStatus) (info feed.Info, err error) {
			b.facts.kev, info, err = kev.Read(f)
			return info, err
		}},
		{"epss", "epss/epss_scores-current.csv.gz", func(_ context.Context, f *os.File, _ int64, _ *advisory.SourceStatus) (info feed.Info, err error) {
			b.facts.epss, info, err = epss.Read(f)
			return info, err
		}},
	}
}
