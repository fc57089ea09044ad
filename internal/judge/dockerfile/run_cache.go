package dockerfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// cache is what a package manager leaves in the layer that it installs in.
type cache struct {
	name, what      string
	aliases         []string
	programs, verbs string
	folders         []string // where it lies
	cleaned         func(*shell.Command) bool
	fix, bad, good  string
}

// caches lists the checks for what package managers leave in a layer: space, no danger.
func caches() (all []runCheck) {
	clean := func(programs, verbs string) func(*shell.Command) bool {
		return func(c *shell.Command) bool { return c.Does(programs, verbs) }
	}
	for _, one := range []cache{
		{
			"apt-lists", "apt's package lists stay in the layer",
			[]string{"hadolint/DL3009", "dockle/DKL-DI-0005"},
			"apt-get apt", "update",
			[]string{"/var/lib/apt/lists"},
			func(*shell.Command) bool { return false },
			"End the same RUN with \"&& rm -rf /var/lib/apt/lists/*\", or give it --mount=type=cache,target=/var/lib/apt.",
			"apt-get update && apt-get install -y curl", "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
		},
		{
			"yum", "yum's cache stays in the layer",
			[]string{"hadolint/DL3032", "trivy/DS-0015"},
			"yum", "install update upgrade groupinstall localinstall reinstall",
			[]string{"/var/cache/yum", "/var/cache/dnf"},
			clean("yum dnf", "clean"),
			"End the same RUN with \"&& yum clean all\".",
			"yum install -y curl", "yum install -y curl && yum clean all",
		},
		{
			"dnf", "dnf's cache stays in the layer",
			[]string{"hadolint/DL3040", "trivy/DS-0019", "trivy/DS-0027"},
			"dnf microdnf tdnf", "install update upgrade groupinstall reinstall",
			[]string{"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
			clean("dnf microdnf tdnf yum", "clean"),
			"End the same RUN with \"&& dnf clean all\" (microdnf clean all).",
			"dnf install -y curl", "dnf install -y curl && dnf clean all",
		},
		{
			"zypper", "zypper's cache stays in the layer",
			[]string{"hadolint/DL3036", "trivy/DS-0020"},
			"zypper", "install in update up dist-upgrade dup patch",
			[]string{"/var/cache/zypp"},
			clean("zypper", "clean cc"),
			"End the same RUN with \"&& zypper clean --all\".",
			"zypper install -y curl", "zypper install -y curl && zypper clean --all",
		},
		{
			"yarn", "yarn's cache stays in the layer",
			[]string{"hadolint/DL3060"},
			"yarn", "install add global",
			[]string{"/usr/local/share/.cache/yarn", "/root/.cache/yarn", "/root/.yarn", "/yarn"},
			clean("yarn", "cache"),
			"End the same RUN with \"&& yarn cache clean\", or give it --mount=type=cache,target=/usr/local/share/.cache/yarn.",
			"yarn install --frozen-lockfile", "yarn install --frozen-lockfile && yarn cache clean",
		},
	} {
		all = append(all, one.check())
	}
	return append(all, aptArchives(), pipCache(), apkCache())
}

func (k cache) check() runCheck {
	return runCheck{
		Card: tidy("dockerfile/"+k.name+"-left", k.what, k.fix, k.bad, k.good, k.aliases...),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			verb, _ := c.Sub()
			bare := k.name == "yarn" && c.Is("yarn") && verb == "" // which installs, too
			if !bare && !c.Does(k.programs, k.verbs) || c.Has("--version", "--help", "-v") && verb == "" {
				return found{}, false
			}
			if s.later(c, k.cleaned) || slices.ContainsFunc(k.folders, func(at string) bool { return s.keptOut(c, at) }) {
				return found{}, false
			}
			return found{what: written(c, verb), detail: strings.TrimSpace(written(c, verb))}, true
		}),
	}
}

// tidy is the card of a check for what takes space only.
func tidy(id, title, fix, bad, good string, aliases ...string) check.Card {
	return check.Card{
		ID: id, Title: title, Kind: finding.KindMisconfiguration, Severity: finding.Info, Decks: []string{finding.Build}, Since: "0.1", Aliases: aliases,
		Page: check.Page{
			Why: "A layer keeps what is there when its RUN ends; a later RUN that deletes it makes the image no smaller.\n" +
				"It is a matter of size, not of safety, and only stages that reach the final image count.",
			Fix: fix, Bad: "FROM scratch\nRUN " + bad + "\n", Good: "FROM scratch\nRUN " + good + "\n",
		},
	}
}

