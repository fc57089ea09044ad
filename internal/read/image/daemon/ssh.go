package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// plainPath is what may stand in a remote shell's words as it is.
var plainPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/@+-]*$`) })

// sshCommand is what reaches an engine at ssh://[USER@]HOST[:PORT][/SOCKET], as Docker's own command
// line does it: the remote engine's client connects its standard input and output with the socket.
// Keys, agents, jump hosts and known hosts are ssh's own affair.
func sshCommand(kind, host, key string) ([]string, error) {
	u, err := url.Parse(host)
	if err != nil {
		return nil, errors.New("it is no URL")
	}
	name, user := u.Hostname(), u.User.Username()
	_, hasPassword := u.User.Password()
	switch {
	case name == "" || strings.HasPrefix(name, "-") || strings.HasPrefix(user, "-"):
		return nil, errors.New("it names no host")
	case hasPassword:
		return nil, errors.New("a password is not handed on: use a key")
	case u.RawQuery != "" || u.Fragment != "" || !plainPath().MatchString(u.Path):
		return nil, errors.New("write ssh://USER@HOST:PORT/SOCKET")
	}
	args := []string{"ssh", "-T", "-o", "ConnectTimeout=30"}
	if user != "" {
		args = append(args, "-l", user)
	}
	if port := u.Port(); port != "" {
		args = append(args, "-p", port)
	}
	if key != "" {
		args = append(args, "-i", key)
	}
	args = append(args, "--", name, kind)
	if socket := strings.TrimSuffix(u.Path, "/"); socket != "" {
		args = append(args, map[string]string{"docker": "--host", "podman": "--url"}[kind], "unix://"+socket)
	}
	return append(args, "system", "dial-stdio"), nil
}

// sshError is what ssh, or the remote client, says on its way out.
type sshError struct{ said string }

func (e *sshError) Error() string { return "ssh: " + e.said }

// dialSSH starts the command; the connection lives until it is closed.
func dialSSH(args []string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		c := &sshConn{cmd: exec.Command(args[0], args[1:]...)}
		c.cmd.Stderr = &c.said
		var err error
		if c.in, err = c.cmd.StdinPipe(); err == nil {
			c.out, err = c.cmd.StdoutPipe()
		}
		if err == nil {
			err = c.cmd.Start()
		}
		if err != nil {
			return nil, fmt.Errorf("start ssh: %w", err)
		}
		return c, nil
	}
}

// sshConn is the standard input and output of a command, as a connection.
type sshConn struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.ReadCloser
	said tail
	once sync.Once
}

func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if err == nil || n > 0 {
		return n, nil
	}
	c.end()
	if said := c.said.String(); said != "" {
		return 0, &sshError{said}
	}
	return 0, err
}

func (c *sshConn) Write(p []byte) (int, error) { return c.in.Write(p) }

func (c *sshConn) Close() error {
	c.in.Close()
	_ = c.cmd.Process.Kill()
	c.end()
	return nil
}

// end waits for the command, so that all that it said is there.
func (c *sshConn) end() { c.once.Do(func() { _ = c.cmd.Wait() }) }

func (c *sshConn) LocalAddr() net.Addr              { return sshAddr{} }
func (c *sshConn) RemoteAddr() net.Addr             { return sshAddr{} }
func (c *sshConn) SetDeadline(time.Time) error      { return nil }
func (c *sshConn) SetReadDeadline(time.Time) error  { return nil }
func (c *sshConn) SetWriteDeadline(time.Time) error { return nil }

type sshAddr struct{}

func (sshAddr) Network() string { return "ssh" }
func (sshAddr) String() string  { return "ssh" }

// tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 1 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-most):]
	return len(p), nil
}

// String is what was written, on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Join(bytes.Fields(t.b), []byte(" ")))
}
