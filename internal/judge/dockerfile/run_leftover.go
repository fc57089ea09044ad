package dockerfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// leftovers lists the checks for programs that should not be in the image.
func leftovers() []runCheck { return []runCheck{remoteLogin(), buildTools()} }

// installs are the packages that a command installs.
func installs(c *shell.Command) (names []string) {
	if !c.Does("apt-get apt aptitude yum dnf microdnf tdnf zypper", "install in") && !c.Does("apk", "add") {
		return nil
	}
	_, rest := c.Sub()
	for _, w := range rest {
		name := w.Text
		if i := strings.IndexAny(name, "=~<>@"); i > 0 {
			name = name[:i]
		}
		names = append(names, name)
	}
	return names
}

func remoteLogin() runCheck {
	return runCheck{
		Card: style("dockerfile/remote-login", finding.Medium, "a server for remote logins is installed", "apt-get update && apt-get install -y openssh-server", "apt-get update && apt-get install -y curl",
			"It is one more door, with its own accounts, keys and flaws, past the runtime's own control of who may enter.",
			"Leave it out; enter with \"docker exec\" or \"kubectl exec\", whose use is logged and limited by role."),
		look: shipped(func(_ *step, c *shell.Command) (found, bool) {
			for _, name := range installs(c) {
				if slices.Contains([]string{"openssh-server", "dropbear", "telnetd", "inetutils-telnetd", "telnet-server", "rsh-server", "tigervnc-standalone-server", "tightvncserver", "x11vnc", "xrdp"}, name) {
					return found{what: "install " + name, detail: name}, true
				}
			}
			if c.Name == "apk" && slices.Contains(installs(c), "openssh") {
				return found{what: "install openssh", detail: "openssh, which brings sshd (openssh-client does not)", severity: finding.Low}, true
			}
			return found{}, false
		}),
	}
}

func buildTools() runCheck {
	return runCheck{
		Card: style("dockerfile/build-tools", finding.Info, "compilers and build tools stay in the image", "apt-get update && apt-get install -y gcc make", "apt-get update && apt-get install -y gcc make && make -C /src && apt-get purge -y gcc make",
			"They make the image large, bring many vulnerable packages that nothing uses at run time, and help an intruder to build tools.",
			"Build in a stage of its own and copy the result: FROM … AS build, then COPY --from=build. Or remove them in the same RUN."),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			var tools []string
			for _, name := range installs(c) {
				if slices.Contains([]string{"gcc", "g++", "make", "cmake", "build-essential", "build-base", "clang", "automake", "autoconf", "gcc-c++", "golang", "cargo", "rustc", "python3-dev", "python-dev", "gdb", "alpine-sdk"}, name) {
					tools = append(tools, name)
				}
			}
			if len(tools) == 0 || s.later(c, func(d *shell.Command) bool {
				return d.Does("apt-get apt aptitude yum dnf microdnf zypper", "purge remove autoremove rm erase") || d.Does("apk", "del")
			}) {
				return found{}, false
			}
			detail := strings.Join(tools, " ")
			return found{what: "install build tools", detail: detail}, true
		}),
	}
}
