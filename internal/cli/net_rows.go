package cli

import (
	"slices"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// connectionRow is one row of the map: in words, and the same for programs.
type connectionRow struct {
	From       []string  `json:"from"`
	To         []string  `json:"to"`
	Ports      string    `json:"ports"`
	FromEnds   []netEnd  `json:"fromEnds"`
	ToEnds     []netEnd  `json:"toEnds"`
	PortRanges []portRow `json:"portRanges"`
}

// netEnd is one end, or several that have one name: a workload (its kind, namespace and name), all pods of a Namespace,
// AllPods, a Node, or Addresses.
type netEnd struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name,omitempty"`
	CIDRs     []string `json:"cidrs,omitempty"`
}

// portRow are ports of one protocol, both ends within.
type portRow struct {
	Protocol string `json:"protocol"`
	From     int    `json:"from"`
	To       int    `json:"to"`
}

func portRows(of network.Ports) []portRow {
	all := []portRow{}
	for _, r := range of.Ranges() {
		all = append(all, portRow{r.Protocol.String(), r.From, r.To})
	}
	return all
}

func netEnds(g *network.Group) (all []netEnd) {
	if g.Every {
		all = append(all, netEnd{Kind: "AllPods"})
	}
	for _, ns := range g.Namespaces {
		all = append(all, netEnd{Kind: "Namespace", Name: ns})
	}
	for _, e := range g.Ends() {
		all = append(all, netEndOf(e))
	}
	return all
}

func netEndOf(e *network.Endpoint) netEnd {
	switch e.Kind {
	case network.Node:
		return netEnd{Kind: "Node", Name: e.Name}
	case network.Block:
		one := netEnd{Kind: "Addresses"}
		for _, p := range e.Addresses.Prefixes() {
			one.CIDRs = append(one.CIDRs, p.String())
		}
		return one
	}
	return netEnd{Kind: e.WorkloadKind(), Namespace: e.Namespace, Name: e.Title()}
}

// connectionRows are rows as they are told, in JSON and in a table.
func connectionRows(rows []network.Row, change string, table *[][]string) []connectionRow {
	all := []connectionRow{}
	for i := range rows {
		r := &rows[i]
		all = append(all, connectionRow{r.From.Words(), r.To.Words(), r.Ports.String(), netEnds(&r.From), netEnds(&r.To), portRows(r.Ports)})
		line := []string{r.From.String(), r.Ports.String(), r.To.String()}
		if change != "" {
			line = append([]string{change}, line...)
		}
		*table = append(*table, line)
	}
	return all
}

// publishedRow is a way from outside to pods.
type publishedRow struct {
	By      string `json:"by"`
	To      string `json:"to"`
	Ports   string `json:"ports"`
	Reached string `json:"reached"`
	Unknown bool   `json:"unknown,omitempty"`
	// Inner says that it is for the own network alone, and Own that the pods' own node, which is not known, may bring it.
	Inner bool `json:"ownNetwork,omitempty"`
	Own   bool `json:"ownNode,omitempty"`
	// Detached is why a route leads to nobody, and Doubtful what is not known of that.
	Detached string `json:"notAttached,omitempty"`
	Doubtful string `json:"notKnown,omitempty"`
	// The same, for programs.
	Publisher     netEnd    `json:"publisher"`
	Workload      netEnd    `json:"workload"`
	PortRanges    []portRow `json:"portRanges"`
	ReachedRanges []portRow `json:"reachedRanges"`

	let string
}

// cells are the row in a table.
func (r *publishedRow) cells() []string {
	return []string{r.By, r.To, r.Ports, r.let}
}

func publishedRows(m *network.Model, namespace string) []publishedRow {
	all := m.Published()
	if namespace != "" {
		all = slices.DeleteFunc(all, func(p network.Publication) bool { return p.To.Namespace != namespace })
	}
	return publishedOf(all)
}

func publishedOf(of []network.Publication) []publishedRow {
	all := []publishedRow{}
	for _, p := range of {
		all = append(all, publishedRow{
			By: p.Title(), To: p.To.String(), Ports: p.Ports.String(), Reached: p.Reached.String(), Unknown: p.Unknown, Inner: p.Inner, Own: p.Own, Detached: p.Detached, Doubtful: p.Doubtful, let: p.LetIn(),
			Publisher: netEnd{Kind: p.By.Kind, Namespace: p.By.Namespace, Name: p.By.Name}, Workload: netEndOf(p.To),
			PortRanges: portRows(p.Ports), ReachedRanges: portRows(p.Reached),
		})
	}
	return all
}
