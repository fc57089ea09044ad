package update

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/signature"
)

// Export writes a database as a mirror, every byte of it verified. With keys it is signed by them;
// without, it keeps the signature that it has.
func Export(from fs.FS, dir string, keys ...ed25519.PrivateKey) error {
	raw, err := fs.ReadFile(from, advisory.ManifestName)
	if err != nil {
		return fmt.Errorf("export database: %w", err)
	}
	m, err := advisory.ParseManifest(raw)
	if err != nil {
		return fmt.Errorf("export database: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("export database: %w", err)
	}
	for _, s := range m.Shards {
		if advisory.HasShard(dir, s) {
			continue
		}
		if err := copyShard(from, dir, s); err != nil {
			return fmt.Errorf("export database: %w", err)
		}
	}
	signed, err := fs.ReadFile(from, advisory.SignatureName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("export database: %w", err)
	}
	if len(keys) > 0 {
		signed = signature.Sign(raw, keys...)
	}
	if err := advisory.Swap(dir, raw, signed, time.Now()); err != nil {
		return fmt.Errorf("export database: %w", err)
	}
	return nil
}

func copyShard(from fs.FS, dir string, s advisory.ShardInfo) error {
	f, err := from.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	at, ok := f.(io.ReaderAt)
	if !ok {
		return fmt.Errorf("shard %s: its file has no random access", s.Name)
	}
	if err := advisory.VerifyShard(at, s); err != nil {
		return err
	}
	b := make([]byte, s.Size)
	if _, err := at.ReadAt(b, 0); err != nil {
		return err
	}
	return advisory.WriteFile(filepath.Join(dir, s.File), b)
}
