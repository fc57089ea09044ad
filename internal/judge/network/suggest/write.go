package suggest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// mostBlocks is how many single addresses a rule names before it names the internet instead.
const mostBlocks = 32

// podPeer is a peer as YAML: pods of a namespace, or of the policy's own.
func podPeer(namespace string, selector map[string]string) string {
	peer := "podSelector: " + labels(selector)
	if namespace != "" {
		peer = "namespaceSelector: " + labels(map[string]string{"kubernetes.io/metadata.name": namespace}) + "\n" + peer
	}
	return peer
}

func labels(of map[string]string) string {
	if len(of) == 0 {
		return "{}"
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(of)) {
		all = append(all, quote(k)+": "+quote(of[k]))
	}
	return "{matchLabels: {" + strings.Join(all, ", ") + "}}"
}

// quote is a text in YAML, which takes JSON's.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""` // never: a text
	}
	return string(b)
}

// blockPeer is a peer as YAML, one for each CIDR, between two zero bytes.
func blockPeer(of network.Addresses) string {
	var all []string
	for _, p := range of.Prefixes() {
		all = append(all, "ipBlock: {cidr: "+quote(p.String())+"}")
	}
	return strings.Join(all, "\x00")
}

// wide are what a rule names that would name too many addresses of a family: the internet.
var wide = map[bool]string{
	false: "ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]}",
	true:  `ipBlock: {cidr: "::/0", except: ["fc00::/7", "fe80::/10"]}`,
}

// write writes policies as YAML, with the reasons beside them.
func write(policies []*Policy) string {
	var b strings.Builder
	for i, p := range policies {
		if i > 0 {
			b.WriteString("---\n")
		}
		fmt.Fprintf(&b, "# %s\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n", line(p.Why), quote(p.Name), quote(p.Namespace))
		fmt.Fprintf(&b, "  podSelector: %s\n", labels(p.selector))
		if p.deny {
			b.WriteString("  policyTypes: [Ingress, Egress]\n")
			continue
		}
		var types []string
		for d, name := range []string{"Ingress", "Egress"} {
			if len(p.rules[d]) > 0 {
				types = append(types, name)
			}
		}
		fmt.Fprintf(&b, "  policyTypes: [%s]\n", strings.Join(types, ", "))
		for d, words := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
			if len(p.rules[d]) == 0 {
				continue
			}
			fmt.Fprintf(&b, "  %s:\n", words[0])
			for _, r := range merge(p.rules[d]) {
				r.write(&b, words[1])
			}
		}
	}
	return b.String()
}

func (r *rule) write(b *strings.Builder, side string) {
	why := r.why
	if more := len(why) - 5; more > 1 {
		why = append(slices.Clone(why[:5]), fmt.Sprintf("%d more", more))
	}
	fmt.Fprintf(b, "  # %s\n  - %s:\n", line(strings.Join(why, "; ")), side)
	var peers []string
	blocks := map[bool][]string{} // by whether they are of IPv6
	for _, p := range slices.Sorted(maps.Keys(r.peers)) {
		for one := range strings.SplitSeq(p, "\x00") {
			if strings.HasPrefix(one, "ipBlock") {
				six := strings.Count(one, ":") > 2
				blocks[six] = append(blocks[six], one)
				continue
			}
			peers = append(peers, one)
		}
	}
	for _, six := range []bool{false, true} {
		if len(blocks[six]) > mostBlocks {
			blocks[six] = []string{wide[six]}
		}
		peers = append(peers, blocks[six]...)
	}
	for _, p := range peers {
		fmt.Fprintf(b, "    - %s\n", strings.ReplaceAll(p, "\n", "\n      "))
	}
	b.WriteString("    ports:\n")
	for _, p := range r.ports.Ranges() {
		fmt.Fprintf(b, "    - {protocol: %s, port: %d", p.Protocol, p.From)
		if p.To > p.From {
			fmt.Fprintf(b, ", endPort: %d", p.To)
		}
		b.WriteString("}\n")
	}
}

// line is a text that ends no comment.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return '?'
		}
		return r
	}, text)
}
