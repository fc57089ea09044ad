package registry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// again asks once more for what may pass: a registry that limits, is overloaded or restarts, and a
// connection that breaks. It waits as long as the registry asks for, if that is not too long, or one
// pause and then three.
type again struct {
	inner http.RoundTripper
	pause time.Duration
}

const (
	attempts     = 3
	defaultPause = time.Second
	longestPause = 30 * time.Second
)

var passing = []int{
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// RoundTrip sends a request, whose body, if there is one, can be sent again.
func (a *again) RoundTrip(req *http.Request) (*http.Response, error) {
	wait := a.pause
	for n := 1; ; n++ {
		res, err := a.inner.RoundTrip(req)
		if n == attempts || req.Body != nil && req.GetBody == nil || !mayPass(req.Context(), res, err) {
			return res, err
		}
		pause := wait
		if res != nil {
			if pause = askedFor(res, wait); pause > longestPause {
				return res, nil
			}
			_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
			res.Body.Close()
		}
		if err := sleep(req.Context(), pause); err != nil {
			return nil, err
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		wait *= 3
	}
}

// mayPass says whether an answer, or none, is worth another attempt.
func mayPass(ctx context.Context, res *http.Response, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		return slices.Contains(passing, res.StatusCode)
	}
	var name *net.DNSError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &name) && name.IsTemporary
}

// askedFor is the pause that an answer asks for (RFC 9110 §10.2.3), or otherwise.
func askedFor(res *http.Response, otherwise time.Duration) time.Duration {
	after := res.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(after); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(time.Until(at), 0)
	}
	return otherwise
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
