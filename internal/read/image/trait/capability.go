package trait

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Capabilities are those that a program gets when it is run.
type Capabilities struct {
	Permitted, Inheritable uint64 // bit n is capability n
	Effective              bool   // the program has them without asking
}

// errCapabilities says that an attribute is in no form that the kernel knows; it ignores such.
var errCapabilities = errors.New("its capabilities are in no form that is known")

// ParseCapabilities reads the attribute security.capability (capabilities(7)) in each of its forms (linux/capability.h, struct vfs_cap_data and
// vfs_ns_cap_data): revisions 1 to 3.
func ParseCapabilities(b []byte) (c Capabilities, err error) {
	if len(b) < 4 {
		return c, errCapabilities
	}
	magic := binary.LittleEndian.Uint32(b)
	words := map[uint32]int{0x01000000: 1, 0x02000000: 2, 0x03000000: 2}[magic&0xff000000]
	size := 4 + 8*words
	if magic&0xff000000 == 0x03000000 {
		size += 4 // the user whose namespace they are for
	}
	if words == 0 || len(b) != size {
		return c, errCapabilities
	}
	for i := range words {
		c.Permitted |= uint64(binary.LittleEndian.Uint32(b[4+8*i:])) << (32 * i)
		c.Inheritable |= uint64(binary.LittleEndian.Uint32(b[8+8*i:])) << (32 * i)
	}
	c.Effective = magic&1 != 0
	return c, nil
}

// names of the capabilities, by number (linux/capability.h).
var names = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
	"net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot",
	"sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
	"audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
	"perfmon", "bpf", "checkpoint_restore",
}

// Names are the capabilities that may be had, as libcap writes them, sorted.
func (c Capabilities) Names() (all []string) {
	for n := range 64 {
		if (c.Permitted|c.Inheritable)>>n&1 == 0 {
			continue
		}
		name := fmt.Sprintf("cap_%d", n)
		if n < len(names) {
			name = "cap_" + names[n]
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// String writes them as getcap(8) does, for those that the program has: cap_net_raw=ep.
func (c Capabilities) String() string {
	flags := ""
	if c.Effective {
		flags += "e"
	}
	if c.Inheritable != 0 {
		flags += "i"
	}
	if c.Permitted != 0 {
		flags += "p"
	}
	return strings.Join(c.Names(), ",") + "=" + flags
}
