// Package build makes a database of a mirror: a folder that holds feeds in their official layouts.
//
//	osv/ECOSYSTEM/all.zip                       OSV's bucket
//	debian/tracker.json                         the Debian security tracker
//	alpine/vX.Y/{main,community}.json           Alpine's secdb
//	wolfi/security.json                         Wolfi's
//	chainguard/security.json                    Chainguard's
//	kev/known_exploited_vulnerabilities.json    CISA's catalogue
//	epss/epss_scores-current.csv.gz             FIRST's scores
//	cvelist/cves.zip                            the CVE List
//
// What is not there is left out. A file sources.json beside them declares feeds that are not whole.
// The same mirror and the same moment give the same database, byte for byte.
package build

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
	"github.com/plimsoll/plimsoll/internal/read/advisory/signature"
)

// Declaration says of one feed what it lacks, where it came from and under which licence. AsOf is the
// day up to which it is true, when the feed's own records do not tell.
type Declaration struct {
	Complete bool   `json:"complete"`
	Note     string `json:"note,omitempty"`
	AsOf     string `json:"asOf,omitempty"`
	Licence  string `json:"licence,omitempty"`
}

// Options of a build.
type Options struct {
	From     string                 // the mirror
	Declared map[string]Declaration // by feed: osv/npm, debian; nil: sources.json of the mirror
	Built    time.Time
	Progress func(feed string) // nil: nobody wants to know
}

// Result is a database that is not on disk yet: the manifest and the shards by file name.
type Result struct {
	Manifest advisory.Manifest
	Files    map[string][]byte
}

// Run reads every feed of the mirror. A feed that cannot be read to its end is an error that names it:
// a database with half of a feed would say clean where it does not know.
func Run(ctx context.Context, o Options) (*Result, error) {
	b := &builder{o: o, packages: map[string]map[string][]advisory.Row{}, partial: map[string]bool{}, facts: newFacts()}
	if o.Declared == nil {
		if err := b.declarations(); err != nil {
			return nil, err
		}
	}
	if err := b.feeds(ctx); err != nil {
		return nil, err
	}
	if len(b.sources) == 0 {
		return nil, fmt.Errorf("build database: %s holds no feed in a known place (see plimsoll db build --help)", o.From)
	}
	if err := b.undeclared(); err != nil {
		return nil, err
	}
	return b.finish()
}

// undeclared refuses declarations of feeds that are not there. A name that is misspelt would leave the
// feed that was meant counted as whole, and a feed that is missing is a narrower database than declared.
func (b *builder) undeclared() error {
	for _, name := range slices.Sorted(maps.Keys(b.o.Declared)) {
		if !slices.ContainsFunc(b.sources, func(s advisory.SourceStatus) bool { return s.Name == name }) {
			return fmt.Errorf("build database: sources.json speaks of feed %q, which %s does not have", name, b.o.From)
		}
	}
	return nil
}

type builder struct {
	o        Options
	sources  []advisory.SourceStatus
	packages map[string]map[string][]advisory.Row // ecosystem → name → rows
	partial  map[string]bool                      // ecosystems of which a feed is not whole
	facts    *facts
}

