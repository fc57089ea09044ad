package enforcement

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/kube/pair"
)

// TestExamples wants each check to find its bad example and not its good one.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		if hits, counts := c.Look(known(t, c.Page.Bad)); len(hits) != 1 || counts.Evaluated != 2 || counts.Failed != 1 {
			t.Errorf("%s: its bad example has %d hits, %+v", c.ID, len(hits), counts)
		}
		if hits, counts := c.Look(known(t, c.Page.Good)); len(hits) != 0 || counts.Evaluated != 2 {
			t.Errorf("%s: its good example has %d hits, %+v", c.ID, len(hits), counts)
		}
	}
}

// known reads ways as pages show them, a line each.
func known(t *testing.T, text string) *Known {
	t.Helper()
	k := &Known{Network: &finding.Network{Probed: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) != 6 {
			t.Fatalf("%q is no way", line)
		}
		k.Enforcement = append(k.Enforcement, finding.Enforcement{Policy: w[0], Direction: w[1], Family: w[2], Protocol: w[3], Placement: w[4], Result: w[5]})
	}
	return k
}

// trial is one of a single way: what its two ports, that which policies refuse and that which they allow, met in each phase.
// A letter each: a answered, r refused, A and R the same without being settled, f now this and now that; - ends the trial.
func trial(phases string) *pair.Trial {
	t := &pair.Trial{Allowing: map[pair.Held][]string{}}
	plan := []pair.Phase{{}, {Policy: NetworkPolicy, Direction: "ingress"}, {}, {Policy: NetworkPolicy, Direction: "egress"}, {}}
	for n, word := range strings.Fields(phases) {
		if word == "-" {
			t.Stopped = "it stopped"
			break
		}
		p := plan[n]
		for i, letter := range word {
			r := pair.Reply{Link: pair.Link{Placement: pair.SameNode, Family: "IPv4", Protocol: "TCP", Refused: i == 0}, Outcome: pair.Outcome{Tries: 10, Same: 10}}
			switch letter {
			case 'a':
				r.Answered, r.Settled = true, true
			case 'A':
				r.Answered = true
			case 'r':
				r.Settled, r.Why = true, "no answer"
			case 'R':
				r.Why = "no answer"
			case 'f':
				r.Answered, r.Same = true, 2
			}
			p.Replies = append(p.Replies, r)
		}
		t.Phases = append(t.Phases, p)
	}
	return t
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct{ phases, ingress, egress, why string }{
		"both":                      {"aa ra aa ra aa", "enforced", "enforced", ""},
		"neither":                   {"aa Aa aa Aa aa", "inert", "inert", "answered 10 times"},
		"ingress alone":             {"aa ra aa Aa aa", "enforced", "inert", ""},
		"egress alone":              {"aa Aa aa ra aa", "inert", "enforced", ""},
		"broken from the beginning": {"RR RR RR RR RR", "inconclusive", "inconclusive", "without a policy it does not answer (no answer)"},
		"one port broken":           {"aR RR aR RR aR", "inconclusive", "inconclusive", "without a policy"},
		"stays refused":             {"aa ra RR RR RR", "inconclusive", "inconclusive", "after the policy was taken away it did not answer"},
		"stays refused, the second": {"aa ra aa ra Ra", "enforced", "inconclusive", "after the policy was taken away"},
		"breaks in between":         {"aa rr RR rr RR", "inconclusive", "inconclusive", "after the policy was taken away"},
		"refuses too much":          {"aa rR aa rR aa", "inconclusive", "inconclusive", "what the policy allows was refused, too"},
		"now and then":              {"aa fa aa fa aa", "inconclusive", "inconclusive", "now it was refused, and now answered"},
		"refused at the very end":   {"aa Ra aa Ra aa", "inconclusive", "inconclusive", "now it was refused"},
		"stopped before":            {"-", "", "", ""},
		"stopped after the control": {"aa -", "inconclusive", "inconclusive", "was not tried"},
		"stopped in between":        {"aa ra -", "inconclusive", "inconclusive", "whether it answers again"},
		"stopped after ingress":     {"aa ra aa -", "enforced", "inconclusive", ""},
	} {
		of := trial(c.phases)
		n := Judge(of)
		got := map[string]*finding.Enforcement{}
		for i := range n.Enforcement {
			got[n.Enforcement[i].Direction] = &n.Enforcement[i]
		}
		if c.ingress == "" {
			if len(n.Enforcement) > 0 || len(Gaps(of, n)) != 1 {
				t.Errorf("%s: %+v", name, n)
			}
			continue
		}
		if got["ingress"].Result != c.ingress || got["egress"].Result != c.egress || !strings.Contains(got["ingress"].Why, c.why) && !strings.Contains(got["egress"].Why, c.why) {
			t.Errorf("%s: %+v", name, n.Enforcement)
		}
		blocks := slices.ContainsFunc(Gaps(of, n), func(g finding.Gap) bool { return g.Blocking })
		if want := strings.Contains(c.ingress+c.egress, "inconclusive"); blocks != want {
			t.Errorf("%s: it blocks: %v", name, blocks)
		}
	}
}

