package binary

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const elf = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00"

func file(path, body string) *ecosystem.File {
	return &ecosystem.File{
		Stat:   ecosystem.Stat{Path: path, Size: int64(len(body)), Mode: 0o755, Head: []byte(body[:min(64, len(body))])},
		Reader: strings.NewReader(body),
	}
}

// samples are the bytes around the version in the programs of Debian 12 and of upstream builds.
var samples = []struct{ path, body, want string }{
	{"usr/local/nginx/sbin/nginx", "\x00nginx version: nginx/1.22.1\x00", "nginx@1.22.1"},
	{"usr/local/openresty/nginx/sbin/nginx", "\x00nginx version: openresty/1.21.4.1\x00", "openresty@1.21.4.1"},
	{"usr/local/bin/redis-server", "\x00systemd\x00upstart\x00err\x007.0.15\x00c11-builtin\x00shutdown_in", "redis@7.0.15"},
	{"usr/local/bin/redis-server", "\x00\xdfA7.0.15" + "1790282056000000000\x00%llx\x00", "redis@7.0.15"},
	{"usr/local/bin/redis-server", "\x00\xdfA6.2.11" + "1f2e3d4c5b6a-1690282056000000000\x00%llx\x00", "redis@6.2.11"},
	{"usr/local/bin/redis-server", "zsets_items\x008.0.2\x0014.2.0\x00c11-builtin\x00shutdown_in", "redis@8.0.2"},
	{"usr/local/bin/redis-server", "\x00txt\x008.0.2" + "1789404730000000000\x00Running", "redis@8.0.2"},
	{"usr/local/bin/redis-server", "\x00txt\x008.0.11" + "1789404730000000000\x00Running", "redis@8.0.11"},
	{"usr/local/bin/redis-server", "\x007.2.4" + "buildkitsandbox-1704818391000000000\x00", "redis@7.2.4"},
	{"usr/local/bin/redis-server", "\x007.2.4" + "build-7.example-1704818391000000000\x00", "redis@7.2.4"},
	{"usr/local/bin/valkey-server", "\x00\x00valkey8.1.1" + "1792855166000000000\x00\x00v=%s", "valkey@8.1.1"},
	{"usr/local/bin/valkey-server", "\x00ga\x008.1.1\x007.2.4\x0014.2.0\x0000000000\x00shutdown_in", "valkey@8.1.1"},
	{"usr/local/bin/valkey-server", "\x007.2.8\x00c11-builtin\x00shutdown_in", "valkey@7.2.8"},
	{"usr/local/bin/node", "\x00node.js/v20.20.2\x00", "node@20.20.2"},
	{"usr/local/lib/libpython3.11.so.1.0", "after $\x00%s: '%s'\x003.11.2\x00%.80s (%.80s) %.80s\x00", "python@3.11.2"},
	{"usr/local/bin/python3.13", "\x003.2.0\x00\x003.13.0rc2+\x00", "python@3.13.0rc2"},
	{"opt/lib/libcrypto.so.3", "@\x00OpenSSL 3.0.19 27 Jan 2026\x003.0.19\x00not available", "openssl@3.0.19"},
	{"opt/lib/libcrypto.so.1.1", "\x00OpenSSL 1.1.1w  11 Sep 2023\x00", "openssl@1.1.1w"},
	{"opt/lib/libcrypto.so.1.1", "\x00OpenSSL 1.1.1k  FIPS 25 Mar 2021\x00", "openssl@1.1.1k"},
	{"bin/busybox", "\x00BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1)\x00", "busybox@1.35.0"},
	{"usr/local/sbin/haproxy", "\x00 version 2.6.12-1+deb12u4, released 2026/10/17\x00", "haproxy@2.6.12"},
	{"opt/pg/bin/postgres", "\x00postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", "postgresql@15.20"},
	{"usr/local/apache2/bin/httpd", "\x00Apache/2.4.71 (Unix)\x00Apache/2.4\x00", "httpd@2.4.71"},
	{"usr/local/bin/memcached", "\x00memcached 1.6.18\n\x00", "memcached@1.6.18"},
	{"usr/local/bin/php", "\x00X-Powered-By: PHP/8.2.36\x00", "php@8.2.36"},
	{"usr/local/lib/libruby.so.3.1", "library for ruby 1.8)\x00ruby 3.1.2p20 (2022-04-12 revision 4491bb740a)", "ruby@3.1.2p20"},
	{"usr/local/bin/perl", "RAND_SEED\x00v5.36.0\x00panic", "perl@5.36.0"},
	{"bin/bash", "\x00@(#)Bash version 5.2.15(1) release GNU\x00", "bash@5.2.15"},
	{"usr/local/lib/libcurl.so.4.8.0", "/\x00libcurl/7.88.1\x00zlib/%s\x00", "curl@7.88.1"},
	{"usr/local/bin/git", "\xff\xfe\xfe\xffgit/2.39.5\x00GIT_USER_AGENT\x00", "git@2.39.5"},
	{"usr/local/sbin/mariadbd", "-0+deb12u1\x0010.11.19-MariaDB\x00x86_64\x00", "mariadb@10.11.19"},
	{"opt/lib/libsqlite3.so.0.8.6", "\x00\x003.40.1\x00\x00", "sqlite@3.40.1"},
	{"opt/lib/libz.so.1.2.13", "- deflate 1.2.13 Copyright 1995-2022 Jean-loup Gailly", "zlib@1.2.13"},
	{"opt/lib/liblzma.so.5.4.1", "\x00\x005.4.1\x00\x00", "xz@5.4.1"},
	{"opt/lib/libc.so.6", "\x00GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\n", "glibc@2.36"},
	{"lib/ld-musl-x86_64.so.1", "/proc/self/fd/\x001.2.3\x00Unsupported request", "musl@1.2.3"},
	{"usr/local/sbin/lighttpd", "\x00lighttpd/1.4.69\x00server\x00", "lighttpd@1.4.69"},
	{"usr/local/sbin/varnishd", "\x00varnish-7.1.1 revision 7cee1c58\x00", "varnish@7.1.1"},
	{"usr/sbin/dropbear", "\x00SSH-2.0-dropbear_2022.83\r\n\x00", "dropbear@2022.83"},
	{"usr/local/sbin/sshd", "\x00OpenSSH_9.2\x00\x00OpenSSH_9.2p1 Debian-2+deb12u10\x00", "openssh@9.2p1"},
	{"usr/local/sbin/squid", "in '\x00squid/5.7\x00", "squid@5.7"},
	{"usr/local/sbin/unbound", "READY=1\x00unbound 1.17.1\x00", "unbound@1.17.1"},
	{"usr/local/bin/kubectl", "I\xad.\x02\x00\x1b\x00\x00v1.32.4-dispatcher\x00\x00\x00call frame too large\x00", "kubectl@1.32.4-dispatcher"},
	{"usr/local/bin/kube-apiserver", "v1.2.3\x00 v1.0.0\x00\x00v1.31.0-rc.1+a1b2c3d\x00", "kube-apiserver@1.31.0-rc.1+a1b2c3d"},
	{"usr/local/bin/kube-controller-manager", "\x00v1.33.1\x00", "kube-controller-manager@1.33.1"},
	{"usr/local/bin/kube-scheduler", "\x00v1.33.1\x00", "kube-scheduler@1.33.1"},
	{"usr/local/bin/kube-proxy", "\x00v1.33.1\x00", "kube-proxy@1.33.1"},
	{"usr/local/bin/kubelet", "\x00v1.30.4-eks-a737599\x00", "kubelet@1.30.4-eks-a737599"},
	{"tini", "\x00tini version 0.19.0\x00", "tini@0.19.0"},
	{"usr/local/bin/lua5.4", "\x00Lua 5.4.4  Copyright (C) 1994-2022 Lua.org, PUC-Rio\x00", "lua@5.4.4"},
	{"usr/local/lib/libluajit-5.1.so.2", "\x00LuaJIT 2.1.0-beta3\x00", "luajit@2.1.0-beta3"},
	{"usr/local/mysql/bin/mysqld", "files.empty()\x00MySQL 9.7.4\x00log_before", "mysql@9.7.4"},
	{"opt/pgbouncer", "memtotal\x00PgBouncer 1.18.0\x00pool_mode", "pgbouncer@1.18.0"},
	{"usr/local/libexec/slapd", "\x00@(#) $OpenLDAP: slapd 2.5.13+dfsg-5 (Feb  8 2023 01:56:12) $", "openldap@2.5.13"},
	{"usr/local/bin/ffmpeg", "specified.\n\x00%s version 5.1.9-0+deb12u1\x00%sbuilt", "ffmpeg@5.1.9"},
	{"usr/local/lib/libavcodec.so.59.37.100", "\x00FFmpeg version 5.1.9-0+deb12u1\x00", "ffmpeg@5.1.9"},
	{"usr/local/bin/bun", "\x00Bun/1.4.5\x00", "bun@1.4.5"},
	{"usr/local/bin/deno", "User-Agent: Deno/0.80.0\x002.9.6+e518fbdDeno/2.9.6Deno/2.9.6+e518fbd", "deno@2.9.6"},
	{"usr/local/bin/x86_64-linux-gnu-gcc-12", " zstd\x0012.2.0\x00(Debian 12.2.0-14+deb12u1) \x00gcc version %s %s\n\x00", "gcc@12.2.0"},
	{"usr/local/bin/gcc", "%s%s\n\x0014.2.0\x00(GCC) \x00(C)\x00no input", "gcc@14.2.0"},
	{"usr/local/lib/libsqlcipher.so.1.8.0", "parameters\x00community\x004.6.1\x00%s", "sqlcipher@4.6.1"},
	{"usr/local/sbin/named", "\x00named version: BIND 9.18.49-1~deb12u3-Debian <>\x00", "bind@9.18.49"},
	{"usr/local/sbin/dnsmasq", "dnsmasq.conf\x00dnsmasq-2.90\x00version.bind", "dnsmasq@2.90"},
	{"usr/local/sbin/nsd", "Dnstap\x00NSD 4.6.1\x00closing", "nsd@4.6.1"},
	{"usr/local/sbin/knotd", "\x00Knot DNS 3.2.6\x00", "knot-dns@3.2.6"},
	{"usr/local/bin/h2o", "\x00h2o version 2.2.5\x00OpenSSL: %s", "h2o@2.2.5"},
	{"usr/exim/bin/exim", "<<eximcnumber>>\x004.96\x00<<eximversion>>\x00", "exim@4.96"},
	{"usr/sbin/postconf", "\x00mail_version=3.7.11\x00", "postfix@3.7.11"},
	{"usr/local/sbin/proftpd", "\x00ProFTPD Version 1.3.8\x00LANG", "proftpd@1.3.8"},
	{"usr/local/sbin/vsftpd", "available.\x00(vsFTPd 3.0.3)\x00", "vsftpd@3.0.3"},
	{"usr/local/sbin/mosquitto", "remapping.\x002.0.11\x00mosquitto version %s\n", "mosquitto@2.0.11"},
	{"usr/local/sbin/openvpn", "\x00OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)]", "openvpn@2.6.14"},
	{"usr/local/bin/stunnel", "\x00stunnel 5.68 on x86_64-pc-linux-gnu platform\x00", "stunnel@5.68"},
	{"usr/local/bin/tor", "\x00 (on Tor 0.4.9.11 )\x00", "tor@0.4.9.11"},
	{"usr/local/bin/turnserver", "TURN Server\x00Coturn-4.6.1 'Gorst'\x00", "coturn@4.6.1"},
	{"usr/local/sbin/keepalived", "\x00Keepalived v2.2.7 (01/16,2022)\x00", "keepalived@2.2.7"},
	{"usr/local/bin/rsync", "\"%s\"\x003.5.0\x00copyright\x00url\x00Copyright", "rsync@3.5.0"},
	{"usr/local/bin/sudo", "\x00Sudo version %s\n\x001.9.13p3\x00Configure", "sudo@1.9.13p3"},
	{"usr/local/bin/jq", "Error: writing output failed: %s\n\x001.6\x00DEBUG:", "jq@1.6"},
	{"usr/local/bin/zstd", "Enabled\x00v1.5.4\x00Zstandard CLI\x00Yann", "zstd@1.5.4"},
	{"usr/local/bin/xz", "\x00xz (XZ Utils) 5.4.1\x00liblzma", "xz@5.4.1"},
	{"usr/local/bin/getopt", "\x00util-linux 2.38.1\x00", "util-linux@2.38.1"},
	{"usr/local/lib/libexpat.so.1.8.10", "started\x00expat_2.5.0\x00", "expat@2.5.0"},
	{"usr/local/lib/libgnutls.so.30", "\x00Enabled GnuTLS 3.7.9 logging...", "gnutls@3.7.9"},
	{"usr/local/lib/libsqlcipher.so.0", "kdf_iter\x003.4.1\x00cipher_page_size\x00", "sqlcipher@3.4.1"},
}

