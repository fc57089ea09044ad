package imagecfg

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// special are the bits of a mode beside the permissions, in chmod's order.
var special = []fs.FileMode{fs.ModeSetuid, fs.ModeSetgid, fs.ModeSticky}

const setID = fs.ModeSetuid | fs.ModeSetgid

// usual are the programs that distributions themselves mark setuid or setgid: Debian, Ubuntu, Alpine, Fedora, Red Hat,
// SUSE and Arch Linux, in their base systems and the packages that images have most.
var usual = []string{
	"at", "bsd-write", "chage", "chfn", "chsh", "chkpwd", "crontab", "dbus-daemon-launch-helper", "doas", "expiry", "exim4", "fusermount", "fusermount3",
	"gpasswd", "grub2-set-bootflag", "locate", "mail-lock", "mail-touchlock", "mail-unlock", "mlocate", "mount", "mount.cifs", "mount.nfs", "newgidmap", "newgrp", "newuidmap",
	"ntfs-3g", "pam_extrausers_chkpwd", "pam_timestamp_check", "passwd", "ping", "ping6", "pkexec", "plocate", "polkit-agent-helper-1", "postdrop", "postqueue",
	"pppd", "screen", "sg", "ssh-agent", "ssh-keysign", "su", "sudo", "sudoedit", "traceroute6.iputils", "umount", "unix2_chkpwd", "unix_chkpwd", "userhelper",
	"usernetctl", "utempter", "utmp", "vlock-main", "wall", "write", "write.ul", "bbsuid", "chrome-sandbox", "dotlock.mailutils", "dotlockfile", "ksu", "snap-confine", "snap-seccomp",
	"suexec", "traceroute", "Xorg.wrap", "lockfile", "procmail", "mtr-packet",
}

// escapes are programs that run what they are told to (GTFOBins' "SUID" list): setuid on one of them is root for everybody.
var escapes = []string{
	"ash", "awk", "bash", "busybox", "cp", "csh", "curl", "dash", "dd", "docker", "ed", "emacs", "env", "expect", "find", "flock", "gawk", "gcc", "gdb", "gimp", "git",
	"hping3", "ionice", "java", "jrunscript", "ksh", "ld.so", "less", "lua", "make", "mawk", "more", "mv", "nano", "nawk", "nice", "nmap", "node", "nohup", "openssl", "perl", "php", "pip",
	"python", "rsync", "ruby", "sed", "sh", "socat", "strace", "tail", "tar", "taskset", "tclsh", "tee", "time", "timeout", "unzip", "vi", "vim", "watch", "wget", "xargs", "zip", "zsh",
}

// isOne knows a program by its name, with or without a version at its end.
func isOne(of []string, p string) bool {
	base := path.Base(p)
	return slices.Contains(of, base) || slices.Contains(of, strings.TrimRight(base, "0123456789.-"))
}

var setuid = Check{
	Card: card("image/setuid", "a program runs as its owner, whoever starts it", finding.Medium, check.Page{
		Why: "A fault in a setuid program is a way from the application's user to root. What the distribution marks so itself is\n" +
			"told of once, at info: few containers need any of it. What somebody else marked is worse.",
		Fix: "Take the bit away where nothing needs it: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`.\n\n" +
			"Or run with `--security-opt no-new-privileges`, in Kubernetes `allowPrivilegeEscalation: false`: the bit then does nothing.",
		Bad:  "-rwsr-xr-x 0 0 usr/local/bin/backup\n",
		Good: "-rwxr-xr-x 0 0 usr/local/bin/backup\n",
	}, "dockle/CIS-DI-0008", "cis-docker-1.7/4.8"),
	needs: needsSystem,
	Look: func(f Facts) (hits []check.Hit) {
		var known, other, worst []File
		for _, one := range f.System.Files {
			switch {
			case !one.Mode.IsRegular() || one.Mode&setID == 0:
			case isOne(escapes, one.Path) || slices.ContainsFunc(one.Also, func(p string) bool { return isOne(escapes, p) }):
				worst = append(worst, one)
			case one.Package != "" && isOne(usual, one.Path):
				known = append(known, one)
			default:
				other = append(other, one)
			}
		}
		return slices.Concat(
			each(worst, "which runs what it is told to", finding.High), each(other, "", ""),
			together(known, "program%s that the distribution marks so", finding.Info))
	},
}

