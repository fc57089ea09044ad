package advisory

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// grace is how long files that a database no longer names stay in its folder: a process that opened
// the database before may still come to open its shards.
const grace = time.Hour

// TempPrefix begins the names of files that are still being written.
const TempPrefix = ".new-"

// WriteFile replaces a file by rename, after its bytes have reached the disk. The file is there whole
// or not at all, whenever the process ends.
func WriteFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), TempPrefix)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// Vacant wants a folder to be one that a database may be written to: it is not there yet, or has a
// database, a part of one that was not written to its end, or nothing in it.
func Vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ManifestName)); err == nil {
		return nil
	}
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		digest, err := hex.DecodeString(name)
		ours := err == nil && len(digest) == 32 || strings.HasPrefix(e.Name(), TempPrefix) || e.Name() == SignatureName || e.Name() == OriginName
		if e.IsDir() || !ours {
			return fmt.Errorf("%s holds no database but other files (%s): name an empty folder, or a new one", dir, e.Name())
		}
	}
	return nil
}

// HasShard says whether a folder holds a shard, whole and as the manifest describes it.
func HasShard(dir string, info ShardInfo) bool {
	f, err := os.Open(filepath.Join(dir, info.File))
	if err != nil {
		return false
	}
	defer f.Close()
	stat, err := f.Stat()
	return err == nil && stat.Size() == info.Size && VerifyShard(f, info) == nil
}

// Swap makes a manifest the database of a folder that has its shards already. Readers see the old
// database or the new one. Signature is nil for a database that is not signed.
//
// Shards of the old database stay for an hour at least, and go with a later swap.
func Swap(dir string, manifest, signature []byte, now time.Time) error {
	m, err := ParseManifest(manifest)
	if err != nil {
		return err
	}
	old, _ := os.ReadFile(filepath.Join(dir, ManifestName))
	if err := syncFolder(dir); err != nil { // the shards' names before the name of what names them
		return err
	}
	if err := replace(dir, manifest, signature); err != nil {
		return err
	}
	if before, err := ParseManifest(old); err == nil {
		for _, s := range before.Shards {
			// Counts the hour from now on; a shard that is not there needs none.
			_ = os.Chtimes(filepath.Join(dir, s.File), now, now)
		}
	}
	sweep(dir, m, now)
	return nil
}

// replace writes manifest and signature. Two files cannot change in one moment, so the signature stands
// beside the old one until the manifest is there: whichever of the two a reader finds, one that holds
// is with it, even when the process ends between the steps.
func replace(dir string, manifest, signature []byte) error {
	file := filepath.Join(dir, SignatureName)
	if signature == nil {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return WriteFile(filepath.Join(dir, ManifestName), manifest)
	}
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(before) <= maxSignature && !bytes.Equal(before, signature) {
		if err := WriteFile(file, slices.Concat(bytes.TrimRight(signature, "\n"), []byte("\n"), before)); err != nil {
			return err
		}
	}
	if err := WriteFile(filepath.Join(dir, ManifestName), manifest); err != nil {
		return err
	}
	return WriteFile(file, signature)
}

// maxSignature bounds a signature that is kept beside a new one.
const maxSignature = 32 << 10

// sweep removes shards that the manifest does not name, and what was left half written. What cannot be
// removed now is left for the next swap: it only takes space.
func sweep(dir string, m Manifest, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	named := map[string]bool{}
	for _, s := range m.Shards {
		named[s.File] = true
	}
	for _, e := range entries {
		digest, err := hex.DecodeString(e.Name())
		ours := err == nil && len(digest) == 32 || strings.HasPrefix(e.Name(), TempPrefix)
		info, err := e.Info()
		if !ours || named[e.Name()] || err != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < grace {
			continue
		}
		_ = os.Remove(filepath.Join(dir, e.Name()))
	}
}

// syncFolder brings names to the disk, where the system lets a folder be synced.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // Windows and some network file systems refuse; their renames are ordered
	return d.Close()
}
