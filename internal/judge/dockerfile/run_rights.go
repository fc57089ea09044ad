package dockerfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// rights lists the checks for rights that RUN lines give away.
func rights() []runCheck {
	return []runCheck{madeWritable(), setUID(), capability(), guardOff(), unsafePerm()}
}

func madeWritable() runCheck {
	return runCheck{
		Card: style("dockerfile/world-writable", finding.Medium, "everybody may write there", "mkdir /app && chmod -R 777 /app", "mkdir /app && chown app:app /app && chmod 750 /app",
			"Whatever runs in the container, however little it may do otherwise, can change the program or its settings, and so what runs\nnext, under another user too.",
			"Give it to the user that runs (chown app:app PATH, COPY --chown), and let only that one write: chmod u+rwX,go-w PATH."),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			mode, at := modeOf(c)
			if mode == "" || !everybody(mode) || slices.ContainsFunc(at, func(w string) bool { return strings.HasPrefix(w, "/dev/") || strings.HasPrefix(w, "/proc/") }) {
				return found{}, false
			}
			if len(at) > 0 && !slices.ContainsFunc(at, func(w string) bool {
				return !s.mountedOver(w) && !s.later(c, func(d *shell.Command) bool { return removes(d, w) || rewrites(d, w) })
			}) {
				return found{}, false
			}
			where := strings.Join(at, " ")
			return found{what: c.Name + " " + where, detail: strings.TrimSpace(c.Name + " " + mode + " " + where)}, true
		}),
	}
}

// mountedOver says that a path is a mount's, and no part of the layer.
func (s *step) mountedOver(at string) bool {
	for _, m := range s.in.Mounts {
		if m.Target != "" && within(at, m.Target) {
			return true
		}
	}
	return false
}

// rewrites says that a later chmod gives the same path other rights.
func rewrites(c *shell.Command, at string) bool {
	mode, paths := modeOf(c)
	return mode != "" && !everybody(mode) && slices.Contains(paths, at)
}

// modeOf is the mode that a command gives, and what it gives it to.
func modeOf(c *shell.Command) (mode string, at []string) {
	switch c.Name {
	case "chmod":
		ops := c.Operands()
		if len(ops) < 2 || !ops[0].Known {
			return "", nil
		}
		for _, o := range ops[1:] {
			at = append(at, o.Text)
		}
		return ops[0].Text, at
	case "mkdir", "install":
		w := c.Value("-m", "--mode")
		if w == nil || !w.Known {
			return "", nil
		}
		for _, o := range c.Operands() {
			at = append(at, o.Text)
		}
		if c.Name == "install" && len(at) > 1 && !c.Has("-d") {
			at = at[len(at)-1:]
		}
		return w.Text, at
	}
	return "", nil
}

// everybody says that a mode lets everybody write. A folder with the sticky bit is shared on purpose.
func everybody(mode string) bool {
	if octal(mode) {
		sticky := len(mode) > 3 && (mode[len(mode)-4]-'0')&1 != 0
		return !sticky && (mode[len(mode)-1]-'0')&2 != 0
	}
	for _, clause := range strings.Split(mode, ",") {
		who, what, ok := cutAny(clause, "+=")
		if ok && strings.Contains(what, "w") && strings.ContainsAny(who, "oa") && !strings.Contains(mode, "t") {
			return true
		}
	}
	return false
}

func octal(mode string) bool {
	return mode != "" && len(mode) <= 5 && strings.Trim(mode, "01234567") == ""
}

