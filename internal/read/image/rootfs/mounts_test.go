package rootfs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMounts(t *testing.T) {
	// The first line is the example of proc_pid_mountinfo(5).
	const text = `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
41 36 0:32 / /media/a\040b rw - nfs4 server:/export rw
broken
`
	want := map[string]string{"/mnt2": "ext3", "/media/a b": "nfs4"}
	if diff := cmp.Diff(want, parseMounts(strings.NewReader(text))); diff != "" {
		t.Error(diff)
	}
	skip := skipped(want, isElsewhere)
	if skip("mnt2") || !skip("media/a b") || !skip("proc") {
		t.Error("the wrong folders are skipped")
	}
}
