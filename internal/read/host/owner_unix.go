//go:build unix

package host

import (
	"io/fs"
	"syscall"
)

// ownerOf are the numbers of a file's user and group.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	switch s := info.Sys().(type) {
	case *syscall.Stat_t:
		return int(s.Uid), int(s.Gid), true
	case Owned:
		return s.UID, s.GID, true
	}
	return 0, 0, false
}
