// Package update brings a database from a mirror into a folder, and writes mirrors.
//
// Of a mirror's manifest only what changed is fetched: shards are named by their digests, and those at
// hand are kept. Nothing is in force before everything is verified; then one rename makes it so.
// Whatever goes wrong before leaves the old database as it was, and what was fetched for the next try.
package update

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/signature"
)

// Options of an update.
type Options struct {
	Dir      string
	Mirrors  []Mirror // in the order in which they are asked
	Trusted  []ed25519.PublicKey
	Unsigned bool // take from a remote mirror what no trusted key has signed
	Older    bool // take a database that is older than the present one

	Floor    time.Time     // the date of the database in force where the folder has none: the program's own
	MaxBytes int64         // of all shards; 0: 4 GiB
	Stall    time.Duration // how long a mirror may be silent; 0: 30 s
	Now      time.Time     // zero: the clock's

	Progress func(Progress) // nil: nobody wants to know
}

// Progress says how far a mirror's shards are.
type Progress struct {
	Mirror     string
	Shard      string
	Done, Size int64 // bytes of all shards that are wanted
}

// Result says what an update did.
type Result struct {
	Mirror    string
	Unchanged bool // the present database is what the mirror has
	Manifest  advisory.Manifest
	SignedBy  string   // the id of the key; empty: nobody who is trusted
	Fetched   int      // shards
	Bytes     int64    // that came over
	Warnings  []string // mirrors that failed before, feeds that shrank
}

// ErrOlder says that a mirror has an older database than the one at hand. An old one that was signed
// once could hide what became known since, so it is taken only on demand.
var ErrOlder = errors.New("it is older than the present one")

const (
	maxManifest  = 4 << 20
	maxSignature = 64 << 10
	maxClock     = 24 * time.Hour // by which clocks may differ
)

// Run asks the mirrors one after the other until one has a database that can be taken.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 4 << 30
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if len(o.Mirrors) == 0 {
		return Result{}, errors.New("update database: no mirror is named")
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Result{}, fmt.Errorf("update database: %w", err)
	}
	u := &updater{o: o, present: readPresent(o.Dir)}
	var errs []error
	for _, m := range o.Mirrors {
		result, err := u.from(ctx, m)
		if err == nil {
			for _, err := range errs {
				result.Warnings = append(result.Warnings, err.Error())
			}
			return result, nil
		}
		var local errLocal
		if errors.As(err, &local) || ctx.Err() != nil {
			return Result{}, fmt.Errorf("update database: %w", err)
		}
		errs = append(errs, fmt.Errorf("mirror %s: %w", m.Name, err))
	}
	return Result{}, fmt.Errorf("update database: %w", errors.Join(errs...))
}

type updater struct {
	o       Options
	present present
	bytes   int64
}

// from takes the database of one mirror.
func (u *updater) from(ctx context.Context, m Mirror) (Result, error) {
	u.bytes = 0
	offer, err := u.offer(ctx, m)
	if err != nil {
		return Result{}, err
	}
	if err := u.acceptable(offer.manifest); err != nil {
		return Result{}, err
	}
	result := Result{Mirror: m.Name, Manifest: offer.manifest, SignedBy: offer.signedBy, Warnings: shrunk(u.present.manifest, offer.manifest)}
	if result.Fetched, err = u.shards(ctx, m, offer.manifest); err != nil {
		return Result{}, err
	}
	result.Unchanged = result.Fetched == 0 && string(offer.raw) == string(u.present.raw)
	result.Bytes = u.bytes
	if !result.Unchanged || string(offer.signature) != string(u.present.signature) {
		err = advisory.Swap(u.o.Dir, offer.raw, offer.signature, u.o.Now)
	}
	if err == nil {
		err = writeOrigin(u.o.Dir, m, offer)
	}
	if err != nil {
		return Result{}, errLocal{u.o.Dir, err, ""}
	}
	return result, nil
}

