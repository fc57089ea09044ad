package webhook

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	pods "github.com/plimsoll/plimsoll/internal/judge/pod"
)

const proving = "images: [{match: ['good.example/**'], verdict: {keys: [k]}}]\n"

// TestAsking wants reviews that wait for a registry to hold up nobody who is judged, more of them than there are places
// to be answered at once by what the line says of a registry that is away, and nothing of them to be left.
func TestAsking(t *testing.T) {
	l := lineOf(t, proving, nil)
	answer := make(chan struct{}) // a registry that hangs until it is closed
	l.Resolve = func(ctx context.Context, _ string) (pods.Image, error) {
		select {
		case <-answer:
		case <-ctx.Done():
		}
		return pods.Image{}, errors.New("it hangs")
	}
	r := serve(t, Options{Line: l, Queue: 2 * mostAsking, Timeout: time.Minute})
	r.ask(t, "/admit/fail", reviewOf(evil)) // connected
	before := runtime.NumGoroutine()
	var hanging sync.WaitGroup
	denied := func() {
		if a := r.ask(t, "/admit/fail", reviewOf(good)); a.Allowed || a.Result.Code != http.StatusForbidden || !strings.Contains(a.Result.Message, "what its tag means is not known: it hangs") {
			t.Errorf("%+v", a)
		}
	}
	for range mostAsking {
		hanging.Go(denied)
	}
	await(t, func() bool { return len(r.asking) == mostAsking && r.judging.waiting.Load() == 0 })
	for range 20 { // are answered meanwhile
		if a := r.ask(t, "/admit/fail", reviewOf(evil)); !a.Allowed {
			t.Errorf("%+v", a)
		}
	}
	denied() // at once: there is no place for it
	if n := len(r.asking); n != mostAsking {
		t.Errorf("%d hang, want %d", n, mostAsking)
	}
	close(answer)
	hanging.Wait()
	await(t, func() bool {
		return len(r.asking) == 0 && r.judging.waiting.Load() == 0 && runtime.NumGoroutine() <= before+5
	})
	if a := r.ask(t, "/admit/tell", reviewOf(good)); !a.Allowed || len(a.Warnings) == 0 || !strings.Contains(a.Warnings[0], "admission/unpinned-image") {
		t.Errorf("what tells does not wait: %+v", a)
	}
}

// TestAskingBreaks wants a fault in asking to be an answer, and the place to be free again.
func TestAskingBreaks(t *testing.T) {
	l := lineOf(t, proving, func() { panic("a fault of ours") })
	l.Resolve = func(context.Context, string) (pods.Image, error) { return pods.Image{}, errors.New("it is away") }
	r := serve(t, Options{Line: l, Queue: 1})
	for range 2*runtime.GOMAXPROCS(0) + 2 {
		if a := r.ask(t, "/admit/"+string(admit.Fail), reviewOf(good)); a.Allowed || !strings.Contains(a.Result.Message, "judging it broke") {
			t.Errorf("%+v", a)
		}
	}
}
