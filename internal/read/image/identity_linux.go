package image

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// fresh is how long a change could go unseen: two writes within one tick of the kernel's clock leave
// the same times behind.
const fresh = 20 * time.Millisecond

// FileIdentity names the present content of a file or folder on this host by device, inode, size and
// times. It is empty when that cannot be relied on: on a file that is being written, or of a kind
// that the system tells nothing of. The name of the file plays no part.
func FileIdentity(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || time.Since(time.Unix(st.Ctim.Unix())) < fresh {
		return ""
	}
	return fmt.Sprintf("dev=%d,ino=%d,size=%d,mtime=%d.%09d,ctime=%d.%09d", st.Dev, st.Ino, st.Size,
		st.Mtim.Sec, st.Mtim.Nsec, st.Ctim.Sec, st.Ctim.Nsec)
}
