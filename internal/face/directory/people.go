package directory

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	read "github.com/plimsoll/plimsoll/internal/read/directory"
)

// mostPeople is how many are remembered.
const mostPeople = 10_000

// people remembers for a moment who somebody is. What could not be asked is not remembered, and what is too old is not
// said.
type people struct {
	ask   func(ctx context.Context, id string) (*read.Person, error)
	most  int
	fresh time.Duration
	now   func() time.Time

	one   singleflight.Group
	mu    sync.Mutex
	known map[string]known
}

type known struct {
	person *read.Person
	err    error
	at     time.Time // when the question was begun
}

func (p *people) get(ctx context.Context, id string) (*read.Person, error) {
	p.mu.Lock()
	k, ok := p.known[id]
	p.mu.Unlock()
	if ok && p.now().Sub(k.at) < p.fresh {
		return k.person, k.err
	}
	// Who asks first may go away, and the others wait for the answer still: it has bounds of its own.
	on := context.WithoutCancel(ctx)
	answer := p.one.DoChan(id, func() (any, error) {
		k := known{at: p.now()}
		k.person, k.err = p.ask(on, id)
		if k.err == nil || errors.Is(k.err, read.ErrGone) || errors.Is(k.err, read.ErrRefused) {
			p.keep(id, k)
		}
		return k.person, k.err
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-answer:
		person, _ := a.Val.(*read.Person)
		return person, a.Err
	}
}

// put remembers who has come in, of whom it was asked from a time on.
func (p *people) put(person *read.Person, at time.Time) {
	p.keep(person.ID, known{person: person, at: at})
}

func (p *people) keep(id string, k known) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.known[id]; !there && len(p.known) >= p.most {
		p.forget(k.at)
	}
	p.known[id] = k
}

// forget makes room: what is too old goes, and one more where nothing is.
func (p *people) forget(now time.Time) {
	for id, k := range p.known {
		if now.Sub(k.at) >= p.fresh {
			delete(p.known, id)
		}
	}
	for id := range p.known {
		if len(p.known) < p.most {
			return
		}
		delete(p.known, id)
	}
}