// maxEach bounds the findings that name one file each; the rest is one finding.
const maxEach = 10

// each makes a hit of each file, and one of those that are too many.
func each(of []File, what string, how finding.Severity) (hits []check.Hit) {
	for i := range of[:min(len(of), maxEach)] {
		f := &of[i]
		detail := f.Path
		switch {
		case what != "":
			detail += ", " + what
		case f.Package != "":
			detail += ", of " + f.Package
		default:
			detail += ", which no package brought"
		}
		hits = append(hits, check.Hit{Where: describe(*f), Detail: detail, At: []finding.Location{{Path: f.Path, Layer: &f.Layer}}, Severity: how})
	}
	if len(of) > maxEach {
		hits = append(hits, together(of[maxEach:], "more file%s", how)...)
	}
	return hits
}

// together makes one hit of all files.
func together(of []File, what string, how finding.Severity) []check.Hit {
	if len(of) == 0 {
		return nil
	}
	h := files(of, what)
	h.Severity = how
	return []check.Hit{h}
}

// mighty are capabilities that are as good as root, or lead there (capabilities(7)).
var mighty = []string{
	"cap_bpf", "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_mac_admin", "cap_mac_override", "cap_mknod", "cap_setfcap", "cap_setgid",
	"cap_setpcap", "cap_setuid", "cap_sys_admin", "cap_sys_boot", "cap_sys_module", "cap_sys_ptrace", "cap_sys_rawio", "cap_perfmon", "cap_net_admin",
}

// granted are programs to which distributions give capabilities themselves.
var granted = []string{
	"arping", "clockdiff", "dumpcap", "gst-ptp-helper", "mtr-packet", "newgidmap", "newuidmap", "ping", "ping4", "ping6", "rcp", "rlogin", "rsh", "suexec", "systemd-detect-virt",
	"traceroute6", "sway", "fping", "gnome-keyring-daemon", "usbmuxd", "httpd", "kwin_wayland", "snap-confine",
}

