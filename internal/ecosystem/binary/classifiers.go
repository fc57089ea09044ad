package binary

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// classifier is one program: how its file is called and where in it the version stands.
type classifier struct {
	files  string // patterns of base names as in path.Match, parted by spaces
	anchor string // bytes that stand at the version; they are searched for first
	expr   string // over the bytes around the anchor, with the version captured; {v} is the version in the file name
	name   string
	feed   string // the name in the Bitnami feed, or in Kubernetes' own (k8s.io/…), when it has one
}

// Redis and Valkey are one program under several names. Their most certain version is the one at the
// head of the build's id: host, time, and zeros for a commit where they were built from a release.
const (
	redisFiles  = "redis-server redis-sentinel redis-check-rdb redis-check-aof"
	valkeyFiles = "valkey-server valkey-sentinel valkey-check-rdb valkey-check-aof"
	buildID     = `(?:(?:[0-9a-f]{12}|[A-Za-z][\w.-]{0,62})-)?\d{10}0{9}\x00`
)

// classifiers are tried in order; of several for one file the first that matches counts. Each was
// held against the program's own --version; the bytes are in the tests.
var classifiers = [...]classifier{
	{"nginx openresty nginx-debug", "nginx version: openresty/", `openresty/(\d+(?:\.\d+)+)`, "openresty", "openresty"},
	{"nginx nginx-debug", "nginx version: nginx/", `nginx/(\d+\.\d+\.\d+)`, "nginx", "nginx"},
	{redisFiles, "000000000\x00", `(\d+\.\d+\.\d+?)` + buildID, "redis", "redis"},
	{redisFiles, "c11-builtin\x00", `\x00(\d+\.\d+\.\d+)\x00(?:[^\x00]{1,80}\x00)?c11-builtin`, "redis", "redis"},
	{valkeyFiles, "000000000\x00", `valkey(\d+\.\d+\.\d+?)` + buildID, "valkey", "valkey"},
	{valkeyFiles, "\x007.2.4\x00", `\x00(\d+\.\d+\.\d+)\x007\.2\.4\x00`, "valkey", "valkey"},
	{valkeyFiles, "c11-builtin\x00", `\x00(\d+\.\d+\.\d+)\x00(?:[^\x00]{1,80}\x00)?c11-builtin`, "valkey", "valkey"},
	{"node nodejs libnode.so*", "node.js/v", `node\.js/v(\d+\.\d+\.\d+(?:-[\w.]+)?)`, "node", "node"},
	{"python[0-9].[0-9]* libpython[0-9].[0-9]*", "{v}.", `\x00({v}\.\d+(?:(?:a|b|rc)\d+)?)\+?\x00`, "python", "python"},
	{"openssl libcrypto.so* libcrypto-*.so*", "OpenSSL ", `OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:-(?:alpha|beta|pre)\d+)?)(?:-fips)?  ?(?:FIPS )?\d{1,2} [A-Z][a-z]{2} \d{4}`, "openssl", ""},
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
	{"mysqld", "\x00MySQL ", `\x00MySQL (\d+\.\d+\.\d+)\x00`, "mysql", ""},
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
	{"pgbouncer", "PgBouncer ", `PgBouncer (\d+\.\d+\.\d+)\x00`, "pgbouncer", "pgbouncer"},
	{"slapd", "OpenLDAP: slapd ", `OpenLDAP: slapd (\d+\.\d+\.\d+)`, "openldap", "openldap"},
	{"ffmpeg ffprobe ffplay", "%s version ", `\x00%s version n?(\d+\.\d+(?:\.\d+)?)`, "ffmpeg", ""},
	{"ffmpeg ffprobe ffplay libav[a-z]*.so*", "FFmpeg version ", `FFmpeg version n?(\d+\.\d+(?:\.\d+)?)`, "ffmpeg", ""},
	{"bun", "Bun/", `Bun/(\d+\.\d+\.\d+)\x00`, "bun", ""},
	{"deno", "Deno/", `Deno/(\d+\.\d+\.\d+)\+[0-9a-f]{7}`, "deno", ""},
	{"gcc gcc-[0-9]* x86_64-*-gcc* aarch64-*-gcc*", ") \x00", `\x00(\d+\.\d+\.\d+)\x00\([^\x00]{1,80}\) \x00`, "gcc", ""},
	{"named", "named version: BIND ", `BIND (\d+\.\d+\.\d+)`, "bind", ""},
	{"dnsmasq", "\x00dnsmasq-", `\x00dnsmasq-(\d+\.\d+)`, "dnsmasq", ""},
	{"nsd", "\x00NSD ", `\x00NSD (\d+\.\d+\.\d+)\x00`, "nsd", ""},
	{"knotd", "Knot DNS ", `Knot DNS (\d+\.\d+\.\d+)`, "knot-dns", ""},
	{"h2o", "h2o version ", `h2o version (\d+\.\d+\.\d+)`, "h2o", ""},
	{"exim exim4", "\x00<<eximversion>>", `\x00(4\.\d+(?:\.\d+)*)\x00<<eximversion>>`, "exim", ""},
	{"postfix postconf", "mail_version=", `mail_version=(\d+\.\d+\.\d+)`, "postfix", ""},
	{"proftpd", "ProFTPD Version ", `ProFTPD Version (\d+\.\d+\.\d+[a-z]?)`, "proftpd", ""},
	{"vsftpd", "(vsFTPd ", `\(vsFTPd (\d+\.\d+\.\d+)\)`, "vsftpd", ""},
	{"mosquitto", "\x00mosquitto version %s", `\x00(\d+\.\d+\.\d+)\x00mosquitto version`, "mosquitto", ""},
	{"openvpn", "\x00OpenVPN ", `\x00OpenVPN (\d+\.\d+(?:\.\d+)?) `, "openvpn", ""},
	{"stunnel stunnel4", "stunnel ", `stunnel (\d+\.\d+) on `, "stunnel", ""},
	{"tor", "(on Tor ", `\(on Tor (\d+\.\d+\.\d+\.\d+)`, "tor", ""},
	{"turnserver", "\x00Coturn-", `\x00Coturn-(\d+\.\d+\.\d+)`, "coturn", ""},
	{"keepalived", "Keepalived v", `Keepalived v(\d+\.\d+\.\d+)`, "keepalived", ""},
	{"rsync", "\x00copyright\x00url\x00", `\x00(\d+\.\d+\.\d+)\x00copyright`, "rsync", ""},
	{"sudo", "Sudo version %s\n", `Sudo version %s\n\x00(\d+\.\d+\.\d+(?:p\d+)?)\x00`, "sudo", ""},
	{"jq", "writing output failed: %s\n\x00", `failed: %s\n\x00(1\.\d+(?:\.\d+)?)\x00`, "jq", ""},
	{"zstd", "\x00Zstandard CLI", `\x00v(\d+\.\d+\.\d+)\x00Zstandard CLI`, "zstd", ""},
	{"xz", "(XZ Utils) ", `\(XZ Utils\) (\d+\.\d+\.\d+)`, "xz", ""},
	{"getopt", "util-linux ", `util-linux (\d+\.\d+(?:\.\d+)?)`, "util-linux", ""},
	{"libexpat.so*", "\x00expat_", `\x00expat_(\d+\.\d+\.\d+)\x00`, "expat", ""},
	{"libgnutls.so*", "Enabled GnuTLS ", `GnuTLS (\d+\.\d+\.\d+)`, "gnutls", ""},
	{"libsqlcipher.so* sqlcipher", "\x00community\x00", `\x00community\x00(\d+\.\d+\.\d+)\x00`, "sqlcipher", ""},
	{"libsqlcipher.so* sqlcipher", "\x00cipher_page_size\x00", `\x00(\d+\.\d+\.\d+)\x00cipher_page_size`, "sqlcipher", ""},
}

