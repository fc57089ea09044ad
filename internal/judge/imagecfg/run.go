package imagecfg

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// unwanted are programs that should not be what a container runs.
var unwanted = map[string]string{
	"sshd": "an SSH server", "dropbear": "an SSH server", "telnetd": "a Telnet server", "in.telnetd": "a Telnet server", "rshd": "an rsh server",
	"vncserver": "a VNC server", "x11vnc": "a VNC server", "Xvnc": "a VNC server", "sudo": "sudo", "doas": "doas", "gdbserver": "a debugger",
	"dlv": "a debugger", "lldb-server": "a debugger", "debugpy": "a debugger", "strace": "a tracer",
}

var dangerousCommand = Check{
	Card: card("image/dangerous-command", "the container starts a remote login, a debugger or sudo", finding.Medium, check.Page{
		Why: "A login server makes of the container a host that somebody must keep; a debugger runs what it is told to\n" +
			"without a password; sudo means that the container needs root, and that USER says otherwise.",
		Fix:  "Start the application itself. Log in with `docker exec` or `kubectl exec`, debug in a container of its own.",
		Bad:  "FROM debian:12\nENTRYPOINT [\"/usr/sbin/sshd\", \"-D\"]\n",
		Good: "FROM debian:12\nENTRYPOINT [\"/usr/bin/cart\"]\n",
	}),
	needs: needsConfig,
	Look: func(f Facts) (hits []check.Hit) {
		for _, c := range f.Config.commands() {
			for _, word := range c.words() {
				what := unwanted[path.Base(word)]
				if s := debugSwitch([]string{word}); what == "" && s != "" {
					what = "a debugger"
				}
				if what != "" {
					hits = append(hits, check.Hit{Where: c.name, Detail: fmt.Sprintf("%s, by %s", what, clean(path.Base(word))), At: c.At, Subject: field(c.name)})
					break
				}
			}
		}
		return hits
	},
}

func clean(s string) string { return s[:min(len(s), 60)] }

// named is a command of a configuration.
type named struct {
	name string
	Command
}

func (c *Config) commands() []named { return []named{{"Entrypoint", c.Entrypoint}, {"Cmd", c.Cmd}} }

// isShell says whether a command line is given to a shell.
func (c Command) isShell() bool {
	if len(c.Args) < 3 || c.Args[1] != "-c" && c.Args[1] != "/S" {
		return false
	}
	return slices.Contains([]string{"sh", "bash", "ash", "dash", "zsh", "cmd"}, strings.TrimSuffix(path.Base(c.Args[0]), ".exe"))
}

// words are those of a command line: of one that a shell gets, those between spaces and signs.
func (c Command) words() []string {
	if !c.isShell() {
		return c.Args
	}
	return strings.FieldsFunc(strings.Join(c.Args[2:], " "), func(r rune) bool { return strings.ContainsRune(" \t\n;&|()'\"", r) })
}

var shellEntrypoint = Check{
	Card: card("image/shell-entrypoint", "a shell stands between the engine and the process", finding.Info, check.Page{
		Why: "An ENTRYPOINT without brackets is run by /bin/sh, which is process 1 and passes no signals on: the\n" +
			"application is killed when the container stops, without a chance to finish what it does.",
		Fix:  "Write it as a list, `ENTRYPOINT [\"/usr/bin/cart\", \"--port=8080\"]`, or begin with `exec`.",
		Bad:  "FROM debian:12\nENTRYPOINT /usr/bin/cart --port=8080\n",
		Good: "FROM debian:12\nENTRYPOINT exec /usr/bin/cart --port=8080\n",
	}),
	needs: needsConfig,
	Look: func(f Facts) []check.Hit {
		c := f.Config.Entrypoint
		// A Dockerfile's own check says it of the line.
		if !c.isShell() || len(c.At) > 0 || slices.Contains(c.words(), "exec") {
			return nil
		}
		return []check.Hit{{Where: "ENTRYPOINT", Detail: path.Base(c.Args[0]), Subject: field("Entrypoint")}}
	},
}

// system are folders that a volume must not hide, or share.
var system = []string{
	"/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/sbin", "/var/run",
}