func TestPrograms(t *testing.T) {
	for _, tt := range samples {
		// The second time the version lies across the border of two windows.
		for _, pad := range []int{100, window + 2*around - len(elf) - len(tt.body)/2, window + around - len(elf) - len(tt.body)/2} {
			f := file(tt.path, elf+strings.Repeat("\x01", pad)+tt.body+strings.Repeat("\x01", 1000))
			if !wants(f.Stat) {
				t.Errorf("%s is not wanted", tt.path)
			}
			got, err := read(context.Background(), f)
			if err != nil || len(got.Packages) != 1 || got.Packages[0].Name+"@"+got.Packages[0].Version != tt.want || !got.Packages[0].Heuristic {
				t.Errorf("%s at %d: %+v, %v, want %s", tt.path, pad, got.Packages, err, tt.want)
			}
		}
	}
}

func TestTexts(t *testing.T) {
	for _, tt := range []struct{ path, body, want, key, version string }{
		{"opt/java/openjdk/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.15\"\n", "openjdk@17.0.15", "java", "17.0.15"},
		{"usr/java/release", "JAVA_VERSION=\"1.8.0_412\"\nIMPLEMENTOR=\"Oracle Corporation\"\n", "java@1.8.0_412", "java", "8.0.412"},
		{"usr/local/go/VERSION", "go1.22.3\ntime 2024-05-01T19:49:47Z\n", "go@1.22.3", "golang", "1.22.3"},
		{"usr/local/lib/erlang/releases/25/OTP_VERSION", "25.2.3\n", "erlang@25.2.3", "", "25.2.3"},
		{"opt/rabbitmq/plugins/rabbit-3.10.8/ebin/rabbit.app", "{application, 'rabbit', [\n\t{description, \"RabbitMQ\"},\n\t{vsn, \"3.10.8\"},\n", "rabbitmq@3.10.8", "rabbitmq", "3.10.8"},
		{"usr/local/lib/elixir/lib/elixir/ebin/elixir.app", "{application,elixir,\n    [{description,\"elixir\"},\n     {vsn,\"1.14.0\"},\n", "elixir@1.14.0", "", "1.14.0"},
		{"usr/src/wordpress/wp-includes/version.php", "<?php\n/**\n * $wp_version = '1.0'\n */\n$wp_version = '6.1.9';\n", "wordpress@6.1.9", "wordpress", "6.1.9"},
		{"x/rabbit.app", "{application, other, [{vsn, \"1\"}", "", "", ""},
		{"wp-includes/version.php", "<?php $wp_version = $other;\n", "", "", ""},
		{"etc/release", "something else\n", "", "", ""},
		{"x/go/VERSION", "1.0\n", "", "", ""},
	} {
		f := file(tt.path, tt.body)
		if !wants(f.Stat) {
			t.Errorf("%s is not wanted", tt.path)
		}
		got, err := read(context.Background(), f)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		for _, p := range got.Packages {
			if _, matched := Ecosystem.Advisories(p, ecosystem.Release{}); p.Name+"@"+p.Version != tt.want || feedKey(p) != tt.key || matched != (tt.key != "") || advisoryVersion(p) != tt.version {
				t.Errorf("%s: %+v, key %q", tt.path, p, feedKey(p))
			}
		}
		if (len(got.Packages) == 0) != (tt.want == "") {
			t.Errorf("%s: %+v, want %s", tt.path, got.Packages, tt.want)
		}
	}
}

