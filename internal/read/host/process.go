package host

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// short are dockerd's and containerd's flags of one letter.
var short = map[string]string{"dockerd -H": "host", "dockerd -D": "debug", "dockerd -l": "log-level", "containerd -c": "config"}

// arguments are the flags among a program's arguments, as pflag reads them: --name=value, --name value, and --name
// of what is true.
func arguments(program string, args []string) (all []flag) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			break
		}
		name := strings.TrimLeft(arg, "-")
		if name == arg || name == "" {
			continue
		}
		name, value, joined := strings.Cut(name, "=")
		if long := short[program+" -"+name]; long != "" && !strings.HasPrefix(arg, "--") {
			name = long
		}
		if !joined {
			value = "true"
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				i++
				value = args[i]
			}
		}
		all = append(all, flag{name: strings.ReplaceAll(name, "_", "-"), value: value})
	}
	return all
}

// processes finds what runs: by the file that each process was started from, where that can be seen, and by its first
// word where not.
func (r *reader) processes() {
	entries, err := r.host.root.list("/proc")
	if err != nil || len(entries) == 0 {
		return
	}
	pids := make([]int, 0, len(entries))
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	if len(pids) > maxProcesses {
		pids = pids[:maxProcesses]
		r.gap(finding.Gap{Class: "limit-reached", What: "there are more processes than are looked at", Path: "proc"})
	}
	hidden := 0
	for _, pid := range pids {
		args, err := r.commandLine(pid)
		switch {
		case errors.Is(err, fs.ErrPermission):
			hidden++
			continue
		case err != nil || len(args) == 0: // it ended, or is one of the kernel's
			continue
		}
		r.host.Live = true
		if name := r.program(pid, args[0]); name != "" {
			r.process(pid, name, args)
		}
	}
	if hidden > 0 {
		r.gap(finding.Gap{Class: "unreadable-file", What: "processes of others cannot be seen by this user: what they are is not known", Path: "proc", Count: hidden})
	}
}

func (r *reader) commandLine(pid int) ([]string, error) {
	f, err := r.host.root.fs.Open(path.Join("proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxArguments))
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return strings.Split(string(bytes.TrimRight(b, "\x00")), "\x00"), nil
}

// program is the name of what a process runs; empty for all that is not judged.
func (r *reader) program(pid int, first string) string {
	if exe, ok := r.executable(pid); ok {
		return called(exe)
	}
	return called(first)
}

// executable is the file that a process was started from, where that can be seen.
func (r *reader) executable(pid int) (string, bool) {
	exe, err := fs.ReadLink(r.host.root.fs, path.Join("proc", strconv.Itoa(pid), "exe"))
	return strings.TrimSuffix(exe, " (deleted)"), err == nil
}

func (r *reader) process(pid int, name string, args []string) {
	args = args[1:]
	if name == "hyperkube" {
		if len(args) == 0 {
			return
		}
		if name = called("kube-" + args[0]); name == "" {
			name = called(args[0])
		}
		args = args[1:]
	}
	if name == "k3s" || name == "rke2" {
		r.distribution(name, pid, args)
		return
	}
	if name == "" || name == "containerd" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return // a command of it that looks at one that runs
	}
	root := r.rootOf(pid)
	if root == nil {
		return
	}
	c := &Component{Name: name, Process: pid, root: root, flags: arguments(name, args)}
	if b, err := r.host.root.read("/proc/" + strconv.Itoa(pid) + "/environ"); name == "etcd" && err == nil {
		c.env = environment(strings.Split(string(b), "\x00"))
	}
	c.program, _ = r.executable(pid)
	r.host.Components = append(r.host.Components, c)
}

// environment keeps what etcd reads of its environment.
func environment(all []string) map[string]string {
	kept := map[string]string{}
	for _, one := range all {
		if name, value, ok := strings.Cut(one, "="); ok && strings.HasPrefix(name, "ETCD_") {
			kept[name] = value
		}
	}
	return kept
}
