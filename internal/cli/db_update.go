package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/signature"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/advisory/update"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
)

// trusted are the keys built into the program and those of files.
func trusted(files []string) ([]ed25519.PublicKey, error) {
	keys, err := signature.Builtin()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		k, err := signature.ReadPublic(f)
		if err != nil {
			return nil, usage("--db-key %v", err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// signers are the private keys of files.
func signers(files []string) ([]ed25519.PrivateKey, error) {
	var keys []ed25519.PrivateKey
	for _, f := range files {
		k, err := signature.ReadPrivate(f)
		if err != nil {
			return nil, usage("--sign-key %v", err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

type updateOptions struct {
	from     []string
	dir      string
	keys     []string
	unsigned bool
	older    bool
	offline  bool
	stall    time.Duration

	ca, plainHTTP []string
}

func newDBUpdate(g *global) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use: "update --from MIRROR...", Short: "Fetch a newer database from a mirror", Args: words(0, 0),
		Long: "Update asks the mirrors in their order, and fetches only the shards that have changed. A transfer that\n" +
			"breaks off is taken up again the next time; the present database stays in force until the new one is whole.\n\n" +
			"A MIRROR is an https:// (or http://) address, or a folder: what db build and db export write; or oci: and an\n" +
			"artifact of a registry whose layers are those files, each with its name as title (as oras push makes it). A\n" +
			"database from anywhere but a folder must carry a signature by a key that is built into the program or named with\n" +
			"--db-key. An older database than the present one is refused.",
		Example: "  plimsoll db update --from https://mirror.example.com/plimsoll --db-key mirror.pem\n" +
			"  plimsoll db update --from /mnt/share/plimsoll-db\n" +
			"  PLIMSOLL_FROM=https://mirror.example.com/plimsoll plimsoll db update",
		RunE: func(cmd *cobra.Command, _ []string) error { return runUpdate(cmd.Context(), g, &o) },
	}
	f := cmd.Flags()
	f.Var(repeated(&o.from), "from", "`MIRROR` to ask; may be repeated")
	f.StringVar(&o.dir, "db", "", "`DIR` of the database (default: in the user's cache folder)")
	f.Var(repeated(&o.keys), "db-key", "PEM `FILE` of a public key to trust; may be repeated")
	f.BoolVar(&o.unsigned, "allow-unsigned", false, "take a database that no trusted key has signed: whoever controls the mirror or the way to it decides what is vulnerable")
	f.BoolVar(&o.older, "allow-older", false, "take a database that is older than the present one")
	f.BoolVar(&o.offline, "offline", false, "touch no network: only folders are asked")
	f.Var(repeated(&o.ca), "ca", "PEM `FILE` of an authority to trust for mirrors and registries; may be repeated")
	f.Var(repeated(&o.plainHTTP), "plain-http", "`HOST[:PORT]` of a registry that is spoken to without TLS; may be repeated")
	f.DurationVar(&o.stall, "stall", 30*time.Second, "how long a mirror may be silent (`TIME`)")
	return cmd
}

func runUpdate(ctx context.Context, g *global, o *updateOptions) error {
	dir := o.dir
	if dir == "" {
		dir = g.defaultDBDir()
	}
	if dir == "" {
		return usage("this system names no folder for the database: give one with --db")
	}
	if len(o.from) == 0 {
		return usage("name a mirror with --from, or with PLIMSOLL_FROM: there is no public one yet; plimsoll db build makes a database of your own")
	}
	if err := advisory.Vacant(dir); err != nil {
		return usage("--db: %v", err)
	}
	keys, err := trusted(o.keys)
	if err != nil {
		return err
	}
	if err := readable(o.ca); err != nil {
		return err
	}
	uo := update.Options{Dir: dir, Trusted: keys, Unsigned: o.unsigned, Older: o.older, Stall: o.stall, Now: g.env.Now(), Progress: g.transfer}
	if builtin, err := snapshot.Open(); err == nil {
		uo.Floor = builtin.Manifest().Built
		builtin.Close()
	}
	for _, word := range o.from {
		m, err := mirror(word, o.offline, registry.Options{CA: o.ca, PlainHTTP: o.plainHTTP, Idle: o.stall})
		if err != nil {
			return exitError{exitUsage, err}
		}
		uo.Mirrors = append(uo.Mirrors, m)
	}
	r, err := update.Run(ctx, uo)
	if g.env.Progress && !g.quiet {
		fmt.Fprint(g.env.Stderr, "\r\x1b[K")
	}
	for _, w := range r.Warnings {
		g.say("plimsoll: %s", w)
	}
	if errors.Is(err, update.ErrOlder) {
		err = fmt.Errorf("%w; --allow-older takes it all the same", err)
	}
	if err != nil {
		return err
	}
	return reportUpdate(g, dir, r)
}

func reportUpdate(g *global, dir string, r update.Result) error {
	built := r.Manifest.Built.Format(time.DateOnly)
	if r.Unchanged {
		_, err := fmt.Fprintf(g.env.Stdout, "%s: up to date, built %s\n", dir, built)
		return err
	}
	by := "unsigned"
	if r.SignedBy != "" {
		by = "signed by key " + r.SignedBy
	}
	_, err := fmt.Fprintf(g.env.Stdout, "%s: built %s, %s; %s fetched, %s\n", dir, built, by, count(r.Fetched, "shard"), bytesOf(r.Bytes))
	return err
}

// mirror takes a word for an artifact of a registry, an address or a folder.
func mirror(word string, offline bool, o registry.Options) (update.Mirror, error) {
	if reference, ok := strings.CutPrefix(word, "oci:"); ok {
		if offline {
			return update.Mirror{}, fmt.Errorf("mirror %s is not asked: --offline is given", word)
		}
		return ociMirror(strings.TrimPrefix(reference, "//"), o), nil
	}
	if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
		if offline {
			return update.Mirror{}, fmt.Errorf("mirror %s is not asked: --offline is given", word)
		}
		client, err := registry.Client(o)
		if err != nil {
			return update.Mirror{}, err
		}
		return update.HTTP(word, client)
	}
	if scheme, _, ok := strings.Cut(word, "://"); ok && scheme != "file" {
		return update.Mirror{}, fmt.Errorf("mirror %q: use https://, http://, oci: or a folder", word)
	}
	return update.Folder(strings.TrimPrefix(word, "file://")), nil
}

// transfer shows how far a fetch has come.
func (g *global) transfer(p update.Progress) {
	if g.env.Progress && !g.quiet {
		fmt.Fprintf(g.env.Stderr, "\r\x1b[K%.40s: %s of %s", printable(p.Mirror), bytesOf(p.Done), bytesOf(p.Size))
	}
}

func newDBExport(g *global) *cobra.Command {
	var o dbOptions
	var to string
	var keys []string
	cmd := &cobra.Command{
		Use: "export --to DIR", Short: "Write the database in force as a mirror, for others to update from", Args: words(0, 0),
		Long: "Export writes the database that a scan would use, every byte of it verified: a folder that db update\n" +
			"takes as it is, and that any web server can offer. With --sign-key it is signed.",
		Example: "  plimsoll db export --to ./mirror\n  plimsoll db export --to ./mirror --sign-key key.pem",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return usage("name the folder to write: plimsoll db export --to DIR")
			}
			if err := advisory.Vacant(to); err != nil {
				return usage("--to: %v", err)
			}
			private, err := signers(keys)
			if err != nil {
				return err
			}
			db, err := o.open(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer db.Close()
			if err := update.Export(db.FS(), to, private...); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.env.Stdout, "%s: %s\n", to, count(len(db.Manifest().Shards), "shard"))
			return err
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&to, "to", "", "`DIR` to write")
	cmd.Flags().Var(repeated(&keys), "sign-key", "PEM `FILE` of an ed25519 private key (PKCS #8) to sign with; may be repeated")
	return cmd
}