// versionArgs make a program print its version; others print nothing useful or start to serve.
var versionArgs = map[string]string{
	"bash": "--version", "busybox": "--help", "curl": "--version", "git": "--version", "haproxy": "-v", "httpd": "-v", "lighttpd": "-v",
	"lua": "-v", "mariadb": "--version", "memcached": "--version", "nginx": "-v", "node": "--version", "openssl": "version", "perl": "-v",
	"php": "--version", "postgresql": "--version", "python": "--version", "redis": "--version", "squid": "-v", "tini": "--version",
	"unbound": "-V", "varnish": "-V",
}

// TestMachine holds the classifiers against what this machine's programs say of themselves.
func TestMachine(t *testing.T) {
	compared := 0
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/lib/postgresql/15/bin"} {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if !e.Type().IsRegular() || !isKnown(e.Name()) {
				continue
			}
			for _, p := range searchFile(t, path) {
				arg, ok := versionArgs[p.Name]
				if !ok || strings.Contains(e.Name(), "check") {
					continue
				}
				out, _ := exec.Command(path, arg).CombinedOutput()
				if !strings.Contains(string(out), p.Version) {
					t.Errorf("%s: found %s, it says %.200s", path, p.Version, out)
				}
				compared++
			}
		}
	}
	t.Logf("%d programs compared", compared)
}

