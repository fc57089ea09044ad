package cli

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// allowedRow is one answer of net allowed.
type allowedRow struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	Ports   string    `json:"ports"`
	Allowed bool      `json:"allowed"`
	Egress  reasonRow `json:"egress"`
	Ingress reasonRow `json:"ingress"`
	OwnNode bool      `json:"ownNode,omitempty"`
	Reached string    `json:"reached,omitempty"` // ports that are refused, and reached all the same, as nobody enforces it
}

// reasonRow is why one end takes part, or does not.
type reasonRow struct {
	Allowed   bool     `json:"allowed"`
	By        string   `json:"by"`
	Rules     []string `json:"rules,omitempty"`
	Isolating []string `json:"isolating,omitempty"`
	Passed    string   `json:"passed,omitempty"`
}

func reasonOf(r network.Reason, end string, kind network.Kind, d network.Direction) reasonRow {
	row := reasonRow{Allowed: r.Allowed}
	if kind != network.Pods {
		row.By = "no policy speaks of " + end
		return row
	}
	for _, rule := range r.Rules {
		row.Rules = append(row.Rules, rule.String()+at(rule.Policy.At(rule.Field())))
	}
	for _, p := range r.Isolating {
		row.Isolating = append(row.Isolating, p.Kind+" "+p.Namespace+"/"+p.Name+at(p.At("")))
	}
	if r.Passed != nil {
		row.Passed = r.Passed.String()
	}
	switch {
	case len(row.Rules) > 0 && r.Allowed:
		row.By = "allowed by " + strings.Join(row.Rules, ", ")
	case len(row.Rules) > 0:
		row.By = "denied by " + strings.Join(row.Rules, ", ")
	case len(row.Isolating) > 0:
		row.By = "no rule allows it; isolated by " + strings.Join(row.Isolating, ", ")
	default:
		row.By = fmt.Sprintf("no policy says anything about %s of %s", d, end)
	}
	if row.Passed != "" {
		row.By += "; passed by " + row.Passed
	}
	return row
}

// portWord is a port as it is written on the command line: 80, 53/udp, tcp/8000-8100.
func portWord(word string) (network.Ports, bool, error) {
	m := regexp.MustCompile(`(?i)^(?:(tcp|udp|sctp)/)?(\d+)(?:-(\d+))?(?:/(tcp|udp|sctp))?$`).FindStringSubmatch(word)
	if m == nil {
		return nil, false, nil
	}
	protocol := network.TCP
	for _, name := range []string{m[1], m[4]} {
		if p, ok := network.ProtocolOf(name); ok {
			protocol = p
		}
	}
	from, err := strconv.Atoi(m[2])
	to := from
	if err == nil && m[3] != "" {
		to, err = strconv.Atoi(m[3])
	}
	if err != nil || from < 1 || to < from || to > 65535 || m[1] != "" && m[4] != "" {
		return nil, true, usage("%q is no port: write a number from 1 to 65535, a range of them, and a protocol that is not TCP, as in 53/udp", word)
	}
	return network.PortRange(protocol, from, to), true, nil
}

func newNetAllowed(g *global) *cobra.Command {
	var o netOptions
	cmd := &cobra.Command{
		Use: "allowed [flags] FROM TO [PORT] [TARGET...]", Short: "Say whether one end reaches another, and which rules let it or would have to change", Args: words(2, -1),
		Long: "FROM and TO are NAMESPACE/NAME or NAMESPACE/KIND/NAME of a workload, node:NAME, nodes, an address, a CIDR or internet;\n" +
			"TO may be service:NAMESPACE/NAME, too, whose pods are asked about on the ports that it leads to. PORT is a number or a\n" +
			"range, of TCP where it does not say: 5432, 53/udp, 8000-8100. Without it the answer is for all ports. A folder whose\n" +
			"name is a number is written ./80. With --network-probe a refused connection is told to be reached all the same, where the\n" +
			"policies that refuse it are not enforced.\n\n" +
			"Exit status: 0, whatever the answer; 2 the call is wrong, 3 not all is known, so that it may be another one.",
		Example: "  plimsoll net allowed shop/cart shop/db 5432 ./k8s\n" +
			"  plimsoll net allowed shop/cart internet ./k8s\n" +
			"  plimsoll net allowed internet service:shop/web\n" +
			"  plimsoll net allowed shop/deploy/cart 169.254.169.254 80 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate("table", "json"); err != nil {
				return err
			}
			if _, err := os.Stat(args[1]); err == nil {
				return usage("TO is missing: %s is a file or a folder; write FROM TO [PORT] [TARGET...]", args[1])
			}
			ports, targets := network.AllPorts(), args[2:]
			if len(targets) > 0 {
				named, is, err := portWord(targets[0])
				if err != nil {
					return err
				}
				switch _, missing := os.Stat(targets[0]); {
				case is:
					ports, targets = named, targets[1:]
				case missing != nil && targets[0] != "-":
					return usage("%q is neither a PORT (5432, 53/udp, 8000-8100) nor a file or folder", targets[0])
				}
			}
			s, err := o.seen(cmd.Context(), g, targets)
			if err != nil {
				return err
			}
			w, err := o.wire(cmd.Context(), s, nil)
			if err != nil {
				return err
			}
			return w.end(o.answerAllowed(g, w, args[0], args[1], ports))
		},
	}
	o.flags(cmd.Flags(), "table or json")
	o.enforced.flags(cmd.Flags())
	return cmd
}

