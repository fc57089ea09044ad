package probe

import "slices"

// Service is what may listen on a port, and what it is asked.
type Service struct {
	Name  string
	Title string
	Port  int  // where it listens if nothing else is said
	TLS   bool // it is asked by TLS
	Plain bool // it is asked in the clear
	// Common says that other programs are fond of the port, too: what is not understood there is somebody else.
	Common bool
	// Unwanted says that nothing ought to listen there: that the port is closed is what one wants to hear.
	Unwanted bool
	// Main is the path that tells what the service thinks of who asks.
	Main string
	asks []ask
}

// ask is one question.
type ask struct {
	as     []Who
	method string
	path   string
	accept string
}

// Forbidden is a path that is nobody's: who may not all is refused there before it is seen that nothing is behind it. A
// kubelet, which knows its paths, says at once that it has no such one.
const Forbidden = "/plimsoll-probe"

// namesOnly asks the API server for objects without what they hold.
const namesOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

func get(path string, as ...Who) ask {
	if len(as) == 0 {
		as = []Who{Nobody}
	}
	return ask{as: as, method: "GET", path: path, accept: "*/*"}
}

func list(path string, as ...Who) ask {
	a := get(path, as...)
	a.accept = namesOnly
	return a
}

func all() []Who { return []Who{Nobody, Stranger, Account} }

// The paths that checks know.
const (
	Secrets    = "/api/v1/secrets?limit=1"
	Namespaces = "/api/v1/namespaces?limit=1"
	Pods       = "/pods"
	API        = "/api"
	Version    = "/version"
	Metrics    = "/metrics"
	Profile    = "/debug/pprof/"
	Health     = "/healthz"
	// exec would run a program if it were more than the question which methods there are, of a pod that is not there.
	exec = "/exec/plimsoll/probe/none"
)

// Services lists all, by port.
func Services() []Service {
	component := []ask{get(Forbidden, Nobody, Stranger), get(Metrics), get("/configz"), get("/flagz"), get(Profile), get(Health)}
	return []Service{
		{Name: "etcd", Main: Version, Title: "etcd", Port: 2379, TLS: true, Plain: true, asks: []ask{get(Version, Nobody, Stranger), get("/health")}},
		{Name: "etcd-peer", Main: Version, Title: "etcd, for its peers", Port: 2380, TLS: true, Plain: true, asks: []ask{get(Version, Nobody, Stranger)}},
		{Name: "etcd-metrics", Title: "etcd's metrics", Port: 2381, TLS: true, Plain: true, asks: []ask{get(Metrics)}},
		{Name: "cadvisor", Title: "cAdvisor", Port: 4194, Plain: true, Common: true, Unwanted: true, asks: []ask{get(Metrics)}},
		{Name: "apiserver", Main: Forbidden, Title: "API server", Port: 6443, TLS: true, asks: []ask{
			get(Forbidden, all()...), list(Namespaces), list(Secrets, Nobody, Account), get(Metrics), get(Profile), get("/flagz"),
			get("/openapi/v3"), get(Version), get("/readyz"),
		}},
		{Name: "api-proxy", Title: "kubectl proxy", Port: 8001, Plain: true, Common: true, Unwanted: true, asks: []ask{get(API)}},
		{Name: "api-insecure", Title: "API server's insecure port", Port: 8080, Plain: true, Common: true, Unwanted: true, asks: []ask{get(API)}},
		{Name: "proxy-metrics", Title: "kube-proxy's metrics", Port: 10249, Plain: true, asks: []ask{get(Metrics), get("/configz")}},
		{Name: "kubelet", Main: Pods, Title: "kubelet", Port: 10250, TLS: true, asks: []ask{
			get(Pods, all()...), get("/runningpods/"), get("/configz"), get(Metrics), get("/logs/"), get(Health),
			{as: []Who{Nobody}, method: "OPTIONS", path: exec, accept: "*/*"},
		}},
		{Name: "kubelet-read-only", Title: "kubelet's read-only port", Port: 10255, Plain: true, Unwanted: true, asks: []ask{get(Pods), get("/stats/summary"), get(Metrics)}},
		{Name: "proxy-health", Title: "kube-proxy's health", Port: 10256, Plain: true, asks: []ask{get(Health), get(Metrics)}},
		{Name: "controller-manager", Main: Forbidden, Title: "controller-manager", Port: 10257, TLS: true, asks: component},
		{Name: "scheduler", Main: Forbidden, Title: "scheduler", Port: 10259, TLS: true, asks: component},
	}
}

func serviceOf(is func(Service) bool) (Service, bool) {
	known := Services()
	i := slices.IndexFunc(known, is)
	if i < 0 {
		return Service{}, false
	}
	return known[i], true
}
