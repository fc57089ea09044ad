package rootfs

import (
	"strings"
	"testing"
)

// FuzzMounts reads lines of mountinfo.
func FuzzMounts(f *testing.F) {
	f.Add("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n22 1 0:5 / /proc\\040x rw - proc proc rw\n")
	f.Add("1 2 3 4 5 - \n - x\n")
	f.Fuzz(func(t *testing.T, text string) {
		for at, kind := range parseMounts(strings.NewReader(text)) {
			if strings.ContainsAny(kind, " \n") || at == "" {
				t.Errorf("%q is mounted at %q", kind, at)
			}
		}
	})
}
