package containerd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// store is the content store with the layers that the overlayfs snapshotter has unpacked from it. A
// node may have been told to discard the blobs once that is done.
type store struct {
	*image.Content
	root      string
	namespace string // empty: any
}

const (
	snapshotter       = "io.containerd.snapshotter.v1.overlayfs"
	committedSnapshot = 3 // containerd, core/snapshots: KindCommitted
)

// Unpacked gives the folders of layers: containerd has checked each against its diff ID when it
// unpacked it, and keeps it under its chain ID.
func (s store) Unpacked(diffIDs []string) ([]image.Layer, bool) {
	if image.OverlayRedirects() {
		return nil, false
	}
	names, err := s.snapshotNames(image.ChainIDs(diffIDs))
	if err != nil {
		return nil, false
	}
	folders, err := s.snapshotFolders(names)
	if err != nil {
		return nil, false
	}
	layers := make([]image.Layer, len(folders))
	for i, f := range folders {
		if layers[i], err = image.FolderLayer(f, diffIDs[i]); err != nil {
			return nil, false
		}
	}
	return layers, true
}

var errNoSnapshot = errors.New("not unpacked")

// snapshotNames asks containerd's records how the snapshotter calls each chain.
func (s store) snapshotNames(chain []string) (names []string, err error) {
	err = s.read(records, func(db *bolt) error {
		top, ok, err := db.bucket().sub("v1")
		if err != nil || !ok {
			return errors.Join(err, errNoSnapshot)
		}
		spaces := []string{s.namespace}
		if s.namespace == "" {
			if spaces, err = namespaces(top); err != nil {
				return err
			}
		}
		for _, space := range spaces {
			if names, err = namesIn(top, space, chain); err == nil {
				return nil
			}
		}
		return errNoSnapshot
	})
	return names, err
}

func namesIn(top bucket, space string, chain []string) ([]string, error) {
	names := make([]string, len(chain))
	for i, id := range chain {
		snapshot, ok, err := top.sub(space, "snapshots", "overlayfs", id)
		if err != nil || !ok {
			return nil, errors.Join(err, errNoSnapshot)
		}
		if names[i], err = snapshot.value("name"); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// snapshotFolders asks the snapshotter's own records where each lies. A snapshot must be finished and
// stand on the one before.
func (s store) snapshotFolders(names []string) (folders []string, err error) {
	err = s.read(filepath.Join(snapshotter, "metadata.db"), func(db *bolt) error {
		folders = folders[:0]
		parent := ""
		for _, name := range names {
			snapshot, ok, err := db.bucket().sub("v1", "snapshots", name)
			if err != nil || !ok {
				return errors.Join(err, errNoSnapshot)
			}
			kind, err1 := snapshot.value("kind")
			on, err2 := snapshot.value("parent")
			id, err3 := snapshot.value("id")
			if err := errors.Join(err1, err2, err3); err != nil {
				return err
			}
			number, n := binary.Uvarint([]byte(id))
			if kind != string(rune(committedSnapshot)) || on != parent || n <= 0 {
				return errNoSnapshot
			}
			folders = append(folders, filepath.Join(s.root, snapshotter, "snapshots", strconv.FormatUint(number, 10), "fs"))
			parent = name
		}
		return nil
	})
	return folders, err
}

func (s store) read(path string, f func(*bolt) error) error {
	file, err := os.Open(filepath.Join(s.root, path))
	if err != nil {
		return fmt.Errorf("read containerd's records: %w", err)
	}
	defer file.Close()
	return consistently(file, f)
}
