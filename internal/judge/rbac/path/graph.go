// Package path turns who may do what into what they can make of it: a graph of subjects, pods and rights, the shortest paths in it
// to all of the cluster, to a node and to Secrets, and the fewest grants whose removal leaves none.
package path

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// kinds of vertex.
const (
	subject = iota
	workload
	sink
	grant // what a binding gives to one subject
	held  // a role in a scope
	power // what rights amount to
)

// vertex is one point of the graph.
type vertex struct {
	kind      int
	of        rbac.Subject
	namespace string
	name      string
	grant     *rbac.Grant
	role      *rbac.Role
}

// Powers, each in a namespace or, where that is empty, in all.
const (
	pods          = "pods"    // to run a pod
	into          = "into"    // to run something in a pod that runs
	tokens        = "tokens"  // to be any account
	secrets       = "secrets" // to read any Secret
	anyUser       = "users"
	anyIdentity   = "identities" // any user, any group but system:masters
	bootstrappers = "bootstrappers"
	operators     = "operators"
	rolesOf       = "roles"    // to be bound to any Role
	kubelets      = "kubelets" // to be any node
)

// Ends of paths.
var (
	admin = vertex{kind: sink, name: "cluster-admin"}
	node  = vertex{kind: sink, name: "node"}

	cloud    = vertex{kind: sink, name: ToCloud}
	network  = vertex{kind: sink, name: ToNetwork}
	policies = vertex{kind: sink, name: ToPolicies}
	logs     = vertex{kind: sink, name: ToLogs}
	others   = vertex{kind: sink, name: ToData}
	outage   = vertex{kind: sink, name: ToOutage}
)

// sinkWords are the ends as people read them.
var sinkWords = map[string]string{
	ToAdmin: "all of the cluster", ToNode: "a node", ToCloud: "an identity in the cloud", ToNetwork: "the traffic of others", ToPolicies: "what admission forbids",
	ToLogs: "logs and settings of the control plane", ToData: "volumes and devices of others", ToOutage: "the work of others",
}

func secretsOf(namespace string) vertex {
	return vertex{kind: power, name: secrets, namespace: namespace}
}

// String names a vertex for people.
func (v vertex) String() string {
	switch v.kind {
	case subject:
		return v.of.String()
	case workload:
		return "pods of " + v.name + " in " + v.namespace
	case sink:
		return sinkWords[v.name]
	case grant:
		return v.grant.String()
	case held:
		return v.role.String()
	}
	where := " of all namespaces"
	if v.namespace != "" {
		where = " of " + v.namespace
	}
	switch v.name {
	case secrets:
		return "Secrets" + where
	case anyUser, anyIdentity:
		return "another identity"
	}
	return v.name + where
}

// edge leads from one vertex to another.
type edge struct {
	from, to int
	prim     *Primitive // nil: it follows from what the vertices are
	word     string     // and why
	proof    string
	guard    [][]int // grants by vertex; of each list one is needed
}

// Graph is who can become what.
type Graph struct {
	model    *rbac.Model
	vertices []vertex
	index    map[vertex]int
	out, in  [][]int32 // edges by vertex
	edges    []edge
	unknown  map[int][]string // by roles that are held: what they name and nobody read
}

func (g *Graph) at(v vertex) int {
	i, ok := g.index[v]
	if !ok {
		i = len(g.vertices)
		g.index[v] = i
		g.vertices = append(g.vertices, v)
	}
	return i
}

func (g *Graph) add(e edge) { g.edges = append(g.edges, e) }

// lists are the edges by the vertex at one of their ends, in order.
func lists(vertices int, edges []edge, end func(*edge) int) [][]int32 {
	counts := make([]int32, vertices)
	for n := range edges {
		counts[end(&edges[n])]++
	}
	all, by := make([]int32, len(edges)), make([][]int32, vertices)
	for v, n := range counts {
		by[v], all = all[:0:n], all[n:]
	}
	for n := range edges {
		v := end(&edges[n])
		by[v] = append(by[v], int32(n))
	}
	return by
}

// sources are the subjects that are no part of Kubernetes itself, those that are asked about, and pods, in order: where paths begin.
func (g *Graph) sources() (all []int) {
	for i, v := range g.vertices {
		if v.kind == workload || v.kind == subject && (g.model.IsAsked(v.of) || !g.own(v.of)) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b int) int { return compare(g.vertices[a], g.vertices[b]) })
	return all
}

// own says that a subject is one of Kubernetes itself: a system: name that no grant of people's making names.
func (g *Graph) own(s rbac.Subject) bool {
	if !strings.HasPrefix(s.Name, "system:") && (s.Kind != rbac.ServiceAccount || s.Namespace != "kube-system") && !strings.HasPrefix(s.Name, "kubeadm:") {
		return false
	}
	for _, n := range g.out[g.at(vertex{kind: subject, of: s})] {
		to := g.vertices[g.edges[n].to]
		if to.kind == grant && !to.grant.Builtin && !to.grant.Assumed {
			return false
		}
	}
	return true
}

func compare(a, b vertex) int {
	if a.kind != b.kind {
		return a.kind - b.kind
	}
	if c := rbac.Compare(a.of, b.of); c != 0 {
		return c
	}
	if c := strings.Compare(a.namespace, b.namespace); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}
