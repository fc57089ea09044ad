package cluster

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// StartEtcd starts an etcd beside that of the API server, with TLS, and gives HOST:PORT of where it serves clients and its
// peers. The flags decide whether it wants to see
// certificates: they are verified where it is told an authority.
func (c *Cluster) StartEtcd(flags ...string) (clients, peers string) {
	c.t.Helper()
	c.etcds++
	name := "etcd-" + strconv.Itoa(c.etcds)
	clients, peers = "127.0.0.1:"+strconv.Itoa(free(c.t)), "127.0.0.1:"+strconv.Itoa(free(c.t))
	health := "http://127.0.0.1:" + strconv.Itoa(free(c.t))
	p := c.run(name, os.Getenv(envEtcd), append([]string{
		"--data-dir=" + c.file(name), "--listen-client-urls=https://" + clients, "--advertise-client-urls=https://" + clients,
		"--listen-peer-urls=https://" + peers, "--initial-advertise-peer-urls=https://" + peers, "--initial-cluster=default=https://" + peers,
		"--listen-metrics-urls=" + health, "--unsafe-no-fsync", "--log-level=warn",
		"--cert-file=" + c.file("server.crt"), "--key-file=" + c.file("server.key"),
		"--peer-cert-file=" + c.file("server.crt"), "--peer-key-file=" + c.file("server.key"),
	}, flags...)...)
	c.await(name, p, health+"/health")
	return clients, peers
}

// Etcd is HOST:PORT of the API server's own etcd, which asks nobody for anything.
func (c *Cluster) Etcd() string {
	i := slices.IndexFunc(c.flags, func(f string) bool { return strings.HasPrefix(f, "--etcd-servers=http://") })
	return strings.TrimPrefix(c.flags[i], "--etcd-servers=http://")
}

// Address is HOST:PORT of the API server.
func (c *Cluster) Address() string { return strings.TrimPrefix(c.URL, "https://") }
