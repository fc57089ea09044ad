package netmap

import (
	"fmt"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// reasons tells the table of answers, if there is room for it.
func (d *data) reasons(f Facts) {
	t := f.Model.Table(d.most.named)
	if t == nil {
		d.leftOut = append(d.leftOut, fmt.Sprintf("reasons, and connections of single workloads: they would take more than %d entries; ask plimsoll net allowed", d.most.named))
		return
	}
	chosen := map[string]int{}
	shown, faces, whys := map[int]bool{}, map[int]bool{}, map[int]bool{} // of ends that are told
	for _, e := range d.Ends {
		for _, i := range e.Classes {
			shown[i] = true
		}
	}
	for i := range t.Classes {
		c := &t.Classes[i]
		if !shown[i] {
			d.Classes = append(d.Classes, class{int(c.Kind), c.Family})
			continue
		}
		faces[c.Faces[network.Ingress]], faces[c.Faces[network.Egress]] = true, true
		isolated := 0
		for direction := range network.Direction(2) {
			if c.Isolated[direction] {
				isolated |= 1 << direction
			}
		}
		policies := []int{}
		for _, p := range c.Policies {
			policies = append(policies, d.policy(p))
		}
		key := fmt.Sprint(policies)
		at, known := chosen[key]
		if !known {
			at = len(d.Chosen)
			chosen[key] = at
			d.Chosen = append(d.Chosen, policies)
		}
		d.Classes = append(d.Classes, class{int(c.Kind), c.Family, isolated, c.Faces[network.Ingress], c.Faces[network.Egress], at})
	}
	for _, s := range t.Sets {
		d.Sets = append(d.Sets, runsOf(s))
	}
	for i, of := range t.Faces {
		if !faces[i] {
			d.Faces = append(d.Faces, face{[]int{}, []any{}})
			continue
		}
		sides := []any{}
		for _, s := range of.Sides {
			whys[s.Why] = true
			sides = append(sides, notNil(s.In), s.Why)
		}
		d.Faces = append(d.Faces, face{notNil(of.Sets), sides})
	}
	known := map[string]int{}
	for i, why := range t.Reasons {
		told := []int{}
		if !whys[i] {
			why = nil
		}
		for _, b := range why {
			told = append(told, d.port(b.Ports), d.reason(b.Reason, known))
		}
		d.Whys = append(d.Whys, told)
	}
}

func (d *data) reason(r network.Reason, known map[string]int) int {
	rules, isolating, passed, allowed := []int{}, []int{}, -1, 0
	for _, one := range r.Rules {
		rules = append(rules, d.rule(one))
	}
	for _, p := range r.Isolating {
		isolating = append(isolating, d.policy(p))
	}
	if r.Passed != nil {
		passed = d.rule(r.Passed)
	}
	if r.Allowed {
		allowed = 1
	}
	key := fmt.Sprint(allowed, rules, isolating, passed)
	at, told := known[key]
	if !told {
		at = len(d.Reasons)
		known[key] = at
		d.Reasons = append(d.Reasons, reason{allowed, rules, isolating, passed})
	}
	return at
}

// runsOf are the first and the last of each run of numbers.
func runsOf(of []int32) []int {
	all := []int{}
	for _, i := range of {
		if n := len(all); n > 0 && all[n-1] == int(i)-1 {
			all[n-1] = int(i)
			continue
		}
		all = append(all, int(i), int(i))
	}
	return all
}

func notNil(of []int) []int {
	if of == nil {
		return []int{}
	}
	return of
}
