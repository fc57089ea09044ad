package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// habits lists the checks for how RUN lines are written.
func habits() []runCheck {
	return []runCheck{
		hostTool(), changeFolder(), sudo(), twoDownloaders(), shellLink(), unguardedPipe(), lastlog(), wgetProgress(), consecutive(), extractCopied(),
	}
}

func hostTool() runCheck {
	return runCheck{
		Card: style("dockerfile/host-tool", finding.Info, "a command that belongs to a running host, not to a build",
			"service nginx start", "nginx -t",
			"While an image is built there is no init, no other process and nobody at the terminal; what is started ends with its RUN.",
			"Start services by CMD or ENTRYPOINT, and leave tools for people out.", "hadolint/DL3001"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			return found{what: c.Name, detail: c.Name}, c.Is("free", "kill", "killall", "mount", "umount", "ps", "service", "shutdown", "reboot", "ssh", "top", "htop", "vim", "vi", "nano", "ifconfig")
		}),
	}
}

func changeFolder() runCheck {
	return runCheck{
		Card: style("dockerfile/cd-in-run", finding.Info, "cd where WORKDIR would say it once", "cd /src && make", "FROM scratch\nWORKDIR /src\nRUN make",
			"A cd ends with its RUN, which readers forget; WORKDIR holds for all instructions that follow.",
			"Put \"WORKDIR /folder\" before the RUN.", "hadolint/DL3003", "trivy/DS-0013"),
		look: func(r *scripts) (hits []check.Hit) {
			for _, s := range r.steps {
				// Only where all of the RUN happens in one folder could a WORKDIR say it.
				n := 0
				var first *shell.Command
				for _, c := range s.Commands {
					if c.Is("cd", "pushd") {
						n++
						first = c
					}
				}
				if n != 1 || first.Where != 0 || first.Via != nil || len(first.Args) != 1 || !path.IsAbs(first.Args[0].Text) || leading(s, first) {
					continue
				}
				hits = append(hits, s.hit(first.Pos, found{what: "cd", detail: first.Args[0].Text, fix: "Put \"WORKDIR " + first.Args[0].Text + "\" before the RUN, and drop the cd."}))
			}
			return hits
		},
	}
}

// leading says that something happens before a command, which should not move with it.
func leading(s *step, c *shell.Command) bool {
	for _, before := range s.Commands {
		if before == c {
			return false
		}
		if !before.Is("set", "export", "mkdir") {
			return true
		}
	}
	return false
}

func sudo() runCheck {
	return runCheck{
		Card: style("dockerfile/sudo", finding.Low, "sudo in a build", "sudo apt-get update && sudo apt-get install -y curl", "apt-get update && apt-get install -y curl",
			"A build runs as whom USER names, so sudo changes nothing; but it must be installed for it, and then lies in the image for an\nattacker, often with a rule that asks for no password.",
			"Write \"USER root\" before the RUN and the application's user after it, and leave sudo out of the image.",
			"hadolint/DL3004", "trivy/DS-0010", "dockle/DKL-DI-0001", "checkov/CKV2_DOCKER_1"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			return found{what: "sudo"}, c.Is("sudo")
		}),
	}
}

func twoDownloaders() runCheck {
	return runCheck{
		Card: style("dockerfile/wget-and-curl", finding.Info, "both wget and curl are used",
			"curl -fsSLO https://example.org/a.txt && wget -q https://example.org/b.txt", "curl -fsSLO https://example.org/a.txt && curl -fsSLO https://example.org/b.txt",
			"Two programs for one thing: one more to install, and to update.", "Use one of them throughout.", "hadolint/DL4001", "trivy/DS-0014"),
		look: func(r *scripts) (hits []check.Hit) {
			used := map[*dockerfile.Stage]map[string]bool{}
			for _, s := range r.steps {
				for _, c := range s.Commands {
					if !c.Is("wget", "curl") || len(c.Args) == 0 {
						continue
					}
					if used[s.in.Stage] == nil {
						used[s.in.Stage] = map[string]bool{}
					}
					mine := used[s.in.Stage]
					mine[c.Name] = true
					if len(mine) == 2 && !mine["told"] {
						mine["told"] = true
						hits = append(hits, s.hit(c.Pos, found{what: "wget and curl"}))
					}
				}
			}
			return hits
		},
	}
}