var systemVolume = Check{
	Card: card("image/system-volume", "a folder of the system is a volume", finding.Medium, check.Page{
		Why: "A volume keeps what the first container put into it and hides what a newer image brings: fixes of the system's files\n" +
			"never arrive. On /dev, /proc and /sys, or where an engine has its socket, it asks for the host's.",
		Fix:  "Declare volumes only on folders that hold data: `VOLUME /var/lib/shop`.",
		Bad:  "FROM debian:12\nVOLUME /etc\n",
		Good: "FROM debian:12\nVOLUME /var/lib/shop\n",
	}, "dockle/DKL-DI-0002"),
	needs: needsConfig,
	Look: func(f Facts) (hits []check.Hit) {
		for _, v := range f.Config.Volumes {
			p := path.Clean("/" + v.Text)
			if slices.Contains(system, p) || strings.HasPrefix(p, "/proc/") || strings.HasPrefix(p, "/sys/") || strings.HasSuffix(p, "/docker.sock") || strings.HasSuffix(p, "/containerd.sock") {
				hits = append(hits, check.Hit{Where: "VOLUME " + v.Text, Detail: clean(p), At: v.At, Subject: field("Volumes." + p)})
			}
		}
		return hits
	},
}

var noHealthcheck = Check{
	Card: card("image/no-healthcheck", "the image has no health check", finding.Info, check.Page{
		Why: "Docker and Swarm restart what does not run any more; only a health check tells them of a process that runs\n" +
			"and does not answer. Kubernetes has probes of its own and does not read it.",
		Fix:  "Where Docker or Swarm runs the image: `HEALTHCHECK CMD [\"/usr/bin/cart\", \"health\"]`.",
		Bad:  "FROM debian:12\nUSER 10001\n",
		Good: "FROM debian:12\nUSER 10001\nHEALTHCHECK CMD /usr/bin/cart health\n",
	}, "dockle/CIS-DI-0006", "trivy/DS-0026", "checkov/CKV_DOCKER_2", "hadolint/DL3057", "cis-docker-1.7/4.6"),
	needs: needsConfig,
	Look: func(f Facts) []check.Hit {
		c := f.Config.Healthcheck
		h := check.Hit{Where: "no HEALTHCHECK", Subject: field("Healthcheck")}
		switch {
		case len(c.Args) == 1 && c.Args[0] == "NONE":
			h.Where, h.Detail, h.At = "HEALTHCHECK NONE", "that of the base image is turned off", c.At
		case len(c.Args) > 0 || f.Config.NoHealthcheck:
			return nil
		default:
			h.At = f.Config.From.At
		}
		return []check.Hit{h}
	},
}

var onBuild = Check{
	Card: card("image/onbuild", "the image changes what others build on it", finding.Info, check.Page{
		Why: "ONBUILD lines run in the builds of others, who do not see them in their own Dockerfile.",
		Fix: "Remove them from an image that is run and not built on. In a base image, tell of them in its documentation.",
		Bad: "FROM debian:12\nONBUILD RUN make\n", Good: "FROM debian:12\nUSER 10001\n",
	}),
	needs: needsConfig,
	Look: func(f Facts) (hits []check.Hit) {
		if len(f.Config.OnBuild) == 0 || len(f.Config.OnBuild[0].At) > 0 { // a Dockerfile says it openly
			return nil
		}
		return []check.Hit{{Where: plural(len(f.Config.OnBuild), "line%s"), Detail: plural(len(f.Config.OnBuild), "line%s"), Subject: field("OnBuild")}}
	},
}

var latestTag = Check{
	Card: card("image/latest-tag", "the image is named by a tag that moves", finding.Low, check.Page{
		Why: "What is `latest` today is another image tomorrow: nobody can say which one runs, or go back to the one before.",
		Fix: "Give each build a tag of its own, and deploy by digest.",
		Bad: "docker push shop/cart:latest\n", Good: "docker push shop/cart:1.4\n",
	}, "dockle/DKL-DI-0006"),
	needs: needsName,
	Look: func(f Facts) []check.Hit {
		if !strings.HasSuffix(f.Name, ":latest") {
			return nil
		}
		return []check.Hit{{Where: f.Name, Detail: "latest", Subject: field("Tag")}}
	},
}
