package containerd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// rootOf finds where the containerd that listens at a socket keeps its state: it holds its records open.
// One in a mount namespace of its own, as in a Kubernetes node that is itself a container, is read
// through it.
func rootOf(address string) (string, error) {
	pid, err := listener(strings.TrimPrefix(address, "unix://"))
	if err != nil {
		return "", &image.DownError{Err: fmt.Errorf("find containerd at %s: %w", address, err)}
	}
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return "", &image.DownError{Err: fmt.Errorf("find the state of containerd at %s: %w: run as root, or name it by CONTAINERD_ROOT", address, err)}
	}
	for _, fd := range open {
		target, err := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if root, ok := strings.CutSuffix(target, "/"+records); err == nil && ok {
			return seen(proc, root), nil
		}
	}
	return "", &image.DownError{Err: fmt.Errorf("find the state of containerd at %s: process %d, which listens there, has no records open: name it by CONTAINERD_ROOT", address, pid)}
}

// seen is a path of another process as this one sees it.
func seen(proc, path string) string {
	theirs, err1 := os.Readlink(filepath.Join(proc, "ns", "mnt"))
	ours, err2 := os.Readlink("/proc/self/ns/mnt")
	if err1 == nil && err2 == nil && theirs != ours {
		return filepath.Join(proc, "root", path)
	}
	return path
}

// listener is the process that listens at a socket.
func listener(path string) (int, error) {
	conn, err := net.DialTimeout("unix", path, 3*time.Second)
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err
		}
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	if cred.Pid <= 0 {
		return 0, errors.New("who listens there is not seen from here")
	}
	return int(cred.Pid), nil
}
