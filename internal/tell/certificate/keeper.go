package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Source is where a state comes from.
type Source interface {
	// Current is the state that holds now.
	Current(ctx context.Context, now time.Time) (State, error)
}

// Keeper holds the certificate that is shown. It may be asked from anywhere.
type Keeper struct {
	source Source
	now    atomic.Pointer[current]
}

type current struct {
	state State
	pair  *tls.Certificate
}

// Open makes a keeper that has a certificate.
func Open(ctx context.Context, source Source, now time.Time) (*Keeper, error) {
	k := &Keeper{source: source}
	_, err := k.Refresh(ctx, now)
	return k, err
}

// Refresh looks for another certificate, and takes it when it is whole. When it is not, the one before is kept.
func (k *Keeper) Refresh(ctx context.Context, now time.Time) (changed bool, err error) {
	s, err := k.source.Current(ctx, now)
	if err != nil {
		return false, err
	}
	if c := k.now.Load(); c != nil && bytes.Equal(c.state.Chain, s.Chain) && bytes.Equal(c.state.Key, s.Key) && bytes.Equal(c.state.Roots, s.Roots) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(s.Chain, s.Key)
	if err != nil {
		return false, fmt.Errorf("take another certificate: %w", err)
	}
	if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
		return false, fmt.Errorf("take another certificate: %w", err)
	}
	k.now.Store(&current{s, &pair})
	return true, nil
}

// GetCertificate is for tls.Config.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return k.now.Load().pair, nil
}

// Bundle are the authorities that clients are to trust, in PEM; empty where the source does not say.
func (k *Keeper) Bundle() []byte { return k.now.Load().state.Roots }

// Expiry is when the certificate that is shown ends.
func (k *Keeper) Expiry() time.Time { return k.now.Load().pair.Leaf.NotAfter }

// Fresh says that a tenth of the certificate's life, or more, is left. One that is not was due for renewal long ago.
func (k *Keeper) Fresh(now time.Time) bool {
	leaf := k.now.Load().pair.Leaf
	return leaf.NotAfter.Sub(now) >= leaf.NotAfter.Sub(leaf.NotBefore)/10
}

// ErrConflict says that somebody else has written meanwhile.
var ErrConflict = errors.New("somebody else has written it meanwhile")

// Store keeps a state. Version names what was read; empty: there is nothing yet.
type Store interface {
	Load(ctx context.Context) (s State, version string, err error)
	// Save writes over the version that was read, or fails with ErrConflict.
	Save(ctx context.Context, s State, version string) error
}

// Own is an authority of one's own, which several servers may share.
type Own struct {
	Store Store
	Names []string // by which clients know the server
}

// Current reads the state, and renews it when that is due. Of several servers that do so, one wins.
func (o *Own) Current(ctx context.Context, now time.Time) (State, error) {
	const attempts = 5
	for range attempts {
		s, version, err := o.Store.Load(ctx)
		if err != nil {
			return s, err
		}
		next, changed, err := s.Renew(now, o.Names)
		if err != nil || !changed {
			return next, err
		}
		err = o.Store.Save(ctx, next, version)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, ErrConflict) {
			return s, err
		}
	}
	return State{}, ErrConflict
}
