package imagecfg

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/image/trait"
)

// ofClass are the files of a class.
func (s *System) ofClass(c trait.Class) (all []File) {
	for _, f := range s.Files {
		if f.Class == c {
			all = append(all, f)
		}
	}
	return all
}

var leftover = Check{
	Card: card("image/leftover", "the image holds what is left of making it", finding.Info, check.Page{
		Why: "Histories tell what was typed, passwords too; a version control folder has all that ever was in the project, also what\n" +
			"was removed from it. Build files and editors' copies tell how the image is made. None of it is needed to run.",
		Fix: "List it in `.dockerignore`, copy what is needed by name instead of `COPY . .`, and build in a stage that does not ship.",
		Bad: "-rw------- 0 0 root/.bash_history\n", Good: "-rwxr-xr-x 0 0 usr/bin/cart\n",
	}, "dockle/DKL-LI-0003"),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		repositories := f.System.ofClass(trait.Repository)
		for i := range repositories {
			repositories[i].Path = path.Dir(repositories[i].Path)
		}
		return slices.Concat(
			together(f.System.ofClass(trait.History), "file%s of typed commands", finding.Low),
			together(repositories, "folder%s of version control", finding.Low),
			together(f.System.ofClass(trait.BuildFile), "build file%s", ""),
			together(f.System.ofClass(trait.Editor), "file%s of an editor or desktop", ""),
		)
	},
}

var credentialFile = Check{
	Card: card("image/credential-file", "the image holds a file that is made for credentials", finding.Low, check.Page{
		Why: "Whoever pulls the image has the file. What it holds is looked at by the search for secrets, which tells of what it knows;\n" +
			"a key store or an encrypted key shows nothing of itself and is a secret all the same.",
		Fix: "Give it to the build with `RUN --mount=type=secret`, and to the container when it starts. What was in an image is known: replace it.",
		Bad: "-rw------- 0 0 root/.aws/credentials\n", Good: "-rwxr-xr-x 0 0 usr/bin/cart\n",
	}, "dockle/CIS-DI-0010"),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		return together(slices.DeleteFunc(f.System.ofClass(trait.Credentials), func(f File) bool { return f.Package != "" }), "file%s", "")
	},
}

var memoryDump = Check{
	Card: card("image/memory-dump", "the image holds the memory of a process", finding.Medium, check.Page{
		Why: "A core file or heap dump has all that the process knew: keys, passwords, customers' data. It is large, too.",
		Fix: "Remove it in the layer that brings it, and set `ulimit -c 0` for the build.",
		Bad: "-rw------- 0 0 srv/cart/core.4711\n", Good: "-rwxr-xr-x 0 0 srv/cart/cart\n",
	}),
	needs: needsSystem,
	Look:  func(f Facts) []check.Hit { return together(f.System.ofClass(trait.Dump), "file%s", "") },
}

// loginServers let somebody in over the network; rising programs make root of somebody who is in.
var (
	loginServers = []string{"sshd", "dropbear", "telnetd", "in.telnetd", "in.rshd", "in.rlogind", "rshd", "vncserver", "Xvnc", "x11vnc"}
	rising       = []string{"sudo", "doas", "pkexec", "su-exec", "gosu"}
)

var loginSoftware = Check{
	Card: card("image/login-software", "the image has software to log in with", finding.Low, check.Page{
		Why: "A login server or sudo in an image is there for a way of working that containers do not need, and its faults are the\n" +
			"image's faults. gosu and su-exec are told at info: an entrypoint that drops root's rights uses them.",
		Fix: "Do not install it in the final stage.",
		Bad: "-rwxr-xr-x 0 0 usr/sbin/sshd openssh-server\n", Good: "-rwxr-xr-x 0 0 usr/bin/cart\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		var servers, raisers, droppers []File
		for _, one := range f.System.Files {
			switch base := path.Base(one.Path); {
			case !one.Mode.IsRegular() || one.Mode&0o111 == 0 || strings.HasPrefix(one.Path, "etc/"):
			case slices.Contains(loginServers, base):
				servers = append(servers, one)
			case base == "su-exec" || base == "gosu":
				droppers = append(droppers, one)
			case slices.Contains(rising, base):
				raisers = append(raisers, one)
			}
		}
		return slices.Concat(together(servers, "login server%s", ""), together(raisers, "program%s to become root", ""), together(droppers, "program%s to change the user", finding.Info))
	},
}

var packageManager = Check{
	Card: card("image/package-manager", "the image can install software", finding.Info, check.Page{
		Why: "Whoever has got in installs his tools with it. An image whose last stage has no package manager, shell or\n" +
			"interpreter leaves him with what the application has.",
		Fix: "Build in one stage, and copy what runs into a small one: a distroless image, or `FROM scratch` for a static program.",
		Bad: "-rwxr-xr-x 0 0 usr/bin/apt-get apt\n", Good: "-rwxr-xr-x 0 0 usr/bin/cart\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		var found []File
		seen := map[string]bool{}
		for _, one := range f.System.Files {
			if one.Manager != "" && !seen[one.Manager] {
				seen[one.Manager] = true
				found = append(found, one)
			}
		}
		return together(found, "package manager%s", "")
	},
}
