package secret

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

var databases = []string{
	"postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps", "mssql", "sqlserver", "clickhouse", "couchdb", "cassandra", "cockroachdb", "oracle", "db2", "nats", "ldap", "ldaps", "valkey",
	"mysql+pymysql", "postgresql+psycopg2", "postgresql+asyncpg", "mysql2", "neo4j", "bolt", "influxdb",
}

// lookURL finds SCHEME://USER:PASSWORD@HOST.
func lookURL(s *search, r *rule, at, n int) {
	if s.prose || s.test {
		return
	}
	s.spend(costLook)
	start := at
	for start > 0 && at-start < 24 && (isWord(s.text[start-1]) || s.text[start-1] == '+' || s.text[start-1] == '-') {
		start--
	}
	rest := s.text[at+n : min(len(s.text), at+n+300)]
	end := bytes.IndexAny(rest, "/?# \t\r\n\"'<>`\\,;()[]{}|*")
	if end < 0 {
		end = len(rest)
	}
	sign := bytes.LastIndexByte(rest[:end], '@')
	colon := bytes.IndexByte(rest[:max(sign, 0)], ':')
	if sign < 0 || colon < 0 || sign-colon < 2 || end-sign < 2 {
		return
	}
	scheme, user, password, host := strings.ToLower(string(s.text[start:at])), string(rest[:colon]), rest[colon+1:sign], strings.ToLower(string(rest[sign+1:end]))
	if !isURLPassword(user, password, host, s.env || s.config) {
		return
	}
	if slices.Contains(databases, scheme) {
		if r = s.e.named("database-url"); r == nil {
			return
		}
	}
	f := found{text: s.text, start: at + n + colon + 1, end: at + n + sign, nature: s.nature, path: s.path, name: nameBefore(s.text, start)}
	s.add(r, start, at+n+end, f)
}

func isURLPassword(user string, password []byte, host string, settings bool) bool {
	plain, err := url.PathUnescape(string(password))
	if err != nil {
		plain = string(password)
	}
	low := strings.ToLower(plain)
	name, _, _ := strings.Cut(host, ":")
	switch {
	case len(plain) < 4 || isExample([]byte(plain)) || isPlaceholder(password) || isPlaceholder([]byte(user+"x")) || !isPlain([]byte(plain)):
		return false
	case slices.Contains(weakWords, low) || strings.HasPrefix(low, "pass") || strings.HasPrefix(low, "secret") || low == "123456":
		return false
	case strings.Contains(name, "example") || strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".invalid"):
		return false
	case !settings:
		// In code, what stands for any password stands there more often than one.
		return strings.Contains(name, ".") && name != "127.0.0.1" && len(plain) >= 8 && classesOf([]byte(plain)) >= 2 && strings.ContainsAny(plain, "0123456789")
	}
	return true
}
