package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/signature"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
)

// dbOptions say which advisories are consulted.
type dbOptions struct {
	dir    string
	maxAge string
	keys   []string
}

func (o *dbOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.dir, "db", "", "`DIR` of the database (default: what db update fetched, else the one in the program)")
	f.StringArrayVar(&o.keys, "db-key", nil, "PEM `FILE` of a public key: the database must be signed by it; may be repeated")
	f.StringVar(&o.maxAge, "db-max-age", "", "refuse a database that is older than `AGE`, as in 72h or 7d")
}

// defaultDBDir is where db update puts a database; empty when the system names no place.
func (g *global) defaultDBDir() string {
	if home := g.cacheHome(); home != "" {
		return filepath.Join(home, "db")
	}
	return ""
}

// open opens the database that was named, or the fetched one, or the one in the program.
func (o *dbOptions) open(_ context.Context, g *global) (*advisory.DB, error) {
	db, err := o.trusted(g)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	if o.maxAge == "" {
		return db, nil
	}
	if err := o.fresh(db, g.env.Now()); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// fresh holds a database against --db-max-age. One from the future is as old as anybody wants it to be.
func (o *dbOptions) fresh(db *advisory.DB, now time.Time) error {
	limit, err := parseAge(o.maxAge)
	if err != nil {
		return usage("--db-max-age %v", err)
	}
	built := db.Manifest().Built
	switch age := now.Sub(built); {
	case age > limit:
		return exitError{exitIncomplete, errorf("the database was built on %s, %d days ago, and --db-max-age is %s: fetch a newer one with plimsoll db update",
			built.Format(time.DateOnly), int(age.Hours()/24), o.maxAge)}
	case age < -maxClock:
		return exitError{exitIncomplete, errorf("the database says it was built on %s, which is yet to come, so its age cannot be told, and --db-max-age is %s: a clock is wrong, here or where it was built",
			built.Format(time.DateOnly), o.maxAge)}
	}
	return nil
}

// maxClock is by how much clocks may differ.
const maxClock = 24 * time.Hour

// trusted finds the database, signed as --db-key wants it. One that is replaced in the moment between
// its manifest and its signature is opened again.
func (o *dbOptions) trusted(g *global) (*advisory.DB, error) {
	for again := 0; ; again++ {
		db, err := o.find(g)
		if err != nil || len(o.keys) == 0 {
			return db, err
		}
		if err = verifySigned(db, o.keys); err == nil {
			return db, nil
		}
		now, _ := fs.ReadFile(db.FS(), advisory.ManifestName)
		replaced := !bytes.Equal(now, db.Raw())
		db.Close()
		if !replaced || again == 10 {
			return nil, err
		}
	}
}

// verifySigned wants the manifest to be signed by one of these keys. It names the digest of every
// shard, which is held against the shard when it is read. The database in the program is part of it, and
// as trustworthy as the program.
func verifySigned(db *advisory.DB, files []string) error {
	if db.Describe().Embedded {
		return nil
	}
	var keys []ed25519.PublicKey
	for _, f := range files {
		k, err := signature.ReadPublic(f)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	sig, err := fs.ReadFile(db.FS(), advisory.SignatureName)
	if err != nil {
		return fmt.Errorf("the database is not signed, and --db-key wants it to be: %w", err)
	}
	_, err = signature.Verify(db.Raw(), sig, keys)
	return err
}

func (o *dbOptions) find(g *global) (*advisory.DB, error) {
	if o.dir != "" {
		return advisory.Open(o.dir)
	}
	if dir := g.defaultDBDir(); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, advisory.ManifestName)); err == nil {
			return advisory.Open(dir)
		}
	}
	return snapshot.Open()
}

func newDB(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "db", Short: "Show, look into, build, fetch and export the database of advisories",
		Example: "  plimsoll db status\n  plimsoll db lookup npm lodash\n  plimsoll db build --from ./mirror --db ./db",
	}
	cmd.AddCommand(newDBStatus(g), newDBLookup(g), newDBBuild(g), newDBUpdate(g), newDBExport(g))
	return cmd
}
