package netmap

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// data is what the script is told. All lists are told once and named by their places in them.
type data struct {
	Groups    []group  `json:"groups"`
	Ends      []end    `json:"ends"`
	Labels    []string `json:"labels"`
	Ports     [][]int  `json:"ports"`     // first and last of each range; of UDP and SCTP plus 1<<16 and 2<<16
	Edges     [][]int  `json:"edges"`     // from, ports, and first and last of each run of groups
	Published [][]int  `json:"published"` // end that publishes, end, ports, those let in, 1 if others may bring it
	Only      int      `json:"only"`      // the group that the map is of; -1: all
	Policies  []policy `json:"policies"`
	Rules     []rule   `json:"rules"`
	Classes   []class  `json:"classes"` // nil: reasons, and what is within groups, were left out
	Chosen    [][]int  `json:"chosen"`  // policies that select a class
	Sets      [][]int  `json:"sets"`    // first and last of each run of classes
	Faces     []face   `json:"faces"`
	Whys      [][]int  `json:"whys"` // ports and reason, for each
	Reasons   []reason `json:"reasons"`

	most      bounds
	leftOut   []string
	workloads int
	group     map[*network.Endpoint]int
	place     map[*network.Endpoint]int
	ports     map[string]int
	labels    map[string]int
	rules     map[*network.Rule]int
	policies  map[*network.Policy]int
}

type (
	// group are endpoints that fold into one: a namespace, or a part of what is outside of all.
	group struct {
		Name string `json:"n"`
		Kind string `json:"k"` // namespace, nodes, internet, addresses or published
	}
	end struct {
		Group   int    `json:"g"`
		Name    string `json:"n"`
		Kind    int    `json:"k"` // that of network.Kind; 4: what publishes
		Classes []int  `json:"c,omitempty"`
		Labels  []int  `json:"l,omitempty"`
		Several bool   `json:"s,omitempty"`
		Ports   *int   `json:"p,omitempty"`    // on which it says that it listens
		On      string `json:"on,omitempty"`   // the node that it is, or runs on
		Open    int    `json:"open,omitempty"` // 1: takes connections from everybody, 2: opens them to everybody
	}
	policy struct {
		Name     string `json:"n"`
		Where    string `json:"w,omitempty"`
		Selects  string `json:"s,omitempty"`
		Isolates int    `json:"i,omitempty"` // 1: ingress, 2: egress
	}
	rule struct {
		Policy int    `json:"p"`
		Name   string `json:"n"`
		Where  string `json:"w,omitempty"`
	}
	class  [6]int // kind, family, 1: isolated in ingress, 2: in egress; faces; policies that select it
	face   [2]any // sets; places of sets and what holds, of each side
	reason [4]any // allowed, rules, isolating policies, the rule that passed
)

const publishes = 4 // the kind of what publishes, after those of endpoints

func dataOf(f Facts, all *network.Map, most bounds) *data {
	d := &data{
		most: most,
		Only: -1, group: map[*network.Endpoint]int{}, place: map[*network.Endpoint]int{}, ports: map[string]int{}, labels: map[string]int{},
		rules: map[*network.Rule]int{}, policies: map[*network.Policy]int{},
	}
	d.ends(f, d.met(f, all))
	d.edges(f, all)
	d.reasons(f)
	return d
}

