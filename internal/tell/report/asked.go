package report

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// asked lists all that a probe did, by port and by who asked. Ports at which it could do nothing share a line.
func (t *table) asked(all []finding.Asked) {
	all = slices.DeleteFunc(slices.Clone(all), func(a finding.Asked) bool { return a.As == "asker" }) // whose answers are told by what they came to
	if len(all) == 0 {
		return
	}
	t.line("")
	t.line(t.paint(bold, "What was asked") + ", and nothing else done: " + plural(len(all), "question"))
	var idle []string
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(a finding.Asked) bool { return a.At != all[0].At || a.Service != all[0].Service })
		if n < 0 {
			n = len(all)
		}
		port := all[:n]
		all = all[n:]
		if n == 1 {
			idle = append(idle, clean(port[0].At+" ("+port[0].Service+") "+port[0].Answer))
			continue
		}
		t.para(margin, margin, clean(port[0].At)+", "+clean(port[0].Service))
		for _, who := range []string{"nobody", "stranger", "account"} {
			var said []string
			for _, a := range port {
				if a.As == who {
					said = append(said, clean(short(a)))
				}
			}
			if len(said) > 0 {
				t.para(margin+"  ", margin+"    ", who+": "+strings.Join(said, "; "))
			}
		}
	}
	for _, one := range idle {
		t.para(margin, margin, one)
	}
}

// short leaves away what stands above: the address.
func short(a finding.Asked) string {
	what := strings.Replace(a.What, "://"+a.At, " ", 1)
	return what + " → " + a.Answer
}
