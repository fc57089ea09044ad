package rootfs

import (
	"bufio"
	"io"
	"os"
	"strings"
)

// mounts reads a mountinfo file: mount point → type of file system. Where there is none, as on
// systems other than Linux, nothing is known to be mounted.
func mounts(path string) map[string]string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	return parseMounts(f)
}

// unescape undoes the octal escapes of the kernel (proc_pid_mountinfo(5)).
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// parseMounts reads lines of "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELD…] - TYPE SOURCE …".
func parseMounts(r io.Reader) map[string]string {
	at := map[string]string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // overlays of many layers name them all
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if fsType, _, _ := strings.Cut(after, " "); ok && len(fields) >= 5 {
			at[unescape.Replace(fields[4])] = fsType
		}
	}
	return at
}

// isElsewhere knows the file systems that hold nothing of this host's own: made up by the kernel, on
// another machine, or a container's.
func isElsewhere(fsType string) bool {
	switch fsType {
	case "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "glusterfs", "lustre", "afs", "overlay":
		return true
	}
	return isMadeUp(fsType) || strings.HasPrefix(fsType, "fuse.")
}

// isMadeUp knows the file systems that the kernel makes up.
func isMadeUp(fsType string) bool {
	switch fsType {
	case "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf", "pstore",
		"mqueue", "hugetlbfs", "configfs", "binfmt_misc", "autofs", "efivarfs", "fusectl", "nsfs", "rpc_pipefs":
		return true
	}
	return false
}
