package update

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// origin says under which tag a mirror gave a manifest, for conditional requests.
type origin struct {
	Mirror   string `json:"mirror"`
	Tag      string `json:"tag"`
	Manifest string `json:"manifest"` // digest
}

// present is the database that is there; zero when there is none, or none that can be read.
type present struct {
	raw, signature []byte
	manifest       advisory.Manifest
	origin         origin
}

func readPresent(dir string) present {
	var p present
	raw, err := os.ReadFile(filepath.Join(dir, advisory.ManifestName))
	if err != nil {
		return p
	}
	m, err := advisory.ParseManifest(raw)
	if err != nil {
		return p
	}
	p.raw, p.manifest = raw, m
	p.signature, _ = os.ReadFile(filepath.Join(dir, advisory.SignatureName))
	if b, err := os.ReadFile(filepath.Join(dir, advisory.OriginName)); err == nil {
		_ = json.Unmarshal(b, &p.origin) // one that makes no sense costs a request that is not conditional
	}
	return p
}

// tagFrom is the tag under which a mirror gave what is present; empty when it did not, or when that
// has changed since.
func (p present) tagFrom(m Mirror) string {
	if p.origin.Mirror != m.Name || p.origin.Manifest != digest(p.raw) {
		return ""
	}
	return p.origin.Tag
}

func writeOrigin(dir string, m Mirror, o offer) error {
	b, err := json.Marshal(origin{m.Name, o.tag, digest(o.raw)})
	if err != nil {
		return err
	}
	return advisory.WriteFile(filepath.Join(dir, advisory.OriginName), append(b, '\n'))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
