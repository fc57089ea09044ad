// Package lore keeps what registries say of images by their names: the digest that a tag means, the user, the
// volumes, what is signed. It is for who must answer in time and again and again: what was asked lately is not asked
// again, a registry that hangs is waited for once, and when it is away, what it said last holds for a while. What it
// takes back, or does not let anybody read any more, holds no longer.
package lore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Bounds on what is asked and kept.
const (
	Fresh     = time.Minute      // how long a tag is taken to mean the same
	Wait      = time.Second      // how long the answer to what it means may take
	stale     = 24 * time.Hour   // how long an answer holds when its registry does not give another
	refusal   = 10 * time.Second // how long a registry that failed is not asked again about the image
	rest      = 10 * time.Second // how long one that does not answer is asked about nothing at all
	mostOf    = 4                // questions to one registry at one time
	mostAt    = 32               // questions to all of them
	mostAsked = 1000             // who wait for an answer at one time
	mostKept  = 10_000           // answers, in each of two generations
)

// Asker finds out what there is to know of an image.
type Asker[T any] struct {
	// Ask asks the image's registry. What it asks for beside the image, the scope says in words of its own.
	Ask func(ctx context.Context, scope string, of image.Reference) (T, error)
	// Fresh is how long an answer is not asked for again.
	Fresh func(T) time.Duration
	// Wait is how long an answer may take. Who has less time goes without, and the next one finds the answer.
	Wait time.Duration
}

// Book keeps the answers. It is safe for several at a time.
type Book[T any] struct {
	Asker[T]
	now    func() time.Time
	all    chan struct{}
	asked  singleflight.Group
	asking atomic.Int64

	mu     sync.Mutex
	of     map[string]chan struct{} // by host: those that the line names
	pages  map[string]page[T]       // by scope and reference
	before map[string]page[T]       // those that were kept before the last that filled up
	away   map[string]time.Time
}

// page is the last answer, and the last refusal.
type page[T any] struct {
	answer T
	at     time.Time // zero: there was no answer yet
	err    error
	failed time.Time
}

// New makes a book that is empty.
func New[T any](a Asker[T], now func() time.Time) *Book[T] {
	return &Book[T]{
		Asker: a, now: now, all: make(chan struct{}, mostAt), of: map[string]chan struct{}{}, pages: map[string]page[T]{}, away: map[string]time.Time{},
	}
}

// Look says what is known of an image, and asks its registry where nothing is or what is known is old. An error is
// one of the registry's, where nothing that it said before could stand in for it.
func (b *Book[T]) Look(ctx context.Context, scope, reference string) (answer T, err error) {
	r, err := image.ParseReference(reference)
	if err != nil {
		return answer, err
	}
	key := scope + " " + r.String()
	p, ask := b.page(key, r.Host)
	switch {
	case ask && ctx.Err() != nil:
		p.err = fmt.Errorf("%w: %w", errCrowded, ctx.Err())
	case ask && b.asking.Add(1) > mostAsked:
		b.asking.Add(-1)
		p.err = errCrowded
	case ask:
		defer b.asking.Add(-1)
		done := b.asked.DoChan(key, func() (any, error) {
			b.ask(context.WithoutCancel(ctx), key, scope, r) // others wait for it, too; it ends by its own time limit
			return nil, nil
		})
		select {
		case <-done:
			p, _ = b.page(key, r.Host)
		case <-ctx.Done():
			p.err = fmt.Errorf("registry %s did not answer in time: %w", r.Host, ctx.Err())
		}
	}
	if !p.at.IsZero() && b.now().Sub(p.at) < stale {
		return p.answer, nil
	}
	if p.err == nil {
		p.err = &image.DownError{Err: fmt.Errorf("registry %s did not answer a moment ago", r.Host)}
	}
	return answer, p.err
}

// page is what is known, and whether to ask.
func (b *Book[T]) page(key, host string) (p page[T], ask bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.pages[key]
	if !ok {
		if p, ok = b.before[key]; ok {
			b.keep(key, p)
		}
	}
	now := b.now()
	switch {
	case !p.at.IsZero() && now.Sub(p.at) < b.Fresh(p.answer), !p.failed.IsZero() && now.Sub(p.failed) < refusal, now.Before(b.away[host]):
		return p, false
	}
	return p, true
}

// keep writes a page. When there are too many, those that nobody asked about since the last time go.
func (b *Book[T]) keep(key string, p page[T]) {
	if len(b.pages) >= mostKept {
		b.before, b.pages = b.pages, map[string]page[T]{}
	}
	b.pages[key] = p
}

func (b *Book[T]) ask(ctx context.Context, key, scope string, r image.Reference) {
	ctx, cancel := context.WithTimeout(ctx, b.Wait)
	defer cancel()
	answer, err := b.answer(ctx, scope, r)
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.keep(key, page[T]{answer: answer, at: now})
		return
	}
	p := b.pages[key]
	var down *image.DownError
	switch {
	case errors.Is(err, errCrowded): // it was not asked
		return
	case errors.Is(err, ErrSlow):
	case !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &down):
		p = page[T]{} // it spoke: what it said before is not so any more
	default:
		if len(b.away) >= mostKept {
			clear(b.away)
		}
		b.away[r.Host] = now.Add(rest)
	}
	p.err, p.failed = err, now
	b.keep(key, p)
}

// ErrSlow is wrapped by who asked a registry that answers, and not all in time. What it said before holds.
var ErrSlow = errors.New("the registry answers slowly")

// IsAway says that an error is of a registry that was not asked, or did not answer: of what it has nothing is known.
func IsAway(err error) bool {
	var down *image.DownError
	return !errors.Is(err, ErrSlow) && (errors.Is(err, errCrowded) || errors.Is(err, image.ErrOffline) || errors.As(err, &down) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}

var errCrowded = errors.New("registries are asked more than they answer in time")

func (b *Book[T]) answer(ctx context.Context, scope string, r image.Reference) (answer T, err error) {
	for _, slots := range []chan struct{}{b.slots(r.Host), b.all} {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return answer, fmt.Errorf("%w: %w", errCrowded, ctx.Err())
		}
	}
	defer func() { // in a goroutine of singleflight's, where it would end the program
		if what := recover(); what != nil {
			err = fmt.Errorf("asking registry %s broke: %v", r.Host, what)
		}
	}()
	answer, err = b.Ask(ctx, scope, r)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ErrSlow) {
		err = fmt.Errorf("registry %s did not answer within %s: %w", r.Host, b.Wait, ctx.Err())
	}
	return answer, err
}

// slots are those of one registry: one that hangs takes no other's.
func (b *Book[T]) slots(host string) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of[host] == nil {
		b.of[host] = make(chan struct{}, mostOf)
	}
	return b.of[host]
}
