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
			var ways []string
			for _, e := range all[:end] {
				if e.Result == result {
					ways = append(ways, e.Family+" "+e.Protocol+" "+e.Placement)
				}
			}
			if len(ways) > 0 {
				said = append(said, result+": "+strings.Join(ways, ", "))
			}
		}
		t.para(margin, margin+"  ", clean(all[0].Policy+" for "+all[0].Direction+": "+strings.Join(said, "; ")))
		all = all[end:]
	}
}
