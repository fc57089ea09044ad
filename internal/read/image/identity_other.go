//go:build !linux

package image

import (
	"fmt"
	"io/fs"
	"time"
)

// FileIdentity names the present content of a file on this host by its name, size and time of
// change: the portable interface tells no more. It is empty for folders, and for a file that was
// written just now.
func FileIdentity(info fs.FileInfo) string {
	if !info.Mode().IsRegular() || time.Since(info.ModTime()) < 2*time.Second {
		return ""
	}
	return fmt.Sprintf("name=%s,size=%d,mtime=%d", info.Name(), info.Size(), info.ModTime().UnixNano())
}
