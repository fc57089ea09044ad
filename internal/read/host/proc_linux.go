package host

import "golang.org/x/sys/unix"

// procIsReal says that a folder is the kernel's: in it, and nowhere else, a process's root is what its link says.
func procIsReal(dir string) bool {
	var s unix.Statfs_t
	return unix.Statfs(dir, &s) == nil && s.Type == unix.PROC_SUPER_MAGIC
}