// glob is one pattern of a classifier, with the part of it before the first special character.
type glob struct {
	pattern, literal string
	of               int // index of the classifier
}

// globs are the patterns of all classifiers by their first byte: Wants is asked for every program of
// an image, and most are told by that byte.
var globs = sync.OnceValue(func() *[256][]glob {
	var by [256][]glob
	for i := range classifiers {
		for pattern := range strings.SplitSeq(classifiers[i].files, " ") {
			literal := pattern
			if n := strings.IndexAny(pattern, "*["); n >= 0 {
				literal = pattern[:n]
			}
			by[pattern[0]] = append(by[pattern[0]], glob{pattern, literal, i})
		}
	}
	return &by
})

func (g *glob) fits(base string) bool {
	if len(g.literal) == len(g.pattern) || !strings.HasPrefix(base, g.literal) {
		return base == g.pattern
	}
	ok, _ := path.Match(g.pattern, base)
	return ok
}

const kubernetes = `\x00v(1\.\d+\.\d+(?:[-+][\w.+-]+)?)\x00`

// isKnown says whether a classifier wants a file of this name.
func isKnown(base string) bool {
	return base != "" && slices.ContainsFunc(globs()[base[0]], func(g glob) bool { return g.fits(base) })
}

// classifiersFor lists the classifiers that want a file of this name, in the order of the table.
func classifiersFor(base string) (of []int) {
	if base == "" {
		return nil
	}
	for _, g := range globs()[base[0]] {
		if g.fits(base) && !slices.Contains(of, g.of) {
			of = append(of, g.of)
		}
	}
	return of
}
