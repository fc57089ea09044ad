// Package rpm knows the packages of rpm: those of Red Hat's family, SUSE, Amazon Linux and others.
//
// It reads rpm's database in each of the three forms that it has had, straight from the image's bytes
// and without rpm: Berkeley DB's hash (Packages), rpm's own NDB (Packages.db) and SQLite
// (rpmdb.sqlite, with what stands in its write-ahead log). All hold the same thing: a header for each
// package. Signatures, triggers and scripts are not read.
package rpm

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/rpm/rpmdb"
)

// Ecosystem is rpm.
var Ecosystem = ecosystem.Ecosystem{
	Name:         "rpm",
	Version:      1,
	Wants:        func(s ecosystem.Stat) bool { return slices.Contains(wanted, s.Path) },
	Read:         read,
	Late:         true,
	Fixed:        wanted,
	OneOf:        true,
	Database:     true,
	OS:           true,
	Advisories:   advisories,
	ThirdParty:   thirdParty,
	OtherRelease: otherRelease,
	Compare:      Compare,
}

// The forms of the database, newest first, and where it lies: SUSE and Fedora moved it below /usr,
// ostree keeps it in /usr/share.
const (
	sqliteFile = "rpmdb.sqlite"
	ndbFile    = "Packages.db"
	bdbFile    = "Packages"
	walSuffix  = "-wal"
)

var (
	forms   = []string{sqliteFile, ndbFile, bdbFile}
	folders = []string{"usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"}
	wanted  = candidates()
)

// candidates are all files that may be read, those that win first.
func candidates() []string {
	var all []string
	for _, form := range forms {
		for _, folder := range folders {
			all = append(all, path.Join(folder, form))
		}
	}
	for _, folder := range folders {
		all = append(all, path.Join(folder, sqliteFile+walSuffix))
	}
	return all
}

// read reads one database. Where a system was moved from one form to the next, the old file may still
// lie there: it then gives nothing, if the newer one in the same layer holds any package.
func read(ctx context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	if db, ok := strings.CutSuffix(f.Path, walSuffix); ok {
		return readLogAlone(f, db), nil
	}
	if newer(f) != "" {
		return ecosystem.Found{}, nil
	}
	headers, err := open(f)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read the rpm database: %w", err)
	}
	g := gather{provided: map[string]int{}, texts: map[string]string{}}
	for h, err := range headers {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = g.add(h)
		}
		if err != nil {
			return g.found(), fmt.Errorf("read the rpm database: %w", err)
		}
	}
	return g.found(), nil
}

// readLogAlone tells of a write-ahead log whose database is in another layer: what it changes there
// is not seen.
func readLogAlone(f *ecosystem.File, db string) (found ecosystem.Found) {
	if f.Sibling == nil || f.Size == 0 {
		return found
	}
	if _, ok := f.Sibling(db); !ok {
		found.Notes = []ecosystem.Note{{
			Class: "unreadable-database", Blocking: true,
			What: "the write-ahead log of the rpm database is in another layer than the database: packages that it adds or removes are not seen",
		}}
	}
	return found
}

// newer is the path of a database in the same layer that counts before f; empty where there is none.
func newer(f *ecosystem.File) string {
	if f.Sibling == nil {
		return ""
	}
	for _, other := range wanted {
		if other == f.Path {
			return ""
		}
		sibling, ok := f.Sibling(other)
		if !ok {
			continue
		}
		sibling.Sibling = f.Sibling
		if headers, err := open(sibling); err == nil {
			for _, err := range headers {
				if err == nil {
					return other
				}
				break
			}
		}
	}
	return ""
}

// open finds the reader for the form that a file has by its name.
func open(f *ecosystem.File) (rpmdb.Headers, error) {
	at, err := f.At()
	if err != nil {
		return nil, err
	}
	switch path.Base(f.Path) {
	case sqliteFile:
		return rpmdb.SQLite(at, f.Size, logOf(f))
	case ndbFile:
		return rpmdb.NDB(at, f.Size)
	}
	return rpmdb.BerkeleyDB(at, f.Size)
}

// logOf is the write-ahead log beside a SQLite database; empty where there is none.
func logOf(f *ecosystem.File) *io.SectionReader {
	if f.Sibling != nil {
		if log, ok := f.Sibling(f.Path + walSuffix); ok {
			if at, err := log.At(); err == nil {
				return io.NewSectionReader(at, 0, log.Size)
			}
		}
	}
	return io.NewSectionReader(strings.NewReader(""), 0, 0)
}
