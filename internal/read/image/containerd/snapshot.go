package containerd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	activeSnapshot    = 2 // containerd, core/snapshots: KindActive
	committedSnapshot = 3 // KindCommitted
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
			one, err := s.snapshot(db, name)
			if err != nil {
				return err
			}
			if one.kind != committedSnapshot || one.parent != parent {
				return errNoSnapshot
			}
			folders = append(folders, one.folder)
			parent = name
		}
		return nil
	})
	return folders, err
}

// snapshotName asks containerd's records how the snapshotter calls a snapshot.
func (s store) snapshotName(key string) (name string, err error) {
	err = s.read(records, func(db *bolt) error {
		snapshot, ok, err := db.bucket().sub("v1", s.namespace, "snapshots", "overlayfs", key)
		if err != nil || !ok {
			return errors.Join(err, errNoSnapshot)
		}
		name, err = snapshot.value("name")
		return err
	})
	return name, err
}

// under follows a snapshot that is written to down to the bottom, and gives the names and the folders,
// bottom first.
func (s store) under(name string) (names, folders []string, err error) {
	err = s.read(filepath.Join(snapshotter, "metadata.db"), func(db *bolt) error {
		names, folders = nil, nil
		kind := activeSnapshot
		for at := name; at != ""; kind = committedSnapshot {
			const most = 1000
			if len(names) > most {
				return fmt.Errorf("%w: more than %d snapshots on each other", errBolt, most)
			}
			one, err := s.snapshot(db, at)
			if err != nil {
				return err
			}
			if one.kind != kind {
				return errNoSnapshot
			}
			names, folders = append(names, at), append(folders, one.folder)
			at = one.parent
		}
		slices.Reverse(names)
		slices.Reverse(folders)
		return nil
	})
	return names, folders, err
}

// snapshot is one in the snapshotter's own records.
type snapshot struct {
	kind           int
	parent, folder string
}

func (s store) snapshot(db *bolt, name string) (snapshot, error) {
	at, ok, err := db.bucket().sub("v1", "snapshots", name)
	if err != nil || !ok {
		return snapshot{}, errors.Join(err, errNoSnapshot)
	}
	kind, err1 := at.value("kind")
	parent, err2 := at.value("parent")
	id, err3 := at.value("id")
	if err := errors.Join(err1, err2, err3); err != nil {
		return snapshot{}, err
	}
	number, n := binary.Uvarint([]byte(id))
	if len(kind) != 1 || n <= 0 {
		return snapshot{}, errNoSnapshot
	}
	return snapshot{int(kind[0]), parent, filepath.Join(s.root, snapshotter, "snapshots", strconv.FormatUint(number, 10), "fs")}, nil
}

func (s store) read(path string, f func(*bolt) error) error {
	file, err := os.Open(filepath.Join(s.root, path))
	if err != nil {
		return unread(err)
	}
	defer file.Close()
	return consistently(file, f)
}
