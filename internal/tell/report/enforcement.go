package report

import (
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

// enforcement tells what became of policies that were tried, by kind and direction.
func (t *table) enforcement(n *finding.Network) {
	if n == nil || len(n.Enforcement) == 0 {
		return
	}
	t.line("")
	t.line(t.paint(bold, "What policies do") + ", as pods met it at " + n.Probed.UTC().Format(time.RFC3339))
	for all := n.Enforcement; len(all) > 0; {
		end := slices.IndexFunc(all, func(e finding.Enforcement) bool { return e.Policy != all[0].Policy || e.Direction != all[0].Direction })
		if end < 0 {
			end = len(all)
		}
		var said []string
		for _, result := range []string{finding.Inert, finding.Inconclusive, finding.Enforced} {
			if words := waysOf(all[:end], result); words != "" {
				said = append(said, result+" ("+words+")")
			}
		}
		t.para(margin, margin+"  ", clean(all[0].Policy+" for "+all[0].Direction+": "+strings.Join(said, "; ")))
		all = all[end:]
	}
}

// waysOf names the ways that came to a result: by what they have, where they are all that have it, and else each.
func waysOf(all []finding.Enforcement, result string) string {
	var parts [3][]string
	var each []string
	for _, e := range all {
		if e.Result != result {
			continue
		}
		each = append(each, e.Family+" "+e.Protocol+" "+e.Placement)
		for i, word := range []string{e.Family, e.Protocol, e.Placement} {
			if !slices.Contains(parts[i], word) {
				parts[i] = append(parts[i], word)
			}
		}
	}
	if len(each) < len(parts[0])*len(parts[1])*len(parts[2]) {
		return strings.Join(each, ", ")
	}
	var words []string
	for _, p := range parts {
		if len(p) > 0 {
			words = append(words, strings.Join(p, " and "))
		}
	}
	return strings.Join(words, ", ")
}
