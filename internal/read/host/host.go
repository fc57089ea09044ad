// Package host turns a host, or its root that is mounted elsewhere, into what runs there of Kubernetes and of
// container engines, and how each of it is set: by the arguments of its process, by a static pod's manifest, by
// configuration files and their drop-ins, or by the default of its version. What could not be read is told, and a
// setting that hangs on it has no value: it is neither set nor at its default.
//
// Nothing is run, and no link leads out of the root.
package host

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Host is what was read of one.
type Host struct {
	Name       string
	Live       bool // its processes could be seen
	Components []*Component
	// Containers are Docker's that run; of a host that is not up, those that ran, or that start with Docker.
	Containers []*Container
	// Elsewhere says that nobody could ask which containers run: there may be others.
	Elsewhere bool
	// Gaps are what could not be read, without their target.
	Gaps []finding.Gap

	root *world
}

// File is a file or folder by its path; nil where it was not looked at.
func (h *Host) File(path string) *File {
	if h.root == nil {
		return nil
	}
	return h.root.known(path)
}

// Resolve follows the links of the host to where a file lies.
func (h *Host) Resolve(name string) (string, error) {
	at, _, err := h.root.resolve(name)
	return "/" + at, err
}

// Below are the files under a folder that were looked at, by path; none where it is missing.
func (h *Host) Below(folder string) []*File {
	if h.root == nil {
		return nil
	}
	return h.root.below(folder)
}

// Has says that a component of one of the names is here.
func (h *Host) Has(names ...string) bool {
	return slices.ContainsFunc(h.Components, func(c *Component) bool { return slices.Contains(names, c.Name) })
}

// Component is a program that is judged: kube-apiserver, kubelet, dockerd and the like.
type Component struct {
	Name     string
	Process  int    // 0: it was not seen to run
	Manifest string // of its static pod; empty: it is none
	Unit     string // that would start it, where no process is seen
	Version  Version
	// Whole says that its source tells every setting that there is: what it does not tell is at its zero.
	Whole bool
	// Bare says that nothing but its version is known.
	Bare bool
	// Origin is where it was read, where that is no host: an address of the API.
	Origin string

	program string // its file, as its root has it; empty: not known
	flags   []flag
	env     map[string]string
	configs []*File  // those that come later go before the others
	unread  []string // what would say how it is set, and could not be read
	// exclusive says that flags count for nothing beside a configuration file.
	exclusive bool
	defaults  map[string]string // of the distribution that it is part of
	whose     string            // that distribution
	mounts    []mount           // of a container that does not run
	root      *world
}

// File is a file as the component itself sees it: a container has a root of its own.
func (c *Component) File(path string) *File {
	if c.root == nil {
		return nil
	}
	return c.root.known(c.onHost(path))
}

// Configured says whether it reads a configuration file.
func (c *Component) Configured() bool { return len(c.configs) > 0 }

// Configs are its configuration files, those that go before others last.
func (c *Component) Configs() []*File { return c.configs }

// Where says in words which one it is.
func (c *Component) Where() string {
	switch {
	case c.Origin != "":
		return c.Origin
	case c.Process != 0:
		return "process " + strconv.Itoa(c.Process)
	case c.Manifest != "":
		return c.Manifest
	case c.Unit != "":
		return c.Unit
	}
	return c.Name
}

// flag is one argument: a name without dashes, and its value.
type flag struct {
	name, value string
	line        int    // in path; 0: nowhere
	path        string // the file that says it; empty: only the process does
}

// File is what is known of a file or a folder.
type File struct {
	Path    string
	Mode    fs.FileMode
	UID     int // -1: not known
	GID     int
	Owner   string // the name that the host gives the user, or the number
	Group   string
	Missing bool
	// Why it could not be read, or what is wrong in it; empty: nothing.
	Why      string
	Size     int64
	Contents *Contents
}

// Is says that it is there.
func (f *File) Is() bool { return f != nil && !f.Missing && f.Mode != 0 }

// Beyond are the rights that it gives beyond those allowed, as in "0644, which gives 0044 beyond 0600"; empty: none.
func (f *File) Beyond(most fs.FileMode) string {
	if more := f.Mode.Perm() &^ most; more != 0 {
		return "mode " + octal(f.Mode.Perm()) + ", where " + octal(most) + " is enough"
	}
	return ""
}

func octal(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }

// names are the programs that are judged, and what their files are called.
var names = []string{
	"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy",
	"containerd", "crio", "dockerd", "k3s", "rke2",
}

// called is the program that a path names.
func called(path string) string {
	base := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], " (deleted)")
	if base == "hyperkube" || slices.Contains(names, base) {
		return base
	}
	return ""
}
