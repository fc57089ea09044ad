package host

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/binary"
)

// Version is a component's; zero: not known.
type Version struct {
	Major, Minor, Patch int
	Text                string // as it was written: v1.34.2+k3s1
	From                string // what says so
	// Distribution says that the host's distribution built it, and mends it under versions of its own.
	Distribution bool
}

// ParseVersion reads v1.34.2, 1.34.2-1.1, 5:27.3.1-1~debian or v1.34.2+k3s1; false where it is none.
func ParseVersion(text, from string) (v Version, ok bool) {
	rest := text[strings.IndexByte(text, ':')+1:] // without the epoch of a package
	rest = strings.TrimPrefix(rest, "v")
	if cut := strings.IndexAny(rest, "-+_ ~"); cut >= 0 {
		rest = rest[:cut]
	}
	parts := strings.Split(rest, ".")
	if len(parts) != 3 {
		return Version{}, false
	}
	for i, into := range []*int{&v.Major, &v.Minor, &v.Patch} {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return Version{}, false
		}
		*into = int(n)
	}
	v.Text, v.From = text, from
	return v, true
}

// Upstream is the version that a distributor's own began with: v1.34.2-gke.100 is 1.34.2, v1.35.0-rc.1+k3s1 is 1.35.0-rc.1.
func (v Version) Upstream() string {
	text := v.Text[strings.IndexByte(v.Text, ':')+1:]
	core := strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) + "." + strconv.Itoa(v.Patch)
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "v"), "+")
	if semver.Prerelease("v"+text) != "" && slices.ContainsFunc([]string{"-alpha", "-beta", "-rc"}, func(word string) bool {
		return strings.HasPrefix(strings.TrimPrefix(text, core), word)
	}) {
		return text
	}
	return core
}

// Vendor says that its text has more than a number that counts builds behind upstream's: who built it may have mended it.
func (v Version) Vendor() bool {
	text := v.Text[strings.IndexByte(v.Text, ':')+1:]
	more := strings.TrimPrefix(strings.TrimPrefix(text, "v"), v.Upstream())
	for _, system := range []string{"~debian.", "~ubuntu.", "~raspbian."} { // for which Docker itself builds: -1~debian.12~bookworm
		more, _, _ = strings.Cut(more, system)
	}
	return strings.Trim(more, "-0123456789") != ""
}

// versions gives those components a version whose source says none: their program does, or the package that brought it.
func (r *reader) versions() {
	r.runc()
	packages := r.packages()
	for _, c := range r.host.Components {
		if c.root == nil {
			continue
		}
		if c.Version.Text == "" {
			c.Version = c.root.built(c.program)
		}
		if v, ok := packages[c.Name]; ok && c.Manifest == "" && packaged(c.program) && (v.Distribution || c.Version.Text == "") {
			c.Version = v
		}
		if c.Version.Text == "" {
			c.Version = c.root.searched(c.program)
		}
	}
}

// runc starts the containers of an engine, and has no settings of its own.
func (r *reader) runc() {
	if !r.host.Has("containerd", "dockerd", "crio") {
		return
	}
	for _, program := range []string{"/usr/local/sbin/runc", "/usr/local/bin/runc", "/usr/sbin/runc", "/usr/bin/runc"} { // as an engine's PATH has them
		if _, info, err := r.host.root.resolve(program); err == nil && info.Mode().IsRegular() {
			r.host.Components = append(r.host.Components, &Component{Name: "runc", Origin: program, Bare: true, program: program, root: r.host.root})
			return
		}
	}
}

// packaged says that a program lies where packages put theirs, or nobody knows where.
func packaged(program string) bool {
	return slices.Contains([]string{"/usr/bin", "/usr/sbin", "/bin", "/sbin", "."}, path.Dir(program))
}

// broughtBy are dpkg's packages with a component, and whether they are the distribution's own.
var broughtBy = map[string]struct {
	component    string
	distribution bool
}{
	"kubelet": {"kubelet", false}, "containerd.io": {"containerd", false}, "docker-ce": {"dockerd", false}, "cri-o": {"crio", false},
	"containerd": {"containerd", true}, "docker.io": {"dockerd", true}, "runc": {"runc", true}, "etcd-server": {"etcd", true},
}

