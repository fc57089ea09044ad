package imagecfg

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfig looks at images as their instructions make them: which checks find something, and how bad it is.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // of the checks that are not info
	}{
		{"nothing said", "# nothing\n", []string{"root-user medium"}},
		{"root by number", "USER 0\n", []string{"root-user medium"}},
		{"root with its group", "USER 0:0\n", []string{"root-user medium"}},
		{"root by name and group", "USER root:root\n", []string{"root-user medium"}},
		{"root in capitals", "USER ROOT\n", []string{"root-user medium"}},
		{"root's group alone", "USER 10001:0\n", nil},
		{"name that is root", "USER admin\netc/passwd: admin:x:0:0::/:/bin/sh\n", []string{"root-user medium", "second-root high"}},
		{"number that ends in zero", "USER 1000\n", nil},
		{"unknown group", "USER 5:app\netc/passwd: a:x:5:5::/:/bin/sh\n", []string{"unknown-user medium"}},
		{"range of ports", "USER 5\nEXPOSE 20-30\n", []string{"login-port medium"}},
		{"protocol", "USER 5\nEXPOSE 22/udp\n", []string{"login-port medium"}},
		{"ports that only look like it", "USER 5\nEXPOSE 8022\nEXPOSE 220/tcp\nEXPOSE 2200\n", nil},
		{"port 0", "USER 5\nEXPOSE 0\n", []string{"bad-port low"}},
		{"range the wrong way", "USER 5\nEXPOSE 90-80\n", []string{"bad-port low"}},
		{"variable", "USER 5\nEXPOSE $PORT\n", nil},
		{"names that are no secrets", "USER 5\nENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305\nENV KEYCLOAK_HOME=/opt\nENV MONKEY=1\n", nil},
		{"switches that are on", "USER 5\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\nENV PYTHONHTTPSVERIFY=1\nENV DEBUG=\nENV NODE_ENV=production\n", nil},
		{"git believes all", "USER 5\nENV GIT_SSL_NO_VERIFY=true\n", []string{"unverified-tls medium"}},
		{"empty element", "USER 5\nENV PATH=/usr/bin::/bin\n", []string{"search-path medium"}},
		{"element of a variable", "USER 5\nENV PATH=$HOME/bin:/bin\n", nil},
		{"folder of everybody", "USER 5\nENV PATH=/opt/bin:/bin\ndrwxrwxrwx 0 0 opt/bin\n", []string{"search-path medium", "world-writable low", "writable-code medium"}},
		{"jemalloc", "USER 5\nENV LD_PRELOAD=/usr/lib/libjemalloc.so.2\n", nil},
		{"library of everybody", "USER 5\nENV LD_PRELOAD=/tmp/x.so\n", []string{"loader-path medium"}},
		{"debugger by variable", "USER 5\nENV JAVA_TOOL_OPTIONS=-Xmx1g -agentlib:jdwp=transport=dt_socket,server=y\n", []string{"debug-environment low"}},
		{"debugger by command", "USER 5\nCMD [\"node\", \"--inspect=0.0.0.0:9229\", \"app.js\"]\n", []string{"dangerous-command medium"}},
		{"login server in a shell", "USER 5\nCMD service x start; /usr/sbin/sshd -D\n", []string{"dangerous-command medium"}},
		{"file of that name", "USER 5\nCMD [\"cat\", \"/etc/ssh/sshd_config\"]\n", nil},
		{"engine's socket", "USER 5\nVOLUME /var/run/docker.sock\n", []string{"system-volume medium"}},
		{"folder below a system's", "USER 5\nVOLUME /etc/shop/\n", nil},
		{"path with dots", "USER 5\nVOLUME /etc/../etc/\n", []string{"system-volume medium"}},
		{"tag that begins so", "docker push a:latest-1\n", nil},
		{"moving tag", "docker push a:latest\n", []string{"latest-tag low"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			f := example(t, c.text)
			for _, one := range Checks() {
				for _, h := range f.hits(one) {
					found := one.Finding("t1", h)
					if found.Severity != "info" {
						got = append(got, fmt.Sprintf("%s %s", strings.TrimPrefix(one.ID, "image/"), found.Severity))
					}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDockerfile says of a final stage only what its base image can't have said otherwise.
func TestDockerfile(t *testing.T) {
	f := Facts{Config: &Config{From: Value{Text: "debian:12"}}}
	if hits := f.hits(rootUser); len(hits) != 1 || hits[0].Severity != "low" {
		t.Errorf("%+v", hits)
	}
	f.Config.User = Value{Text: "root"}
	if hits := f.hits(rootUser); len(hits) != 1 || hits[0].Severity != "" {
		t.Errorf("%+v", hits)
	}
}

// TestFiles looks at files as listings show them.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"the distribution's", "-rwsr-xr-x 0 0 usr/bin/su util-linux\n-rwsr-xr-x 0 0 usr/bin/passwd passwd\n", []string{"setuid info: 2 programs that the distribution marks so: usr/bin/su, usr/bin/passwd"}},
		{"a name of the distribution's, of nobody", "-rwsr-xr-x 0 0 opt/su\n", []string{"setuid medium: opt/su, which no package brought"}},
		{"of a package, and unusual", "-rwsr-xr-x 0 0 usr/bin/tool tools\n", []string{"setuid medium: usr/bin/tool, of tools"}},
		{"a way to root", "-rwsr-xr-x 0 0 usr/bin/python3.11 python3\n", []string{"setuid high: usr/bin/python3.11, which runs what it is told to"}},
		{"folder with the group's bit", "drwxr-sr-x 0 8 var/mail\n", nil},
		{"harmless capability", "getcap srv/cart cap_net_bind_service\n", []string{"file-capabilities low: 1 program with a harmless one: srv/cart"}},
		{"mighty one", "getcap srv/cart cap_net_raw,cap_setuid\n", []string{"file-capabilities medium: srv/cart, which no package brought: cap_net_raw, cap_setuid"}},
		{"sticky folder", "drwxrwxrwt 0 0 tmp\n", nil},
		{"devices of every container", "crw-rw-rw- 0 0 dev/null\ncrw-rw-rw- 0 5 dev/tty\n", nil},
		{"OpenShift", "-rw-rw-r-- 0 0 etc/passwd\n", []string{"writable-accounts low: etc/passwd, by group 0"}},
		{"accounts of everybody", "-rw-rw-rw- 0 0 etc/passwd\n", []string{"world-writable medium: 1 file of code or of the system's configuration: etc/passwd", "writable-accounts high: etc/passwd, by everybody"}},
		{"locked accounts", "etc/shadow: a:!:1\netc/shadow: b:*:1\netc/shadow: c:!!:1\netc/shadow: d:!$6$a$b:1\n", nil},
		{"Red Hat's lifeless accounts", "etc/passwd: root:x:0:0::/:/bin/sh\netc/passwd: sync:x:0:5::/:/bin/sync\n", nil},
		{"script that can be replaced", "USER 5\nWORKDIR /srv\nCMD [\"node\", \"app.js\"]\ndrwxr-xr-x 5 5 srv\n-rw-r--r-- 0 0 srv/app.js\n", []string{"no-healthcheck info", "writable-code medium: 1 place of code: srv/app.js"}},
		{"configuration that can be replaced", "USER 5\nCMD [\"cart\", \"/srv/app.conf\"]\n-rw-r--r-- 5 5 srv/app.conf\n", []string{"no-healthcheck info"}},
		{"by its group", "USER 5:7\nCMD [\"/srv/cart\"]\n-rwxrwxr-x 0 7 srv/cart\n", []string{"no-healthcheck info", "writable-code medium: 1 place of code: srv/cart"}},
		{"by group 0, whose member a bare number is", "USER 5\nCMD [\"/srv/cart\"]\n-rwxrwxr-x 0 0 srv/cart\n", []string{"no-healthcheck info", "writable-code medium: 1 place of code: srv/cart"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			f := example(t, c.text)
			for _, one := range Checks() {
				for _, h := range f.hits(one) {
					found := one.Finding("t1", h)
					got = append(got, strings.TrimSuffix(fmt.Sprintf("%s %s: %s", strings.TrimPrefix(one.ID, "image/"), found.Severity, h.Detail), ": "))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMany has ten thousand setuid files: they are counted, and a few findings name some.
func TestMany(t *testing.T) {
	f := Facts{System: &System{}}
	for i := range 10_000 {
		f.System.Files = append(f.System.Files, File{Path: fmt.Sprintf("opt/%05d", i), Mode: permissions("-rwsr-xr-x")})
	}
	hits := f.hits(setuid)
	if len(hits) != maxEach+1 || !strings.HasPrefix(hits[maxEach].Detail, "9990 more files") || len(hits[maxEach].At) > maxPlaces {
		t.Errorf("%d hits, the last: %+v", len(hits), hits[len(hits)-1])
	}
}
