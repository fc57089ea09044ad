package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/plimsoll/plimsoll/internal/read/image"
)

const defaultIdle = time.Minute

// guard is the way to every registry: it speaks TLS where plain HTTP was not allowed by name, and
// gives up when nothing comes any more.
type guard struct {
	base  *http.Transport
	plain []string
	idle  time.Duration
	pause time.Duration
}

func newTransport(o Options, to string) (*guard, error) {
	g := &guard{plain: o.PlainHTTP, idle: o.Idle, pause: o.Pause}
	if g.pause == 0 {
		g.pause = defaultPause
	}
	if g.idle == 0 {
		g.idle = defaultIdle
	}
	roots, err := authorities(o.CA)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: 15 * time.Second}
	dial := dialer.DialContext
	if o.Outside {
		dial = outside(dialer, to, os.Getenv)
	}
	g.base = &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dial,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: g.idle,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // layers come as they are stored
		MaxIdleConnsPerHost:   8,
	}
	return g, nil
}

// Client is the standard library's with the proxies of the environment, which trusts the authorities of o
// as well: for files that lie beside a registry, not in it.
func Client(o Options) (*http.Client, error) {
	g, err := newTransport(o, "")
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: g.base}, nil
}

// authorities adds PEM files to those that the system trusts; SSL_CERT_FILE and SSL_CERT_DIR are the
// system's own way.
func authorities(files []string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, f := range files {
		pem, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read certificate authority %s: it holds no PEM certificate", f)
		}
	}
	return pool, nil
}

func (g *guard) close() error {
	g.base.CloseIdleConnections()
	return nil
}

// plainHTTPError says that TLS was refused by the other side, or was to be left out.
type plainHTTPError struct{ host string }

func (e *plainHTTPError) Error() string { return e.host + " may not be spoken to without TLS" }

// stallError says that nothing came for too long.
type stallError struct {
	host string
	idle time.Duration
}

func (e *stallError) Error() string {
	return fmt.Sprintf("%s sent nothing for %s, or next to nothing", e.host, e.idle)
}

// RoundTrip sends a request on.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !g.mayBePlain(req.URL.Host) {
		return nil, &plainHTTPError{req.URL.Host}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	stalled := &stallError{req.URL.Host, g.idle}
	res, err := g.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(err)
		return nil, stalledBy(err, req, stalled)
	}
	res.Body = &watched{body: res.Body, ctx: ctx, cancel: cancel, stalled: stalled}
	if strings.HasSuffix(req.URL.Path, "/v2/") {
		// The answer to the first question is thrown away unread by the library, however long it is.
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxGreeting), res.Body}
	}
	return res, nil
}

// stalledBy tells a registry that does not answer from one that cannot be reached. It is not worth
// another attempt.
func stalledBy(err error, req *http.Request, stalled *stallError) error {
	var timeout net.Error
	var op *net.OpError
	if errors.As(err, &timeout) && timeout.Timeout() && !errors.As(err, &op) && req.Context().Err() == nil {
		return stalled
	}
	return err
}

// mayBePlain allows those that were named, and this host itself: nobody listens in between.
func (g *guard) mayBePlain(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	if host == "localhost" || net.ParseIP(host).IsLoopback() {
		return true
	}
	return slices.Contains(g.plain, hostPort) || slices.Contains(g.plain, host)
}

// What a body must bring within the idle time to count as alive, and how much of a greeting is read.
const (
	minFlow     = 4 << 10
	maxGreeting = 64 << 10
)

// watched is a body that must bring minFlow bytes in time: a byte now and then is as good as nothing.
// How long its reader pauses between two reads does not count.
type watched struct {
	body    io.ReadCloser
	ctx     context.Context //nolint:containedctx // of this one response
	cancel  context.CancelCauseFunc
	stalled *stallError
	waited  time.Duration // for the bytes since
	since   int
}

func (w *watched) Read(p []byte) (int, error) {
	begin := time.Now()
	timer := time.AfterFunc(max(w.stalled.idle-w.waited, 0), func() { w.cancel(w.stalled) })
	n, err := w.body.Read(p)
	timer.Stop()
	w.waited += time.Since(begin)
	if w.since += n; w.since >= minFlow {
		w.since, w.waited = 0, 0
	}
	if err != nil && err != io.EOF {
		if cause := context.Cause(w.ctx); cause != nil {
			err = cause
		}
	}
	return n, err
}

func (w *watched) Close() error {
	w.cancel(nil)
	return w.body.Close()
}

// connect shakes hands with a registry: it asks how to sign in, and does.
func connect(ctx context.Context, g *guard, ref image.Reference) (*repository, error) {
	r := &repository{ref: ref}
	var options []name.Option
	if g.mayBePlain(ref.Host) {
		options = append(options, name.Insecure)
	}
	host, err := name.NewRegistry(ref.Host, options...)
	if err != nil {
		return r, err
	}
	repo := host.Repo(ref.Repository)
	r.login = findLogin(ref, os.Getenv)
	signed, err := transport.NewWithContext(ctx, host, r.login.auth, &again{g, g.pause}, []string{repo.Scope(transport.PullScope)})
	if err != nil {
		return r, err
	}
	r.client = &http.Client{Transport: signed, CheckRedirect: checkRedirect}
	r.base = "https://" + host.RegistryStr() + "/v2/" + ref.Repository
	return r, nil
}

// checkRedirect keeps a registry from sending us to services inside of this network that it could not
// reach itself: cloud metadata, for one. One that is inside itself may keep its blobs there, too.
func checkRedirect(req *http.Request, via []*http.Request) error {
	const most = 10
	if len(via) >= most {
		return errors.New("it redirects again and again")
	}
	host := req.URL.Hostname()
	ip := net.ParseIP(host)
	if host == via[0].URL.Hostname() || ip == nil || !isInside(ip) {
		return nil
	}
	if ip.IsLinkLocalUnicast() || ip.IsUnspecified() || !livesInside(req.Context(), via[0].URL.Hostname()) {
		return fmt.Errorf("it redirects to %s, an address inside of this network", host)
	}
	return nil
}

func isInside(ip net.IP) bool {
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
}

// livesInside says whether all addresses of a host are inside of this network.
func livesInside(ctx context.Context, host string) bool {
	all, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil || len(all) == 0 {
		return false
	}
	return !slices.ContainsFunc(all, func(a net.IPAddr) bool { return !isInside(a.IP) })
}
