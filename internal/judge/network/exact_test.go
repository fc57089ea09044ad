package network_test

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/judge/network"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// TestExact holds the model against the API's documentation, read a second time: in random clusters, every two endpoints,
// at each of their addresses, on each port that is named and its neighbours. PLIMSOLL_TEST_SEEDS says how many clusters,
// and PLIMSOLL_TEST_SEED one of them.
func TestExact(t *testing.T) {
	first, seeds := uint64(1), uint64(2000)
	if testing.Short() {
		seeds = 100
	}
	if text := os.Getenv("PLIMSOLL_TEST_SEEDS"); text != "" {
		seeds = number(t, text)
	}
	if text := os.Getenv("PLIMSOLL_TEST_SEED"); text != "" {
		first, seeds = number(t, text), 1
	}
	asked, allowed := 0, 0
	for seed := first; seed < first+seeds && !t.Failed(); seed++ {
		e := exam{T: t, dice: newDice(seed), seed: seed}
		e.run()
		asked, allowed = asked+e.asked, allowed+e.allowed
	}
	t.Logf("%d connections of %d clusters: %d allowed", asked, seeds, allowed)
	if seeds >= 100 && (allowed < asked/10 || allowed > asked*9/10) {
		t.Errorf("%d of %d connections are allowed: such clusters show little", allowed, asked)
	}
}

