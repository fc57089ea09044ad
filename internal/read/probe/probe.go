// Package probe asks the ports of a cluster's machines what they tell, and whom: somebody without credentials, somebody
// whose client certificate no authority signed, and a plain service account. It turns addresses into what each port
// answered, and judges nothing.
//
// It only reads: it makes TLS handshakes and sends GET and OPTIONS, to the addresses it is given and to none that
// they name. It follows no redirect, uses no proxy, keeps nothing of what it is told but its kind, and no answer may be
// long or late. A token goes only to who proves with a certificate of the cluster's own authority to be of the
// cluster. What it cannot speak is what Go does not: SSL 3 and older.
package probe

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Who is the one that asks.
type Who string

// Those who ask.
const (
	Nobody   Who = "nobody"   // has no credentials
	Stranger Who = "stranger" // has a client certificate that it signed itself
	Account  Who = "account"  // has the token of a service account
)

// StrangerName is whom the stranger's certificate says that it is.
const StrangerName = "plimsoll-probe"

// State is how far a port can be reached.
type State string

// The states of a port. Filtered is one that says nothing: a packet filter drops what comes, or no host is there.
const (
	Open     State = "open"
	Closed   State = "closed"
	Filtered State = "filtered"
)

// Place is a port to be asked, and what is believed to listen there.
type Place struct {
	Service Service
	Name    string     // of the host, as the user wrote it, or empty; certificates may be made out to it
	Address netip.Addr // that is asked
	Port    int
	Named   bool // by the user, as the one to be asked
}

// String is ADDRESS:PORT.
func (p Place) String() string { return net.JoinHostPort(p.Address.String(), strconv.Itoa(p.Port)) }

// Local says that only programs of this machine reach the place by that address.
func (p Place) Local() bool { return p.Address.IsLoopback() }

// Port is what a place answered.
type Port struct {
	Place
	State   State
	Why     string // it is not open
	TLS     *TLS   // nil: it was not asked by TLS, or speaks none
	Answers []Answer
}

// Answer is one question and what came of it. All questions that were asked are among a port's answers.
type Answer struct {
	As      Who
	Method  string // GET, OPTIONS, or TLS for a handshake
	Scheme  string // http, https; empty for a handshake
	What    string // the path, or what the handshake offered
	Outcome Outcome
	Status  int    // of HTTP
	Says    string // what sort of thing was answered, who was refused, or what went wrong
}

// Text is what came of the question, in words: "403 (forbidden: …)", "refused (tls: bad certificate)".
func (a *Answer) Text() string {
	text := string(a.Outcome)
	if a.Outcome == Answered && a.Status != 0 {
		text = strconv.Itoa(a.Status)
	}
	if a.Says != "" {
		text += " (" + a.Says + ")"
	}
	return text
}

// Outcome is what came of a question.
type Outcome string

// The outcomes. Only Answered and Refused tell anything of the server's mind.
const (
	Answered Outcome = "answered"
	Refused  Outcome = "refused" // by an alert of TLS
	Stalled  Outcome = "stalled"
	HungUp   Outcome = "hung up"
	Garbage  Outcome = "not understood"
)

// Told says that the server made its mind known.
func (o Outcome) Told() bool { return o == Answered || o == Refused }

// Find is the answer to a question of a path; nil: it was not asked.
func (p *Port) Find(as Who, scheme, path string) *Answer {
	for i := range p.Answers {
		if a := &p.Answers[i]; a.As == as && a.Scheme == scheme && a.What == path {
			return a
		}
	}
	return nil
}

// Prober asks.
type Prober struct {
	Timeout   time.Duration // for each answer
	Rate      int           // questions a second, to all together
	Jobs      int           // ports asked at a time
	UserAgent string
	Token     string         // of the service account; empty: nobody plays it
	Roots     *x509.CertPool // who may see the token has a certificate of theirs

	pace     pace
	stranger *stranger
}

// Ask asks all places. An interrupted call gives what is known until then, and the error.
func (p *Prober) Ask(ctx context.Context, places []Place) ([]Port, error) {
	var err error
	if p.stranger, err = newStranger(); err != nil {
		return nil, err
	}
	p.pace.gap = time.Second / time.Duration(max(p.Rate, 1))
	ports := make([]Port, len(places))
	var group errgroup.Group
	group.SetLimit(max(p.Jobs, 1))
	for i, place := range places {
		group.Go(func() error {
			ports[i] = p.port(ctx, place)
			return ctx.Err()
		})
	}
	return ports, group.Wait()
}

func (p *Prober) port(ctx context.Context, place Place) Port {
	port := Port{Place: place}
	if port.State, port.Why = p.reach(ctx, place); port.State != Open {
		return port
	}
	plain := place.Service.Plain
	if place.Service.TLS {
		if p.handshakes(ctx, &port) {
			p.questions(ctx, &port, "https")
		}
	}
	if plain {
		p.questions(ctx, &port, "http")
	}
	return port
}

// pace has questions wait for each other.
type pace struct {
	gap  time.Duration
	mu   sync.Mutex
	next time.Time
}

// wait waits for the next turn.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	turn := p.next
	if turn.Before(now) {
		turn = now
	}
	p.next = turn.Add(p.gap)
	p.mu.Unlock()
	t := time.NewTimer(turn.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