// sentence says what the map is of.
func (d *data) sentence(f Facts) string {
	namespaces := 0
	for _, g := range d.Groups {
		if g.Kind == "namespace" {
			namespaces++
		}
	}
	text := fmt.Sprintf("%s in %s, %s", count(d.workloads, "workload", "workloads"), count(namespaces, "namespace", "namespaces"), count(len(f.Model.Policies), "policy", "policies"))
	if f.Namespace != "" {
		text += "; only what pods of " + short(f.Namespace) + " reach, and who reaches them"
	}
	if len(f.Model.Policies) == 0 {
		text += ": nothing was read that keeps anybody from anybody"
	}
	if f.Enforced != "" {
		text += "; " + f.Enforced
	}
	return text + "."
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// natural compares names as people do: n9 stands before n10.
func natural(a, b string) int {
	digits := func(s string) int {
		if n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }); n >= 0 {
			return n
		}
		return len(s)
	}
	for a != "" && b != "" {
		if i, j := digits(a), digits(b); i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// groupOf is the key of an endpoint's group, and the group.
func groupOf(e *network.Endpoint) (string, group) {
	switch {
	case e.Workload != nil:
		return "namespace " + e.Namespace, group{short(e.Namespace), "namespace"}
	case e.Kind == network.Node:
		return "nodes", group{"Nodes", "nodes"}
	case len(e.Addresses.Intersect(network.Internet())) > 0: // and what no rule tells apart from it
		return "internet", group{"Internet", "internet"}
	}
	return "addresses", group{"Other addresses", "addresses"}
}

// met says which groups a page of one namespace tells of, by their keys: those that reach it or are reached by it. Nobody
// who is shown that page has to see the names of others. It is nil where all are told.
func (d *data) met(f Facts, all *network.Map) map[string]bool {
	if f.Namespace == "" {
		return nil
	}
	var keys []string
	at := map[string]int{}
	for _, e := range f.Model.Endpoints {
		key, _ := groupOf(e)
		if _, known := at[key]; !known {
			at[key] = len(keys)
			keys = append(keys, key)
		}
	}
	own := "namespace " + f.Namespace
	met := map[string]bool{own: true}
	for _, one := range all.Merge(len(keys), func(e *network.Endpoint) int { key, _ := groupOf(e); return at[key] }) {
		if keys[one.From] == own || keys[one.To] == own {
			met[keys[one.From]], met[keys[one.To]] = true, true
		}
	}
	return met
}

// ends tells the groups, in the order of their names, and their endpoints.
func (d *data) ends(f Facts, met map[string]bool) {
	groups, keyOf := map[string]group{}, map[*network.Endpoint]string{}
	for _, e := range f.Model.Endpoints {
		if key, g := groupOf(e); met == nil || met[key] {
			groups[key], keyOf[e] = g, key
		}
	}
	ways := published(f)
	if len(ways) > 0 {
		groups["published"] = group{"Published", "published"}
	}
	at := map[string]int{}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(natural(groups[a].Name, groups[b].Name), cmp.Compare(a, b))
	})
	for _, key := range keys {
		if key == "namespace "+f.Namespace {
			d.Only = len(d.Groups)
		}
		at[key] = len(d.Groups)
		d.Groups = append(d.Groups, groups[key])
	}
	if f.Namespace == "" {
		d.Only = -1
	}
	beyond := 0
	for _, e := range f.Model.Endpoints {
		if e.Workload != nil {
			d.workloads++
		}
		if keyOf[e] == "" {
			d.group[e] = len(d.Groups) // of nobody who is told
			continue
		}
		d.group[e] = at[keyOf[e]]
		if len(d.Ends) >= d.most.ends {
			beyond++
			continue
		}
		d.place[e] = len(d.Ends)
		d.Ends = append(d.Ends, d.end(f.Model, e))
	}
	if beyond > 0 {
		d.leftOut = append(d.leftOut, fmt.Sprintf("%d ends: they are counted in their namespaces' connections, and are not shown one by one", beyond))
	}
	d.publish(ways, at["published"])
}

func (d *data) end(m *network.Model, e *network.Endpoint) end {
	name := e.Name
	if e.Kind == network.Block {
		name = e.Addresses.Words()
	}
	one := end{Group: d.group[e], Name: short(name), Kind: int(e.Kind), Classes: m.ClassesOf(e), Several: e.Several, On: short(e.On())}
	if on := e.Listens(); len(on) > 0 {
		at := d.port(on)
		one.Ports = &at
	}
	for _, key := range slices.Sorted(maps.Keys(e.Labels())) {
		if len(one.Labels) == mostTags {
			break
		}
		one.Labels = append(one.Labels, d.label(short(key+"="+e.Labels()[key])))
	}
	if e.Kind == network.Pods && !m.Strange {
		for direction := range network.Direction(2) {
			if m.Open(e, direction) {
				one.Open |= 1 << direction
			}
		}
	}
	return one
}

