// Package advisorytest makes small databases for tests.
package advisorytest

import (
	"crypto/ed25519"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/signature"
)

// Database is what a test wants in one.
type Database struct {
	Built           time.Time
	Sources         []advisory.SourceStatus
	Packages        map[string]map[string][]advisory.Row // ecosystem → name → rows
	Partial         []string                             // ecosystems that are not whole
	Vulnerabilities []advisory.Vulnerability
	Keys            []ed25519.PrivateKey
}

// Write writes a database into a folder.
func Write(t testing.TB, dir string, d Database) {
	t.Helper()
	m := advisory.Manifest{Schema: advisory.ManifestSchema, Built: d.Built, Sources: d.Sources}
	add := func(info advisory.ShardInfo, fill func(w *advisory.ShardWriter)) {
		w, err := advisory.NewShardWriter()
		check(t, err)
		fill(w)
		file, head, digest := w.Finish()
		info.File, info.Head, info.Size = digest, int64(head), int64(len(file))
		check(t, advisory.WriteFile(filepath.Join(dir, digest), file)) // by rename, as databases are written
		m.Shards = append(m.Shards, info)
	}
	for _, ecosystem := range slices.Sorted(maps.Keys(d.Packages)) {
		names := d.Packages[ecosystem]
		add(advisory.ShardInfo{Name: ecosystem, Names: len(names), Complete: !slices.Contains(d.Partial, ecosystem)}, func(w *advisory.ShardWriter) {
			for _, name := range slices.Sorted(maps.Keys(names)) {
				w.Add([]string{name}, advisory.EncodeRows(names[name]))
			}
		})
	}
	if len(d.Vulnerabilities) > 0 {
		add(advisory.ShardInfo{Name: advisory.FactsShard, Names: len(d.Vulnerabilities), Complete: true}, func(w *advisory.ShardWriter) {
			for _, v := range d.Vulnerabilities {
				w.Add(append([]string{v.ID}, v.Aliases...), advisory.EncodeVulnerability(v))
			}
		})
	}
	raw, err := m.Encode()
	check(t, err)
	var signed []byte
	if len(d.Keys) > 0 {
		signed = signature.Sign(raw, d.Keys...)
	}
	check(t, advisory.Swap(dir, raw, signed, d.Built))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
