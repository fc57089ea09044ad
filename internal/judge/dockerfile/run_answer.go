package dockerfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// answer is how a package manager is told not to ask.
type answer struct {
	name            string
	aliases         []string
	programs, verbs string
	options         []string
	bad, good       string
}

// answers lists the checks for package managers that would ask a person, and of what else they do unasked.
func answers() (all []runCheck) {
	verbs := "install remove erase update upgrade groupinstall localinstall reinstall"
	for _, a := range []answer{
		{"apt", []string{"hadolint/DL3014", "trivy/DS-0021"}, "apt-get apt", "install upgrade dist-upgrade full-upgrade remove purge autoremove", []string{"-y", "--yes", "--assume-yes", "-qq", "--quiet=2"}, "apt-get install curl", "apt-get install -y curl"},
		{"yum", []string{"hadolint/DL3030"}, "yum", verbs, []string{"-y", "--assumeyes"}, "yum install curl", "yum install -y curl"},
		{"dnf", []string{"hadolint/DL3038"}, "dnf microdnf tdnf", verbs, []string{"-y", "--assumeyes"}, "dnf install curl", "dnf install -y curl"},
		{"zypper", []string{"hadolint/DL3034"}, "zypper", "install in remove rm update up dist-upgrade dup patch", []string{"-y", "-n", "--no-confirm", "--non-interactive"}, "zypper install curl", "zypper --non-interactive install curl"},
	} {
		all = append(all, a.check())
	}
	return append(all, recommends(), distUpgrade(), updateAlone(), plainApt())
}

func (a answer) check() runCheck {
	return runCheck{
		Card: style("dockerfile/"+a.name+"-asks", finding.Low, "the package manager would ask, and nobody is there to answer", a.bad, a.good,
			"The build stops, or worse: it goes on without what was to be installed.",
			"Write \""+a.good+"\".", a.aliases...),
		look: eachCommand(func(s *step, c *shell.Command) (found, bool) {
			if !c.Does(a.programs, a.verbs) || c.Has(a.options...) || twice(c, "-q") || c.Has("--dry-run", "-s", "--download-only", "-d") {
				return found{}, false
			}
			if slices.ContainsFunc(c.From, func(d *shell.Command) bool { return d.Is("yes", "echo", "printf") }) || s.assumed() {
				return found{}, false
			}
			if o := c.Value("-o", "--option"); o != nil && strings.Contains(o.Text, "Assume-Yes") {
				return found{}, false
			}
			verb, _ := c.Sub()
			return found{what: written(c, verb), detail: written(c, verb), fix: "Write \"" + written(c, verb, a.options[0]) + " …\"."}, true
		}),
	}
}

// assumed says that an earlier line told apt or dnf to take yes for an answer.
func (s *step) assumed() bool {
	for _, c := range s.Commands {
		for _, a := range c.Args {
			if strings.Contains(a.Text, "Assume-Yes") || strings.Contains(a.Text, "assumeyes") {
				return true
			}
		}
	}
	return false
}

// twice says that a short option stands twice: -qq means yes.
func twice(c *shell.Command, name string) bool {
	n := 0
	for _, a := range c.Args {
		if strings.HasPrefix(a.Text, "-") && !strings.HasPrefix(a.Text, "--") {
			n += strings.Count(a.Text, name[1:])
		}
	}
	return n > 1
}

// style is the card of a check for how something is written.
func style(id string, severity finding.Severity, title, bad, good, why, fix string, aliases ...string) check.Card {
	from := func(run string) string {
		if strings.HasPrefix(run, "FROM ") {
			return run + "\n"
		}
		return "FROM scratch\nRUN " + run + "\n"
	}
	return check.Card{
		ID: id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Build}, Since: "0.1", Aliases: aliases,
		Page: check.Page{Why: why, Fix: fix, Bad: from(bad), Good: from(good)},
	}
}

