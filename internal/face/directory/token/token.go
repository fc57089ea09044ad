// Package token signs what says who somebody is, for minutes, and tells whether it still holds.
//
// A token is a JWT (RFC 7519) that is signed with Ed25519. Keys and revocations are in a [Store], which several servers
// share: each day has a key, which is made an hour before that day and is kept for as long as a token of it may live.
// What a token says is no more than who it was given to, by a name that never changes; what that person may be called,
// and in which groups that person is, is asked when the token is shown.
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// MaxLife is as long as a token may ever hold.
	MaxLife = 15 * time.Minute
	// Stale is how old what is known of revocations may be, before no token holds any more.
	Stale = time.Minute

	issuer       = "plimsoll"
	maxToken     = 4 << 10
	tokenPrefix  = "revoked-token-"
	personPrefix = "revoked-person-"
)

// Why a token does not hold.
var (
	// ErrForeign says that it is none of ours, and may be somebody else's.
	ErrForeign = errors.New("the token is not ours")
	// ErrEnded says that it was ours, and does not hold any more, or not here.
	ErrEnded = errors.New("the token does not hold")
)

// Claims are what a token says.
type Claims struct {
	ID       string // of the token
	Person   string // the directory's own id of who it was given to
	Name     string // in the cluster, when it was given
	Audience string
	Issued   time.Time
	Expires  time.Time
}

// private are those of our claims that are not registered.
type private struct {
	Person string `json:"pid"`
}

// Mint signs and verifies. It may be used from anywhere.
type Mint struct {
	store Store
	life  time.Duration
	now   func() time.Time

	mu      sync.Mutex
	keys    []key
	revoked map[string]time.Time // items: of a token when it ends anyway, of a person until when what was issued is revoked
	read    time.Time
	tried   time.Time // when it was last read for an unknown key

	reading sync.Mutex
}

// Open makes a mint whose tokens live so long.
func Open(ctx context.Context, store Store, life time.Duration, now func() time.Time) (*Mint, error) {
	m := &Mint{store: store, life: min(life, MaxLife), now: now}
	// A folder that somebody else fills cannot be written to, and need not be.
	if err := m.Refresh(ctx); err != nil && m.Fresh() != nil {
		return nil, err
	}
	return m, nil
}

// Refresh reads what other servers have written, makes the keys that are due, and removes what has had its time. Where
// it cannot write it goes on with what there is, and says so.
func (m *Mint) Refresh(ctx context.Context) error {
	m.reading.Lock()
	defer m.reading.Unlock()
	now := m.now()
	items, err := m.store.Read(ctx)
	if err != nil {
		return fmt.Errorf("read keys and revocations: %w", err)
	}
	wanted := []time.Time{slot(now)}
	if next := slot(now.Add(ahead)); !next.Equal(wanted[0]) {
		wanted = append(wanted, next)
	}
	var failed error
	for _, from := range wanted {
		if _, there := items[keyName(from)]; there {
			continue
		}
		content, err := newKey()
		if err == nil {
			err = m.store.Add(ctx, keyName(from), content)
		}
		if err != nil {
			failed = fmt.Errorf("write a key that is due: %w", err)
			break
		}
		if items, err = m.store.Read(ctx); err != nil { // another server may have been faster
			return fmt.Errorf("read keys and revocations: %w", err)
		}
	}
	if err := m.take(items, now); err != nil {
		return err
	}
	if old := m.old(items, now); len(old) > 0 && failed == nil {
		if err := m.store.Remove(ctx, old...); err != nil {
			failed = fmt.Errorf("remove keys and revocations that have had their time: %w", err)
		}
	}
	return failed
}

// take makes what was read what is known.
func (m *Mint) take(items map[string][]byte, now time.Time) error {
	keys, err := keysOf(items)
	if err != nil {
		return err
	}
	revoked := map[string]time.Time{}
	for name, content := range items {
		if strings.HasPrefix(name, keyPrefix) {
			continue
		}
		if revoked[name], err = time.Parse(time.RFC3339, strings.TrimSpace(string(content))); err != nil {
			return fmt.Errorf("read %s: it holds no time, as in %s", name, now.UTC().Format(time.RFC3339))
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys, m.revoked, m.read = keys, revoked, now
	return nil
}

// old are the items that no token which still lives needs.
func (m *Mint) old(items map[string][]byte, now time.Time) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := now.Add(-MaxLife - skew)
	for i, k := range m.keys {
		if i+1 < len(m.keys) && m.keys[i+1].from.Before(last) {
			names = append(names, keyName(k.from))
		}
	}
	for name := range items {
		if at, ok := m.revoked[name]; ok && at.Before(last) {
			names = append(names, name)
		}
	}
	return names
}

// Sign makes a token for somebody. What it says beside that is filled in.
func (m *Mint) Sign(c *Claims) (string, error) {
	now := m.now()
	m.mu.Lock()
	k, ok := signer(m.keys, now)
	m.mu.Unlock()
	if !ok {
		return "", errors.New("there is no key whose time has come")
	}
	id := make([]byte, 16)
	rand.Read(id) // which does not fail
	c.ID, c.Issued, c.Expires = hex.EncodeToString(id), now.UTC().Truncate(time.Second), now.Add(m.life).UTC().Truncate(time.Second)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: k.private}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id))
	if err != nil {
		return "", err
	}
	return jwt.Signed(s).Claims(jwt.Claims{
		Issuer: issuer, Subject: c.Name, Audience: jwt.Audience{c.Audience}, ID: c.ID,
		IssuedAt: jwt.NewNumericDate(c.Issued), Expiry: jwt.NewNumericDate(c.Expires),
	}).Claims(private{c.Person}).Serialize()
}

