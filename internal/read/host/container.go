package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Container is one of Docker's, as the daemon inspects it, or as it keeps it below its folder: both name things alike.
type Container struct {
	Name            string
	AppArmorProfile string
	ProcessLabel    string // of SELinux
	NoNewPrivileges *bool  // as it is kept, or as the daemon has it for all; the daemon itself tells what was asked for by SecurityOpt
	Config          ContainerConfig
	HostConfig      HostConfig
	State           ContainerState
	Mounts          []ContainerMount
	MountPoints     map[string]ContainerMount // as they are kept, by where they are in the container
	NetworkSettings struct{ Ports map[string][]PortBinding }

	HasBeenManuallyStopped bool

	From string `json:"-"` // who says so: the daemon, or a file
}

// ContainerConfig is what an image and the command line say of what runs.
type ContainerConfig struct {
	Image           string
	User            string
	Env             []string
	Entrypoint, Cmd Words
	ExposedPorts    map[string]struct{}
	OpenStdin, Tty  bool
	Healthcheck     *struct{ Test []string }
}

// HostConfig is how the host runs it.
type HostConfig struct {
	Privileged, ReadonlyRootfs, PublishAllPorts                      bool
	CapAdd, CapDrop, SecurityOpt, GroupAdd                           []string
	NetworkMode, PidMode, IpcMode, UTSMode, UsernsMode, CgroupnsMode string
	CgroupParent                                                     string
	Memory, NanoCpus, CPUShares, CPUQuota                            int64 // Docker writes CpuShares, CpuQuota
	PidsLimit                                                        *int64
	CpusetCpus                                                       string
	RestartPolicy                                                    RestartPolicy
	Devices                                                          []struct{ PathOnHost, PathInContainer string }
	PortBindings                                                     map[string][]PortBinding
	Sysctls                                                          map[string]string
	MaskedPaths                                                      *[]string // nil: the daemon's own; empty: none
}

// RestartPolicy says when Docker starts it again.
type RestartPolicy struct {
	Name              string
	MaximumRetryCount int
}

// PortBinding is where a port is published.
type PortBinding struct{ HostIP, HostPort string } // Docker writes HostIp

// ContainerMount is what a container has at one of its paths.
type ContainerMount struct {
	Type                             string // bind, volume, tmpfs
	Source, Destination, Propagation string
	RW                               bool
}

// ContainerState is whether it runs.
type ContainerState struct {
	Running bool
	Health  *struct{ Status string }
}

// Words are a command: a list, or one text in what old clients wrote.
type Words []string

// UnmarshalJSON takes either.
func (w *Words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = nil
		if one != "" {
			*w = Words{one}
		}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// ParseContainer reads what a daemon answers when it is asked to inspect one.
func ParseContainer(from string, answer []byte) (*Container, error) {
	c := &Container{From: from}
	if err := json.Unmarshal(answer, c); err != nil {
		return nil, fmt.Errorf("%s tells of a container what is not understood: %w", from, err)
	}
	c.Name = strings.TrimPrefix(c.Name, "/")
	if c.Name == "" {
		return nil, fmt.Errorf("%s tells of a container without a name", from)
	}
	return c, nil
}

// Mounted is all that it has at paths of its own, by those.
func (c *Container) Mounted() []ContainerMount {
	all := slices.Clone(c.Mounts)
	for _, m := range c.MountPoints {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b ContainerMount) int { return strings.Compare(a.Destination, b.Destination) })
	return all
}

// Published is a port of a container, and where it listens on the host.
type Published struct{ Port, Address, HostPort string }

// Published are its ports that are reached at the host, each once for an address of each family.
func (c *Container) Published() (all []Published) {
	for _, from := range []map[string][]PortBinding{c.NetworkSettings.Ports, c.HostConfig.PortBindings} {
		for port, bindings := range from {
			for _, b := range bindings {
				p := Published{port, b.HostIP, b.HostPort}
				if p.Address == "" || p.Address == "::" {
					p.Address = "0.0.0.0" // every address, of both families
				}
				if p.HostPort == "0" {
					p.HostPort = ""
				}
				all = append(all, p)
			}
		}
		if len(all) > 0 {
			break // what it got goes before what was asked for
		}
	}
	slices.SortFunc(all, func(a, b Published) int {
		return strings.Compare(a.Port+" "+a.Address+" "+a.HostPort, b.Port+" "+b.Address+" "+b.HostPort)
	})
	return slices.Compact(all)
}