func (b *builder) declarations() error {
	raw, err := os.ReadFile(filepath.Join(b.o.From, "sources.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err = d.Decode(&b.o.Declared)
	}
	if err != nil {
		return fmt.Errorf("build database: read sources.json: %w", err)
	}
	return nil
}

// feeds reads everything in its place.
func (b *builder) feeds(ctx context.Context) error {
	places, err := b.places()
	if err != nil {
		return err
	}
	for _, p := range places {
		file := filepath.Join(b.o.From, filepath.FromSlash(p.file))
		if err := b.feed(ctx, p, file); err != nil {
			return fmt.Errorf("build database: read feed %s (%s): %w", p.name, file, err)
		}
	}
	return nil
}

// maxFeed bounds the bytes of one feed's file.
const maxFeed = 8 << 30

// feed reads one feed, if it is there, and notes what it says of itself.
func (b *builder) feed(ctx context.Context, p place, file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if b.o.Progress != nil {
		b.o.Progress(p.name)
	}
	digest, size, err := digestOf(f)
	if err != nil {
		return err
	}
	declared, ok := b.o.Declared[p.name]
	if !ok {
		declared.Complete = true
	}
	source := &advisory.SourceStatus{
		Source: finding.Source{Name: p.name, Complete: declared.Complete, Note: declared.Note},
		Digest: digest, Licence: declared.Licence,
	}
	info, err := p.read(ctx, f, size, source)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	source.Records, source.Modified = info.Records, info.Modified
	if declared.AsOf != "" {
		source.Modified = feed.Time(declared.AsOf)
	}
	slices.Sort(source.Ecosystems)
	b.sources = append(b.sources, *source)
	return nil
}

// digestOf reads a file to its end and returns to its beginning.
func digestOf(f *os.File) (digest string, size int64, err error) {
	sum := sha256.New()
	size, err = io.Copy(sum, io.LimitReader(f, maxFeed+1))
	if err == nil && size > maxFeed {
		err = fmt.Errorf("%w: more than %d bytes", feed.ErrLimit, int64(maxFeed))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), size, err
}

// sink files the rows of one feed.
func (b *builder) sink(source *advisory.SourceStatus) feed.Sink {
	return func(r feed.Record) error {
		if err := b.facts.add(r); err != nil {
			return err
		}
		for _, a := range r.Affected {
			names := b.packages[a.Ecosystem]
			if names == nil {
				names = map[string][]advisory.Row{}
				b.packages[a.Ecosystem] = names
			}
			if !slices.Contains(source.Ecosystems, a.Ecosystem) {
				source.Ecosystems = append(source.Ecosystems, a.Ecosystem)
				b.partial[a.Ecosystem] = b.partial[a.Ecosystem] || !source.Complete
			}
			name := Key(a.Ecosystem, a.Package)
			names[name] = append(names[name], a.Row)
		}
		return nil
	}
}

// finish writes the shards and the manifest.
func (b *builder) finish() (*Result, error) {
	b.facts.fold()
	out := &Result{Files: map[string][]byte{}, Manifest: advisory.Manifest{Schema: advisory.ManifestSchema, Built: b.o.Built.UTC().Truncate(time.Second), Sources: b.sources}}
	used := map[string]bool{}
	for _, ecosystem := range slices.Sorted(maps.Keys(b.packages)) {
		w, err := advisory.NewShardWriter()
		if err != nil {
			return nil, err
		}
		names, rows, filled := b.packages[ecosystem], 0, 0
		for _, name := range slices.Sorted(maps.Keys(names)) {
			kept := b.facts.standing(names[name])
			if len(kept) == 0 {
				continue
			}
			for _, r := range kept {
				used[r.ID] = true
			}
			filled++
			rows += len(kept)
			w.Add([]string{name}, advisory.EncodeRows(kept))
		}
		out.add(w, advisory.ShardInfo{Name: ecosystem, Names: filled, Rows: rows, Complete: !b.partial[ecosystem]})
	}
	w, err := advisory.NewShardWriter()
	if err != nil {
		return nil, err
	}
	n := b.facts.write(w, used)
	out.add(w, advisory.ShardInfo{Name: advisory.FactsShard, Names: n, Rows: n, Complete: true})
	return out, nil
}

func (r *Result) add(w *advisory.ShardWriter, info advisory.ShardInfo) {
	file, head, digest := w.Finish()
	info.File, info.Head, info.Size = digest, int64(head), int64(len(file))
	r.Files[digest] = file
	r.Manifest.Shards = append(r.Manifest.Shards, info)
}

// Write puts a database into a folder and signs it with the keys, if there are any: shards first, the
// manifest last, so that readers see the old one or the new one.
func (r *Result) Write(dir string, keys ...ed25519.PrivateKey) error {
	manifest, err := r.Manifest.Encode()
	if err != nil {
		return fmt.Errorf("write database: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write database: %w", err)
	}
	for _, shard := range r.Manifest.Shards {
		if advisory.HasShard(dir, shard) {
			continue
		}
		if err := advisory.WriteFile(filepath.Join(dir, shard.File), r.Files[shard.File]); err != nil {
			return fmt.Errorf("write database %s: %w; what was there before is unchanged", dir, err)
		}
	}
	var signed []byte
	if len(keys) > 0 {
		signed = signature.Sign(manifest, keys...)
	}
	if err := advisory.Swap(dir, manifest, signed, time.Now()); err != nil {
		return fmt.Errorf("write database %s: %w", dir, err)
	}
	return nil
}

// compareRows is the order of rows on one package.
func compareRows(a, b advisory.Row) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Feed, b.Feed), cmp.Compare(fixes(a), fixes(b)))
}

func fixes(r advisory.Row) string {
	var s strings.Builder
	for _, g := range r.Ranges {
		s.WriteString(g.Introduced + " " + g.Fixed + " " + g.LastAffected + " " + g.Limit + ",")
	}
	return s.String()
}