// TestAllowing wants no network to be called inert where another policy may allow what was not refused.
func TestAllowing(t *testing.T) {
	of := trial("aa Aa aa Aa aa")
	of.Allowing[pair.Held{Policy: NetworkPolicy, Direction: "ingress"}] = []string{"ClusterNetworkPolicy let"}
	n := Judge(of)
	if n.Enforcement[0].Result != finding.Inconclusive || !strings.Contains(n.Enforcement[0].Why, "ClusterNetworkPolicy let") || n.Enforcement[1].Result != finding.Inert {
		t.Errorf("%+v", n.Enforcement)
	}
}

func TestWords(t *testing.T) {
	way := func(words string) string { return "NetworkPolicy " + words + "\n" }
	const when = ", as probed at 2026-11-24T12:00:00Z"
	for want, text := range map[string]string{
		"policies are enforced": way("ingress IPv4 TCP same-node enforced") + way("egress IPv4 TCP same-node enforced"),
		"policies are inert":    way("ingress IPv4 TCP same-node inert") + way("egress IPv4 TCP same-node inert"),
		"ingress policies are enforced, egress policies are inert": way("ingress IPv4 TCP same-node enforced") + way("egress IPv4 TCP same-node inert"),
		"policies are enforced or not, which is not known":         "",
		"ingress policies are inert (IPv6), egress policies are inert (UDP other-node)": way("ingress IPv4 TCP same-node enforced") + way("ingress IPv6 TCP same-node inert") +
			way("egress IPv4 TCP same-node enforced") + way("egress IPv4 UDP other-node inert"),
	} {
		if got := known(t, text).Words(); got != want+when {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (*Known)(nil).Words(); got != "" || (*Known)(nil).Void(false) != nil {
		t.Error(got)
	}
	k := known(t, way("ingress IPv4 TCP same-node inconclusive")+way("egress IPv4 TCP same-node enforced"))
	if got := fmt.Sprint(k.Gaps(false)); len(k.Gaps(false)) != 1 || !strings.Contains(got, "ingress") || k.Gaps(false)[0].Blocking {
		t.Error(got)
	}
}

// TestLost wants who was silent for long to be no proof that nobody enforces policies: what let go had held.
func TestLost(t *testing.T) {
	for lost, want := range map[int]string{0: finding.Inert, 2: finding.Inert, 3: finding.Inconclusive, 49: finding.Inconclusive} {
		of := trial("aa Aa aa Aa aa")
		of.Phases[1].Replies[0].Outcome = pair.Outcome{Answered: true, Tries: 100, Same: 100 - lost, After: int64(lost) * 500}
		if e := Judge(of).Enforcement[0]; e.Result != want || lost == 49 && !strings.Contains(e.Why, "the last 51 of 100 tries agree, from 24.5s on") {
			t.Errorf("%d lost: %+v", lost, e)
		}
	}
}

// TestUntried wants a placement that could have been tried to be told as not known wherever the probe is used, and one that could not to be a note.
func TestUntried(t *testing.T) {
	of := trial("aa ra aa ra aa")
	of.Untried = []pair.Untried{{What: pair.OtherNode, Why: "no room", Blocking: true}}
	n := Judge(of)
	k := &Known{Network: n}
	if result, _ := k.Result(NetworkPolicy, "ingress"); len(n.Enforcement) != 4 || result != finding.Inconclusive || len(k.Gaps(false)) != 2 || len(k.Notes()) != 0 {
		t.Errorf("%+v %v", n, k.Gaps(false))
	}
	if gaps := Gaps(of, n); len(gaps) != 1 || !gaps[0].Blocking {
		t.Errorf("%+v", gaps)
	}
	of.Untried[0].Blocking = false
	k = &Known{Network: Judge(of)}
	if len(k.Gaps(false)) != 0 || len(k.Notes()) != 1 || len(k.Gaps(true)) != 1 {
		t.Errorf("%v %v", k.Gaps(true), k.Notes())
	}
	k.Foreign = true
	if gaps := k.Gaps(false); len(gaps) != 1 || !gaps[0].Blocking {
		t.Errorf("%v", gaps)
	}
}
