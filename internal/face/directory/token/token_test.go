package token

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var ctx = context.Background()

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func noon() *clock { return &clock{time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)} }

func open(t *testing.T, s Store, c *clock) *Mint {
	t.Helper()
	m, err := Open(ctx, s, 10*time.Minute, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const here = "https://kubernetes.default.svc"

func sign(t *testing.T, m *Mint) (string, *Claims) {
	t.Helper()
	c := &Claims{Person: "id-1", Name: "ldap:alice", Audience: here}
	text, err := m.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return text, c
}

func TestToken(t *testing.T) {
	c := noon()
	m := open(t, Folder(t.TempDir()), c)
	text, want := sign(t, m)
	got, err := m.Verify(ctx, text, []string{"other", here})
	if err != nil || *got != *want || got.Expires.Sub(got.Issued) != 10*time.Minute {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := m.Verify(ctx, text, []string{"other"}); !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "it is for") {
		t.Errorf("another audience: %v", err)
	}
	c.at = want.Expires.Add(-time.Second)
	refresh(t, m)
	if _, err := m.Verify(ctx, text, []string{here}); err != nil {
		t.Error(err)
	}
	c.at = want.Expires
	if _, err := m.Verify(ctx, text, []string{here}); !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "it ended") {
		t.Errorf("expired: %v", err)
	}
}

func refresh(t *testing.T, m *Mint) {
	t.Helper()
	if err := m.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestForged has tokens of all sorts that somebody might make who has no key, and of who has one and is not us.
func TestForged(t *testing.T) {
	c := noon()
	m := open(t, Folder(t.TempDir()), c)
	text, claims := sign(t, m)
	k := m.keys[0]
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	header := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	part := strings.Split(text, ".")
	valid := func() (jwt.Claims, private) {
		return jwt.Claims{
			Issuer: issuer, Subject: "ldap:alice", Audience: jwt.Audience{here}, ID: "x", IssuedAt: jwt.NewNumericDate(claims.Issued), Expiry: jwt.NewNumericDate(claims.Expires),
		}, private{"id-1"}
	}
	made := func(alg jose.SignatureAlgorithm, key any, kid string, change func(*jwt.Claims, *private)) string {
		t.Helper()
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
		if err != nil {
			t.Fatal(err)
		}
		said, more := valid()
		change(&said, &more)
		text, err := jwt.Signed(s).Claims(said).Claims(more).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	same := func(*jwt.Claims, *private) {}
	if _, err := m.Verify(ctx, made(jose.EdDSA, k.private, k.id, same), []string{here}); err != nil {
		t.Fatalf("what is not forged: %v", err)
	}
	public := []byte(k.private.Public().(ed25519.PublicKey))
	swapped := []byte(text)
	swapped[len(part[0])+5]++
	for name, forged := range map[string]string{
		"empty": "", "no token": "eyJhbGciOiJub25lIn0", "large": strings.Repeat("a", 5000), "changed": string(swapped),
		"alg none":            header(`{"alg":"none","kid":"`+k.id+`"}`) + "." + part[1] + ".",
		"alg none, signature": header(`{"alg":"none","kid":"`+k.id+`"}`) + "." + part[1] + "." + part[2],
		"no signature":        part[0] + "." + part[1] + ".",
		"public key as HMAC":  made(jose.HS256, append(public, public...), k.id, same),
		"another key":         made(jose.EdDSA, stranger, k.id, same),
		"unknown key":         made(jose.EdDSA, stranger, "20261129T110000Z", same),
		"no key":              made(jose.EdDSA, stranger, "../../etc/passwd", same),
		"another issuer":      made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) { c.Issuer = "x" }),
		"nobody":              made(jose.EdDSA, k.private, k.id, func(_ *jwt.Claims, p *private) { p.Person = "" }),
		"no end":              made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) { c.Expiry = nil }),
		"no beginning":        made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) { c.IssuedAt = nil }),
		"no audience":         made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) { c.Audience = nil }),
		"two audiences":       made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) { c.Audience = jwt.Audience{here, "x"} }),
		"too long":            made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) { c.Expiry = jwt.NewNumericDate(claims.Issued.Add(time.Hour)) }),
		"of tomorrow": made(jose.EdDSA, k.private, k.id, func(c *jwt.Claims, _ *private) {
			c.IssuedAt, c.Expiry = jwt.NewNumericDate(claims.Issued.Add(24*time.Hour)), jwt.NewNumericDate(claims.Issued.Add(24*time.Hour+time.Minute))
		}),
	} {
		if got, err := m.Verify(ctx, forged, []string{here}); err == nil || got != nil {
			t.Errorf("%s: it holds: %+v", name, got)
		}
	}
}