var capabilities = Check{
	Card: card("image/file-capabilities", "a program has capabilities of its own", finding.Medium, check.Page{
		Why: "Capabilities in a file's attributes give the program a part of root's rights, whoever starts it. `ls` does not\n" +
			"show them. One like cap_setuid or cap_sys_admin is as good as all.",
		Fix: "Take them away with `setcap -r FILE`; give the container what it needs with `--cap-add` instead, where everybody sees it.",
		Bad: "getcap usr/local/bin/backup cap_dac_read_search\n", Good: "-rwxr-xr-x 0 0 usr/local/bin/backup\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		var known, weak, strong []File
		for _, one := range f.System.Files {
			switch {
			case len(one.Capabilities) == 0:
			case one.Package != "" && isOne(granted, one.Path):
				known = append(known, one)
			case slices.ContainsFunc(one.Capabilities, func(c string) bool { return slices.Contains(mighty, c) }):
				strong = append(strong, one)
			default:
				weak = append(weak, one)
			}
		}
		hits := each(strong, "", "")
		for i := range hits[:min(len(strong), maxEach)] {
			hits[i].Detail += ": " + strings.Join(strong[i].Capabilities, ", ")
		}
		return slices.Concat(hits, together(weak, "program%s with a harmless one", finding.Low), together(known, "program%s to which the distribution gives some", finding.Info))
	},
}

var worldWritable = Check{
	Card: card("image/world-writable", "everybody may change files of the image", finding.Low, check.Page{
		Why: "Any process in the container, as any user, can replace such a file or put its own into such a folder: a program\n" +
			"that another user then runs, or what it believes.",
		Fix: "`chmod o-w`, and own what the application writes by its user: `COPY --chown=10001:10001 --chmod=755`. A folder that all may use needs the sticky bit, `chmod 1777`.",
		Bad: "-rwxrwxrwx 0 0 srv/cart/start.sh\n", Good: "-rwxr-xr-x 0 0 srv/cart/start.sh\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		var programs, plain, folders []File
		for _, one := range f.System.Files {
			switch {
			case one.Mode&0o002 == 0 || one.Mode&fs.ModeDevice != 0 || one.Mode.IsDir() && one.Mode&fs.ModeSticky != 0:
			case one.Mode.IsDir():
				folders = append(folders, one)
			case one.Mode&0o111 != 0 || strings.HasPrefix(one.Path, "etc/"):
				programs = append(programs, one)
			default:
				plain = append(plain, one)
			}
		}
		return slices.Concat(together(programs, "file%s of code or of the system's configuration", finding.Medium),
			together(plain, "file%s", ""), together(folders, "folder%s without the sticky bit", ""))
	},
}

var deviceNode = Check{
	Card: card("image/device-node", "the image brings devices", finding.Low, check.Page{
		Why: "Engines make the devices that a container may use. One in the image is another way to a disk or to memory,\n" +
			"open as soon as the container runs privileged.",
		Fix: "Remove it in the layer that brings it: devices have no place in an image.",
		Bad: "brw-rw---- 0 6 dev/sda\n", Good: "-rwxr-xr-x 0 0 usr/bin/cart\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) []check.Hit {
		var found []File
		for _, one := range f.System.Files {
			if one.Mode&fs.ModeDevice != 0 && (one.Mode&fs.ModeCharDevice == 0 || !isOne(plainDevices, one.Path) || path.Dir(one.Path) != "dev") {
				found = append(found, one)
			}
		}
		return together(found, "device%s", "")
	},
}

// plainDevices are those that every container has, and that a bootstrapped system brings.
var plainDevices = []string{"console", "full", "kmsg", "null", "ptmx", "random", "tty", "urandom", "zero", "fuse"}

var writableAccounts = Check{
	Card: card("image/writable-accounts", "others than root may change who is who", finding.High, check.Page{
		Why: "Who may write etc/passwd, etc/shadow or the rules of sudo makes himself root with one line.",
		Fix: "`chmod 644 /etc/passwd /etc/group; chmod 640 /etc/shadow`, all of root.\n\n" +
			"Images for OpenShift let group 0 write etc/passwd, as its users have no name: since OpenShift 4 the engine adds the line itself, and the right can go.",
		Bad: "-rw-rw-rw- 0 0 etc/passwd\n", Good: "-rw-r--r-- 0 0 etc/passwd\n",
	}),
	needs: needsSystem,
	Look: func(f Facts) (hits []check.Hit) {
		for _, p := range []string{"etc/passwd", "etc/shadow", "etc/group", "etc/sudoers"} {
			one, ok := f.System.Look(p)
			var who string
			how := finding.Severity("")
			switch {
			case !ok:
			case one.Mode&0o002 != 0:
				who = "everybody"
			case one.UID != 0 && one.Mode&0o200 != 0:
				who = fmt.Sprintf("user %d", one.UID)
			case one.Mode&0o020 != 0:
				who, how = fmt.Sprintf("group %d", one.GID), finding.Low
				if one.GID != 0 {
					how = finding.Medium
				}
			}
			if who != "" {
				hits = append(hits, check.Hit{
					Where: describe(one), Detail: p + ", by " + who, Severity: how, At: []finding.Location{{Path: cmp.Or(one.Path, p), Layer: &one.Layer}},
				})
			}
		}
		return hits
	},
}
