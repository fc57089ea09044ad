// Package serving runs HTTPS servers that end with all answered, and reads the files by which they are set.
package serving

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// lastTime is how long all that was asked may take to be answered in the end.
const lastTime = 10 * time.Second

// TLS answers until the context ends, and then drains: leave has it say that it is not ready, it goes on for a while, and
// ends when all are answered.
func TLS(ctx context.Context, server *http.Server, l net.Listener, leave func(), drain time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(l, "", "") }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	leave()
	time.Sleep(drain)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(fmt.Errorf("end with all answered: %w", err), server.Close())
	}
	<-ended
	return err
}

// Config shows a certificate that may change, and has clients show who they are where they are asked to; probes cannot, and
// need not. Without an authority nobody is asked.
func Config(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), clients *x509.CertPool) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate}
	if clients != nil {
		c.ClientCAs, c.ClientAuth = clients, tls.VerifyClientCertIfGiven
	}
	return c
}

// Every does something from time to time, until the context ends.
func Every(ctx context.Context, d time.Duration, do func(context.Context)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

// Log hands what net/http has to say to a log. Most of it is of clients that went away.
func Log(to *slog.Logger) *log.Logger { return log.New(quiet{to}, "", 0) }

type quiet struct{ to *slog.Logger }

func (q quiet) Write(b []byte) (int, error) {
	q.to.Debug("net/http", "message", string(b))
	return len(b), nil
}
