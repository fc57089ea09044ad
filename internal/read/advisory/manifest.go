package advisory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

// ManifestSchema names the form of a database.
const ManifestSchema = "plimsoll/db/v1"

// ManifestName is the file of a database folder that says what else is in it. It is replaced by rename,
// so that a reader sees the old database or the new one. Its signature stands beside it.
const (
	ManifestName  = "manifest.json"
	SignatureName = "manifest.json.sig"
	OriginName    = "origin.json" // where one that was fetched came from
)

// FactsShard is the shard of vulnerabilities by id.
const FactsShard = "facts"

// Manifest says what a database holds.
type Manifest struct {
	Schema  string         `json:"schema"`
	Built   time.Time      `json:"built"`
	Sources []SourceStatus `json:"sources"`
	Shards  []ShardInfo    `json:"shards"`
}

// AsOf is the day up to which the advisories reach: the newest change in any feed that has rows. Feeds of
// facts alone do not count, since fresh scores beside old advisories make nothing known. Each feed for
// itself would be the wrong measure: some change once a year, and are up to date. Zero when no feed tells.
func (m Manifest) AsOf() time.Time {
	var newest time.Time
	for _, s := range m.Sources {
		if len(s.Ecosystems) > 0 && s.Modified.After(newest) {
			newest = s.Modified
		}
	}
	return newest
}

// SourceStatus is one feed as it went into the database.
type SourceStatus struct {
	finding.Source
	Digest     string   `json:"digest"`     // of the feed's file, SHA-256
	Ecosystems []string `json:"ecosystems"` // that its rows are of; empty for feeds of facts alone
	Licence    string   `json:"licence,omitempty"`
}

// ShardInfo is one file of the database.
type ShardInfo struct {
	Name     string `json:"name"`     // the ecosystem: npm, Debian:12; or facts
	File     string `json:"file"`     // the file's name: the digest of its head
	Head     int64  `json:"head"`     // bytes of the head, which the digest covers
	Size     int64  `json:"size"`     // bytes of the file
	Names    int    `json:"names"`    // how many packages
	Rows     int    `json:"rows"`     // how many rows
	Complete bool   `json:"complete"` // all its feeds are whole
}

// maxManifest bounds the bytes of a manifest.
const maxManifest = 4 << 20

// ParseManifest reads a manifest, and refuses names that could lead out of the folder.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	if len(b) > maxManifest {
		return m, fmt.Errorf("parse database manifest: %d bytes, at most %d are read", len(b), maxManifest)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("parse database manifest: %w", err)
	}
	if m.Schema != ManifestSchema {
		return m, fmt.Errorf("parse database manifest: its form is %q, this program reads %q: fetch a database that fits, or another release of the program", m.Schema, ManifestSchema)
	}
	seen := map[string]bool{}
	for _, s := range m.Shards {
		if s.Name == "" || seen[s.Name] {
			return m, fmt.Errorf("parse database manifest: shard %q has no name of its own", s.Name)
		}
		seen[s.Name] = true
		if d, err := hex.DecodeString(s.File); err != nil || len(d) != sha256.Size || s.File != strings.ToLower(s.File) {
			return m, fmt.Errorf("parse database manifest: shard %q has no digest for a name", s.Name)
		}
		if s.Head < headFixed || s.Size < s.Head || s.Head > maxHead {
			return m, fmt.Errorf("parse database manifest: shard %q has sizes that make no sense", s.Name)
		}
	}
	return m, nil
}

// Encode writes the manifest.
func (m Manifest) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", " ")
	return append(b, '\n'), err
}
