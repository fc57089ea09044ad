package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// minFlow is what a mirror has to deliver within the stall time to count as alive.
const minFlow = 4 << 10

var errStalled = errors.New("the mirror stalls")

// fetch asks a mirror, and gives up on one that goes silent: before it answers, or in the middle of a
// body. Mirrors that send a byte now and then are silent.
func fetch(ctx context.Context, m Mirror, r Request, stall time.Duration) (Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(stall, func() {
		cancel(fmt.Errorf("%w: %s sent less than %d bytes in %s", errStalled, m.Name, minFlow, stall))
	})
	answer, err := m.Fetch(ctx, r)
	if err != nil || answer.Body == nil {
		timer.Stop()
		err = because(ctx, err)
		cancel(nil)
		return answer, err
	}
	answer.Body = &flow{ctx: ctx, cancel: cancel, timer: timer, stall: stall, body: answer.Body}
	return answer, nil
}

// because is why a context ended, where that is what an error comes from.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// flow is a body that is watched.
type flow struct {
	ctx    context.Context //nolint:containedctx // the body's own, which Read must ask for the cause
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
	body   io.ReadCloser
	since  int // bytes since the timer was set
}

func (f *flow) Read(p []byte) (int, error) {
	n, err := f.body.Read(p)
	if f.since += n; f.since >= minFlow {
		f.since = 0
		f.timer.Reset(f.stall)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = because(f.ctx, err)
	}
	return n, err
}

func (f *flow) Close() error {
	f.timer.Stop()
	f.cancel(nil)
	return f.body.Close()
}