func (o *netOptions) answerAllowed(g *global, w *wires, from, to string, ports network.Ports) error {
	source, target, err := w.ends(from, to)
	if err != nil {
		w.tell(g) // what is not there may not have been read
		return err
	}
	w.unsure(func(d network.Doubt) bool { return w.written.Bears(d, source, target, ports) })
	w.tell(g)
	answer := struct {
		Answers     []allowedRow `json:"answers"`
		Enforcement string       `json:"enforcement,omitempty"`
		Gaps        []string     `json:"gaps,omitempty"`
	}{Answers: []allowedRow{}, Enforcement: w.known.Words(), Gaps: w.unknown()}
	rows := [][]string{{"FROM", "TO", "PORTS", "VERDICT", "WHY"}}
	reached, sure := w.reached(w.model, from, to, ports), w.reached(w.sure, from, to, ports)
	for _, a := range w.written.Answers(source, target, ports) {
		row := allowedRow{
			From: a.From, To: a.To, Ports: a.Ports.String(), Allowed: a.Allowed(), OwnNode: a.OwnNode,
			Egress: reasonOf(a.Egress, a.From, a.Ends[0], network.Egress), Ingress: reasonOf(a.Ingress, a.To, a.Ends[1], network.Ingress),
		}
		answer.Answers = append(answer.Answers, row)
		verdict, why := "refused", "egress: "+row.Egress.By+"; ingress: "+row.Ingress.By
		switch {
		case a.Ends[0] != network.Pods:
			why = "ingress: " + row.Ingress.By
		case a.Ends[1] != network.Pods:
			why = "egress: " + row.Egress.By
		}
		if row.Allowed {
			verdict = "allowed"
		}
		switch {
		case a.Same:
			why = "a pod always reaches itself"
		case a.OwnNode:
			why = "a pod's own node always reaches it"
		case !row.Allowed && a.Ends[1] == network.Pods && (a.Ends[0] == network.Node || a.Ends[0] == network.Host):
			why += "; its own node reaches it all the same"
		}
		if open := reached[a.From+"\n"+a.To].Intersect(a.Ports); !row.Allowed && len(open) > 0 {
			row.Reached = open.String()
			answer.Answers[len(answer.Answers)-1].Reached = row.Reached
			if said := sure[a.From+"\n"+a.To].Intersect(a.Ports); said.Equal(open) {
				why += "; but nobody enforces that, as probed at " + w.known.When() + ": " + row.Reached + " is reached"
			} else {
				why += "; but that is not enforced everywhere, as probed at " + w.known.When() + ": " + row.Reached + " may be reached (" + w.known.Part() + ")"
			}
		}
		rows = append(rows, []string{row.From, row.To, row.Ports, verdict, why})
	}
	if len(answer.Answers) == 0 {
		why := "they have no address of one family"
		if target.Service != nil {
			why = "the Service has no such port, or they have no address of one family"
		}
		none := reasonRow{By: why}
		answer.Answers = append(answer.Answers, allowedRow{From: from, To: to, Ports: ports.String(), Egress: none, Ingress: none})
		rows = append(rows, []string{from, to, ports.String(), "refused", why})
	}
	return o.answer(g, rows, answer)
}

// ends are those that words name.
func (w *wires) ends(from, to string) (source, target *network.End, err error) {
	if source, err = w.written.Find(from); err != nil {
		return nil, nil, usage("FROM: %w", err)
	}
	if source.Service != nil {
		return nil, nil, usage("FROM %s: connections come from pods; name the workload behind the Service", from)
	}
	if target, err = w.written.Find(to); err != nil {
		return nil, nil, usage("TO: %w", err)
	}
	return source, target, nil
}

// reached are the ports on which ends reach each other as far as somebody enforces the policies, by the names of both; nil
// where all that is written counts.
func (w *wires) reached(m *network.Model, from, to string, ports network.Ports) map[string]network.Ports {
	if m == w.written {
		return nil
	}
	source, err := m.Find(from)
	if err != nil {
		return nil // the other model was asked before
	}
	target, err := m.Find(to)
	if err != nil {
		return nil
	}
	all := map[string]network.Ports{}
	for _, a := range m.Answers(source, target, ports) {
		if a.Allowed() {
			key := a.From + "\n" + a.To
			all[key] = all[key].Union(a.Ports)
		}
	}
	return all
}

func at(where []finding.Location) string {
	for _, l := range where {
		return fmt.Sprintf(" (%s:%d)", l.Path, l.StartLine)
	}
	return ""
}
