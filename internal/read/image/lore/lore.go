// Package lore keeps what registries say of images by their names: the digest that a tag means, the user, the
// volumes. It is for who must answer in time and again and again: what was asked lately is not asked again, a registry
// that hangs is waited for once, and when it is away, what it said last holds for a while.
package lore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

// Facts are what is known of an image.
type Facts struct {
	Digest  string // of the index that the name means, or of the manifest where there is none
	User    string
	Volumes []string
}

// Open finds the images that a reference means, as registry.Open does.
type Open func(ctx context.Context, reference string) ([]*image.Image, error)

// Bounds on what is asked and kept.
const (
	fresh   = time.Minute      // how long a tag is taken to mean the same
	stale   = 24 * time.Hour   // how long so when its registry does not answer
	refusal = 10 * time.Second // how long a registry that failed is not asked again about the image
	rest    = 10 * time.Second // how long one that does not answer is asked about nothing at all
	wait    = time.Second      // how long an answer may take
	mostAt  = 16               // registries that are asked at one time
	most    = 10_000           // images that are kept, in each of two generations
)

// Book keeps the answers. It is safe for several at a time.
type Book struct {
	open  Open
	now   func() time.Time
	slots chan struct{}
	asked singleflight.Group

	mu     sync.Mutex
	pages  map[string]page // by reference
	before map[string]page // those that were kept before the last that filled up
	away   map[string]time.Time
}

// page is the last answer, and the last refusal.
type page struct {
	facts  Facts
	at     time.Time // zero: there was no answer yet
	err    error
	failed time.Time
}

// New makes a book that is empty.
func New(open Open, now func() time.Time) *Book {
	return &Book{open: open, now: now, slots: make(chan struct{}, mostAt), pages: map[string]page{}, away: map[string]time.Time{}}
}

// Look says what is known of an image, and asks its registry where nothing is or what is known is old. An error is
// one of the registry's, where nothing that it said before could stand in for it.
func (b *Book) Look(ctx context.Context, reference string) (Facts, error) {
	r, err := image.ParseReference(reference)
	if err != nil {
		return Facts{}, err
	}
	key := r.String()
	p, ask := b.page(key, r.Host)
	if ask {
		answer := b.asked.DoChan(key, func() (any, error) {
			b.ask(context.WithoutCancel(ctx), key, r.Host) // others wait for it, too; it ends by its own time limit
			return nil, nil
		})
		select {
		case <-answer:
			p, _ = b.page(key, r.Host)
		case <-ctx.Done():
			p.err = ctx.Err()
		}
	}
	if !p.at.IsZero() && b.now().Sub(p.at) < stale {
		return p.facts, nil
	}
	if p.err == nil {
		p.err = fmt.Errorf("registry %s did not answer a moment ago", r.Host)
	}
	return Facts{}, p.err
}

// page is what is known, and whether to ask.
func (b *Book) page(key, host string) (p page, ask bool) {
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
	case !p.at.IsZero() && now.Sub(p.at) < fresh, !p.failed.IsZero() && now.Sub(p.failed) < refusal, now.Before(b.away[host]):
		return p, false
	}
	return p, true
}

// keep writes a page. When there are too many, those that nobody asked about since the last time go.
func (b *Book) keep(key string, p page) {
	if len(b.pages) >= most {
		b.before, b.pages = b.pages, map[string]page{}
	}
	b.pages[key] = p
}

func (b *Book) ask(ctx context.Context, key, host string) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	facts, err := b.answer(ctx, key)
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[key]
	if err == nil {
		p = page{facts: facts, at: now}
	} else {
		p.err, p.failed = err, now
	}
	b.keep(key, p)
	var down *image.DownError
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &down) {
		if len(b.away) >= most {
			clear(b.away)
		}
		b.away[host] = now.Add(rest)
	}
}

func (b *Book) answer(ctx context.Context, reference string) (f Facts, err error) {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return f, fmt.Errorf("more registries are asked than answer in time: %w", ctx.Err())
	}
	images, err := b.open(ctx, reference)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("the registry did not answer within %s: %w", wait, ctx.Err())
		}
		return f, err
	}
	for _, i := range images {
		defer i.Close()
	}
	first := images[0]
	f = Facts{Digest: first.IndexDigest, User: first.Config.User, Volumes: first.Config.Volumes}
	if f.Digest == "" {
		f.Digest = first.Digest
	}
	return f, nil
}