func shellLink() runCheck {
	return runCheck{
		Card: style("dockerfile/sh-replaced", finding.Low, "/bin/sh is replaced by another shell", "ln -sf /bin/bash /bin/sh", "FROM scratch\nSHELL [\"/bin/bash\", \"-c\"]\nRUN echo x",
			"Scripts of the distribution are written for its own /bin/sh, and an update of that package undoes it.",
			"Write SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] instead.", "hadolint/DL4005"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			ops := c.Operands()
			return found{what: "ln /bin/sh"}, c.Is("ln") && len(ops) > 1 && ops[len(ops)-1].Text == "/bin/sh"
		}),
	}
}

func unguardedPipe() runCheck {
	return runCheck{
		Card: style("dockerfile/pipefail", finding.Low, "a failure on the left of a pipe goes unseen",
			"curl -fsSL https://example.org/a.txt | grep x > /a", "FROM scratch\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl -fsSL https://example.org/a.txt | grep x > /a",
			"A pipe's exit status is that of its last command. A download that breaks off leaves an image with half of it, and the build passes.",
			"Put SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] before it; it holds until the next FROM.", "hadolint/DL4006"),
		look: func(r *scripts) (hits []check.Hit) {
			for _, s := range r.steps {
				if slices.ContainsFunc(s.in.Shell, func(word string) bool { return strings.Contains(word, "pipefail") }) && !s.in.JSON {
					continue
				}
				for _, p := range s.Pipes {
					if p.Guarded || slices.Contains([]string{"echo", "printf", "yes", ":", "true", "cat"}, p.First) {
						continue // they do not fail, or are meant to be cut off
					}
					hits = append(hits, s.hit(p.Pos, found{what: "pipe from " + p.First, detail: p.First + " | " + p.Last, fix: s.guard()}))
				}
			}
			return hits
		},
	}
}

// guard says how pipefail is set with the shell that the base image has: dash knows none, busybox does.
func (s *step) guard() string {
	name := ""
	if s.in.Stage != nil {
		for up := s.in.Stage; up != nil; up = up.Parent {
			name = up.Image
		}
	}
	if strings.Contains(name, "alpine") || strings.Contains(name, "busybox") {
		return `Put SHELL ["/bin/ash", "-eo", "pipefail", "-c"] before the RUN, or begin it with "set -o pipefail;".`
	}
	return `Put SHELL ["/bin/bash", "-o", "pipefail", "-c"] before the RUN.`
}

func lastlog() runCheck {
	return runCheck{
		Card: style("dockerfile/lastlog", finding.Info, "useradd with a high id makes a huge sparse file", "useradd -u 1000001 app", "useradd --no-log-init -u 1000001 app",
			"useradd writes to /var/log/lastlog and faillog at the place of the id: layers that store the gap grow by gigabytes.",
			"Write \"useradd --no-log-init …\".", "hadolint/DL3046"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			id := c.Value("-u", "--uid")
			if !c.Is("useradd") || id == nil || !id.Known || len(id.Text) < 6 {
				return found{}, false
			}
			for _, a := range c.Args { // -l takes no value here, as it does in usermod
				if a.Text == "--no-log-init" || strings.HasPrefix(a.Text, "-") && !strings.HasPrefix(a.Text, "--") && strings.Contains(a.Text, "l") {
					return found{}, false
				}
			}
			return found{what: "useradd"}, true
		}),
	}
}

