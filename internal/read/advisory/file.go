package advisory

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile replaces a file by rename, after its bytes have reached the disk. The file is there whole
// or not at all, whenever the process ends.
func WriteFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
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
