//go:build !linux

package layer

import (
	"io/fs"
	"os"
)

const nonblock = 0

func owner(fs.FileInfo) (uid, gid int) { return 0, 0 }

// Only Linux has capabilities of files.
func (*folderBody) capability() string { return "" }

// Only Linux has overlayfs.
func isWhiteout(fs.FileInfo) bool { return false }
func isOpaque(*os.Root) bool      { return false }
