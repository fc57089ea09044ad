package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Source is a root that is read.
type Source struct {
	FS   fs.FS
	Name string // of the host; empty: what its /etc/hostname says
	// ProcessRoot is the root that a process sees, where it has one of its own, and nil where not. An error that is
	// fs.ErrNotExist means that it ended. A nil ProcessRoot: none has.
	ProcessRoot func(pid int) (fs.FS, error)
	// Configz is what a kubelet answers for /configz; nil: nobody asked.
	Configz     []byte
	ConfigzFrom string
	// Running is what Docker's daemon answers of each container that runs; nil: nobody asked, or it does not run.
	Running     [][]byte
	RunningFrom string
	// Elsewhere says that the Docker that could be asked may be another machine's.
	Elsewhere bool
	close     []func() error
}

// Open opens the root at a path.
func Open(dir string) (*Source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Source{FS: root.FS(), close: []func() error{root.Close}}
	if filepath.Clean(dir) == "/" {
		s.Name, _ = os.Hostname()
	}
	if !procIsReal(filepath.Join(dir, "proc")) {
		return s, nil // a folder of that name: its links lead anywhere
	}
	own, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	s.ProcessRoot = func(pid int) (fs.FS, error) {
		its := filepath.Join(dir, "proc", strconv.Itoa(pid), "root")
		if info, err := os.Stat(its); err != nil || os.SameFile(info, own) {
			return nil, err
		}
		r, err := os.OpenRoot(its)
		if err != nil {
			return nil, err
		}
		s.close = append(s.close, r.Close)
		return r.FS(), nil
	}
	return s, nil
}

// Close lets go of what was opened.
func (s *Source) Close() error {
	for _, c := range s.close {
		_ = c() // folders that were only read
	}
	return nil
}

type reader struct {
	host   *Host
	source *Source
	worlds []*world // those of processes
}

func (r *reader) gap(g finding.Gap) {
	g.Blocking, g.Count = true, max(g.Count, 1)
	r.host.Gaps = append(r.host.Gaps, g)
}

// Read reads a host. An error means that nothing of it could be read.
func Read(ctx context.Context, s *Source) (*Host, error) {
	if _, err := fs.ReadDir(s.FS, "."); err != nil {
		return nil, fmt.Errorf("read the root: %w", err)
	}
	r := &reader{host: &Host{Name: s.Name, Elsewhere: s.Elsewhere, root: newWorld(s.FS)}, source: s}
	if b, err := r.host.root.read("/etc/hostname"); err == nil && r.host.Name == "" {
		r.host.Name = strings.TrimSpace(string(b))
	}
	for _, step := range []func(){r.processes, r.units, r.configz, r.kubelets, r.staticPods, r.configurations, r.versions, r.files, r.containers} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		step()
	}
	r.unread()
	return r.host, nil
}

// rootOf is the root that a process sees; nil where it ended. Of one that cannot be opened no file can be read.
func (r *reader) rootOf(pid int) *world {
	if r.source.ProcessRoot == nil {
		return r.host.root
	}
	switch own, err := r.source.ProcessRoot(pid); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		name := "proc/" + strconv.Itoa(pid) + "/root"
		r.gap(finding.Gap{Class: "unreadable-file", What: "/" + name + ": " + cause(err) + ": what the process is set by is not known", Path: name})
		return newWorld(closed{err})
	case own == nil:
		return r.host.root
	default:
		w := newWorld(own)
		r.worlds = append(r.worlds, w)
		return w
	}
}

// closed is a root that could not be opened.
type closed struct{ why error }

func (c closed) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("the process's root: " + cause(c.why))}
}

func (r *reader) all(name string) (all []*Component) {
	for _, c := range r.host.Components {
		if c.Name == name {
			all = append(all, c)
		}
	}
	return all
}

// configz takes what a kubelet says of itself: it is all that there is.
func (r *reader) configz() {
	if r.source.Configz == nil {
		return
	}
	c, err := FromConfigz(r.source.ConfigzFrom, r.source.Configz)
	if err != nil {
		r.gap(finding.Gap{Class: "unreadable-file", What: err.Error(), Path: r.source.ConfigzFrom})
		return
	}
	c.root = r.host.root
	for _, k := range r.all("kubelet") { // the answer goes before what was read, and its flags are in it
		c.Process, c.Version, c.program, c.root = k.Process, k.Version, k.program, k.root
		for _, f := range k.flags {
			if settingOf("kubelet", f.name).field == "" {
				c.flags = append(c.flags, f)
			}
		}
	}
	r.host.Components = slices.DeleteFunc(r.host.Components, func(c *Component) bool { return c.Name == "kubelet" })
	r.host.Components = append(r.host.Components, c)
}

// FromConfigz is a kubelet by what it answers for /configz: every setting, as it counts.
func FromConfigz(from string, answer []byte) (*Component, error) {
	all, err := tree.Parse(from, answer)
	if err != nil {
		return nil, err
	}
	config := all[0].Get("kubeletconfig")
	if config == nil || config.Map == nil {
		return nil, fmt.Errorf("%s is no answer of a kubelet's /configz: it has no kubeletconfig", from)
	}
	return &Component{Name: "kubelet", Origin: from, Whole: true, configs: []*File{{Path: from, Contents: &Contents{Documents: []*tree.Value{config}}}}}, nil
}

// FromFlags is a component by all its flags, as it says them itself.
func FromFlags(name, origin string, flags map[string]string) *Component {
	c := &Component{Name: name, Origin: origin, Whole: true}
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		c.flags = append(c.flags, flag{name: key, value: flags[key]})
	}
	return c
}