// Options are the values of one of its security options, as in seccomp=unconfined; older daemons write a colon.
func (c *Container) Options(name string) (values []string) {
	for _, o := range c.HostConfig.SecurityOpt {
		rest, ok := strings.CutPrefix(o, name)
		switch {
		case ok && rest == "":
			values = append(values, "true")
		case ok && (rest[0] == '=' || rest[0] == ':'):
			values = append(values, rest[1:])
		}
	}
	return values
}

// Option is the value that counts of one that has one: the last.
func (c *Container) Option(name string) (value string, set bool) {
	values := c.Options(name)
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}

// returns says that Docker starts it when Docker starts.
func (c *Container) returns() bool {
	switch c.HostConfig.RestartPolicy.Name {
	case "always":
		return true
	case "unless-stopped":
		return !c.HasBeenManuallyStopped
	}
	return false
}

// Bounds on the containers of one host: how many are judged, and how much is read of all that it keeps.
const (
	maxContainers     = 2000
	maxContainerDirs  = 5000 // those that ended lie there, too
	maxContainerBytes = 64 << 20
)

// containers takes those that the daemon told of; where nobody asked it, those that it keeps and that ran, or that start
// with it. Its folders tell of a swarm, too.
func (r *reader) containers() {
	folders := []string{"/var/lib/docker"}
	for _, c := range r.all("dockerd") {
		if dir := c.Value("data-root").Text; path.IsAbs(dir) {
			folders = append(folders, dir)
		}
	}
	slices.Sort(folders)
	for _, dir := range slices.Compact(folders) {
		r.host.root.look(path.Join(dir, "swarm/docker-state.json"))
		if r.source.Running == nil {
			r.kept(path.Join(dir, "containers"))
		}
	}
	for _, answer := range r.source.Running {
		c, err := ParseContainer(r.source.RunningFrom, answer)
		if err != nil {
			r.gap(finding.Gap{Class: "unreadable-file", What: err.Error()})
			continue
		}
		r.host.Containers = append(r.host.Containers, c)
	}
	r.privileges()
}

// privileges gives containers that say nothing of new privileges what the daemon has for all.
func (r *reader) privileges() {
	for _, daemon := range r.all("dockerd") {
		if daemon.Value("no-new-privileges").Text != "true" {
			continue
		}
		for _, c := range r.host.Containers {
			if _, set := c.Option("no-new-privileges"); !set && c.NoNewPrivileges == nil {
				none := true
				c.NoNewPrivileges = &none
			}
		}
	}
}

// kept reads the containers below a folder of Docker's.
func (r *reader) kept(dir string) {
	entries, err := r.host.root.list(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.gap(finding.Gap{Class: "unreadable-file", What: dir + ": " + cause(err) + ": which containers ran is not known", Path: dir})
		}
		return
	}
	left, failed, first := maxContainerBytes, 0, ""
	for i, e := range entries {
		if i >= maxContainerDirs || len(r.host.Containers) >= maxContainers || left <= 0 {
			r.gap(finding.Gap{Class: "limit-reached", What: fmt.Sprintf("%s holds more than the %d folders, the %d containers that run, or the %d MiB of them, that are read", dir, maxContainerDirs, maxContainers, maxContainerBytes>>20), Path: dir})
			break
		}
		at := path.Join(dir, e.Name())
		c, err := r.keptAt(at, &left)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it is being made, or removed
		case err != nil:
			if failed++; failed == 1 {
				first = at + ": " + cause(err)
			}
		case c.State.Running || c.returns():
			r.host.Containers = append(r.host.Containers, c)
		}
	}
	if failed > 1 {
		first += fmt.Sprintf("; and %d more", failed-1)
	}
	if failed > 0 {
		r.gap(finding.Gap{Class: "unreadable-file", Count: failed, What: first, Path: dir})
	}
}

// keptAt reads one container, and takes what that was from what is left to be read.
func (r *reader) keptAt(dir string, left *int) (*Container, error) {
	read := func(name string) ([]byte, error) {
		b, err := r.host.root.read(path.Join(dir, name))
		*left -= len(b)
		return b, err
	}
	config, err := read("config.v2.json")
	if err != nil {
		return nil, err
	}
	c, err := ParseContainer(path.Join(dir, "config.v2.json"), config)
	if err != nil {
		return nil, err
	}
	config, err = read("hostconfig.json")
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil // Docker, too, takes its defaults then
	}
	if err != nil {
		return nil, err
	}
	return c, json.Unmarshal(config, &c.HostConfig)
}
