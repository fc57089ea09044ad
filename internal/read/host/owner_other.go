//go:build !unix

package host

import "io/fs"

// ownerOf are the numbers of a file's user and group.
func ownerOf(info fs.FileInfo) (uid, gid int, ok bool) {
	s, ok := info.Sys().(Owned)
	return s.UID, s.GID, ok
}
