package binary

import (
	"path"
	"strings"
)

// classifier is one program: how its file is called and where in it the version stands.
type classifier struct {
	files  string // patterns of base names as in path.Match, parted by spaces
	anchor string // bytes that stand at the version; they are searched for first
	expr   string // over the bytes around the anchor, with the version captured; {v} is the version in the file name
	name   string
	feed   string // the name in the Bitnami feed, or in Kubernetes' own (k8s.io/…), when it has one
}

// classifiers are tried in order; of several for one file the first that matches counts. Each was
// held against the program's own --version; the bytes are in the tests.
var classifiers = [...]classifier{
	{"nginx openresty nginx-debug", "nginx version: openresty/", `openresty/(\d+(?:\.\d+)+)`, "openresty", "openresty"},
	{"nginx nginx-debug", "nginx version: nginx/", `nginx/(\d+\.\d+\.\d+)`, "nginx", "nginx"},
	{"redis-server redis-sentinel redis-check-rdb redis-check-aof", "c11-builtin\x00", `\x00(\d+\.\d+\.\d+)\x00c11-builtin`, "redis", "redis"},
	{"redis-server redis-sentinel redis-check-rdb redis-check-aof", "000000000\x00", `(\d+\.\d+\.\d+?)(?:(?:[0-9a-f]{12}|buildkitsandbox)-)?\d{10}0{9}\x00`, "redis", "redis"},
	{"valkey-server valkey-sentinel valkey-check-rdb valkey-check-aof", "c11-builtin\x00", `\x00(\d+\.\d+\.\d+)\x00c11-builtin`, "valkey", "valkey"},
	{"node nodejs libnode.so*", "node.js/v", `node\.js/v(\d+\.\d+\.\d+(?:-[\w.]+)?)`, "node", "node"},
	{"python[0-9].[0-9]* libpython[0-9].[0-9]*", "{v}.", `\x00({v}\.\d+(?:(?:a|b|rc)\d+)?)\+?\x00`, "python", "python"},
	{"openssl libcrypto.so* libcrypto-*.so*", "OpenSSL ", `OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:-(?:alpha|beta|pre)\d+)?)(?:-fips)?  ?\d{1,2} [A-Z][a-z]{2} \d{4}`, "openssl", ""},
	{"busybox busybox-*", "BusyBox v", `BusyBox v(\d+\.\d+\.\d+)`, "busybox", ""},
	{"haproxy", ", released 20", ` version (\d+\.\d+(?:\.\d+|-dev\d+)?)[-+~.\w]*, released 20`, "haproxy", "haproxy"},
	{"postgres postgresql", "postgres (PostgreSQL) ", `postgres \(PostgreSQL\) (\d+(?:\.\d+)*(?:beta\d+|rc\d+|devel)?)`, "postgresql", "postgresql"},
	{"httpd apache2 libhttpd.so*", "Apache/", `Apache/(\d+\.\d+\.\d+)`, "httpd", "apache"},
	{"memcached", "memcached ", `memcached (\d+\.\d+\.\d+)`, "memcached", "memcached"},
	{"php php[0-9]* php-fpm* php-cgi* libphp*.so", "X-Powered-By: PHP/", `PHP/(\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)`, "php", "php"},
	{"ruby ruby[0-9]* libruby*.so*", "ruby ", `ruby (\d+\.\d+\.\d+(?:p\d+|preview\d+|rc\d+|dev)?) \(\d{4}-\d\d-\d\d`, "ruby", "ruby"},
	{"perl perl5* libperl.so*", "\x00v5.", `\x00v(5\.\d+\.\d+)\x00`, "perl", ""},
	{"bash", "@(#)Bash version ", `Bash version (\d+\.\d+(?:\.\d+)?)`, "bash", ""},
	{"curl libcurl.so* libcurl-*.so*", "curl/", `\x00(?:lib)?curl/(\d+\.\d+\.\d+)`, "curl", ""},
	{"git", "git/", `git/(\d+\.\d+(?:\.\d+)*)\x00`, "git", "git"},
	{"mariadbd mysqld", "-MariaDB", `\x00(\d+\.\d+\.\d+)-MariaDB`, "mariadb", "mariadb"},
	{"libsqlite3.so* sqlite3", "\x003.", `\x00(3\.\d+\.\d+)\x00`, "sqlite", "sqlite"},
	{"libz.so*", " deflate ", ` deflate (\d+\.\d+(?:\.\d+)*) Copyright`, "zlib", ""},
	{"liblzma.so*", "\x005.", `\x00(5\.\d+\.\d+)\x00`, "xz", ""},
	{"libc.so.6 libc-2.*.so", "GNU C Library", `GNU C Library .*release version (\d+\.\d+)`, "glibc", ""},
	{"ld-musl-*.so.1 libc.musl-*.so.1", "\x001.", `\x00(1\.[0-3]\.\d+)\x00`, "musl", ""},
	{"lighttpd", "lighttpd/", `\x00lighttpd/(\d+\.\d+\.\d+)`, "lighttpd", ""},
	{"varnishd", "varnish-", `varnish-(\d+\.\d+\.\d+) revision`, "varnish", "varnish"},
	{"dropbear dropbearmulti", "-dropbear_", `SSH-2\.0-dropbear_(\d{4}\.\d+)`, "dropbear", ""},
	{"sshd ssh", "OpenSSH_", `OpenSSH_(\d+\.\d+p\d+)`, "openssh", ""},
	{"squid", "squid/", `\x00squid/(\d+\.\d+(?:\.\d+)?)`, "squid", ""},
	{"unbound", "unbound ", `\x00unbound (\d+\.\d+\.\d+)`, "unbound", ""},
	{"tini tini-static", "tini version ", `tini version (\d+\.\d+\.\d+)`, "tini", ""},
	{"lua[0-9]* lua liblua[0-9]*.so*", "Lua 5.", `Lua (5\.\d+\.\d+)  Copyright`, "lua", "lua"},
	// Kubernetes' programs hide how they were linked; what the linker set stands between zero bytes, as no
	// other text of a Go program does.
	{"kube-apiserver", "\x00v1.", kubernetes, "kube-apiserver", "k8s.io/apiserver"},
	{"kube-controller-manager", "\x00v1.", kubernetes, "kube-controller-manager", "k8s.io/controller-manager"},
	{"kube-scheduler", "\x00v1.", kubernetes, "kube-scheduler", "k8s.io/kube-scheduler"},
	{"kube-proxy", "\x00v1.", kubernetes, "kube-proxy", "k8s.io/kube-proxy"},
	{"kubelet", "\x00v1.", kubernetes, "kubelet", "k8s.io/kubelet"},
	{"kubectl", "\x00v1.", kubernetes, "kubectl", "k8s.io/kubectl"},
	{"luajit* libluajit*.so*", "LuaJIT ", `LuaJIT (\d+\.\d+\.\d+(?:-[\w.]+)?)`, "luajit", ""},
}

const kubernetes = `\x00v(1\.\d+\.\d+(?:[-+][\w.+-]+)?)\x00`

// isKnown says whether a classifier wants a file of this name.
func isKnown(base string) bool {
	for i := range classifiers {
		if classifiers[i].fits(base) {
			return true
		}
	}
	return false
}

func (c *classifier) fits(base string) bool {
	for rest := c.files; rest != ""; {
		var pattern string
		pattern, rest, _ = strings.Cut(rest, " ")
		literal, _, wild := strings.Cut(pattern, "*")
		if i := strings.IndexByte(literal, '['); i >= 0 {
			literal, wild = literal[:i], true
		}
		if !wild && base == pattern {
			return true
		}
		if wild && strings.HasPrefix(base, literal) {
			if ok, _ := path.Match(pattern, base); ok {
				return true
			}
		}
	}
	return false
}
