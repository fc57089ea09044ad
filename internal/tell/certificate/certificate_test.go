package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

var names = []string{"plimsoll.guard.svc", "plimsoll.guard.svc.cluster.local", "127.0.0.1"}

// trusts says whether a client that was given the bundle would speak to who shows the chain.
func trusts(bundle, chain []byte, now time.Time) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	leaf, err := parseAll(chain)
	if err != nil {
		return err
	}
	_, err = leaf[0].Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, DNSName: names[0]})
	return err
}

// TestYears walks through three years in steps of eight hours, as a server would: at no time may what is shown be
// distrusted by who heard of the authorities ten minutes ago, nor be near its end.
func TestYears(t *testing.T) {
	var s State
	var heard []byte
	authorities, leaves := 0, 0
	for now := start; now.Before(start.AddDate(3, 0, 0)); now = now.Add(8 * time.Hour) {
		next, changed, err := s.Renew(now, names)
		if err != nil {
			t.Fatal(err)
		}
		if heard == nil {
			heard = next.Roots
		}
		for _, bundle := range [][]byte{heard, next.Roots} {
			if err := trusts(bundle, next.Chain, now); err != nil {
				t.Fatalf("%s: %v", now, err)
			}
		}
		leaf, _ := parseAll(next.Chain)
		if leaf[0].NotAfter.Sub(now) < 9*24*time.Hour {
			t.Fatalf("%s: it ends on %s", now, leaf[0].NotAfter)
		}
		if changed == (bytes.Equal(next.Roots, s.Roots) && bytes.Equal(next.Chain, s.Chain)) {
			t.Fatalf("%s: changed is %t", now, changed)
		}
		if !bytes.Equal(next.RootKey, s.RootKey) {
			authorities++
		}
		if !bytes.Equal(next.Key, s.Key) {
			leaves++
		}
		if all, _ := parseAll(next.Roots); len(all) > 2 {
			t.Fatalf("%s: %d authorities are trusted", now, len(all))
		}
		s, heard = next, next.Roots
	}
	if authorities != 5 || leaves < 3*365/20 || leaves > 3*365/20+10 {
		t.Errorf("%d authorities, %d certificates", authorities, leaves)
	}
}

// TestFolder wants a state to outlive its server, and one that is half written to be made anew.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	own := &Own{Store: Folder(dir), Names: names}
	ctx := context.Background()
	k, err := Open(ctx, own, start)
	if err != nil {
		t.Fatal(err)
	}
	bundle := k.Bundle()
	if changed, err := k.Refresh(ctx, start.Add(time.Hour)); changed || err != nil {
		t.Errorf("changed %t: %v", changed, err)
	}
	again, err := Open(ctx, own, start.Add(time.Hour))
	if err != nil || !bytes.Equal(again.Bundle(), bundle) || !again.Expiry().Equal(k.Expiry()) {
		t.Errorf("it is another after a restart: %v", err)
	}
	if changed, err := k.Refresh(ctx, start.AddDate(0, 0, 21)); !changed || err != nil || trusts(bundle, k.now.Load().state.Chain, start.AddDate(0, 0, 21)) != nil {
		t.Errorf("it is not renewed: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key may be read: %v %v", info.Mode(), err)
	}
	stale, version, err := Folder(dir).Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tls.key", "ca.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Refresh(ctx, start.AddDate(0, 0, 21)); err != nil {
			t.Errorf("half written: %v", err)
		}
	}
	if err := Folder(dir).Save(ctx, stale, version); !errors.Is(err, ErrConflict) {
		t.Errorf("it is written over: %v", err)
	}
}

// TestFiles wants a pair that is only half replaced not to be taken.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, _, err := State{}.Renew(start, names)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := State{}.Renew(start.Add(time.Hour), names)
	if err != nil {
		t.Fatal(err)
	}
	files := &Files{Chain: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k")}
	ctx := context.Background()
	if _, err := Open(ctx, files, start); err == nil {
		t.Error("there is nothing, and it opens")
	}
	put("c", one.Chain)
	put("k", one.Key)
	k, err := Open(ctx, files, start)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() *tls.Certificate { c, _ := k.GetCertificate(nil); return c }
	first := shown()
	put("c", two.Chain)
	if changed, err := k.Refresh(ctx, start); changed || err == nil || shown() != first {
		t.Errorf("half a pair is taken: %v", err)
	}
	put("k", two.Key)
	if changed, err := k.Refresh(ctx, start); !changed || err != nil || shown() == first {
		t.Errorf("the other pair is not taken: %v", err)
	}
	put("k", bytes.Repeat([]byte("x"), maxFile+1))
	if _, err := k.Refresh(ctx, start); err == nil {
		t.Error("a large file is taken")
	}
	if !k.Fresh(start) || k.Fresh(k.Expiry().Add(-time.Hour)) {
		t.Error("it does not know how old it is")
	}
}
