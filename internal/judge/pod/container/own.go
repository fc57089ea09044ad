package container

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// own are the checks of what only Docker has a word for, or that a pod means otherwise.
func own() []Check {
	return []Check{
		{
			Card: card("root", "a container runs as root", finding.Medium, "4.1",
				"Root in the container is root on the host as soon as one flaw in the kernel or the runtime, or one mount, lets it out.",
				"Name a user in the image (USER 10001 in the Dockerfile), or start it with --user 10001:10001.", "--user 0:0", "--user 10001:10001"),
			look: func(f *Facts) []check.Hit {
				name, _, _ := strings.Cut(f.Config.User, ":")
				return f.when(name == "" || name == "root" || strings.Trim(name, "0") == "", "Config.User", "")
			},
		},
		{
			Card: card("privileged-port", "a container takes a port below 1024 of its host", finding.Low, "5.8",
				"Such a port is that of a known service, and only root may open it: who meets it there trusts it as one of the host's.",
				"Publish another port (-p 127.0.0.1:8080:80), and put the one proxy that needs it in front.", "-p 127.0.0.1:443:8443", "-p 127.0.0.1:8443:443"),
			look: func(f *Facts) (hits []check.Hit) {
				for _, p := range f.Published() {
					first, _, _ := strings.Cut(p.HostPort, "-")
					if n, err := strconv.Atoi(first); err == nil && n < 1024 {
						hits = append(hits, f.hit("HostConfig.PortBindings "+p.Port, p.Port+" is the host's "+p.HostPort))
					}
				}
				return hits
			},
		},
		{
			Card: card("address", "a container's port is published on all addresses of its host", finding.Low, "5.14",
				"Docker opens it past the host's own firewall (ufw, firewalld), for everybody who can reach the host.",
				"Name the address: -p 127.0.0.1:8080:80. Containers of one network reach each other without a published port.", "-p 8080:80", "-p 127.0.0.1:8080:80"),
			look: func(f *Facts) (hits []check.Hit) {
				for _, p := range f.Published() {
					if p.Address == "0.0.0.0" {
						hits = append(hits, f.hit("HostConfig.PortBindings "+p.Port, p.Port))
					}
				}
				return hits
			},
		},
		{
			Card: card("cpu", "a container takes as much of the processors as any other", finding.Info, "5.12",
				"Where one is broken into, or runs away, what matters gets no more than it does.",
				"Start it with --cpus, or with --cpu-shares above or below the 1024 that all others have.", "", "--cpus 0.5"),
			look: func(f *Facts) []check.Hit {
				h := &f.HostConfig
				return f.when(h.NanoCpus <= 0 && h.CPUQuota <= 0 && h.CpusetCpus == "" && (h.CPUShares == 0 || h.CPUShares == 1024), "HostConfig.CpuShares", "")
			},
		},
		{
			Card: card("restart", "a container is started again without end", finding.Info, "5.15",
				"One that fails at once is started as often as the host can: its start-up and its logs take the host's time, and nobody sees that it fails.",
				"Start it with --restart=on-failure:5.", "--restart=always", "--restart=on-failure:5"),
			look: func(f *Facts) []check.Hit {
				p := f.HostConfig.RestartPolicy
				if p.Name == "on-failure" {
					return f.when(p.MaximumRetryCount <= 0 || p.MaximumRetryCount > 5, "HostConfig.RestartPolicy", fmt.Sprintf("%s:%d", p.Name, p.MaximumRetryCount))
				}
				return f.when(p.Name == "always" || p.Name == "unless-stopped", "HostConfig.RestartPolicy", p.Name)
			},
		},
		{
			Card: card("host-uts", "a container shares its host's name", finding.Low, "5.21",
				"It may name the host anew, by which logs, certificates and clusters know it.",
				"Start it without --uts=host; --hostname gives it a name of its own.", "--uts=host", "--hostname web"),
			look: func(f *Facts) []check.Hit { return f.when(f.HostConfig.UTSMode == "host", "HostConfig.UTSMode", "") },
		},
		{
			Card: card("host-user-namespace", "a container is kept out of the user namespace that others are put in", finding.Medium, "5.31",
				"Where the daemon maps root of containers to nobody on the host, in this one root is root there.",
				"Start it without --userns=host.", "--userns=host", ""),
			look: func(f *Facts) []check.Hit {
				return f.when(f.HostConfig.UsernsMode == "host", "HostConfig.UsernsMode", "")
			},
		},
		{
			Card: card("cgroup", "a container runs in a cgroup of somebody's choice", finding.Info, "5.25",
				"The bounds of that group hold for it, or none.", "Start it without --cgroup-parent, unless it is meant.", "--cgroup-parent=/other", ""),
			look: func(f *Facts) []check.Hit {
				return f.when(f.HostConfig.CgroupParent != "", "HostConfig.CgroupParent", f.HostConfig.CgroupParent)
			},
		},
		{
			Card: card("no-pids-limit", "a container may fill its host with processes", finding.Low, "5.29",
				"One fork bomb, or one leak, and the host starts no process more, not even the shell to stop it.",
				"Start it with --pids-limit 200, or what it had at its busiest and some room.", "", "--pids-limit 200"),
			look: func(f *Facts) []check.Hit {
				n := f.HostConfig.PidsLimit
				return f.when(n == nil || *n <= 0, "HostConfig.PidsLimit", "")
			},
		},
		{
			Card: card("no-health-check", "nothing asks whether what a container serves still works", finding.Info, "5.27",
				"A process that hangs, or was replaced, goes on as running, and nobody starts it again or looks.",
				"Write HEALTHCHECK into the image, or start it with --health-cmd.", "--no-healthcheck", "--health-cmd /health"),
			look: func(f *Facts) []check.Hit {
				h := f.Config.Healthcheck
				return f.when(h == nil || len(h.Test) == 0 || h.Test[0] == "NONE", "Config.Healthcheck", "")
			},
		},
		{
			Card: card("default-bridge", "a container is on the bridge that all are put on", finding.Low, "5.30",
				"All containers there reach each other's ports, published or not, and one that was broken into answers for others.",
				"Make a network for what belongs together (docker network create shop), and start it with --network=shop.", "--network=bridge", "--network=shop"),
			look: func(f *Facts) []check.Hit {
				m := f.HostConfig.NetworkMode
				return f.when(slices.Contains([]string{"", "default", "bridge"}, m), "HostConfig.NetworkMode", m)
			},
		},
	}
}

// when is one hit, or none.
func (f *Facts) when(found bool, field, detail string) []check.Hit {
	if !found {
		return nil
	}
	return []check.Hit{f.hit(field, detail)}
}
