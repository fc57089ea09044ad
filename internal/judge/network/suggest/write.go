package suggest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// mostBlocks is how many blocks of the internet's addresses of one family a rule names, before it names all of them.
const mostBlocks = 32

// podPeer is a peer as YAML: pods of a namespace, or of the policy's own.
func podPeer(namespace string, selector map[string]string) string {
	peer := "podSelector: " + matching(selector)
	if namespace != "" {
		peer = "namespaceSelector: " + matching(map[string]string{"kubernetes.io/metadata.name": namespace}) + "\n" + peer
	}
	return peer
}

func matching(of map[string]string) string {
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
		fmt.Fprintf(&b, "  podSelector: %s\n", matching(p.selector))
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
	peers := slices.Sorted(maps.Keys(r.peers))
	public := map[bool][]string{} // by whether they are of IPv6
	for _, p := range r.blocks.Prefixes() {
		one := "ipBlock: {cidr: " + quote(p.String()) + "}"
		if len(network.PrefixAddresses(p).Minus(network.Internet())) > 0 { // one's own, of which each is named
			peers = append(peers, one)
			continue
		}
		public[p.Addr().Is6()] = append(public[p.Addr().Is6()], one)
	}
	for _, six := range []bool{false, true} {
		if len(public[six]) > mostBlocks {
			public[six] = []string{wide[six]}
		}
		peers = append(peers, public[six]...)
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
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