func searchFile(t *testing.T, path string) []ecosystem.Package {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := f.ReadAt(head, 0)
	st := ecosystem.Stat{Path: path[1:], Head: head[:n]}
	if !wants(st) {
		return nil
	}
	got, err := read(context.Background(), &ecosystem.File{Stat: st, Reader: f})
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return got.Packages
}

func TestClassifiers(t *testing.T) {
	tested := map[string]bool{}
	for _, s := range samples {
		name, _, _ := strings.Cut(s.want, "@")
		tested[name] = true
	}
	for _, c := range classifiers {
		for pattern := range strings.SplitSeq(c.files, " ") {
			if pattern == "" || strings.ContainsAny(pattern[:1], "*[?") {
				t.Errorf("%s: %q does not begin with a byte that the table is sorted by", c.name, pattern)
			}
		}
		if !tested[c.name] {
			t.Errorf("%s has no sample", c.name)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	body := elf + strings.Repeat("no version in these bytes, as in most of a program \x00", 1<<20)
	for _, name := range []string{"node", "openssl", "redis-server", "libpython3.11.so.1.0"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				_, _ = readProgram(context.Background(), file("usr/bin/"+name, body), name)
			}
		})
	}
}

func BenchmarkWants(b *testing.B) {
	s := file("usr/lib/x86_64-linux-gnu/libpcre2-8.so.0.11.2", elf+strings.Repeat("\x00", 100)).Stat
	for b.Loop() {
		_ = wants(s)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range samples {
		f.Add(s.path, elf+s.body)
	}
	f.Add("release", "JAVA_VERSION=\"17\"\n")
	f.Fuzz(func(_ *testing.T, path, body string) {
		if f := file(path, body); path != "" && f.Base() != "" && wants(f.Stat) {
			_, _ = read(context.Background(), f)
		}
	})
}
