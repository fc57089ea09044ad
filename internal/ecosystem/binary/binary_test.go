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
	{"usr/local/bin/node", "\x00node.js/v20.20.2\x00", "node@20.20.2"},
	{"usr/local/lib/libpython3.11.so.1.0", "after $\x00%s: '%s'\x003.11.2\x00%.80s (%.80s) %.80s\x00", "python@3.11.2"},
	{"usr/local/bin/python3.13", "\x003.2.0\x00\x003.13.0rc2+\x00", "python@3.13.0rc2"},
	{"opt/lib/libcrypto.so.3", "@\x00OpenSSL 3.0.19 27 Jan 2026\x003.0.19\x00not available", "openssl@3.0.19"},
	{"opt/lib/libcrypto.so.1.1", "\x00OpenSSL 1.1.1w  11 Sep 2023\x00", "openssl@1.1.1w"},
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
		if !tested[c.name] && c.name != "valkey" { // the same bytes as Redis
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
