package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// attempts is how often a transfer is taken up again without having come further.
const attempts = 3

// abandoned is how long nobody has written to a part before another process may take it up.
const abandoned = 2 * time.Minute

// errLocal marks errors of this machine's disk: another mirror would not help.
type errLocal struct {
	dir  string
	err  error
	what string // of the database that was there
}

func (e errLocal) Error() string { return fmt.Sprintf("write database %s: %v%s", e.dir, e.err, e.what) }
func (e errLocal) Unwrap() error { return e.err }

// unswapped is an error before anything is in force.
func (u *updater) unswapped(err error) error {
	return errLocal{u.o.Dir, err, "; the database that was there is unchanged"}
}

// shard brings one shard into the folder, verified. What an earlier run has left of it is taken up.
func (u *updater) shard(ctx context.Context, m Mirror, info advisory.ShardInfo) error {
	f, err := claim(u.o.Dir, info.File)
	if err != nil {
		return u.unswapped(err)
	}
	err = u.transfer(ctx, m, info, f)
	if err == nil {
		err = advisory.VerifyShard(f, info)
		if err != nil && f.Truncate(0) == nil { // a part of something else, or bytes that were changed: once more, whole
			if err = u.transfer(ctx, m, info, f); err == nil {
				err = advisory.VerifyShard(f, info)
			}
			if err != nil {
				_ = f.Truncate(0)
			}
		}
	}
	return errors.Join(err, u.release(f, info.File, err == nil))
}

// transfer appends to a part until it has the shard's size. A transfer that breaks is taken up where it
// ended, as long as each try comes further than all before.
func (u *updater) transfer(ctx context.Context, m Mirror, info advisory.ShardInfo, f *os.File) error {
	furthest, failed := int64(-1), 0
	for {
		at, err := f.Seek(0, io.SeekEnd)
		if err == nil && at > info.Size {
			at, err = 0, f.Truncate(0) // what was left there is something else
		}
		if err != nil {
			return u.unswapped(err)
		}
		if at == info.Size {
			return nil
		}
		if at > furthest {
			furthest, failed = at, 0
		} else if failed++; failed == attempts {
			return fmt.Errorf("fetch shard %s: %d of %d bytes came", info.Name, at, info.Size)
		}
		n, err := u.append(ctx, m, info, f, at)
		u.bytes += n
		var local errLocal
		if err != nil && (errors.As(err, &local) || ctx.Err() != nil || errors.Is(err, fs.ErrNotExist) || failed == attempts-1) {
			return fmt.Errorf("fetch shard %s: %w", info.Name, err)
		}
		if err != nil && n == 0 {
			pause(ctx, time.Duration(failed+1)*200*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// append writes what the mirror gives from a byte on.
func (u *updater) append(ctx context.Context, m Mirror, info advisory.ShardInfo, f *os.File, at int64) (int64, error) {
	answer, err := fetch(ctx, m, Request{Name: info.File, Offset: at}, u.o.Stall)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.Offset != at { // the mirror gives whole files only
		if err := f.Truncate(0); err != nil {
			return 0, u.unswapped(err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return 0, u.unswapped(err)
		}
		at = 0
	}
	return io.Copy(disk{f, u}, io.LimitReader(answer.Body, info.Size-at))
}

// disk tells errors of writing from those of reading.
type disk struct {
	f *os.File
	u *updater
}

func (d disk) Write(p []byte) (int, error) {
	n, err := d.f.Write(p)
	if err != nil {
		err = d.u.unswapped(err)
	}
	return n, err
}

func part(dir, digest string) string { return filepath.Join(dir, advisory.TempPrefix+digest) }

// claim opens the part of a shard for this process alone: a part that an earlier run has left is taken
// by renaming it, which one process can do only.
func claim(dir, digest string) (*os.File, error) {
	fresh, err := os.CreateTemp(dir, advisory.TempPrefix+digest+".")
	if err != nil {
		return nil, err
	}
	left := []string{part(dir, digest)}
	others, _ := filepath.Glob(part(dir, digest) + ".*")
	for _, other := range others {
		if info, err := os.Lstat(other); err == nil && other != fresh.Name() && time.Since(info.ModTime()) > abandoned {
			left = append(left, other)
		}
	}
	for _, name := range left {
		if os.Rename(name, fresh.Name()) != nil {
			continue
		}
		f, err := os.OpenFile(fresh.Name(), os.O_RDWR, 0)
		if err == nil {
			fresh.Close()
			return f, nil
		}
	}
	return fresh, nil
}

// release closes a part and gives it its name: the shard's when it is whole, and one under which the
// next run finds it when it is not.
func (u *updater) release(f *os.File, digest string, whole bool) error {
	name := part(u.o.Dir, digest)
	var err error
	if whole {
		name = filepath.Join(u.o.Dir, digest)
		err = errors.Join(f.Chmod(0o644), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return u.unswapped(err)
	}
	return nil
}
