package advisory

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
)

// DB is an open database. It opens a shard when it is first asked for, and is safe for concurrent use.
type DB struct {
	files    fs.FS
	manifest Manifest
	raw      []byte // of the manifest
	digest   string
	embedded bool
	byName   map[string]ShardInfo

	mu   sync.Mutex
	open map[string]*shard
}

// Open opens a database folder. Shards are verified when they are opened and block by block as they
// are read, against the digests in the manifest; the manifest itself is trusted, as all of this
// machine's disk is. What comes from elsewhere passes package update, which checks its signature.
func Open(dir string) (*DB, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db, err := OpenFS(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", dir, err)
	}
	return db, nil
}

// OpenFS opens a database in any file system whose files have random access.
func OpenFS(files fs.FS) (*DB, error) {
	b, err := fs.ReadFile(files, ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("it has no manifest.json: it is no database, or was not written to its end")
	}
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(b)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	db := &DB{files: files, manifest: m, raw: b, digest: "sha256:" + hex.EncodeToString(sum[:]), byName: map[string]ShardInfo{}, open: map[string]*shard{}}
	for _, s := range m.Shards {
		db.byName[s.Name] = s
	}
	return db, nil
}

// Embedded marks a database as the one in the program, for the report.
func (db *DB) Embedded() *DB {
	db.embedded = true
	return db
}

// Close closes the shards that were opened.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	var errs []error
	for _, s := range db.open {
		errs = append(errs, s.close())
	}
	clear(db.open)
	return errors.Join(errs...)
}

// Manifest says what the database holds.
func (db *DB) Manifest() Manifest { return db.manifest }

// Raw are the bytes of the manifest, as they were when the database was opened: what a signature is for.
func (db *DB) Raw() []byte { return db.raw }

// FS are the database's files, for who copies it.
func (db *DB) FS() fs.FS { return db.files }

// Describe is the database as a report names it.
func (db *DB) Describe() *finding.Database {
	d := &finding.Database{Built: db.manifest.Built, AsOf: db.manifest.AsOf(), Digest: db.digest, Embedded: db.embedded}
	for _, s := range db.manifest.Sources {
		d.Sources = append(d.Sources, s.Source)
	}
	return d
}

// shard opens the shard of an ecosystem; nil when there is none.
func (db *DB) shard(name string) (*shard, error) {
	info, ok := db.byName[name]
	if !ok {
		return nil, nil
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if s := db.open[name]; s != nil {
		return s, nil
	}
	f, err := db.files.Open(info.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open shard %s: its file is gone: the database is damaged, or was replaced twice since this process opened it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open shard %s: %w", name, err)
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		f.Close()
		return nil, fmt.Errorf("open shard %s: its file has no random access", name)
	}
	s, err := openShard(at, info.Head, info.File)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open shard %s: %w", name, err)
	}
	s.close = f.Close
	db.open[name] = s
	return s, nil
}

// Package implements Lookup.
func (db *DB) Package(ecosystem, name string) ([]Row, Cover, error) {
	s, err := db.shard(ecosystem)
	if err != nil || s == nil {
		return nil, NoFeed, err
	}
	cover := Partial
	if db.byName[ecosystem].Complete {
		cover = Whole
	}
	b, err := s.find(name)
	if err != nil {
		return nil, cover, fmt.Errorf("look into shard %s: %w", ecosystem, err)
	}
	if b == "" {
		return nil, cover, nil
	}
	rows, err := decodeRows(b)
	if err != nil {
		err = fmt.Errorf("look into shard %s: %w: %w", ecosystem, errShard, err)
	}
	return rows, cover, err
}

// Vulnerability implements Lookup: the id may be any that means the vulnerability.
func (db *DB) Vulnerability(id string) (Vulnerability, bool, error) {
	s, err := db.shard(FactsShard)
	if err != nil || s == nil {
		return Vulnerability{}, false, err
	}
	b, err := s.find(id)
	if err != nil {
		return Vulnerability{}, false, fmt.Errorf("look into shard %s: %w", FactsShard, err)
	}
	if b == "" {
		return Vulnerability{}, false, nil
	}
	v, err := decodeVulnerability(b)
	if err != nil {
		return v, false, fmt.Errorf("look into shard %s: %w: %w", FactsShard, errShard, err)
	}
	return v, true, nil
}
