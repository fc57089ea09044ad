// Package hosttest makes a host of a text, as the examples of checks write one: a line of $ is a process, one as ls
// writes it gives a file its mode and owner, and # and a path begin what a file holds.
//
//	$ kube-apiserver --anonymous-auth=false
//	-rw------- root root /etc/kubernetes/admin.conf
//	# /var/lib/kubelet/config.yaml
//	kind: KubeletConfiguration
package hosttest

import (
	"bufio"
	"context"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll/plimsoll/internal/read/host"
)

var users = map[string]int{"root": 0, "etcd": 52, "docker": 100, "shop": 1000}

// FS is the root of the host that a text says.
func FS(text string) fstest.MapFS {
	all := fstest.MapFS{"etc/hostname": {Data: []byte("node-1\n")}}
	var passwd strings.Builder
	for name, id := range users {
		if name == "docker" && !strings.Contains(text, " docker ") {
			continue // a host has the group where it has Docker
		}
		passwd.WriteString(name + ":x:" + strconv.Itoa(id) + ":\n")
	}
	for _, name := range []string{"etc/passwd", "etc/group"} {
		all[name] = &fstest.MapFile{Data: []byte(passwd.String()), Mode: 0o644, Sys: host.Owned{}}
	}
	at := func(name string) *fstest.MapFile {
		name = strings.TrimPrefix(path.Clean(name), "/")
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if all[dir] == nil {
				all[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: host.Owned{}}
			}
		}
		if all[name] == nil {
			all[name] = &fstest.MapFile{Mode: 0o600, Sys: host.Owned{}}
		}
		return all[name]
	}
	var file *fstest.MapFile
	pid := 100
	lines := bufio.NewScanner(strings.NewReader(strings.ReplaceAll(text, "\\\n", " ")))
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "$ "):
			pid++
			file = nil
			all["proc/"+strconv.Itoa(pid)+"/cmdline"] = &fstest.MapFile{Data: []byte(strings.Join(fields[1:], "\x00") + "\x00")}
			all["proc/"+strconv.Itoa(pid)+"/environ"] = &fstest.MapFile{}
		case strings.HasPrefix(line, "# /"):
			file = at(fields[1])
		case len(fields) == 4 && len(fields[0]) == 10 && strings.ContainsAny(line[:1], "-ds"):
			f := at(fields[3])
			f.Mode, f.Sys, file = mode(fields[0]), host.Owned{UID: users[fields[1]], GID: users[fields[2]]}, nil
		case file != nil:
			file.Data = append(file.Data, line+"\n"...)
		}
	}
	return all
}

func mode(words string) (m fs.FileMode) {
	for i, c := range words[1:] {
		if c != '-' {
			m |= 1 << (8 - i)
		}
	}
	switch words[0] {
	case 'd':
		m |= fs.ModeDir
	case 's':
		m |= fs.ModeSocket
	}
	return m
}

// Host is the host that a text says.
func Host(t testing.TB, text string) *host.Host {
	t.Helper()
	h, err := host.Read(context.Background(), &host.Source{FS: FS(text)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}
