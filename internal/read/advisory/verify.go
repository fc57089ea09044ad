package advisory

import (
	"fmt"
	"io"
	"io/fs"
)

// Check wants every shard to be there with the size that the manifest names. It reads none of them, so
// that it can be asked for each time; what is changed inside is noticed when it is read, or by Verify.
func (db *DB) Check() error {
	for _, info := range db.manifest.Shards {
		f, err := db.files.Open(info.File)
		if err != nil {
			return fmt.Errorf("check database: shard %s: %w (fetch or build the database again)", info.Name, err)
		}
		stat, err := f.Stat()
		f.Close()
		switch {
		case err != nil:
			return fmt.Errorf("check database: shard %s: %w", info.Name, err)
		case stat.Mode()&fs.ModeType != 0 || stat.Size() != info.Size:
			return fmt.Errorf("check database: shard %s: %w (its file has %d bytes, the manifest says %d)", info.Name, errShard, stat.Size(), info.Size)
		}
	}
	return nil
}

// Verify reads the whole database, and holds every byte of it against the manifest.
func (db *DB) Verify() error {
	for _, info := range db.manifest.Shards {
		f, err := db.files.Open(info.File)
		if err != nil {
			return fmt.Errorf("verify shard %s: %w", info.Name, err)
		}
		at, ok := f.(io.ReaderAt)
		if !ok {
			err = fmt.Errorf("verify shard %s: its file has no random access", info.Name)
		} else {
			err = VerifyShard(at, info)
		}
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
