package dockerfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// passwords lists the checks for secrets that RUN lines say or keep.
func passwords() []runCheck { return []runCheck{passwordArgument(), passwordSet(), secretKept()} }

func passwordArgument() runCheck {
	return runCheck{
		Card: style("dockerfile/password-argument", finding.Medium, "a password stands on a command line",
			"curl -fsS -u build:Tr0ub4dor https://example.org/a", "FROM scratch\nRUN --mount=type=secret,id=netrc,target=/root/.netrc curl -fsSn https://example.org/a",
			"RUN lines are kept in the image's history, for everybody who can pull it, and stand in the build's log.",
			"Mount it for that one RUN: --mount=type=secret,id=NAME, and read /run/secrets/NAME. Change the password: it has been published."),
		look: eachCommand(func(s *step, c *shell.Command) (found, bool) {
			how := passwordOf(c)
			return found{what: c.Name + " " + how, detail: written(c, how)}, how != ""
		}),
	}
}

// passwordOf is the option that gives a command a password in the clear. Of what a variable holds nothing
// is known.
func passwordOf(c *shell.Command) string {
	literal := func(w *shell.Word) bool {
		return w != nil && w.Known && w.Text != "" && !strings.ContainsAny(w.Text, "$<{%")
	}
	withColon := func(w *shell.Word) bool {
		if w == nil {
			return false
		}
		_, password, ok := strings.Cut(w.Text, ":")
		return ok && password != "" && !strings.ContainsAny(password, "$`")
	}
	switch c.Name {
	case "curl":
		for _, o := range []string{"-u", "--user", "--proxy-user", "-U"} {
			if w := c.Value(o); withColon(w) && w.Text != "anonymous:" {
				return o
			}
		}
	case "wget":
		for _, o := range []string{"--password", "--http-password", "--ftp-password", "--proxy-password"} {
			if literal(c.Value(o)) {
				return o
			}
		}
	case "mysql", "mysqladmin", "mysqldump", "mariadb", "mariadb-admin":
		for _, a := range c.Args {
			rest, short := strings.CutPrefix(a.Text, "-p")
			rest2, long := strings.CutPrefix(a.Text, "--password=")
			if a.Known && (short && rest != "" || long && rest2 != "") {
				return "-p"
			}
		}
	case "sshpass":
		if len(c.Args) > 0 && strings.HasPrefix(c.Args[0].Text, "-p") && c.Args[0].Known {
			return "-p"
		}
	case "docker", "podman", "skopeo", "helm", "az", "aws":
		if verb, _ := c.Sub(); verb == "login" && slices.ContainsFunc(c.Args, func(a shell.Word) bool { return a.Text == "-p" || strings.HasPrefix(a.Text, "--password=") }) {
			return "login -p"
		}
	}
	for _, a := range c.Assigns {
		if (a.Name == "PGPASSWORD" || a.Name == "MYSQL_PWD" || a.Name == "SSHPASS") && literal(&a.Value) {
			return a.Name
		}
	}
	if c.Is("curl", "wget", "git", "pip", "npm") {
		return loginIn(c)
	}
	return ""
}

// loginIn finds https://user:password@host.
func loginIn(c *shell.Command) string {
	for _, a := range c.Args {
		_, rest, ok := strings.Cut(a.Text, "://")
		host, _, _ := strings.Cut(rest, "/")
		login, _, hasLogin := strings.Cut(host, "@")
		_, password, hasPassword := strings.Cut(login, ":")
		if ok && hasLogin && hasPassword && password != "" && !strings.ContainsAny(password, "$`{<%") && password != "x-oauth-basic" {
			return "https://USER:PASSWORD@…"
		}
	}
	return ""
}

func passwordSet() runCheck {
	return runCheck{
		Card: style("dockerfile/password-set", finding.Low, "the build gives an account a password",
			"echo 'root:Tr0ub4dor' | chpasswd", "useradd --no-log-init -r app",
			"All containers of the image share the password, and who can pull the image can read or guess it. A container needs none:\nwho may enter it is the runtime's matter.",
			"Leave the account without a password (useradd makes it locked), and enter with \"docker exec\".", "checkov/CKV2_DOCKER_17"),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			f := found{what: c.Name, detail: c.Name}
			switch {
			case c.Is("chpasswd"):
				for _, from := range c.From {
					f.severity = literalLogin(from, f.severity)
				}
				for _, r := range c.Redirs {
					if r.Body != "" || r.Op == "<<<" {
						f.severity = finding.Medium
					}
				}
			case c.Is("passwd") && c.Has("--stdin"):
			case c.Is("passwd") && c.Has("-d", "--delete"):
				f.detail, f.severity = "passwd -d leaves the account open to anybody", finding.Medium
			case c.Is("useradd", "usermod"):
				w := c.Value("-p", "--password")
				if w == nil || w.Text == "!" || w.Text == "*" || w.Text == "!!" || w.Text == "x" {
					return found{}, false
				}
				f.detail = c.Name + " -p"
				if w.Known {
					f.severity = finding.Medium
				}
			default:
				return found{}, false
			}
			return f, true
		}),
	}
}

// literalLogin is medium where echo or printf says account and password in the clear.
func literalLogin(from *shell.Command, otherwise finding.Severity) finding.Severity {
	for _, a := range from.Args {
		if name, password, ok := strings.Cut(a.Text, ":"); from.Is("echo", "printf") && ok && name != "" && password != "" && a.Known && !strings.Contains(password, "%") {
			return finding.Medium
		}
	}
	return otherwise
}

