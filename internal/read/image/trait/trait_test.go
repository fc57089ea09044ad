package trait

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	for path, want := range map[string]Class{
		"root/.bash_history": History, "home/a/.python_history": History, "app/.git/HEAD": Repository, "app/HEAD": Plain, "app/.git/config": Plain,
		"app/Dockerfile": BuildFile, "app/node_modules/x/Dockerfile": Plain, "usr/share/doc/x/Dockerfile": Plain, "usr/src/app/Dockerfile": BuildFile,
		"root/.aws/credentials": Credentials, "app/credentials": Plain, "app/.env": Credentials, "app/settings.py": Plain, "app/store.jks": Credentials,
		"etc/ssl/certs/ca.pem": Plain, "usr/lib/jvm/lib/security/x.p12": Plain, "app/.file.swp": Editor, "core": Dump, "srv/core.4711": Dump, "srv/core.js": Plain,
		"srv/coreutils": Plain, "srv/heap.hprof": Dump, "root/.docker/config.json": Credentials, "app/config.json": Plain, "": Plain, "Dockerfile": BuildFile,
		"usr/local/lib/python3/site-packages/x/.env": Plain, "etc/skel/.bash_history": Plain,
	} {
		if got := Of(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

func TestRoleOf(t *testing.T) {
	for path, want := range map[string]Role{
		"bin/sh": Shell, "usr/bin/python3.11": Interpreter, "usr/bin/perl5.36.0": Interpreter, "usr/bin/perlbug": "", "usr/bin/apt-get": PackageManager,
		"etc/cron.daily/dpkg": "", "usr/bin/nodeenv": "", "usr/bin/pip3.12": PackageManager, "Windows/System32/cmd.exe": Shell, "x": "",
	} {
		if got := RoleOf(path); got != want {
			t.Errorf("%s is a %q, want %q", path, got, want)
		}
	}
	if FamilyOf("usr/bin/apt-get") != FamilyOf("usr/bin/apt") || FamilyOf("usr/bin/pip3.12") != "pip" {
		t.Error("one package manager counts as two")
	}
}

func TestProgramOf(t *testing.T) {
	for _, c := range []struct {
		path string
		mode uint32
		head string
		want Program
	}{
		{"bin/a", 0o755, "\x7fELF", Binary},
		{"bin/a", 0o644, "\x7fELF", NoProgram},
		{"bin/a", 0o755, "#!/bin/sh", Script},
		{"bin/a", 0o755, "text", NoProgram},
		{"lib/libc.so.6", 0o755, "\x7fELF", NoProgram},
		{"lib/x.so", 0o755, "\x7fELF", NoProgram},
		{"a.EXE", 0o644, "MZ", Binary},
		{"bin/a", 0o755, "", NoProgram},
	} {
		if got := ProgramOf(c.path, fs.FileMode(c.mode), []byte(c.head)); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// The attributes are as setcap(8) of libcap 2.66 wrote them, and getcap(8) read them.
func TestParseCapabilities(t *testing.T) {
	for attribute, want := range map[string]string{
		"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00":                 "cap_net_raw=ep",
		"\x00\x00\x00\x02\x80\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00":                 "cap_setuid=ip",
		"\x01\x00\x00\x02\x00\x00\x20\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00":                 "cap_bpf,cap_sys_admin=ep",
		"\x01\x00\x00\x03\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe8\x03\x00\x00": "cap_net_raw=ep",
		"\x01\x00\x00\x01\x00\x20\x00\x00\x00\x00\x00\x00":                                                 "cap_net_raw=ep",
		"\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00":                 "cap_63=p",
	} {
		if got, err := ParseCapabilities([]byte(attribute)); err != nil || got.String() != want {
			t.Errorf("%q: %s, %v; want %s", attribute, got, err, want)
		}
	}
	for _, bad := range []string{"", "\x01", "\x01\x00\x00\x02", "\x01\x00\x00\x04" + strings.Repeat("\x00", 16), strings.Repeat("x", 20), "\x01\x00\x00\x02" + strings.Repeat("\x00", 17)} {
		if _, err := ParseCapabilities([]byte(bad)); !errors.Is(err, errCapabilities) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAccounts(t *testing.T) {
	passwd := "root:x:0:0:root:/root:/bin/bash\n# comment\n+nis\nshort:x:1\nbad:x:one:1::/:/bin/sh\nfree::1000:1000::/home/free:/bin/sh\r\nold:$1$abcdefgh$x:1:2::/:/bin/sh"
	var got []string
	for _, u := range Users([]byte(passwd)) {
		got = append(got, fmt.Sprintf("%s %d %d %s %d", u.Name, u.UID, u.GID, u.Shell, u.Password))
	}
	if diff := cmp.Diff([]string{"root 0 0 /bin/bash 0", "free 1000 1000 /bin/sh 1", "old 1 2 /bin/sh 2"}, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	for _, u := range Shadow([]byte("a:*:1:::::\nb:!:1\nc::1\nd:$y$j9T$abc$def:1\ne:!$6$x$y:1\nf:abcdefghijklm:1\ng:!!:1\nh:x:1\n")) {
		got = append(got, fmt.Sprint(u.Name, u.Password))
	}
	if diff := cmp.Diff([]string{"a3", "b3", "c1", "d2", "e3", "f2", "g3", "h3"}, got); diff != "" {
		t.Error(diff)
	}
	if got := Groups([]byte("root:x:0:\nwheel:x:10:a,b\nbad:x:\n")); len(got) != 2 || got[1].GID != 10 {
		t.Error(got)
	}
	sudoers := "# app ALL=(ALL) NOPASSWD: ALL\nDefaults env_reset\n%sudo ALL=(ALL:ALL) ALL\napp ALL=(ALL) \\\n NOPASSWD: ALL\n%wheel ALL=NOPASSWD: /bin/ls\n"
	if diff := cmp.Diff([]string{"app", "%wheel"}, WithoutPassword([]byte(sudoers))); diff != "" {
		t.Error(diff)
	}
}

// FuzzTraits reads account files and capabilities: bounded, and never a fault.
func FuzzTraits(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/bash\n"))
	f.Add([]byte("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("app ALL=(ALL) NOPASSWD: ALL \\\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, u := range append(Users(b), Shadow(b)...) {
			if u.Name == "" || len(u.Name) > maxName || len(u.Shell) > maxName || u.UID < 0 {
				t.Errorf("%+v", u)
			}
		}
		Groups(b)
		WithoutPassword(b)
		if c, err := ParseCapabilities(b); err == nil {
			_ = c.String()
		}
		Of(string(b))
		RoleOf(string(b))
		ProgramOf(string(b), 0o755, b)
		IsDump(b)
	})
}
