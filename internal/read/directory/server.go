package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Server is one server of a directory.
type Server struct {
	Address string // HOST:PORT
	Host    string
	TLS     bool // from the first byte; else after StartTLS
	Plain   bool // not at all
}

// ParseServer reads ldaps://HOST[:PORT], or ldap://HOST[:PORT], where StartTLS is asked for before anything else.
func ParseServer(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return Server{}, fmt.Errorf("%q is no server: write ldaps://HOST, or ldap://HOST for StartTLS, with a :PORT where it is another", text)
	}
	s := Server{Host: u.Hostname(), TLS: u.Scheme == "ldaps"}
	port := u.Port()
	switch {
	case port != "":
	case s.TLS:
		port = "636"
	default:
		port = "389"
	}
	s.Address = net.JoinHostPort(s.Host, port)
	return s, nil
}

// maxMessage bounds one message of a server.
const maxMessage = 16 << 20

// bound has the library refuse messages that are larger than it could ever need.
var bound = sync.OnceFunc(func() { ber.MaxPacketLengthBytes = maxMessage })

const (
	mostIdle = 8
	rest     = 30 * time.Second // for a server that did not answer
	greeting = 10 * time.Second // until a server lets us in, where more time is for its answers
)

// session is a connection on which somebody has said who they are.
type session struct {
	conn   *ldap.Conn
	server int
	limit  int // seconds that a search may take
}

func (s *session) close() { s.conn.Close() }

// ask has one question answered by the first server that answers.
func (d *Directory) ask(ctx context.Context, question func(*session) error) error {
	return d.each(ctx, func(ctx context.Context, server int) error {
		if s := d.take(server); s != nil {
			err := run(ctx, s, question)
			if !away(err) {
				d.put(s, err)
				return err
			}
			s.close() // it may only have been idle for too long
		}
		s, err := d.dial(ctx, server)
		if err != nil {
			return err
		}
		if err := d.introduce(s); err != nil {
			s.close()
			return err
		}
		err = run(ctx, s, question)
		d.put(s, err)
		return err
	})
}

// prove asks whether a password is somebody's. It is asked on a connection of its own, and of one server that answers:
// each that says no may count it.
func (d *Directory) prove(ctx context.Context, dn, password string) error {
	return d.each(ctx, func(ctx context.Context, server int) error {
		s, err := d.dial(ctx, server)
		if err != nil {
			return err
		}
		defer s.close()
		err = run(ctx, s, func(s *session) error { return s.conn.Bind(dn, password) })
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultConstraintViolation,
			ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultInvalidDNSyntax) {
			return fmt.Errorf("%w: the directory does not take the password: %v", ErrRefused, err)
		}
		return err
	})
}

// each goes through the servers until one answers, whatever it says.
func (d *Directory) each(ctx context.Context, try func(ctx context.Context, server int) error) error {
	var lost AwayError
	for _, server := range d.order() {
		one, cancel := context.WithTimeout(ctx, d.c.Timeout)
		err := try(one, server)
		cancel()
		if !away(err) {
			return err
		}
		d.mark(server)
		lost.Errs = append(lost.Errs, fmt.Errorf("%s: %w", d.c.Servers[server].Address, err))
		if ctx.Err() != nil {
			break
		}
	}
	return &lost
}

// lostError is that of a server which was not reached, or did not let us in.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// away says whether another server is to be asked.
func away(err error) bool {
	return errors.As(err, new(lostError)) || ldap.IsErrorAnyOf(err, ldap.ErrorNetwork, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable,
		ldap.LDAPResultServerDown, ldap.LDAPResultConnectError, ldap.LDAPResultTimeout, ldap.LDAPResultTimeLimitExceeded, ldap.ErrorUnexpectedMessage, ldap.ErrorUnexpectedResponse)
}

// order is that of the servers now: those that did not answer of late come last.
func (d *Directory) order() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var up, down []int
	for i := range d.c.Servers {
		if d.c.Now().Before(d.down[i]) {
			down = append(down, i)
		} else {
			up = append(up, i)
		}
	}
	return append(up, down...)
}

func (d *Directory) mark(server int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down[server] = d.c.Now().Add(rest)
}

func (d *Directory) take(server int) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.idle, func(s *session) bool { return s.server == server })
	if i < 0 {
		return nil
	}
	s := d.idle[i]
	d.idle = slices.Delete(d.idle, i, i+1)
	return s
}

// put keeps a connection for the next question, if it is still good.
func (d *Directory) put(s *session, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if away(err) || s.conn.IsClosing() || len(d.idle) >= mostIdle {
		s.close()
		return
	}
	d.down[s.server] = time.Time{}
	d.idle = append(d.idle, s)
}

// Close ends the connections that wait.
func (d *Directory) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.idle {
		s.close()
	}
	d.idle = nil
}

// dial reaches a server, over TLS.
func (d *Directory) dial(ctx context.Context, server int) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	at := d.c.Servers[server]
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", at.Address)
	if err != nil {
		return nil, lostError{err}
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop() // before the context is cancelled
	config := &tls.Config{ServerName: at.Host, RootCAs: d.c.Roots, MinVersion: tls.VersionTLS12}
	if at.TLS {
		secured := tls.Client(raw, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, lostError{fmt.Errorf("speak TLS: %w", err)}
		}
		raw = secured
	}
	s := &session{conn: ldap.NewConn(raw, at.TLS), server: server, limit: max(int(d.c.Timeout/time.Second), 1)}
	s.conn.SetTimeout(min(d.c.Timeout, greeting))
	s.conn.Start()
	if !at.TLS && !at.Plain {
		if err := s.conn.StartTLS(config); err != nil {
			s.close()
			return nil, lostError{fmt.Errorf("ask for StartTLS: %w", err)}
		}
	}
	return s, nil
}

// introduce says who asks.
func (d *Directory) introduce(s *session) error {
	defer s.conn.SetTimeout(d.c.Timeout)
	if d.c.Bind == "" {
		return nil
	}
	secret, err := d.c.Secret()
	if err != nil {
		return err
	}
	if err := s.conn.Bind(d.c.Bind, secret); err != nil {
		return lostError{fmt.Errorf("sign in as %q: %w", d.c.Bind, err)}
	}
	return nil
}

// run asks on a connection, which does not outlive the time that there is.
func run(ctx context.Context, s *session, question func(*session) error) error {
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	err := question(s)
	if !stop() && err != nil {
		return lostError{fmt.Errorf("no answer in time: %w", context.Cause(ctx))}
	}
	return err
}
