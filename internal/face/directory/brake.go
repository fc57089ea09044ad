package directory

import (
	"sync"
	"time"
)

// mostBraked is how many names, or addresses, are counted at a time.
const mostBraked = 20_000

// brake slows down who fails: so many times at once, and then one more after each wait.
type brake struct {
	burst int
	wait  time.Duration

	mu    sync.Mutex
	until map[string]time.Time // when all that was done is forgotten
}

func newBrake(burst int, wait time.Duration) *brake {
	return &brake{burst: burst, wait: wait, until: map[string]time.Time{}}
}

// press counts a try, or says how long to wait before one.
func (b *brake) press(who string, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	until, there := b.until[who]
	if until.Before(now) {
		until = now
	}
	if over := until.Add(b.wait).Sub(now) - time.Duration(b.burst)*b.wait; over > 0 {
		return over
	}
	if !there && len(b.until) >= mostBraked {
		for other, at := range b.until {
			if !at.After(now) {
				delete(b.until, other)
			}
		}
		if len(b.until) >= mostBraked { // so many at once are no people
			return b.wait
		}
	}
	b.until[who] = until.Add(b.wait)
	return 0
}

// release takes a try back, which was none.
func (b *brake) release(who string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until, there := b.until[who]; there {
		b.until[who] = until.Add(-b.wait)
	}
}
