// Package directory is the door at which people come in: an HTTPS server that gives whom the directory knows a token
// for minutes, and tells the API server whose token it is (authentication.k8s.io/v1 TokenReview).
//
//	POST /login   {"user": "alice", "password": "…"}  who may, gets {"token": "…", "expires": "…", "user": "ldap:alice"}
//	POST /logout  {"token": "…"}                      it does not hold any more
//	POST /review  a TokenReview                       for the API server, which shows a certificate
//
// The directory is asked again for each token that is shown, or was a moment ago: groups are those of now, and an account
// that was locked or removed is out. When the directory cannot be asked, nobody is anybody.
// GET /healthz, /readyz and /metrics are for whoever watches over the server.
package directory

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plimsoll/plimsoll/internal/face/directory/token"
	read "github.com/plimsoll/plimsoll/internal/read/directory"
	"github.com/plimsoll/plimsoll/internal/serving"
	"github.com/plimsoll/plimsoll/internal/tell/certificate"
)

// Bounds of the server.
const (
	maxBody     = 64 << 10
	maxHeader   = 16 << 10
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second
	answerTime  = 2 * time.Minute // a directory has its own bounds, which are shorter
	idleTime    = 2 * time.Minute
	mostLogins  = 64 // at one time
	look        = 10 * time.Second
)

// Directory is who people are asked of.
type Directory interface {
	Login(ctx context.Context, login, password string) (*read.Person, error)
	Person(ctx context.Context, id string) (*read.Person, error)
}

// Options are what a server is made of.
type Options struct {
	Directory    Directory
	Mint         *token.Mint
	Audiences    []string // the first is that of who names none
	Cache        time.Duration
	Certificates *certificate.Keeper
	// ClientCA are the authorities of clients that may ask for reviews; nil: anybody may.
	ClientCA *x509.CertPool
	Check    time.Duration // between looks for another certificate
	Drain    time.Duration
	Log      io.Writer
	Note     *slog.Logger
	Now      func() time.Time
	// Pause waits; nil: time does.
	Pause func(ctx context.Context, d time.Duration)
}

// Server answers.
type Server struct {
	o       Options
	meters  *meters
	journal journal
	people  *people
	users   *brake
	hosts   *brake
	logins  chan struct{}
	leaving atomic.Bool
}

// New makes a server.
func New(o Options) *Server {
	if o.Pause == nil {
		o.Pause = pause
	}
	s := &Server{
		o: o, journal: journal{to: o.Log}, logins: make(chan struct{}, mostLogins),
		users: newBrake(5, 20*time.Second), hosts: newBrake(30, 2*time.Second),
	}
	s.people = &people{ask: o.Directory.Person, most: mostPeople, fresh: o.Cache, now: o.Now, known: map[string]known{}}
	s.meters = newMeters(s)
	return s
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Serve answers until the context ends, and then drains: it says that it is not ready, goes on for a while, and ends
// when all are answered.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), TLSConfig: serving.Config(s.o.Certificates.GetCertificate, s.o.ClientCA), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: serving.Log(s.o.Note),
	}
	checks, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { serving.Every(checks, look, s.refresh) })
	watch.Go(func() { serving.Every(checks, s.o.Check, s.renew) })
	defer watch.Wait()
	defer stop()
	return serving.TLS(ctx, server, l, func() { s.leaving.Store(true) }, s.o.Drain)
}

// refresh reads what other servers have written.
func (s *Server) refresh(ctx context.Context) {
	if err := s.o.Mint.Refresh(ctx); err != nil && ctx.Err() == nil {
		s.meters.troubles.WithLabelValues("keys").Inc()
		s.o.Note.Error("keep keys and revocations", "error", err)
	}
}

func (s *Server) renew(ctx context.Context) {
	changed, err := s.o.Certificates.Refresh(ctx, s.o.Now())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.meters.troubles.WithLabelValues("certificate").Inc()
		s.o.Note.Error("look for another certificate", "error", err, "ends", s.o.Certificates.Expiry())
	case changed:
		s.o.Note.Info("another certificate is shown", "ends", s.o.Certificates.Expiry())
	}
}

// Handler answers requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("POST /review", s.review)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.meters.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2}))
	return mux
}

// ready does not ask the directory: when that is away, it is away for all servers, and each says so better than none.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch err := s.o.Mint.Fresh(); {
	case s.leaving.Load():
		http.Error(w, "it is about to end", http.StatusServiceUnavailable)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case !s.o.Certificates.Fresh(s.o.Now()):
		http.Error(w, "its certificate is about to end, and was not renewed: see its log", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}
