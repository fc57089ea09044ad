package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
)

const (
	maxBody   = 16 << 10 // of an answer that is looked at
	maxHeader = 64 << 10
	maxSays   = 200 // characters of a server's own words that are kept
)

// reach says whether a port takes connections.
func (p *Prober) reach(ctx context.Context, at Place) (State, string) {
	if err := p.pace.wait(ctx); err != nil {
		return Filtered, err.Error()
	}
	conn, err := p.dialer().DialContext(ctx, "tcp", at.String())
	switch {
	case err == nil:
		conn.Close()
		return Open, ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return Closed, "refused"
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return Filtered, "no answer in " + p.Timeout.String()
	}
	return Filtered, last(err)
}

// questions asks a port what its service is asked. After an answer that is none, nothing more is asked.
func (p *Prober) questions(ctx context.Context, port *Port, scheme string) {
	clients := map[Who]*http.Client{}
	defer func() {
		for _, c := range clients {
			c.CloseIdleConnections()
		}
	}()
	for _, who := range []Who{Nobody, Stranger, Account} {
		if who == Stranger && scheme == "http" || who == Account && (p.Token == "" || scheme == "http" || !port.TLS.Trust) {
			continue
		}
		clients[who] = p.client(port.Place, who)
		for _, q := range port.Service.asks {
			if !slices.Contains(q.as, who) {
				continue
			}
			if p.pace.wait(ctx) != nil {
				return
			}
			a := p.question(ctx, clients[who], port.Place, scheme, who, q)
			port.Answers = append(port.Answers, a)
			if !a.Outcome.Told() {
				return
			}
			if a.Outcome == Refused {
				break // as who it is, not for what it asks
			}
		}
	}
}

// client speaks HTTP/1.1 with one place, as one asker.
func (p *Prober) client(at Place, who Who) *http.Client {
	c := everything()
	c.ServerName = at.Name
	if who == Stranger {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &p.stranger.certificate, nil }
	}
	if who == Account { // here it matters who listens, on each connection anew
		c.InsecureSkipVerify, c.RootCAs, c.MinVersion = false, p.Roots, tls.VersionTLS12
		if at.Name == "" {
			c.ServerName = at.Address.WithZone("").String()
		}
	}
	return &http.Client{
		Timeout:       p.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: c, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return p.dialer().DialContext(ctx, network, at.String())
			},
			TLSNextProto:       map[string]func(string, *tls.Conn) http.RoundTripper{},
			DisableCompression: true, MaxResponseHeaderBytes: maxHeader, MaxConnsPerHost: 1,
		},
	}
}

func (p *Prober) question(ctx context.Context, c *http.Client, at Place, scheme string, who Who, q ask) Answer {
	a := Answer{As: who, Method: q.method, Scheme: scheme, What: q.path}
	req, err := http.NewRequestWithContext(ctx, q.method, scheme+"://"+strings.ReplaceAll(at.String(), "%", "%25")+q.path, nil)
	if err != nil {
		a.Outcome, a.Says = Garbage, err.Error()
		return a
	}
	req.Header.Set("User-Agent", p.UserAgent)
	req.Header.Set("Accept", q.accept)
	if who == Account {
		req.Header.Set("Authorization", "Bearer "+p.Token)
	}
	res, err := c.Do(req)
	if err != nil {
		a.Outcome, a.Says = outcomeOf(err)
		return a
	}
	defer res.Body.Close()
	head, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		a.Outcome, a.Says = outcomeOf(err)
		return a
	}
	a.Outcome, a.Status, a.Says = Answered, res.StatusCode, sort(head)
	if to := res.Header.Get("Location"); to != "" && res.StatusCode/100 == 3 {
		a.Says = "sends on to " + cut(to)
	}
	return a
}

// sort says what kind of thing an answer is; of a refusal, who was refused.
func sort(head []byte) string {
	kind, message, version := "", "", ""
	d := json.NewDecoder(bytes.NewReader(head))
	if t, err := d.Token(); err == nil && t == json.Delim('{') {
		for d.More() {
			key, err := d.Token()
			var v any
			if err != nil || d.Decode(&v) != nil {
				break
			}
			switch text, _ := v.(string); key {
			case "kind":
				kind = text
			case "message":
				message = text
			case "etcdserver":
				version = text
			case "gitVersion":
				kind, version = "Kubernetes", text
			}
		}
	}
	switch {
	case kind == "Status":
		return cut(message)
	case kind == "" && version != "":
		return cut("etcd " + version)
	case kind != "":
		return cut(strings.TrimSpace(kind + " " + version))
	case bytes.HasPrefix(head, []byte("# HELP")), bytes.HasPrefix(head, []byte("# TYPE")):
		return "metrics"
	case bytes.HasPrefix(head, []byte("Forbidden (user=")), bytes.HasPrefix(head, []byte("Unauthorized")):
		return cut(string(head))
	}
	return ""
}

// cut keeps of foreign words what is needed to know them again, on one line.
func cut(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if r := []rune(s); len(r) > maxSays {
		return string(r[:maxSays]) + "…"
	}
	return s
}

// outcomeOf says what went wrong with a question.
func outcomeOf(err error) (Outcome, string) {
	var alert tls.AlertError
	var header tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &alert):
		return Refused, last(err)
	case errors.As(err, &op) && op.Op == "remote error": // an alert, received
		return Refused, op.Err.Error()
	case errors.As(err, &header):
		return Garbage, "it speaks no TLS"
	case isTimeout(err):
		return Stalled, "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNREFUSED):
		return HungUp, last(err)
	}
	return Garbage, last(err)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// last is the innermost error's own words.
func last(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return cut(err.Error())
		}
		err = inner
	}
}