func wgetProgress() runCheck {
	return runCheck{
		Card: style("dockerfile/wget-progress", finding.Info, "wget fills the build's log with its progress", "wget https://example.org/a.txt", "wget -q https://example.org/a.txt",
			"Without a terminal, wget writes a line for each 50 KB.", "Write \"wget -nv …\" or \"wget --progress=dot:giga …\".", "hadolint/DL3047"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			return found{what: "wget"}, c.Is("wget") && len(c.Operands()) > 0 && !c.Has("-q", "--quiet", "-nv", "--no-verbose", "--progress", "-o", "--output-file", "-a", "--append-output", "-b")
		}),
	}
}

func consecutive() runCheck {
	return runCheck{
		Card: style("dockerfile/consecutive-runs", finding.Info, "short RUN lines follow each other", "FROM scratch\nRUN mkdir /a\nRUN mkdir /b", "mkdir /a && mkdir /b",
			"Each RUN makes a layer. It matters little; where one deletes what another made, it matters to the image's size.",
			"Join them with && where they belong together.", "hadolint/DL3059"),
		look: func(r *scripts) (hits []check.Hit) {
			at := map[*dockerfile.Instruction]*step{}
			for _, s := range r.steps {
				at[s.in] = s
			}
			for i := 1; i < len(r.file.Instructions); i++ {
				before, s := at[r.file.Instructions[i-1]], at[r.file.Instructions[i]]
				if before == nil || s == nil || !s.ships() || s.length() > 1 || before.length() > 1 || !slices.Equal(before.in.Flags, s.in.Flags) || before.in.User != s.in.User {
					continue
				}
				hits = append(hits, s.hit(shell.Pos{Line: s.in.Start, Column: s.in.Column}, found{what: "after RUN"}))
			}
			return hits
		},
	}
}

// length is how many commands a RUN has, those that others run left out.
func (s *step) length() (n int) {
	for _, c := range s.Commands {
		if c.Via == nil && c.Where&shell.InSubstitution == 0 {
			n++
		}
	}
	return n
}

func extractCopied() runCheck {
	return runCheck{
		Card: style("dockerfile/copy-then-extract", finding.Info, "an archive is copied and then unpacked", "FROM scratch\nCOPY app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz -C /opt", "FROM scratch\nADD app.tar.gz /opt/\nRUN true",
			"The archive stays in the layer of its COPY for good, beside what was unpacked from it.",
			"Write \"ADD archive.tar.gz /folder/\", which unpacks a local archive, or mount it: RUN --mount=type=bind,source=archive.tar.gz,target=/tmp/a tar xf /tmp/a.", "hadolint/DL3010"),
		look: func(r *scripts) (hits []check.Hit) {
			for _, s := range r.steps {
				for _, c := range s.Commands {
					if name := copiedArchive(s, c); name != "" && s.ships() {
						hits = append(hits, s.hit(c.Pos, found{what: "tar " + name, detail: name}))
					}
				}
			}
			return hits
		},
	}
}

// copiedArchive is the name of an archive that a command unpacks and that the same stage copied from the build's
// files.
func copiedArchive(s *step, c *shell.Command) string {
	if !c.Is("tar", "unzip", "gunzip", "bsdtar") || s.in.Stage == nil {
		return ""
	}
	for _, in := range s.in.Stage.Instructions {
		if in == s.in {
			return ""
		}
		if _, elsewhere := in.Flag("from"); in.Name != "COPY" || elsewhere || len(in.Args) < 2 {
			continue
		}
		for _, source := range in.Args[:len(in.Args)-1] {
			name := path.Base(source)
			if to := path.Base(in.Args[len(in.Args)-1]); packed(to) && packed(name) && !strings.HasSuffix(in.Args[len(in.Args)-1], "/") {
				name = to
			}
			if !packed(name) || strings.HasSuffix(name, ".zip") || strings.ContainsAny(name, "*?$") {
				continue // ADD unpacks no zip
			}
			if slices.ContainsFunc(c.Args, func(a shell.Word) bool { return path.Base(a.Text) == name }) {
				return name
			}
		}
	}
	return ""
}
