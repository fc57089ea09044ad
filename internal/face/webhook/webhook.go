// Package webhook is the door at which the API server asks: an HTTPS server for admission.k8s.io/v1 that answers with
// what deck/admit decides, in the time that the API server gives it, or turns away what it could not answer in time.
//
// POST /admit/change, /admit/fail, /admit/ignore and /admit/tell take reviews, one path for each webhook. What cannot be judged for
// want of time or room is refused with an HTTP status, which the API server takes for a failed webhook: it then does
// what the webhook's failurePolicy says. GET /healthz, /readyz and /metrics are for whoever watches over the server.
package webhook

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/serving"
	"github.com/plimsoll/plimsoll/internal/tell/certificate"
)

// Bounds of the server.
const (
	// maxBody is an object and what it was, each of which the API server bounds at 3 MiB, as JSON within JSON.
	maxBody = 8 << 20
	// maxBodies bounds all bodies that are held at one time.
	maxBodies   = 64 << 20
	maxHeader   = 64 << 10
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second
	idleTime    = 2 * time.Minute
)

// Options are what a server is made of.
type Options struct {
	Line         *admit.Line
	Certificates *certificate.Keeper
	// Follow has what a cluster holds come into force beside the line; nil: nothing does.
	Follow *Follower
	// ClientCA are the authorities of clients that may ask for reviews; nil: anybody may.
	ClientCA *x509.CertPool
	// Timeout is how long a review may take at most; the API server may say less.
	Timeout time.Duration
	// Queue is how many reviews may wait.
	Queue int
	// Check is how often another certificate is looked for, and Renewed what is to happen when there is one, or none yet.
	Check   time.Duration
	Renewed func(ctx context.Context) error
	// Drain is how long the server goes on after it said that it is not ready any more.
	Drain time.Duration
	Log   io.Writer
	// Traces has spans of reviews; nil: nobody has.
	Traces trace.TracerProvider
	Note   *slog.Logger
	Now    func() time.Time
}

// mostChanges are as many pods as are changed at one time, and mostAsking as many reviews as wait for registries.
const (
	mostChanges = 64
	mostAsking  = 256
)

// Server answers reviews.
type Server struct {
	o       Options
	meters  *meters
	journal *journal
	tracer  trace.Tracer
	bodies  *semaphore.Weighted
	judging pool
	changes pool          // pods that are changed: most of their time they may wait for a registry
	asking  chan struct{} // reviews that wait for registries, and are judged after that
	leaving atomic.Bool
}

// pool are reviews that are judged at one time, and those that wait for it.
type pool struct {
	slots   chan struct{}
	waiting atomic.Int64 // those that are judged, too
}

// most is how many may be in it, where so many may wait.
func (p *pool) most(queue int) int64 { return int64(queue + cap(p.slots)) }

// New makes a server.
func New(o Options) *Server {
	s := &Server{o: o, tracer: tracerOf(o.Traces), bodies: semaphore.NewWeighted(maxBodies), asking: make(chan struct{}, mostAsking)}
	s.judging.slots, s.changes.slots = make(chan struct{}, runtime.GOMAXPROCS(0)), make(chan struct{}, mostChanges)
	s.meters = newMeters(s)
	return s
}

// Serve answers until the context ends, and then drains: it says that it is not ready, goes on for a while, and ends
// when all are answered.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.journal = openJournal(s.o.Log, s.meters.lost.Inc)
	defer s.journal.close()
	server := &http.Server{
		Handler: s.handler(), TLSConfig: serving.Config(s.o.Certificates.GetCertificate, s.o.ClientCA), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: 2 * requestTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: serving.Log(s.o.Note),
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: max(s.o.Queue, 100) + 100},
	}
	checks, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { serving.Every(checks, s.o.Check, s.check) })
	if s.o.Follow != nil {
		watch.Go(func() { s.o.Follow.Run(checks) })
	}
	defer watch.Wait()
	defer stop()
	return serving.TLS(ctx, server, l, func() { s.leaving.Store(true) }, s.o.Drain)
}

// check looks for another certificate.
func (s *Server) check(ctx context.Context) {
	changed, err := s.o.Certificates.Refresh(ctx, s.o.Now())
	if err == nil && s.o.Renewed != nil {
		err = s.o.Renewed(ctx)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.meters.renewals.WithLabelValues("failed").Inc()
		s.o.Note.Error("look for another certificate", "error", err, "ends", s.o.Certificates.Expiry())
	case changed:
		s.meters.renewals.WithLabelValues("changed").Inc()
		s.o.Note.Info("another certificate is shown", "ends", s.o.Certificates.Expiry())
	default:
		s.meters.renewals.WithLabelValues("same").Inc()
	}
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, stage := range append(admit.Stages(), admit.Change) {
		mux.HandleFunc("POST /admit/"+string(stage), func(w http.ResponseWriter, r *http.Request) { s.review(w, r, stage) })
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.meters.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2}))
	return mux
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.leaving.Load():
		http.Error(w, "it is about to end", http.StatusServiceUnavailable)
	case !s.o.Certificates.Fresh(s.o.Now()):
		http.Error(w, "its certificate is about to end, and was not renewed: see its log", http.StatusServiceUnavailable)
	default:
		if _, err := s.line(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// line is the one that is in force; an error says why it is not known yet.
func (s *Server) line() (*admit.Line, error) {
	if s.o.Follow == nil {
		return s.o.Line, nil
	}
	return s.o.Follow.current()
}