func recommends() runCheck {
	return runCheck{
		Card: style("dockerfile/apt-recommends", finding.Info, "apt installs what packages only recommend",
			"apt-get install -y curl", "apt-get install -y --no-install-recommends curl",
			"Each package that nobody asked for is one more that may have a vulnerability, and makes the image larger.",
			"Write \"apt-get install -y --no-install-recommends …\", and name what you do need of the rest.", "hadolint/DL3015", "trivy/DS-0029"),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			if !c.Does("apt-get apt", "install") || c.Has("--no-install-recommends") {
				return found{}, false
			}
			for _, o := range c.Args {
				if strings.Contains(o.Text, "Install-Recommends") {
					return found{}, false
				}
			}
			if slices.ContainsFunc(s.Commands, func(d *shell.Command) bool {
				return slices.ContainsFunc(d.Args, func(a shell.Word) bool { return strings.Contains(a.Text, "Install-Recommends") })
			}) {
				return found{}, false
			}
			return found{what: written(c, "install"), detail: written(c, "install")}, true
		}),
	}
}

func distUpgrade() runCheck {
	return runCheck{
		Card: style("dockerfile/dist-upgrade", finding.Low, "the build moves the whole system to another release or state",
			"zypper dist-upgrade -y", "zypper patch -y",
			"What the base image's maker tested is replaced by whatever the mirrors hold today, packages may be removed,\nand no two builds agree.",
			"Take a newer base image instead. For fixes only: \"apt-get upgrade -y\", \"zypper patch -y\".",
			"hadolint/DL3035", "hadolint/DL3005", "trivy/DS-0024", "dockle/DKL-DI-0003"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			if !c.Does("apt-get apt aptitude", "dist-upgrade full-upgrade") && !c.Does("zypper", "dist-upgrade dup") && !c.Does("dnf yum", "distro-sync system-upgrade") && !c.Is("do-release-upgrade") {
				return found{}, false
			}
			verb, _ := c.Sub()
			return found{what: written(c, verb), detail: written(c, verb)}, true
		}),
	}
}

func updateAlone() runCheck {
	c := runCheck{
		Card: style("dockerfile/update-alone", finding.Low, "package lists are fetched in a layer of their own",
			"FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl", "apt-get update && apt-get install -y curl",
			"The builder keeps the layer for as long as its line stays the same. A package that is added later is then looked up in old\nlists: the install fails, or brings versions whose vulnerabilities were fixed long ago.",
			"Update and install in one RUN: \"apt-get update && apt-get install -y …\".",
			"trivy/DS-0017", "dockle/CIS-DI-0007", "checkov/CKV_DOCKER_5"),
		look: eachCommand(func(s *step, c *shell.Command) (found, bool) {
			if !c.Does("apt-get apt aptitude apk", "update") && !c.Does("zypper", "refresh ref") && !c.Does("yum dnf microdnf", "makecache check-update") {
				return found{}, false
			}
			if s.later(c, uses) || s.mounted("/var/lib/apt/lists", "cache") || s.mounted("/var/cache", "cache") {
				return found{}, false
			}
			verb, _ := c.Sub()
			return found{what: written(c, verb), detail: written(c, verb)}, true
		}),
	}
	c.Controls = []string{"cis-docker-1.7/4.7"}
	return c
}

// uses says that a command needs the lists that an update fetched, or removes them, or may do so: a script
// whose insides are not seen.
func uses(c *shell.Command) bool {
	if c.Does("apt-get apt aptitude", "install upgrade dist-upgrade full-upgrade build-dep source download satisfy") || c.Does("apk", "add upgrade fetch") ||
		c.Does("zypper yum dnf microdnf", "install in update up patch upgrade groupinstall dup") {
		return true
	}
	return removes(c, "/var/lib/apt/lists") || removes(c, "/var/cache/apk") || c.Name == "" || strings.HasSuffix(c.Name, ".sh") ||
		c.Is("apt-cache", "mk-build-deps", "bash", "sh", "python", "python3", "make", "ansible-playbook", "tasksel", "debootstrap", "npx", "playwright", "rosdep", "install_packages", "add-apt-repository")
}

func plainApt() runCheck {
	return runCheck{
		Card: style("dockerfile/apt-for-people", finding.Info, "apt is made for people, and its command line may change",
			"apt install -y curl", "apt-get install -y curl",
			"apt says itself that it has no stable command line for scripts; apt-get and apt-cache have.",
			"Write \"apt-get\", or \"apt-cache\" for searches.", "hadolint/DL3027", "checkov/CKV_DOCKER_9"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			verb, _ := c.Sub()
			return found{what: written(c, verb), detail: written(c, verb), fix: "Write \"apt-get " + verb + " …\"."}, c.Is("apt") && verb != ""
		}),
	}
}
