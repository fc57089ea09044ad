package imagecfg

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

// Port is the number of an exposed port, PORT[-PORT][/PROTOCOL]: the first of a range. False when it is none.
func Port(text string) (int, bool) {
	first, last, ok := span(text)
	return first, ok && first >= 1 && last <= 65535 && first <= last
}

func span(text string) (first, last int, ok bool) {
	text, _, _ = strings.Cut(text, "/")
	low, high, ranged := strings.Cut(text, "-")
	first, err := strconv.Atoi(low)
	if last = first; err == nil && ranged {
		last, err = strconv.Atoi(high)
	}
	return first, last, err == nil
}

// exposes makes a check of ports that should not be exposed: each is told with what listens there.
func exposes(c check.Card, what map[int]string) Check {
	return Check{Card: c, needs: needsConfig, Look: func(f Facts) (hits []check.Hit) {
		for _, p := range f.Config.Ports {
			first, last, ok := span(p.Text)
			if !ok || last-first > 65535 {
				continue
			}
			for n := first; n <= last; n++ {
				if what[n] != "" {
					hits = append(hits, exposed(p, fmt.Sprintf("%d, %s", n, what[n])))
					break
				}
			}
		}
		return hits
	}}
}

func exposed(p Value, detail string) check.Hit {
	return check.Hit{Where: "EXPOSE " + p.Text, Detail: detail, At: p.At, Subject: field("ExposedPorts." + p.Text)}
}

// loginPort follows CIS Docker Benchmark 5.7: no SSH in containers.
var loginPort = exposes(card("image/login-port", "a port for remote login is exposed", finding.Medium, check.Page{
	Why: "A container that people log in to is a server that nobody looks after: keys and accounts must be kept in\n" +
		"it, and what is changed by hand is gone with the next start, or stays unnoticed.",
	Fix:  "Remove the server and its EXPOSE line. `docker exec` and `kubectl exec` give a shell, with the rights and the log of the platform.",
	Bad:  "FROM debian:12\nEXPOSE 22/tcp\n",
	Good: "FROM debian:12\nEXPOSE 8443/tcp\n",
}, "trivy/DS-0004", "checkov/CKV_DOCKER_1", "cis-docker-1.7/5.7"), map[int]string{
	22: "SSH", 23: "Telnet", 512: "rexec", 513: "rlogin", 514: "rsh", 2222: "SSH", 3389: "RDP", 5900: "VNC", 5985: "WinRM", 5986: "WinRM",
})

var databasePort = exposes(card("image/database-port", "a database's port is exposed", finding.Info, check.Page{
	Why: "EXPOSE tells the world where to knock: `docker run -P` publishes every exposed port on all addresses of\n" +
		"the host. A database in the image of an application is usually meant for that application alone.",
	Fix:  "Remove the EXPOSE line unless the image is that of a database, which other containers reach over their network.",
	Bad:  "FROM debian:12\nEXPOSE 5432/tcp\n",
	Good: "FROM debian:12\nEXPOSE 8443/tcp\n",
}), map[int]string{
	1433: "SQL Server", 1521: "Oracle", 3306: "MySQL", 5432: "PostgreSQL", 5984: "CouchDB", 6379: "Redis", 7000: "Cassandra", 7474: "Neo4j",
	8086: "InfluxDB", 9042: "Cassandra", 9200: "Elasticsearch", 9300: "Elasticsearch", 11211: "memcached", 26257: "CockroachDB",
	27017: "MongoDB", 28015: "RethinkDB",
})

var debugPort = exposes(card("image/debug-port", "a debugger's port is exposed", finding.Medium, check.Page{
	Why: "Debuggers run what they are told to, and ask for no password: whoever reaches the port owns the process.",
	Fix: "Remove the EXPOSE line and the debugger's switches from the image that ships. Debug with an image of its\n" +
		"own stage, or by `kubectl debug`.",
	Bad:  "FROM debian:12\nEXPOSE 5005/tcp\n",
	Good: "FROM debian:12\nEXPOSE 8443/tcp\n",
}), map[int]string{
	1099: "Java's RMI and JMX", 2345: "Delve", 5005: "Java's debugger (JDWP)", 5678: "Python's debugger (debugpy)", 8787: "Java's debugger of JBoss",
	9222: "Chrome's debugger", 9229: "Node.js' inspector", 40000: "Delve",
})

var enginePort = exposes(card("image/engine-port", "the port of a container engine or cluster is exposed", finding.High, check.Page{
	Why: "Who may speak to a container engine may start a container that mounts the host's disk: that is root on\n" +
		"the host. Port 2375 asks for no password at all.",
	Fix:  "Remove the EXPOSE line. An engine in a container is reached by a socket that one container shares with another, or by TLS with client certificates.",
	Bad:  "FROM debian:12\nEXPOSE 2375/tcp\n",
	Good: "FROM debian:12\nEXPOSE 8443/tcp\n",
}), map[int]string{
	2375: "Docker without TLS", 2376: "Docker", 2377: "Docker Swarm", 2379: "etcd", 2380: "etcd", 10250: "the kubelet", 10255: "the kubelet",
})

var badPort = Check{
	Card: card("image/bad-port", "an exposed port is no port", finding.Low, check.Page{
		Why:  "Ports are numbers from 1 to 65535. What is written as another one is reachable nowhere, and the port that was meant is not declared.",
		Fix:  "Write the number that the program listens on: `EXPOSE 8080`, or a range `EXPOSE 8000-8010/udp`.",
		Bad:  "FROM debian:12\nEXPOSE 80800/tcp\n",
		Good: "FROM debian:12\nEXPOSE 8080/tcp\n",
	}, "trivy/DS-0008", "hadolint/DL3011"),
	needs: needsConfig,
	Look: func(f Facts) (hits []check.Hit) {
		for _, p := range f.Config.Ports {
			if _, ok := Port(p.Text); !ok && !strings.Contains(p.Text, "$") {
				hits = append(hits, exposed(p, fmt.Sprintf("%.40q", p.Text)))
			}
		}
		return hits
	},
}