func number(t *testing.T, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// exam is one cluster's.
type exam struct {
	*testing.T
	*dice
	seed           uint64
	model          *network.Model
	asked, allowed int
}

func (e *exam) run() {
	objects, problems := kube.Manifest("random.yaml", e.text(false))
	for _, p := range problems {
		e.Fatalf("seed %d: %v", e.seed, p)
	}
	e.model = network.New(kube.NewSnapshot(objects, nil), network.Options{Whole: true})
	e.outside()
	ports := e.ports()
	reach, err := e.model.Map(e.Context())
	if err != nil {
		e.Fatal(err)
	}
	for _, from := range e.model.Endpoints {
		mapped := map[*network.Endpoint]network.Ports{}
		for to, on := range reach.Reaches(from) {
			mapped[to] = on
		}
		for _, to := range e.model.Endpoints {
			if e.pair(from, to, mapped[to], ports); e.Failed() {
				return
			}
		}
	}
}

// outside finds the endpoints of addresses that are nobody's: those at the borders of all that is named. A pod's or a
// node's may be among them, and is asked of as if nobody had it.
func (e *exam) outside() {
	for _, m := range e.model.Endpoints {
		if m.Kind != network.Block && e.ends[m.String()] == nil {
			e.fail("endpoint %s is of no object", m)
		}
	}
	tried := map[netip.Addr]bool{}
	of := func(a netip.Addr) {
		if !a.IsValid() || tried[a] {
			return
		}
		tried[a] = true
		in := 0
		for _, m := range e.model.Endpoints {
			if m.Kind == network.Block && m.Addresses.Has(a) {
				in++
				e.ends[m.String()] = append(e.ends[m.String()], at(end{}, []string{a.String()})...)
			}
		}
		if in != 1 {
			e.fail("%s is in %d blocks", a, in)
		}
	}
	for _, text := range []string{"1.1.1.1", "2001:db8::1"} {
		of(netip.MustParseAddr(text))
	}
	for _, c := range e.cidrs {
		last := c.Masked().Addr().AsSlice()
		for bit := c.Bits(); bit < len(last)*8; bit++ {
			last[bit/8] |= 0x80 >> (bit % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, a := range []netip.Addr{c.Masked().Addr(), end} {
			of(a.Prev())
			of(a)
			of(a.Next())
		}
	}
}

// ports are those that are named, and their neighbours.
func (e *exam) ports() (all []int32) {
	all = []int32{1, 65535}
	for _, n := range e.numbers {
		all = append(all, max(n-1, 1), n, min(n+1, 65535))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (e *exam) pair(from, to *network.Endpoint, mapped network.Ports, ports []int32) {
	if from == to && e.single[from.String()] {
		all := e.model.Ask(from, to)
		if len(mapped) > 0 || len(all) == 0 || slices.ContainsFunc(all, func(a network.Answer) bool { return !a.Allowed() }) {
			e.fail("%s, which is one pod, does not reach itself: %v, mapped %v", from, all, mapped)
		}
		return
	}
	answers := map[string]network.Ports{}
	for _, a := range e.model.Ask(from, to) {
		if reached := a.OwnNode || a.Egress.Allowed && a.Ingress.Allowed; a.Allowed() != reached {
			e.fail("%s -> %s: the answer is %t, its reasons say %t", from, to, a.Allowed(), reached)
		}
		text := answer(a.OwnNode, words(a.Egress), words(a.Ingress))
		answers[text] = answers[text].Union(a.Ports)
	}
	pods := from.Kind == network.Pods || to.Kind == network.Pods
	pairs := e.pairs(from, to)
	for i, protocol := range allProtocols {
		for _, port := range ports {
			want, allowed := map[string]bool{}, false
			for _, p := range pairs {
				p.ask(protocol, port)
				allowed = allowed || p.ownNode() || p.answers[0].allowed && p.answers[1].allowed
				want[p.text] = true
			}
			e.asked++
			if allowed {
				e.allowed++
			}
			got := map[string]bool{}
			for text, on := range answers {
				if on.Has(network.Protocol(i), int(port)) {
					got[text] = true
				}
			}
			if !maps.Equal(got, want) {
				e.fail("%s -> %s %s %d:\nthe model says %s\nthe documentation says %s", from, to, protocol, port, list(got), list(want))
				return
			}
			if is := mapped.Has(network.Protocol(i), int(port)); is != (allowed && pods) {
				e.fail("%s -> %s %s %d: the map says %t, the documentation %t:%s", from, to, protocol, port, is, allowed && pods, list(want))
				return
			}
		}
	}
}

// pair is two ends at one address each, and what policies say of them.
type pair struct {
	connection
	out, in hearing
	answers [2]verdict
	text    string // the answers in words, which most ports have in common
}

func (p *pair) ask(protocol corev1.Protocol, port int32) {
	p.protocol, p.port = protocol, port
	last := p.answers
	p.answers = [2]verdict{p.out.judge(&p.connection), p.in.judge(&p.connection)}
	if p.text == "" || !p.answers[0].equal(last[0]) || !p.answers[1].equal(last[1]) {
		p.text = answer(p.ownNode(), p.answers[0], p.answers[1])
	}
}

func (v verdict) equal(w verdict) bool {
	return v.allowed == w.allowed && v.passed == w.passed && slices.Equal(v.rules, w.rules) && slices.Equal(v.isolating, w.isolating)
}

func (e *exam) pairs(from, to *network.Endpoint) (all []*pair) {
	for _, f := range e.ends[from.String()] {
		for _, t := range e.ends[to.String()] {
			if f.family != 0 && t.family != 0 && f.family != t.family {
				continue
			}
			all = append(all, &pair{connection: connection{from: f, to: t}, out: e.hear(f, t, egress), in: e.hear(f, t, ingress)})
		}
	}
	return all
}

func answer(ownNode bool, out, in verdict) string {
	text := "\n  out: " + out.String() + "\n  in: " + in.String()
	if ownNode {
		return text + ", but from the pod's own node"
	}
	return text
}

// words is a reason in the form of the documentation's verdict.
func words(r network.Reason) verdict {
	v := verdict{allowed: r.Allowed}
	for _, rule := range r.Rules {
		v.rules = append(v.rules, name(rule))
	}
	for _, p := range r.Isolating {
		v.isolating = append(v.isolating, p.Namespace+"/"+p.Name)
	}
	if r.Passed != nil {
		v.passed = name(r.Passed)
	}
	return v
}

func name(r *network.Rule) string {
	of := r.Policy.Name
	if r.Policy.Namespace != "" {
		of = r.Policy.Namespace + "/" + of
	}
	return fmt.Sprintf("%s %s %s[%d]", r.Policy.Kind, of, r.Direction, r.Index)
}

func list(of map[string]bool) (text string) {
	for k := range of {
		text += k
	}
	return text
}

func (e *exam) fail(format string, args ...any) {
	e.Helper()
	e.Errorf("seed %d: %s\n%s", e.seed, fmt.Sprintf(format, args...), e.text(true))
}
