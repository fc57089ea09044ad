package layer

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const nonblock = syscall.O_NONBLOCK

func owner(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}

// capability reads the attribute from the open file: a name could be swapped for a link.
func (b *folderBody) capability() string {
	if b.open() != nil {
		return ""
	}
	var value [maxCapability]byte
	n, err := unix.Fgetxattr(int(b.f.Fd()), "security.capability", value[:])
	if err != nil {
		return ""
	}
	return string(value[:n])
}

// isWhiteout knows overlayfs' mark of a removed file (kernel documentation, filesystems/overlayfs,
// "whiteouts and opaque directories").
func isWhiteout(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode()&fs.ModeCharDevice != 0 && st.Rdev == 0
}

func isOpaque(dir *os.Root) bool {
	f, err := dir.Open(".")
	if err != nil {
		return false
	}
	defer f.Close()
	var value [1]byte
	for _, name := range []string{"trusted.overlay.opaque", "user.overlay.opaque"} {
		if n, err := unix.Fgetxattr(int(f.Fd()), name, value[:]); err == nil && n == 1 && value[0] == 'y' {
			return true
		}
	}
	return false
}