func (d *data) label(text string) int {
	at, known := d.labels[text]
	if !known {
		at = len(d.Labels)
		d.labels[text] = at
		d.Labels = append(d.Labels, text)
	}
	return at
}

// publish tells what leads from outside to which endpoints.
func (d *data) publish(ways []network.Publication, group int) {
	by := map[string]int{}
	beyond := 0
	for _, p := range ways {
		if p.Detached != "" {
			continue
		}
		to, shown := d.place[p.To]
		at, known := by[p.Title()]
		if !shown || !known && len(d.Ends) >= d.most.ends {
			beyond++
			continue
		}
		if !known {
			at = len(d.Ends)
			by[p.Title()] = at
			d.Ends = append(d.Ends, end{Group: group, Name: short(p.Title()), Kind: publishes})
		}
		unknown := 0
		if p.Unknown {
			unknown = 1
		}
		d.Published = append(d.Published, []int{at, to, d.port(p.Ports), d.port(p.Reached), unknown})
	}
	if beyond > 0 {
		d.leftOut = append(d.leftOut, count(beyond, "way", "ways")+" from outside: there is no room for what publishes, or for whom")
	}
}

func (d *data) port(of network.Ports) int {
	key := of.String()
	at, known := d.ports[key]
	if !known {
		at = len(d.Ports)
		d.ports[key] = at
		flat := []int{}
		for _, r := range of.Ranges() {
			flat = append(flat, int(r.Protocol)<<16|r.From, int(r.Protocol)<<16|r.To)
		}
		d.Ports = append(d.Ports, flat)
	}
	return at
}

// edges tells which groups reach which, on which ports.
func (d *data) edges(f Facts, all *network.Map) {
	runs := map[[2]int][]int{}
	var keys [][2]int
	for _, one := range all.Merge(len(d.Groups)+1, func(e *network.Endpoint) int { return d.group[e] }) {
		if d.Only >= 0 && one.From != d.Only && one.To != d.Only || max(one.From, one.To) == len(d.Groups) {
			continue
		}
		key := [2]int{one.From, d.port(one.Ports)}
		run := runs[key]
		if run == nil {
			keys = append(keys, key)
		}
		if n := len(run); n > 0 && run[n-1] == one.To-1 {
			run[n-1] = one.To
		} else {
			run = append(run, one.To, one.To)
		}
		runs[key] = run
	}
	told := 0
	for i, key := range keys {
		if told += len(runs[key]) / 2; told > d.most.edges {
			d.leftOut = append(d.leftOut, fmt.Sprintf("connections of namespaces from %s on: there are more than %d; choose one with --namespace", d.Groups[keys[i][0]].Name, d.most.edges))
			break
		}
		d.Edges = append(d.Edges, append(key[:], runs[key]...))
	}
}

// where is the place of something that was read, if it has one.
func where(all []finding.Location) string {
	for _, l := range all {
		return short(fmt.Sprintf("%s:%d", l.Path, l.StartLine))
	}
	return ""
}

func (d *data) policy(p *network.Policy) int {
	at, known := d.policies[p]
	if known {
		return at
	}
	at = len(d.Policies)
	d.policies[p] = at
	one := policy{Name: short(strings.TrimSpace(p.Kind + " " + strings.TrimPrefix(p.Namespace+"/"+p.Name, "/"))), Where: where(p.At("")), Selects: short(p.Selector())}
	for direction := range network.Direction(2) {
		if p.Isolates[direction] {
			one.Isolates |= 1 << direction
		}
	}
	d.Policies = append(d.Policies, one)
	return at
}

func (d *data) rule(r *network.Rule) int {
	at, known := d.rules[r]
	if !known {
		at = len(d.Rules)
		d.rules[r] = at
		d.Rules = append(d.Rules, rule{Policy: d.policy(r.Policy), Name: short(r.String()), Where: where(r.Policy.At(r.Field()))})
	}
	return at
}