func secretKept() runCheck {
	return runCheck{
		Card: style("dockerfile/secret-kept", finding.High, "a build secret is written to the layer",
			"FROM scratch\nRUN --mount=type=secret,id=npmrc cp /run/secrets/npmrc /root/.npmrc && npm ci", "FROM scratch\nRUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci",
			"The mount is gone when the RUN ends, the copy is not: it ships in the layer, for everybody who can pull the image.",
			"Mount the secret where it is looked for (target=/root/.npmrc), or pass it as a variable of that one command: TOKEN=$(cat /run/secrets/token) command."),
		look: func(r *scripts) (hits []check.Hit) {
			for _, s := range r.steps {
				if t := taintOf(s); len(t.paths)+len(t.names) > 0 {
					hits = append(hits, t.kept()...)
				}
			}
			return hits
		},
	}
}

// taint follows what a RUN's secrets reach.
type taint struct {
	s     *step
	paths []string
	names []string // variables that hold one
}

func taintOf(s *step) *taint {
	t := &taint{s: s}
	for _, m := range s.in.Mounts {
		if m.Type != "secret" {
			continue
		}
		if m.Env != "" {
			t.names = append(t.names, m.Env)
		}
		if m.Target != "" {
			t.paths = append(t.paths, m.Target)
		}
	}
	return t
}

func (t *taint) kept() (hits []check.Hit) {
	for _, c := range t.s.Commands {
		for _, a := range c.Assigns {
			if t.holds(a.Value) && !slices.Contains(t.names, a.Name) && (len(c.Args) == 0 || c.Name == "export" || len(c.Args) == len(c.Assigns)) {
				t.names = append(t.names, a.Name)
			}
		}
		if to, how := t.written(c); to != "" {
			hits = append(hits, t.s.hit(c.Pos, found{what: c.Name + " " + to, detail: how}))
		}
	}
	return hits
}

// holds says that a word has a secret's content in it.
func (t *taint) holds(w shell.Word) bool {
	for _, name := range t.names {
		if strings.Contains(w.Text, "$"+name) || strings.Contains(w.Text, "${"+name) {
			return !w.Known
		}
	}
	if strings.HasPrefix(w.Text, "<(") {
		return false
	}
	return slices.ContainsFunc(w.From, t.reads)
}

// reads says that a command writes a secret to its output.
func (t *taint) reads(c *shell.Command) bool {
	if !c.Is("cat", "head", "tail", "tr", "sed", "awk", "base64", "grep", "cut", "echo", "printf", "jq", "envsubst") {
		return false
	}
	if c.Is("envsubst") {
		return len(t.names) > 0
	}
	if slices.ContainsFunc(c.From, t.reads) || slices.ContainsFunc(c.Redirs, func(r shell.Redir) bool { return r.Op == "<" && slices.Contains(t.paths, r.To.Text) }) {
		return true
	}
	return slices.ContainsFunc(c.Args, func(a shell.Word) bool {
		return slices.Contains(t.paths, a.Text) && !c.Is("echo", "printf") || t.holds(a)
	})
}

// written tells the file or setting in which a command keeps a secret.
func (t *taint) written(c *shell.Command) (to, how string) {
	ops := c.Operands()
	if c.Is("cp", "mv", "install", "rsync") && len(ops) > 1 {
		if slices.ContainsFunc(ops[:len(ops)-1], func(a shell.Word) bool { return slices.Contains(t.paths, a.Text) }) {
			return t.stays(c, ops[len(ops)-1].Text)
		}
	}
	if c.Is("tee") && slices.ContainsFunc(c.From, t.reads) && len(ops) > 0 {
		return t.stays(c, ops[0].Text)
	}
	for _, r := range c.Redirs {
		if (r.Op == ">" || r.Op == ">>") && r.FD == "" && (t.reads(c) || t.holds(shell.Word{Text: r.Body})) {
			return t.stays(c, r.To.Text)
		}
	}
	if setting := persistent(c); setting != "" && slices.ContainsFunc(c.Args, t.holds) {
		if !t.s.later(c, func(d *shell.Command) bool {
			return d.Name == c.Name && (strings.Contains(words(d), "unset") || strings.Contains(words(d), "delete") || strings.Contains(words(d), "remove")) || d.Is("rm")
		}) {
			return setting, setting
		}
	}
	return "", ""
}

// stays says where a file remains in the layer: not in a mount, and not removed later.
func (t *taint) stays(c *shell.Command, at string) (to, how string) {
	if strings.HasPrefix(at, "/dev/") || strings.HasPrefix(at, "/proc/") || slices.ContainsFunc(t.s.in.Mounts, func(m dockerfile.Mount) bool { return m.Target != "" && within(at, m.Target) }) {
		return "", ""
	}
	if t.s.later(c, func(d *shell.Command) bool { return removes(d, at) }) {
		return "", ""
	}
	return at, "to " + at
}

// persistent is the setting that a command writes to a file of its own.
func persistent(c *shell.Command) string {
	switch {
	case c.Does("git", "config") && (c.Has("--global", "--system") || !c.Has("--get")):
		return "git config"
	case c.Does("npm yarn pnpm pip poetry bundle composer gem", "config set"):
		return c.Name + " config"
	case c.Is("aws") && strings.Contains(words(c), " configure set "):
		return "aws configure"
	case c.Does("docker podman helm npm", "login"):
		return c.Name + " login"
	case c.Is("dotnet") && strings.Contains(words(c), " nuget add source "):
		return "dotnet nuget add source"
	case c.Does("git", "clone"):
		return "git clone (.git/config)"
	}
	return ""
}