// shards brings those that the folder lacks, and returns how many.
func (u *updater) shards(ctx context.Context, m Mirror, manifest advisory.Manifest) (int, error) {
	var missing []advisory.ShardInfo
	progress := Progress{Mirror: m.Name}
	for _, s := range manifest.Shards {
		if !advisory.HasShard(u.o.Dir, s) {
			missing = append(missing, s)
			progress.Size += s.Size
		}
	}
	for _, s := range missing {
		if u.o.Progress != nil {
			progress.Shard = s.Name
			u.o.Progress(progress)
		}
		if err := u.shard(ctx, m, s); err != nil {
			return 0, err
		}
		progress.Done += s.Size
	}
	return len(missing), nil
}

// offer is what a mirror has, with its signature checked.
type offer struct {
	raw, signature []byte
	manifest       advisory.Manifest
	tag, signedBy  string
}

func (u *updater) offer(ctx context.Context, m Mirror) (offer, error) {
	var o offer
	var unchanged bool
	var err error
	o.raw, o.tag, unchanged, err = u.small(ctx, m, Request{Name: advisory.ManifestName, Tag: u.present.tagFrom(m)}, maxManifest)
	if err != nil {
		return o, err
	}
	if unchanged {
		o.raw, o.signature = u.present.raw, u.present.signature
	} else if o.signature, _, _, err = u.small(ctx, m, Request{Name: advisory.SignatureName}, maxSignature); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	o.signedBy, err = signature.Verify(o.raw, o.signature, u.o.Trusted)
	switch {
	case errors.Is(err, signature.ErrUnsigned) && (m.Local || u.o.Unsigned):
	case errors.Is(err, signature.ErrUnsigned):
		return o, fmt.Errorf("its database is not taken: %w; name the public key of who made it with --db-key", err)
	case err != nil:
		return o, err
	}
	o.manifest, err = advisory.ParseManifest(o.raw)
	return o, err
}

// small fetches a small file whole.
func (u *updater) small(ctx context.Context, m Mirror, r Request, limit int64) (b []byte, tag string, unchanged bool, err error) {
	answer, err := fetch(ctx, m, r, u.o.Stall)
	if err != nil || answer.Unchanged {
		return nil, answer.Tag, answer.Unchanged, err
	}
	defer answer.Body.Close()
	b, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	if err != nil {
		return nil, "", false, fmt.Errorf("fetch %s: %w", r.Name, err)
	}
	u.bytes += int64(len(b))
	return b, answer.Tag, false, nil
}

// acceptable holds an offer against the present database, the clock and the bounds.
func (u *updater) acceptable(m advisory.Manifest) error {
	total := int64(0)
	for _, s := range m.Shards {
		if total += s.Size; s.Size > u.o.MaxBytes || total > u.o.MaxBytes {
			return fmt.Errorf("its database has more than %d bytes", u.o.MaxBytes)
		}
	}
	if m.Built.After(u.o.Now.Add(maxClock)) {
		return fmt.Errorf("its database says it was built on %s, which is yet to come: a clock is wrong, here or there", m.Built.Format(time.DateOnly))
	}
	present := u.present.manifest.Built
	if u.present.raw == nil {
		present = u.o.Floor
	}
	if m.Built.Before(present) && !u.o.Older {
		return fmt.Errorf("its database was built on %s, the present one on %s: %w", m.Built.Format(time.RFC3339), present.Format(time.RFC3339), ErrOlder)
	}
	return nil
}

// shrunk warns of feeds that lost more than half of their records, or are gone: more often somebody's
// mistake on the way than the feed's own doing.
func shrunk(before, after advisory.Manifest) []string {
	now := map[string]int{}
	for _, s := range after.Sources {
		now[s.Name] = s.Records
	}
	var warnings []string
	for _, s := range before.Sources {
		if n, ok := now[s.Name]; !ok {
			warnings = append(warnings, fmt.Sprintf("feed %s is gone; it had %d records", s.Name, s.Records))
		} else if n < s.Records/2 {
			warnings = append(warnings, fmt.Sprintf("feed %s has %d records, it had %d", s.Name, n, s.Records))
		}
	}
	return warnings
}
