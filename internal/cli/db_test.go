package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/advisorytest"
)

var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// signed writes databases into a folder, and returns how and the file of the public key.
func signed(t *testing.T, dir string) (write func(built time.Time), keyFile string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	keyFile = filepath.Join(t.TempDir(), "pub.pem")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(built time.Time) {
		advisorytest.Write(t, dir, advisorytest.Database{
			Built: built, Keys: []ed25519.PrivateKey{private},
			Packages: map[string]map[string][]advisory.Row{"npm": {"p": {{ID: "GHSA-1", Ranges: []advisory.Range{{Fixed: "1"}}}}}},
		})
	}, keyFile
}

// TestOpenWhileReplaced opens a signed database while another process replaces it again and again: it
// is found signed every time.
func TestOpenWhileReplaced(t *testing.T) {
	dir := t.TempDir()
	write, keyFile := signed(t, dir)
	write(monday)
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(failed)
		o := dbOptions{dir: dir, keys: []string{keyFile}}
		for {
			db, err := o.open(context.Background(), &global{env: Env{Now: time.Now}})
			if err != nil {
				failed <- err
				return
			}
			db.Close()
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for i := range 20 {
		write(monday.Add(time.Duration(i) * time.Minute))
	}
	close(stop)
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// TestMaxAge fails closed: on a database that is too old, and on one whose age cannot be told.
func TestMaxAge(t *testing.T) {
	dir := t.TempDir()
	write, _ := signed(t, dir)
	write(monday)
	for _, c := range []struct {
		now  time.Time
		opts dbOptions
		ok   bool
	}{
		{monday.Add(47 * time.Hour), dbOptions{maxAge: "2d"}, true},
		{monday.Add(49 * time.Hour), dbOptions{maxAge: "2d"}, false},
		{monday.Add(49 * time.Hour), dbOptions{}, true},
		{monday.Add(-time.Hour), dbOptions{maxAge: "2d"}, true},
		{monday.Add(-25 * time.Hour), dbOptions{maxAge: "2d"}, false},
		{monday, dbOptions{maxAge: "two days"}, false},
	} {
		c.opts.dir = dir
		db, err := c.opts.open(context.Background(), &global{env: Env{Now: func() time.Time { return c.now }}})
		if (err == nil) != c.ok {
			t.Errorf("%s with %q: %v", c.now, c.opts.maxAge, err)
		}
		if db != nil {
			db.Close()
		}
	}
}