// packages are the versions of components that dpkg knows.
func (r *reader) packages() map[string]Version {
	all := map[string]Version{}
	b, err := r.host.root.read("/var/lib/dpkg/status")
	if err != nil {
		return all
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxFile)
	name, installed := "", false
	for lines.Scan() {
		switch key, value, _ := strings.Cut(lines.Text(), ": "); key {
		case "Package":
			name, installed = value, true
		case "Status":
			installed = strings.HasSuffix(value, " installed")
		case "Version":
			of, ok := broughtBy[name]
			if ok && !of.distribution {
				value, _, _ = strings.Cut(value, "-") // what follows counts the package
			}
			if v, known := ParseVersion(value, "the package "+name); ok && known && installed {
				v.Distribution = of.distribution
				all[of.component] = v
			}
		}
	}
	return all
}

// open opens a program; nil where there is none.
func (w *world) open(program string) (io.ReadCloser, int64) {
	at, info, err := w.resolve(program)
	if program == "" || err != nil || !info.Mode().IsRegular() {
		return nil, 0
	}
	f, err := w.fs.Open(at)
	if err != nil {
		return nil, 0
	}
	return f, info.Size()
}

// built is the version of a program by its file.
func (w *world) built(program string) (v Version) {
	f, _ := w.open(program)
	if f == nil {
		return v
	}
	defer f.Close()
	if r, ok := f.(io.ReaderAt); ok {
		v, _ = builtOf(r)
	}
	return v
}

// searched is the version of one of Kubernetes' programs by a text in its file: they are built without a trace of how.
func (w *world) searched(program string) (v Version) {
	f, size := w.open(program)
	if f == nil {
		return v
	}
	defer f.Close()
	stat := ecosystem.Stat{Path: strings.TrimPrefix(program, "/"), Size: size}
	found, err := binary.Ecosystem.Read(context.Background(), &ecosystem.File{Stat: stat, Reader: f})
	if err != nil || len(found.Packages) == 0 {
		return v
	}
	v, _ = ParseVersion(found.Packages[0].Version, "the program "+program)
	return v
}

// modules are those of the programs, and linked are the variables that their builds set, up to the version.
var (
	modules = []string{
		"k8s.io/kubernetes", "github.com/containerd/containerd", "github.com/containerd/containerd/v2", "github.com/docker/docker",
		"github.com/opencontainers/runc", "github.com/cri-o/cri-o", "go.etcd.io/etcd/server/v3",
	}
	linked = []string{
		"version.gitVersion=", "github.com/containerd/containerd/version.Version=", "github.com/containerd/containerd/v2/version.Version=",
		"dockerversion.Version=",
	}
)

// maxInformation bounds what a program may have its reader take in.
const maxInformation = 64 << 20

// builtOf is the version that Go wrote into a program.
func builtOf(r io.ReaderAt) (v Version, ok bool) {
	info, err := buildinfo.Read(ecosystem.Budget(r, maxInformation))
	if err != nil {
		return v, false
	}
	const from = "the program's build information"
	for _, s := range info.Settings {
		for _, variable := range linked {
			if _, after, found := strings.Cut(s.Value, variable); s.Key == "-ldflags" && found {
				text, _, _ := strings.Cut(after, " ")
				if v, ok = ParseVersion(strings.Trim(text, `'"`), from); ok {
					return v, true
				}
			}
		}
	}
	if plain, _, _ := strings.Cut(info.Main.Version, "+"); slices.Contains(modules, info.Main.Path) && !module.IsPseudoVersion(plain) {
		if v, ok = ParseVersion(info.Main.Version, from); ok && v.Major > 0 {
			return v, true
		}
	}
	for _, d := range info.Deps {
		if d.Path == modules[0] {
			return ParseVersion(d.Version, from)
		}
	}
	return Version{}, false
}
