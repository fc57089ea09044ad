package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	f.Var(repeated(&o.keys), "db-key", "PEM `FILE` of a public key: the database must be signed by it, which the one in the program is not; may be repeated")
	f.StringVar(&o.maxAge, "db-max-age", "", "refuse a database that was built longer than `AGE` ago, or of feeds whose newest change is, as in 72h or 7d")
}

// defaultDBDir is where db update puts a database; empty when the system names no place.
func (g *global) defaultDBDir() string {
	if home := g.cacheHome(); home != "" {
		return filepath.Join(home, "db")
	}
	return ""
}

// open opens the database that was named, or the fetched one, or the one in the program. A wrong call, or
// a database that is not the one that was asked for, ends with status 2; one that is damaged or too old
// with 3.
func (o *dbOptions) open(_ context.Context, g *global) (*advisory.DB, error) {
	limit, keys, err := o.validate()
	if err != nil {
		return nil, err
	}
	db, err := o.trusted(g, keys)
	if err != nil {
		if o.dir != "" && !strings.HasPrefix(err.Error(), "--") {
			err = fmt.Errorf("--db: %w", err)
		}
		return nil, exitError{exitUsage, err}
	}
	if err := db.Check(); err != nil {
		db.Close()
		return nil, exitError{exitIncomplete, fmt.Errorf("%s: %w", o.place(g), err)}
	}
	if o.maxAge == "" {
		return db, nil
	}
	if err := o.fresh(db, limit, g.env.Now()); err != nil {
		db.Close()
		return nil, exitError{exitIncomplete, err}
	}
	return db, nil
}

// validate reads what the flags name, whether or not it comes to be needed.
func (o *dbOptions) validate() (limit time.Duration, keys []ed25519.PublicKey, err error) {
	if o.maxAge != "" {
		if limit, err = parseAge(o.maxAge); err != nil {
			return 0, nil, usage("--db-max-age %v", err)
		}
	}
	for _, f := range o.keys {
		k, err := signature.ReadPublic(f)
		if err != nil {
			return 0, nil, usage("--db-key: %v", err)
		}
		keys = append(keys, k)
	}
	return limit, keys, nil
}

// fresh holds a database against --db-max-age, by when it was built and by how far its feeds reach: a
// mirror that nobody fills is as old as what is in it, however often a database is built of it. One from
// the future is as old as anybody wants it to be.
func (o *dbOptions) fresh(db *advisory.DB, limit time.Duration, now time.Time) error {
	m := db.Manifest()
	for _, moment := range []struct {
		at                time.Time
		what, do, mistake string
	}{
		{m.Built, "the database was built on", "fetch a newer one with plimsoll db update", "a clock is wrong, here or where it was built"},
		{m.AsOf(), "the newest advisory in the database was changed on", "fill the mirror that it is built of, and build it again", "a feed has a wrong date: name the right one as asOf in sources.json of the mirror"},
	} {
		age := now.Sub(moment.at)
		switch day := moment.at.Format(time.DateOnly); {
		case moment.at.IsZero():
		case age > limit:
			return errorf("%s %s, %d days ago, and --db-max-age is %s: %s", moment.what, day, int(age.Hours()/24), o.maxAge, moment.do)
		case age < -maxClock:
			return errorf("%s %s, which is yet to come, so its age cannot be told, and --db-max-age is %s: %s", moment.what, day, o.maxAge, moment.mistake)
		}
	}
	return nil
}

// maxClock is by how much clocks may differ.
const maxClock = 24 * time.Hour

// trusted finds the database, signed as --db-key wants it. One that is replaced in the moment between
// its manifest and its signature is opened again.
func (o *dbOptions) trusted(g *global, keys []ed25519.PublicKey) (*advisory.DB, error) {
	for again := 0; ; again++ {
		db, err := o.find(g)
		if err != nil || len(keys) == 0 {
			return db, err
		}
		if err = o.verifySigned(db, keys, o.place(g)); err == nil {
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
// shard, which is held against the shard when it is read. The database in the program has no signature of
// its own: who asks for one gets no other database in its place, as when the fetched one is gone.
func (o *dbOptions) verifySigned(db *advisory.DB, keys []ed25519.PublicKey, place string) error {
	if db.Describe().Embedded {
		return errors.New("--db-key wants a signed database, and there is none but the one in the program, which is trusted as part of it and has no signature: " +
			"name a signed one with --db, fetch one with plimsoll db update, or leave --db-key out")
	}
	sig, err := fs.ReadFile(db.FS(), advisory.SignatureName)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the database in %s is not signed (it has no %s), and --db-key wants it to be: "+
			"build or export it with --sign-key, or fetch a signed one with plimsoll db update", place, advisory.SignatureName)
	}
	if err != nil {
		return fmt.Errorf("the database in %s: %w", place, err)
	}
	if _, err = signature.Verify(db.Raw(), sig, keys); err != nil {
		return fmt.Errorf("the database in %s: %w (by --db-key %s)", place, err, strings.Join(o.keys, ", "))
	}
	return nil
}

// place is where find finds.
func (o *dbOptions) place(g *global) string {
	if o.dir != "" {
		return o.dir
	}
	return g.defaultDBDir()
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