func cutAny(s, marks string) (before, after string, ok bool) {
	i := strings.IndexAny(s, marks)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func setUID() runCheck {
	return runCheck{
		Card: style("dockerfile/setuid", finding.Medium, "a program is made to run as its owner", "chmod u+s /usr/bin/tool", "chmod 755 /usr/bin/tool",
			"Whoever runs it has its owner's rights, mostly root's: a flaw in it is a way up from any user of the container.",
			"Run the container as the user that the work needs, or give the one capability: setcap cap_net_bind_service=+ep FILE. Forbid the way\nup at run time, too: no-new-privileges."),
		look: shipped(func(s *step, c *shell.Command) (found, bool) {
			mode, at := modeOf(c)
			if mode == "" || !owners(mode) {
				return found{}, false
			}
			where := strings.Join(at, " ")
			return found{what: c.Name + " " + where, detail: c.Name + " " + mode + " " + where}, true
		}),
	}
}

// owners says that a mode has the set-user-id bit.
func owners(mode string) bool {
	if octal(mode) {
		return len(mode) > 3 && (mode[len(mode)-4]-'0')&4 != 0
	}
	for _, clause := range strings.Split(mode, ",") {
		who, what, ok := cutAny(clause, "+=")
		if ok && strings.Contains(what, "s") && (who == "" || strings.ContainsAny(who, "ua")) {
			return true
		}
	}
	return false
}

func capability() runCheck {
	return runCheck{
		Card: style("dockerfile/setcap", finding.Medium, "a program is given a capability", "setcap cap_sys_admin+ep /usr/bin/tool", "chmod 755 /usr/bin/tool",
			"Whoever runs it has that part of root's power. cap_net_bind_service (ports below 1024) does little harm; cap_sys_admin,\ncap_dac_override, cap_setuid or cap_sys_ptrace are as good as root.",
			"Listen on a port above 1024, and give capabilities at run time to those containers that need them."),
		look: shipped(func(_ *step, c *shell.Command) (found, bool) {
			if !c.Is("setcap") || c.Has("-r") || len(c.Operands()) < 2 {
				return found{}, false
			}
			caps := strings.ToLower(c.Operands()[0].Text)
			f := found{what: "setcap " + caps, detail: caps}
			names, _, _ := strings.Cut(strings.ReplaceAll(caps, "=", "+"), "+")
			if harmless := strings.Trim(strings.NewReplacer("cap_net_bind_service", "", "cap_net_raw", "", "cap_net_admin", "").Replace(names), ", ") == ""; harmless {
				f.severity = finding.Info
			}
			return f, true
		}),
	}
}

func guardOff() runCheck {
	return runCheck{
		Card: style("dockerfile/guard-off", finding.Low, "SELinux or AppArmor is switched off", "setenforce 0", "true",
			"In a build it does nothing, for the host's kernel decides. It shows what somebody did on the host, too, or would; and in a\nvirtual machine that is made from the image it holds.",
			"Drop it. Where a label is in the way, mount with :z, or write a profile."),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			all := words(c)
			off := c.Is("setenforce") && (strings.Contains(all, " 0 ") || strings.Contains(all, "permissive")) ||
				c.Is("aa-teardown", "aa-disable", "aa-complain") ||
				c.Is("systemctl") && strings.Contains(all, "apparmor") && (strings.Contains(all, " disable ") || strings.Contains(all, " stop ") || strings.Contains(all, " mask ")) ||
				c.Is("sed", "echo") && (strings.Contains(all, "selinux=disabled") || strings.Contains(all, "selinux=permissive"))
			return found{what: c.Name, detail: c.Name}, off
		}),
	}
}

func unsafePerm() runCheck {
	t := trust{
		id: "npm-unsafe", title: "npm runs packages' scripts as root",
		bad: "npm install -g --unsafe-perm pm2@5.4.2", good: "npm install -g pm2@5.4.2",
		fix:     "Drop unsafe-perm, and install as the application's user (USER node before it).",
		command: npmUnsafe,
		variable: func(name, value string) bool {
			return strings.EqualFold(name, "npm_config_unsafe_perm") && value != "" && value != "false"
		},
	}
	return t.check("-perm", finding.Low, "Without it npm gives up root's rights before it runs the scripts that packages bring; with it, each of hundreds of packages can\nchange anything in the image.")
}

func npmUnsafe(c *shell.Command) string {
	all := words(c)
	if c.Is("npm") && (strings.Contains(all, " --unsafe-perm ") || strings.Contains(all, " --unsafe-perm=true ") || strings.Contains(all, " --unsafe ") || strings.Contains(all, " unsafe-perm true ") || strings.Contains(all, " unsafe-perm=true ")) {
		return "npm unsafe-perm"
	}
	return ""
}
