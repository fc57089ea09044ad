package compose

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/compose"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// doors are ports at which one should not be met by strangers.
var doors = map[int]string{
	22: "SSH", 23: "Telnet", 1433: "SQL Server", 1521: "Oracle", 2375: "the Docker API without TLS", 2379: "etcd", 3306: "MySQL", 3389: "RDP", 5432: "PostgreSQL",
	5900: "VNC", 5984: "CouchDB", 6379: "Redis", 7687: "Neo4j", 8086: "InfluxDB", 9042: "Cassandra", 9200: "Elasticsearch", 9229: "Node.js debugging", 5005: "Java debugging",
	11211: "memcached", 27017: "MongoDB", 5672: "RabbitMQ", 9092: "Kafka", 2181: "ZooKeeper", 6443: "the Kubernetes API", 10250: "kubelet",
}

func publishedPort() Check {
	return Check{
		Card: card("published-port", "a database or a service for administrators is published on all addresses", finding.Medium,
			"Docker opens the port past the host's own firewall (ufw, firewalld), for everybody who can reach the host. Other services of the file\nreach it without that.",
			"Leave ports out: services of one network reach each other by name. For use from the host write \"127.0.0.1:5432:5432\".",
			"image: postgres:16\nports: [\"5432:5432\"]", "image: postgres:16\nports: [\"127.0.0.1:5432:5432\"]", "cis-docker-1.7/5.14"),
		look: func(s *compose.Service) (hits []hit) {
			for _, v := range s.Value.Get("ports").Items() {
				host, target := port(v)
				name := doors[target]
				if name == "" || host != "" && host != "0.0.0.0" && host != "::" && host != "[::]" {
					continue
				}
				h := hit{at: v, field: "ports " + strconv.Itoa(target), detail: strconv.Itoa(target) + " (" + name + ")", fix: "Drop the port, or write \"127.0.0.1:" + strconv.Itoa(target) + ":" + strconv.Itoa(target) + "\"."}
				if target == 2375 {
					h.severity = finding.High
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

// port is the address that a port is published on, empty for all, and the port inside of the container; 0
// where it is published on none.
func port(v *tree.Value) (host string, target int) {
	if v.Map != nil {
		target, _ = strconv.Atoi(text(v.Get("target")))
		return text(v.Get("host_ip")), target
	}
	s, _, _ := strings.Cut(text(v), "/")
	i := strings.LastIndexByte(s, ':')
	target, _ = strconv.Atoi(s[i+1:])
	if i < 0 {
		return "", target // on a port of the engine's choice
	}
	if j := strings.LastIndexByte(s[:i], ':'); j >= 0 {
		host = s[:j]
	}
	return host, target
}

var (
	secretName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(^|_)(PASS|PASSWD|PASSWORD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET_?KEY|ENCRYPTION_?KEY|CREDENTIALS)(_BASE)?$`)
	})
	// placeholder is what people write where a value belongs.
	placeholder = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(|true|false|yes|no|none|null|x+|\*+|<.*>|\[.*\]|change.?(me|this|it).*|your[-_ ].*|.*example.*|todo|replace.*|.*placeholder.*|\.\.\.)$`)
	})
)

func secretValue() Check {
	return Check{
		Card: card("secret-value", "a secret stands in the file in the clear", finding.Medium,
			"Everybody who reads the repository has it, now and in its history; and \"docker inspect\" and every process of the service show it.",
			"Use secrets: with a file or an external source, and NAME_FILE=/run/secrets/NAME, which most images know; or take it from the caller: NAME: ${NAME:?}.\nChange the secret: it has been published.",
			"image: a:1\nenvironment:\n  DB_PASSWORD: Tr0ub4dor", "image: a:1\nenvironment:\n  DB_PASSWORD_FILE: /run/secrets/db_password\nsecrets: [db_password]"),
		look: func(s *compose.Service) (hits []hit) {
			for _, from := range []struct {
				field string
				pairs []compose.Pair
			}{{"environment", compose.Pairs(s.Value.Get("environment"))}, {"build.args", compose.Pairs(s.Value.Get("build", "args"))}} {
				for _, p := range from.pairs {
					value, known := compose.Resolve(p.Value)
					if !p.Has || !known || !secretName().MatchString(p.Name) || placeholder().MatchString(value) || strings.HasPrefix(value, "/") {
						continue
					}
					h := hit{line: p.Line, field: from.field + " " + p.Name, detail: p.Name}
					if value != p.Value { // the default of a variable
						h.severity, h.detail = finding.Low, p.Name+" has a default"
					}
					hits = append(hits, h)
				}
			}
			return hits
		},
	}
}

func noPassword() Check {
	return Check{
		Card: card("no-password", "a database lets everybody in", finding.Medium,
			"Every container of its networks, and who reaches a published port, reads and writes all data without a password.",
			"Drop the variable, and give the database a password from a secret: POSTGRES_PASSWORD_FILE=/run/secrets/db.",
			"image: postgres:16\nenvironment:\n  POSTGRES_HOST_AUTH_METHOD: trust", "image: postgres:16\nenvironment:\n  POSTGRES_PASSWORD_FILE: /run/secrets/db"),
		look: func(s *compose.Service) (hits []hit) {
			for _, p := range compose.Pairs(s.Value.Get("environment")) {
				value, _ := compose.Resolve(p.Value)
				switch {
				case p.Name == "POSTGRES_HOST_AUTH_METHOD" && value == "trust",
					(p.Name == "MYSQL_ALLOW_EMPTY_PASSWORD" || p.Name == "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" || p.Name == "ALLOW_EMPTY_PASSWORD") && value != "" && value != "no" && value != "false" && value != "0":
					hits = append(hits, hit{line: p.Line, field: "environment " + p.Name, detail: p.Name})
				}
			}
			return hits
		},
	}
}

// reference is a service's image; empty where it builds its own, or where only the environment knows it.
func reference(s *compose.Service) (name, tag, digest string) {
	v := s.Value.Get("image")
	ref, known := compose.Resolve(v.String())
	if s.Value.Get("build") != nil || ref == "" || !known {
		return "", "", ""
	}
	ref, digest, _ = strings.Cut(ref, "@")
	name = ref
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		name, tag = ref[:i], ref[i+1:]
	}
	return name, tag, digest
}

func image() Check {
	return Check{
		Card: card("image-without-tag", "an image is whatever is the latest today", finding.Low,
			"Two hosts run different versions, and an update comes unasked, with the next pull.",
			"Write a version: image: name:1.2.3, better with its digest: name:1.2.3@sha256:….",
			"image: postgres:latest", "image: postgres:16.4", "cis-docker-1.7/5.28"),
		look: func(s *compose.Service) []hit {
			name, tag, digest := reference(s)
			if name == "" || digest != "" || tag != "" && tag != "latest" {
				return nil
			}
			return []hit{{at: s.Value.Get("image"), field: "image", detail: name}}
		},
	}
}

func unpinned() Check {
	return Check{
		Card: card("image-without-digest", "an image is not pinned by its digest", finding.Info,
			"A tag can be moved to another image by whoever may push there.",
			"Write image: name:1.2.3@sha256:…; let a tool such as Renovate raise it.",
			"image: postgres:16.4", "image: postgres:16.4@sha256:0f7fbd8e0f9d5a52f9d9c0b1c2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5"),
		look: func(s *compose.Service) []hit {
			name, tag, digest := reference(s)
			if name == "" || digest != "" || tag == "" || tag == "latest" {
				return nil
			}
			return []hit{{at: s.Value.Get("image"), field: "image", detail: name}}
		},
	}
}

func limits() Check {
	return Check{
		Card: card("no-memory-limit", "a service may take all of the host's memory", finding.Info,
			"One leak, or one who wants it so, takes the other services and the host down with it.",
			"Write mem_limit: 512m, or deploy.resources.limits.memory.",
			"image: a:1", "image: a:1\nmem_limit: 512m", "cis-docker-1.7/5.11"),
		look: func(s *compose.Service) []hit {
			if s.Value.Get("mem_limit") != nil || s.Value.Get("deploy", "resources", "limits", "memory") != nil {
				return nil
			}
			return []hit{{line: s.Line, field: "mem_limit"}}
		},
	}
}

// words are the texts of a service's command and entrypoint.
func words(s *compose.Service) (all []*tree.Value) {
	return append(s.Value.Get("command").Items(), s.Value.Get("entrypoint").Items()...)
}

func insecureRegistry() Check {
	return Check{
		Card: card("insecure-registry", "an engine takes images from a registry without TLS", finding.Medium,
			"Anybody on the way can answer instead, and decides what runs.",
			"Drop --insecure-registry, give the registry a certificate, and put its authority into /etc/docker/certs.d/HOST/ca.crt.",
			"image: docker:27-dind\ncommand: [\"--insecure-registry=registry.example.org\"]", "image: docker:27-dind\ncommand: [\"--registry-mirror=https://registry.example.org\"]"),
		look: func(s *compose.Service) (hits []hit) {
			for _, v := range words(s) {
				if strings.Contains(text(v), "--insecure-registry") || strings.Contains(text(v), "insecure-registries") {
					hits = append(hits, hit{at: v, field: "command"})
				}
			}
			return hits
		},
	}
}

func dockerWithoutTLS() Check {
	return Check{
		Card: card("docker-without-tls", "a Docker engine answers without TLS", finding.Medium,
			"Every container of its networks can start privileged containers on it.",
			"Drop DOCKER_TLS_CERTDIR: \"\" and --tls=false, share the engine's certificates by a volume at /certs, and use port 2376.",
			"image: docker:27-dind\nenvironment:\n  DOCKER_TLS_CERTDIR: \"\"", "image: docker:27-dind\nenvironment:\n  DOCKER_TLS_CERTDIR: /certs"),
		look: func(s *compose.Service) (hits []hit) {
			for _, p := range compose.Pairs(s.Value.Get("environment")) {
				if p.Name == "DOCKER_TLS_CERTDIR" && p.Has && p.Value == "" {
					hits = append(hits, hit{line: p.Line, field: "environment " + p.Name, detail: p.Name + " is empty"})
				}
			}
			for _, v := range words(s) {
				if t := text(v); strings.Contains(t, "--tls=false") || strings.Contains(t, "tcp://0.0.0.0:2375") {
					hits = append(hits, hit{at: v, field: "command"})
				}
			}
			return hits
		},
	}
}
