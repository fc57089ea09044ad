package scan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/answer"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

// Probed is what the ports of one machine answered.
type Probed struct {
	Name  string
	Ports []probe.Port
}

// probed judges what a machine's ports answered.
func (s *scan) probed(id string, h *Probed) {
	t := finding.Target{ID: id, Kind: "host", Name: h.Name, Origin: "probe"}
	for i := range h.Ports {
		t.Asked = append(t.Asked, doneAt(&h.Ports[i])...)
	}
	s.report.Targets = append(s.report.Targets, t)
	s.report.Coverage = append(s.report.Coverage, unreached(id, h.Ports)...)
	var seen []sight
	checks := answer.Checks()
	for n := range h.Ports {
		p := &h.Ports[n]
		doubts := map[string]int{} // what is not known, and how many checks would have to know it
		var order []string
		for i := range checks {
			c := &checks[i]
			if !c.Concerns(p) {
				continue
			}
			hits, applies, unknown := c.Look(p, s.o.Now)
			one := sight{card: &c.Card, applies: applies, hits: hits}
			if unknown != "" {
				one.counts = &finding.Check{NotAssessed: 1}
				if doubts[unknown]++; doubts[unknown] == 1 {
					order = append(order, unknown)
				}
			}
			seen = append(seen, one)
		}
		for _, what := range order {
			if p.State != probe.Open {
				continue // it is told once for all that are not
			}
			s.report.Coverage = append(s.report.Coverage, finding.Gap{
				Class: "unanswered-probe", Blocking: what != answer.NoAccount, Target: id, Count: doubts[what], What: fmt.Sprintf("%s at %s: %s", p.Service.Title, p, what),
			})
		}
	}
	s.sights(&s.report.Targets[len(s.report.Targets)-1], seen)
}

// unreached tells of ports that nothing could be asked of. One that the user named has to be open, and of a host one at least.
func unreached(id string, ports []probe.Port) (gaps []finding.Gap) {
	var filtered, closed []string
	open := false
	for i := range ports {
		p := &ports[i]
		switch {
		case p.State == probe.Open:
			open = true
		case p.Named && p.State == probe.Closed && p.Service.Unwanted:
			open = true // it was asked for, and is known
		case p.Named:
			gaps = append(gaps, finding.Gap{Class: "unreachable-target", Blocking: true, Target: id, Count: 1, What: fmt.Sprintf("%s at %s: %s", p.Service.Title, p, p.Why)})
		case p.State == probe.Filtered:
			filtered = append(filtered, strconv.Itoa(p.Port))
		default:
			closed = append(closed, strconv.Itoa(p.Port))
		}
	}
	switch {
	case !open && len(filtered)+len(closed) > 0:
		gaps = append(gaps, finding.Gap{Class: "unreachable-target", Blocking: true, Target: id, Count: 1, What: "no port of it is open from here: " + strings.Join(append(filtered, closed...), ", ")})
	case len(filtered) > 0:
		gaps = append(gaps, finding.Gap{Class: "unreached-port", Target: id, Count: len(filtered), What: "filtered on the way from here: " + strings.Join(filtered, ", ")})
	}
	return gaps
}

// doneAt is all that was done at a port.
func doneAt(p *probe.Port) []finding.Asked {
	say := func(as probe.Who, what, answer string) finding.Asked {
		return finding.Asked{At: p.String(), Service: p.Service.Name, As: string(as), What: what, Answer: answer}
	}
	connect := string(p.State)
	if p.Why != "" {
		connect += ": " + p.Why
	}
	all := []finding.Asked{say(probe.Nobody, "connect", connect)}
	for i := range p.Answers {
		a := &p.Answers[i]
		what := a.What
		if a.Scheme != "" {
			what = a.Method + " " + a.Scheme + "://" + p.String() + a.What
		}
		all = append(all, say(a.As, what, a.Text()))
	}
	return all
}
