//go:build unix

package inventory

import (
	"syscall"
	"testing"
	"time"
)

// spent is the time that this process has computed. Tests of what must not take the square of its input go by
// it: the clock on the wall also tells of what else the machine does.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