// kubelets reads how kubelets are configured, which says where static pods are.
func (r *reader) kubelets() {
	for _, c := range r.all("kubelet") {
		if c.Whole {
			continue
		}
		r.configure(c, c.Value("config").Text)
		dir := c.Value("config-dir").Text
		if dir != "" && !strings.HasSuffix(dir, "/") && c.root.isLink(dir) { // filepath.WalkDir, by which it reads, follows none
			r.host.Gaps = append(r.host.Gaps, finding.Gap{
				Class: "not-in-effect", Count: 1, Path: strings.TrimPrefix(dir, "/"),
				What: "the kubelet (" + c.Where() + ") reads nothing below " + dir + ", which --config-dir names: it is a link, and the kubelet follows none there; name the folder itself",
			})
			continue
		}
		r.dropIns(c, dir, ".conf")
	}
}

// configurations reads those of all others.
func (r *reader) configurations() {
	for _, c := range r.host.Components {
		switch c.Name {
		case "kube-proxy", "kube-scheduler":
			c.exclusive = true
			r.configure(c, c.Value("config").Text)
		case "etcd":
			c.exclusive = true
			r.configure(c, c.Value("config-file").Text)
		case "dockerd":
			r.configureUnless(c, "config-file", "/etc/docker/daemon.json")
		case "containerd":
			r.configureUnless(c, "config", "/etc/containerd/config.toml")
			r.imports(c)
		case "crio":
			r.configureUnless(c, "config", "/etc/crio/crio.conf")
			dir := c.Value("config-dir").Text
			if dir == "" {
				dir = "/etc/crio/crio.conf.d"
			}
			r.dropIns(c, dir, "")
		}
	}
}

// configureUnless reads the file that a flag names, or the one that need not be there.
func (r *reader) configureUnless(c *Component, flag, file string) {
	if named := c.Value(flag); named.Set {
		file = named.Text
	} else if c.root.look(file).Missing {
		return
	}
	r.configure(c, file)
}

// configure reads a configuration file of a component; empty: it has none.
func (r *reader) configure(c *Component, file string) {
	if file == "" {
		return
	}
	if !path.IsAbs(file) {
		c.unread = append(c.unread, "its configuration "+file+" lies in a folder that is not known")
		return
	}
	f := c.look(file)
	switch {
	case f.Missing:
		f.Why = "it is missing, and " + c.Where() + " is configured by it"
	case f.Why == "" && f.Contents.Document() == nil && f.Size > 0:
		f.Why = "it holds nothing that is understood"
	}
	if f.Why != "" {
		c.unread = append(c.unread, "its configuration "+file+" could not be read: "+f.Why)
		return
	}
	c.configs = append(c.configs, f)
}

// dropIns reads the files below a folder that go before the configuration, in the order of filepath.WalkDir: a folder
// stands among the files by its name.
func (r *reader) dropIns(c *Component, dir, suffix string) {
	if dir == "" {
		return
	}
	left := maxBelow
	r.dropInsBelow(c, dir, suffix, &left)
	if left < 0 {
		what := fmt.Sprintf("there is more than the %d files of configuration that are read in %s", maxBelow, dir)
		c.unread = append(c.unread, what)
		r.gap(finding.Gap{Class: "limit-reached", What: what, Path: strings.TrimPrefix(dir, "/")})
	}
}

func (r *reader) dropInsBelow(c *Component, dir, suffix string, left *int) {
	entries, err := c.root.list(dir)
	if err != nil {
		if f := c.root.look(dir); !f.Missing {
			f.Why = cause(err)
			c.unread = append(c.unread, "its configuration in "+dir+" could not be read: "+f.Why)
		}
		return
	}
	for _, e := range entries {
		if *left--; *left < 0 {
			return
		}
		switch name := path.Join(dir, e.Name()); {
		case e.IsDir():
			r.dropInsBelow(c, name, suffix, left)
		case strings.HasSuffix(name, suffix):
			r.configure(c, name)
		}
	}
}

// imports reads the files that containerd's configuration takes in, which go before it.
func (r *reader) imports(c *Component) {
	for _, f := range slices.Clone(c.configs) {
		for _, one := range f.Contents.Document().Get("imports").Items() {
			pattern := one.String()
			if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(f.Path), pattern)
			}
			entries, err := c.root.list(path.Dir(pattern))
			if err != nil {
				continue // a pattern of nothing
			}
			for _, e := range entries {
				if ok, _ := path.Match(path.Base(pattern), e.Name()); ok && !e.IsDir() {
					r.configure(c, path.Join(path.Dir(pattern), e.Name()))
				}
			}
		}
	}
}

// look looks at a file as the component sees it.
func (c *Component) look(file string) *File { return c.root.look(c.onHost(file)) }

// unread tells of what was looked at and could not be read, once for each file.
func (r *reader) unread() {
	for _, w := range append([]*world{r.host.root}, r.worlds...) {
		for _, name := range slices.Sorted(maps.Keys(w.files)) {
			if f := w.files[name]; f.Why != "" {
				r.gap(finding.Gap{Class: "unreadable-file", What: name + ": " + f.Why, Path: strings.TrimPrefix(name, "/")})
			}
		}
		for _, dir := range w.cut {
			r.gap(finding.Gap{Class: "limit-reached", What: fmt.Sprintf("%s holds more than the %d files that are looked at in a folder", dir, maxBelow), Path: strings.TrimPrefix(dir, "/")})
		}
		if w.full {
			r.gap(finding.Gap{Class: "limit-reached", What: fmt.Sprintf("more files are named than the %d that are looked at", maxFiles)})
		}
	}
	for _, c := range r.host.Components {
		for _, what := range c.unread {
			r.gap(finding.Gap{Class: "unreadable-file", What: c.Name + " (" + c.Where() + "): " + what})
		}
	}
}