// Verify says what a token says, if it holds now and for one of the audiences.
func (m *Mint) Verify(ctx context.Context, text string, audiences []string) (*Claims, error) {
	if len(text) > maxToken {
		return nil, ErrForeign
	}
	t, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(t.Headers) != 1 {
		return nil, ErrForeign
	}
	k, err := m.key(ctx, t.Headers[0].KeyID)
	if err != nil {
		return nil, err
	}
	var said jwt.Claims
	var more private
	if err := t.Claims(k.private.Public(), &said, &more); err != nil {
		return nil, ErrForeign
	}
	now := m.now()
	c := &Claims{ID: said.ID, Person: more.Person, Name: said.Subject, Issued: said.IssuedAt.Time().UTC(), Expires: said.Expiry.Time().UTC()}
	switch {
	case said.Issuer != issuer || said.IssuedAt == nil || said.Expiry == nil || c.ID == "" || c.Person == "" || c.Name == "" || len(said.Audience) != 1:
		return nil, ErrForeign // signed with our key, and not by us
	case !now.Before(c.Expires):
		return nil, fmt.Errorf("%w: it ended at %s", ErrEnded, c.Expires.Format(time.RFC3339))
	case c.Expires.Sub(c.Issued) > MaxLife, c.Issued.After(now.Add(time.Minute)):
		return nil, fmt.Errorf("%w: it is from another time", ErrEnded)
	case !slices.Contains(audiences, said.Audience[0]):
		return nil, fmt.Errorf("%w: it is for %q", ErrEnded, said.Audience[0])
	}
	c.Audience = said.Audience[0]
	if err := m.held(c, now); err != nil {
		return nil, err
	}
	return c, nil
}

// held says whether a token was revoked, by itself or with all of its owner's.
func (m *Mint) held(c *Claims, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, all := m.revoked[personName(c.Name)]
	_, one := m.revoked[tokenPrefix+c.ID]
	switch {
	case now.Sub(m.read) > Stale:
		return fmt.Errorf("%w: what was revoked has not been read for %s", ErrEnded, now.Sub(m.read).Round(time.Second))
	case one, all && !c.Issued.After(until):
		return fmt.Errorf("%w: it was revoked", ErrEnded)
	}
	return nil
}

// key is the one of an id. One that is not known may have been made by another server a moment ago.
func (m *Mint) key(ctx context.Context, id string) (key, error) {
	find := func() (key, bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, k := range m.keys {
			if k.id == id {
				return k, true
			}
		}
		return key{}, false
	}
	if k, ok := find(); ok {
		return k, nil
	}
	if _, err := time.Parse(keyTime, id); err != nil {
		return key{}, ErrForeign
	}
	m.mu.Lock()
	again := m.now().Sub(m.tried) >= time.Second
	if again {
		m.tried = m.now()
	}
	m.mu.Unlock()
	if again {
		if err := m.Refresh(ctx); err != nil {
			return key{}, err
		}
	}
	if k, ok := find(); ok {
		return k, nil
	}
	return key{}, ErrForeign
}

// Revoke ends a token, here at once, and at other servers when they read the store again.
func (m *Mint) Revoke(ctx context.Context, c *Claims) error {
	name := tokenPrefix + c.ID
	m.mu.Lock()
	full := len(m.revoked) >= mostRevoked
	if !full {
		m.revoked[name] = c.Expires
	}
	m.mu.Unlock()
	if full {
		return fmt.Errorf("more than %d tokens are revoked already", mostRevoked)
	}
	return m.store.Add(ctx, name, []byte(c.Expires.UTC().Format(time.RFC3339)+"\n"))
}

// mostRevoked leaves room in the store for keys, and for revocations by hand.
const mostRevoked = maxItems / 2

// RevokePerson ends all tokens that somebody of a name has at this time, at every server that reads the store.
func RevokePerson(ctx context.Context, store Store, name string, now time.Time) error {
	item := personName(name)
	items, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if _, there := items[item]; there {
		if err := store.Remove(ctx, item); err != nil {
			return err
		}
	}
	return store.Add(ctx, item, []byte(now.UTC().Format(time.RFC3339)+"\n"))
}

// personName is the item that revokes what somebody has. Names have characters that names of items have not.
func personName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return personPrefix + hex.EncodeToString(sum[:16])
}

// Fresh says whether keys and revocations were read of late, and a key of this day or the last signs.
func (m *Mint) Fresh() error {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch k, ok := signer(m.keys, now); {
	case now.Sub(m.read) > Stale:
		return fmt.Errorf("keys and revocations have not been read for %s", now.Sub(m.read).Round(time.Second))
	case !ok:
		return errors.New("there is no key whose time has come")
	case now.Sub(k.from) > 2*period:
		return fmt.Errorf("the key is from %s, and no newer one could be written", k.from.Format(time.DateOnly))
	}
	return nil
}
