package path

import (
	"slices"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// Step is one thing that somebody does on a path.
type Step struct {
	From, To  string
	Primitive string // its id; empty where it follows from what From is
	Does      string
	Why       string
	When      string // what has to be so, and is not known
	Closes    string
	Grants    []*rbac.Grant
	Proof     string // the rules
	Terms     []string
}

// Path leads from a source to an end.
type Path struct {
	From, To string
	Steps    []Step
}

// The words for where paths may end.
const (
	ToAdmin    = "cluster-admin"
	ToNode     = "node"
	ToSecrets  = "secrets"  // secrets:NAMESPACE are those of one
	ToCloud    = "cloud"    // a role of the cloud
	ToNetwork  = "network"  // what others send, or what keeps them apart
	ToPolicies = "policies" // what admission forbids
	ToLogs     = "logs"     // what nodes and the control plane log, and how they are set
	ToData     = "data"     // volumes and devices of others
	ToOutage   = "outage"   // others stop
)

// Ends are all of them.
func Ends() []string {
	return []string{ToAdmin, ToNode, ToSecrets, ToCloud, ToNetwork, ToPolicies, ToLogs, ToData, ToOutage}
}

// End is the vertex of a word; -1: nothing leads there.
func (g *Graph) end(to, namespace string) int {
	v := vertex{kind: sink, name: to}
	if to == ToSecrets {
		v = secretsOf(namespace)
	}
	if at, ok := g.index[v]; ok {
		return at
	}
	return -1
}

// cost is 1 for what somebody does, and 0 for what follows.
func (e *edge) cost() int {
	if e.prim != nil {
		return 1
	}
	return 0
}

// gone are grants, by vertex, that are thought away.
type gone map[int]bool

func (x gone) blocks(e *edge) bool {
	if x[e.to] || x[e.from] {
		return true
	}
	return slices.ContainsFunc(e.guard, func(one []int) bool {
		return !slices.ContainsFunc(one, func(g int) bool { return !x[g] })
	})
}

// toward is, for each vertex, the edge that begins its shortest way to the nearest end; -1: there is none. Costs are 0 and 1.
func (g *Graph) toward(without gone, ends ...int) (next []int32, length []int) {
	next, length = make([]int32, len(g.vertices)), make([]int, len(g.vertices))
	for i := range next {
		next[i], length[i] = -1, -1
	}
	now, later := slices.Clone(ends), []int(nil)
	for _, end := range ends {
		length[end] = 0
	}
	settled := make([]bool, len(g.vertices))
	for d := 0; len(now) > 0; d++ {
		for len(now) > 0 {
			v := now[0]
			now = now[1:]
			if settled[v] || length[v] != d {
				continue
			}
			settled[v] = true
			for _, n := range g.in[v] {
				e := &g.edges[n]
				if settled[e.from] || without.blocks(e) {
					continue
				}
				c := d + e.cost()
				if had := length[e.from]; had >= 0 && had <= c {
					continue
				}
				length[e.from], next[e.from] = c, n
				if c == d {
					now = append(now, e.from)
				} else {
					later = append(later, e.from)
				}
			}
		}
		now, later = later, nil
	}
	return next, length
}

// walk follows the edges of the shortest way, until there is none further.
func (g *Graph) walk(from int, next []int32) (edges []int32) {
	for at := from; next[at] >= 0; at = g.edges[next[at]].to {
		edges = append(edges, next[at])
	}
	return edges
}

// Via lists who can become one of some subjects, and how.
func (g *Graph) Via(of []rbac.Subject) (all []Reach) {
	var ends []int
	for _, s := range of {
		if at, ok := g.index[vertex{kind: subject, of: s}]; ok {
			ends = append(ends, at)
		}
	}
	next, length := g.toward(nil, ends...)
	for _, at := range g.sources() {
		if length[at] > 0 || length[at] == 0 && g.vertices[at].kind == workload {
			all = append(all, Reach{Source: g.vertices[at].String(), Length: length[at], Paths: []Path{g.describe(g.walk(at, next))}})
		}
	}
	return all
}

// describe turns edges into what is done: from one whom or what one can be to the next.
func (g *Graph) describe(edges []int32) Path {
	p := Path{From: g.vertices[g.edges[edges[0]].from].String(), To: g.vertices[g.edges[edges[len(edges)-1]].to].String()}
	step := Step{From: p.From}
	for _, n := range edges {
		e := &g.edges[n]
		from, to := g.vertices[e.from], g.vertices[e.to]
		if from.kind == grant {
			step.Grants = append(step.Grants, from.grant)
		}
		for _, one := range e.guard {
			step.Grants = append(step.Grants, g.vertices[one[0]].grant)
		}
		switch {
		case e.prim != nil:
			step.Primitive, step.Does, step.Why, step.When, step.Closes, step.Proof = e.prim.ID, e.prim.Title, e.prim.Why, e.prim.When, e.prim.Closes, e.proof
		case e.word != "" && from.kind != grant && to.kind != grant:
			step.Terms = append(step.Terms, e.word)
		}
		if to.kind == subject || to.kind == workload || to.kind == sink || n == edges[len(edges)-1] {
			step.To = to.String()
			p.Steps = append(p.Steps, step)
			step = Step{From: step.To}
		}
	}
	return p
}

// Reach is how a source gets to an end.
type Reach struct {
	Source string
	IsPod  bool
	At     rbac.Subject // where it is no pod
	Length int          // of the shortest path, in things done
	Paths  []Path       // the shortest first
	vertex int
}

// From lists for each source that gets to an end the shortest path, and up to so many others that need other grants. Who is
// trusted is no source; of pods the subject is empty.
func (g *Graph) From(to, namespace string, trusted func(rbac.Subject) bool, most int) (all []Reach) {
	end := g.end(to, namespace)
	if end < 0 {
		return nil
	}
	next, length := g.toward(nil, end)
	for _, at := range g.sources() {
		v := g.vertices[at]
		if length[at] < 0 || at == end || trusted(v.of) {
			continue
		}
		r := Reach{Source: v.String(), IsPod: v.kind == workload, At: v.of, Length: length[at], vertex: at}
		first := g.walk(at, next)
		r.Paths = append(r.Paths, g.describe(first))
		if most > 1 {
			r.Paths = append(r.Paths, g.others(at, end, first, most-1)...)
		}
		all = append(all, r)
	}
	return all
}

// others are further paths: each without a grant that one before it needs.
func (g *Graph) others(from, end int, first []int32, most int) (all []Path) {
	seen := [][]int32{first}
	type trial struct {
		edges   []int32
		without gone
	}
	queue := []trial{{first, gone{}}}
	for tries := 0; len(queue) > 0 && len(all) < most && tries < 10*most; {
		one := queue[0]
		queue = queue[1:]
		for _, n := range one.edges {
			if g.vertices[g.edges[n].to].kind != grant || len(all) == most {
				continue
			}
			tries++
			without := gone{g.edges[n].to: true}
			for v := range one.without {
				without[v] = true
			}
			next, length := g.toward(without, end)
			if length[from] < 0 {
				continue
			}
			edges := g.walk(from, next)
			if slices.ContainsFunc(seen, func(s []int32) bool { return slices.Equal(s, edges) }) {
				continue
			}
			seen = append(seen, edges)
			all = append(all, g.describe(edges))
			queue = append(queue, trial{edges, without})
		}
	}
	return all
}

// forward are the vertices that sources get to.
func (g *Graph) forward(from []int, without gone) []bool {
	seen := make([]bool, len(g.vertices))
	queue := slices.Clone(from)
	for _, v := range from {
		seen[v] = true
	}
	for len(queue) > 0 {
		v := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, n := range g.out[v] {
			if e := &g.edges[n]; !seen[e.to] && !without.blocks(e) {
				seen[e.to] = true
				queue = append(queue, e.to)
			}
		}
	}
	return seen
}
