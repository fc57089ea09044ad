package directory

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client is somebody who comes in.
type Client struct {
	URL   string         // https://HOST[:PORT]
	Roots *x509.CertPool // nil: the system's
}

// ErrDenied says that the server does not let somebody in. The text says what it told.
var ErrDenied = errors.New("the server says no")

const clientTime = time.Minute

// CheckURL wants a server that a password may be sent to.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no server: write https://HOST:PORT", text)
	}
	return nil
}

// Login asks for a token.
func (c *Client) Login(ctx context.Context, q Question) (a Answer, err error) {
	if err := c.post(ctx, "/login", q, &a); err != nil {
		return a, err
	}
	if a.Token == "" || a.Expires.IsZero() || strings.ContainsFunc(a.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return a, errors.New("the server's answer holds no token")
	}
	return a, nil
}

// Logout has a token not hold any more.
func (c *Client) Logout(ctx context.Context, token string) error {
	var nothing struct{}
	return c.post(ctx, "/logout", Leaving{token}, &nothing)
}

func (c *Client) post(ctx context.Context, path string, question, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	client := http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		// A password goes nowhere but to whom it was meant for.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.URL, err)
	}
	if res.StatusCode != http.StatusOK {
		var t Trouble
		if json.Unmarshal(text, &t) != nil || t.Error == "" {
			t.Error = res.Status
		}
		if after := res.Header.Get("Retry-After"); after != "" {
			t.Error += fmt.Sprintf(" (%.10s seconds)", after)
		}
		if res.StatusCode == http.StatusUnauthorized {
			return fmt.Errorf("%w: %.300q", ErrDenied, t.Error)
		}
		return fmt.Errorf("%s: %.300q", c.URL, t.Error)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.URL, err)
	}
	return nil
}