// keptOut says that a folder does not reach the layer: it is mounted, or removed later.
func (s *step) keptOut(c *shell.Command, at string) bool {
	return s.mounted(at, "cache", "tmpfs") || s.later(c, func(d *shell.Command) bool { return removes(d, at) })
}

// aptArchives finds packages that apt keeps where a build has taken away what makes images of Debian and
// Ubuntu throw them out.
func aptArchives() runCheck {
	return runCheck{
		Card: tidy("dockerfile/apt-archives-left", "apt's downloaded packages stay in the layer",
			"Give the RUN --mount=type=cache,target=/var/cache/apt, end it with \"&& apt-get clean\", or leave /etc/apt/apt.conf.d/docker-clean where it is.",
			"rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && apt-get install -y curl",
			"apt-get update && apt-get install -y curl", "hadolint/DL3009"),
		look: func(r *scripts) (hits []check.Hit) {
			kept := map[*dockerfile.Stage]bool{}
			for _, s := range r.steps {
				for _, c := range s.Commands {
					if removes(c, "/etc/apt/apt.conf.d/docker-clean") || strings.Contains(words(c), "keep-downloaded-packages") {
						kept[s.in.Stage] = true
					}
					if !kept[s.in.Stage] || !s.ships() || !c.Does("apt-get apt", "install upgrade dist-upgrade") || s.keptOut(c, "/var/cache/apt/archives") ||
						s.later(c, func(d *shell.Command) bool { return d.Does("apt-get apt", "clean autoclean") }) {
						continue
					}
					verb, _ := c.Sub()
					hits = append(hits, s.hit(c.Pos, found{what: written(c, verb) + " without docker-clean", detail: written(c, verb)}))
				}
			}
			return hits
		},
	}
}

func pipCache() runCheck {
	return runCheck{
		Card: tidy("dockerfile/pip-cache-left", "pip's cache stays in the layer",
			"Write \"pip install --no-cache-dir …\", or give the RUN --mount=type=cache,target=/root/.cache/pip.",
			"pip install flask==3.0.3", "pip install --no-cache-dir flask==3.0.3", "hadolint/DL3042"),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			if !c.Does("pip", "install wheel download") || c.Has("--no-cache-dir", "--no-cache", "--cache-dir") {
				return found{}, false
			}
			if s.variable(c, "PIP_NO_CACHE_DIR") || s.variable(c, "UV_NO_CACHE") || s.caching("pip") || s.keptOut(c, "/root/.cache") || s.keptOut(c, "~/.cache/pip") ||
				s.later(c, func(d *shell.Command) bool { return d.Does("pip", "cache") }) {
				return found{}, false
			}
			return found{what: "pip install", detail: "pip install"}, true
		}),
	}
}

func apkCache() runCheck {
	return runCheck{
		Card: tidy("dockerfile/apk-cache-left", "apk's index stays in the layer",
			"Write \"apk add --no-cache …\", which needs no \"apk update\" before it either.",
			"apk add curl", "apk add --no-cache curl", "hadolint/DL3019", "trivy/DS-0025", "dockle/DKL-DI-0004"),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			if !c.Does("apk", "add") || c.Has("--no-cache", "--no-network") || s.keptOut(c, "/var/cache/apk") || s.mounted("/etc/apk/cache", "cache", "tmpfs") {
				return found{}, false
			}
			return found{what: "apk add", detail: "apk add"}, true
		}),
	}
}

// caching says that the RUN mounts a cache of a program's, wherever that lies.
func (s *step) caching(program string) bool {
	for _, m := range s.in.Mounts {
		if m.Type == "cache" && (strings.Contains(m.Target, program) || strings.Contains(m.ID, program) || strings.HasSuffix(m.Target, "/.cache")) {
			return true
		}
	}
	return false
}

// variable says that a variable is set, and not to nothing, for a command.
func (s *step) variable(c *shell.Command, name string) bool {
	for _, one := range s.Commands {
		if one == c || len(one.Args) == len(one.Assigns) || one.Name == "export" {
			for _, a := range one.Assigns {
				if a.Name == name {
					return set(a.Value.Text)
				}
			}
		}
		if one == c {
			break
		}
	}
	for via := c.Via; via != nil; via = via.Via {
		for _, a := range via.Assigns {
			if a.Name == name {
				return set(a.Value.Text)
			}
		}
	}
	value, known, by := s.in.Lookup(name)
	return by != nil && (!known || set(value))
}

// set says that a variable's value means yes.
func set(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "off", "no", "false":
		return false
	}
	return true
}