func TestRevoked(t *testing.T) {
	c := noon()
	dir := Folder(t.TempDir())
	m, other := open(t, dir, c), open(t, dir, c)
	one, claims := sign(t, m)
	two, _ := sign(t, other)
	holds := func(m *Mint, text string) bool {
		t.Helper()
		_, err := m.Verify(ctx, text, []string{here})
		if err != nil && (!errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "it was revoked")) {
			t.Errorf("%v", err)
		}
		return err == nil
	}
	if !holds(other, one) || !holds(m, two) {
		t.Fatal("they do not know each other's tokens")
	}
	if err := m.Revoke(ctx, claims); err != nil {
		t.Fatal(err)
	}
	if holds(m, one) {
		t.Error("it holds where it was revoked")
	}
	refresh(t, other)
	if holds(other, one) || !holds(other, two) {
		t.Error("the other does not know")
	}
	c.at = c.at.Add(10 * time.Second)
	if err := RevokePerson(ctx, dir, "ldap:alice", c.now()); err != nil {
		t.Fatal(err)
	}
	refresh(t, m)
	if holds(m, two) {
		t.Error("all that alice has was revoked")
	}
	c.at = c.at.Add(time.Second)
	three, _ := sign(t, m)
	if !holds(m, three) {
		t.Error("alice may not come back")
	}
	c.at = c.at.Add(time.Second)
	if err := RevokePerson(ctx, dir, "ldap:alice", c.now()); err != nil {
		t.Fatal(err)
	}
	refresh(t, m)
	if holds(m, three) {
		t.Error("what was revoked before may be revoked again")
	}
	// Nobody reads the store: what was revoked since is not known.
	c.at = c.at.Add(Stale + time.Second)
	four, _ := sign(t, m)
	if _, err := m.Verify(ctx, four, []string{here}); !errors.Is(err, ErrEnded) || m.Fresh() == nil {
		t.Errorf("%v", err)
	}
	c.at = c.at.Add(time.Hour)
	refresh(t, m)
	if items, err := dir.Read(ctx); err != nil || len(items) != 1 {
		t.Errorf("%v is kept, %v", slices.Collect(maps.Keys(items)), err)
	}
}

// TestDays walks through ten days with two servers, of which now the one and now the other is first to make a key.
func TestDays(t *testing.T) {
	c := noon()
	dir := Folder(t.TempDir())
	servers := []*Mint{open(t, dir, c), open(t, dir, c)}
	ids := map[string]bool{}
	for i := range 10 * 24 * 3 {
		c.at = c.at.Add(20 * time.Minute)
		refresh(t, servers[i%2])
		refresh(t, servers[(i+1)%2])
		for n := range servers {
			text, _ := sign(t, servers[n])
			if _, err := servers[1-n].Verify(ctx, text, []string{here}); err != nil {
				t.Fatalf("%s: %v", c.at, err)
			}
			k, _ := signer(servers[n].keys, c.at)
			ids[k.id] = true
		}
		if len(servers[0].keys) > 3 {
			t.Fatalf("%s: %d keys are kept", c.at, len(servers[0].keys))
		}
	}
	if len(ids) != 11 {
		t.Errorf("%d keys signed in ten days and a half", len(ids))
	}
}

// TestGiven has a folder that somebody else fills, as a mounted Secret is.
func TestGiven(t *testing.T) {
	c := noon()
	from := t.TempDir()
	text, claims := sign(t, open(t, Folder(from), c))
	mounted := filepath.Join(t.TempDir(), "keys")
	if err := os.Symlink(from, mounted); err != nil {
		t.Fatal(err)
	}
	m := open(t, readOnly{Folder(mounted)}, c)
	if got, err := m.Verify(ctx, text, []string{here}); err != nil || *got != *claims {
		t.Error(err)
	}
	if err := m.Revoke(ctx, claims); err == nil {
		t.Error("nobody says that it is revoked here alone")
	}
	c.at = c.at.Add(24 * time.Hour)
	if err := m.Refresh(ctx); err == nil || !strings.Contains(err.Error(), "write a key that is due") {
		t.Errorf("%v", err)
	}
	if text, _ := sign(t, m); text == "" || m.Fresh() != nil {
		t.Error("it does not go on")
	}
	c.at = c.at.Add(48 * time.Hour)
	_ = m.Refresh(ctx)
	if m.Fresh() == nil {
		t.Error("nobody says that the key is old")
	}
	if _, err := Open(ctx, readOnly{Folder(t.TempDir())}, time.Minute, c.now); err == nil {
		t.Error("it opens without a key")
	}
}

type readOnly struct{ Folder }

var errReadOnly = errors.New("read-only file system")

func (readOnly) Add(context.Context, string, []byte) error { return errReadOnly }
func (readOnly) Remove(context.Context, ...string) error   { return errReadOnly }

func TestBrokenStore(t *testing.T) {
	for name, content := range map[string]string{
		"key-20261129T000000Z.pem": "no key", "key-today.pem": "", "revoked-token-x": "soon", "revoked-person-x": "",
		"key-20261129T000001Z.pem": strings.Repeat("x", 10_000),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(ctx, Folder(dir), time.Minute, noon().now); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, Folder(dir), noon())
}

// TestRace has many add the same: one is there.
func TestRace(t *testing.T) {
	dir := Folder(t.TempDir())
	done := make(chan error)
	for i := range 8 {
		go func() { done <- dir.Add(ctx, "key-x", []byte(fmt.Sprint(i))) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if items, err := dir.Read(ctx); err != nil || len(items) != 1 || len(items["key-x"]) != 1 {
		t.Errorf("%v, %v", items, err)
	}
}
