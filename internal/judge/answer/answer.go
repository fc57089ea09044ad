// Package answer judges what the ports of control planes and nodes answer whom: not what they are told to do, but what
// they do.
package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/probe"
)

// Check is a card and the function that looks at what one port answered.
type Check struct {
	check.Card
	services []string
	far      bool // what only programs of the machine itself reach is as it should be
	look     func(p *probe.Port, now time.Time) ([]proof, doubt)
}

// proof is what a port answered and ought not to have.
type proof struct {
	field    string // of the port: a path, what a handshake offered
	detail   string
	severity finding.Severity
}

// doubt says in words what would have to be known; empty: all is.
type doubt string

// Checks lists all checks of what ports answer.
func Checks() []Check {
	return slices.Concat(probesOfAPI(), probesOfKubelet(), probesOfEtcd(), probesOfComponents(), probesOfTLS())
}

// Proves says that a check is one of Checks: it shows what a setting comes to, and does not read it.
func Proves(id string) bool { return strings.HasPrefix(id, probePrefix) }

const probePrefix = "control/probe-"

// NoAccount is what is not known where nobody plays the plain service account, which is as the user wants it.
const NoAccount = "no token of a plain service account was given, or this server did not prove to be of the cluster"

// Concerns says that the check is about what may listen on a port.
func (c Check) Concerns(p *probe.Port) bool { return slices.Contains(c.services, p.Service.Name) }

// Look runs the check on a port that it concerns. Nothing applies to one that is closed, where that is not what is
// wanted; of one that is filtered or
// answers what nobody understands, unknown says what would have to be known.
func (c Check) Look(p *probe.Port, now time.Time) (hits []check.Hit, applies bool, unknown string) {
	switch {
	case p.State == probe.Filtered:
		return nil, true, p.Why
	case p.State == probe.Closed && p.Service.Unwanted:
		return nil, true, ""
	case p.State == probe.Closed, c.far && p.Local():
		return nil, false, ""
	}
	proofs, in := c.look(p, now)
	for _, h := range proofs {
		hits = append(hits, check.Hit{
			Where: h.detail, Detail: p.String() + ", " + h.detail, Severity: h.severity,
			Subject: &finding.Subject{Kind: p.Service.Name, Name: p.String(), Field: h.field},
		})
	}
	if len(hits) > 0 {
		return hits, true, ""
	}
	return nil, true, string(in)
}

func probeCard(id, title string, severity finding.Severity, controls string, page check.Page) check.Card {
	return check.Card{
		ID: probePrefix + id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Admit}, Since: "0.1",
		Controls: strings.Fields(controls), Page: page,
	}
}

// mind is what a server thinks of who asks.
type mind int

const (
	untold      mind = iota
	unknownUser      // it does not let them in
	forbidden        // it knows them, and lets them not do that
	allowed
)

// mindOf reads an answer. On the path that is nobody's, who is told that nothing is there was let through.
func mindOf(a *probe.Answer) mind {
	switch {
	case a == nil || !a.Outcome.Told():
		return untold
	case a.Outcome == probe.Refused, a.Status == 401:
		return unknownUser
	case a.Status == 403:
		return forbidden
	case a.Status/100 == 2, a.What == probe.Forbidden && (a.Status == 404 || a.Status == 405):
		return allowed
	}
	return untold
}

func ask(p *probe.Port, as probe.Who, path string) mind { return mindOf(p.Find(as, "https", path)) }

// said is a question and its answer in words.
func said(a *probe.Answer) string {
	what := a.What
	if a.Scheme != "" {
		what = a.Method + " " + what
	}
	return fmt.Sprintf("%s by %s: %s", what, a.As, a.Text())
}

// doubtOf tells what kept a port from being understood.
func doubtOf(p *probe.Port, scheme, path string) doubt {
	if a := p.Find(probe.Nobody, scheme, path); a != nil {
		return doubt(said(a))
	}
	for i := len(p.Answers) - 1; i >= 0; i-- {
		if a := &p.Answers[i]; !a.Outcome.Told() {
			return doubt(said(a) + ", and " + path + " was not asked after that")
		}
	}
	return doubt(path + " was not asked")
}

// open are the paths that somebody is shown: one proof, where there are any. The first is one that the service must have.
func open(p *probe.Port, as probe.Who, paths ...string) (proofs []proof, in doubt) {
	var more []string
	for i, path := range paths {
		a := p.Find(as, "https", path)
		switch mindOf(a) {
		case allowed:
			if proofs == nil {
				proofs = []proof{{field: string(as), detail: said(a)}}
				continue
			}
			more = append(more, path)
		case untold:
			if a == nil || a.Status != 404 || i == 0 { // what is not served is shown to nobody
				in = doubtOf(p, "https", path)
			}
		}
	}
	if len(more) > 0 {
		proofs[0].detail += ", and also " + strings.Join(more, ", ")
	}
	return proofs, in
}

// shown says that a path is answered in the clear with what belongs there.
func shown(p *probe.Port, scheme, path, sort string) *probe.Answer {
	if a := p.Find(probe.Nobody, scheme, path); a != nil && a.Outcome == probe.Answered && a.Status/100 == 2 && strings.Contains(a.Says, sort) {
		return a
	}
	return nil
}
