// Package snapshot is the database that the program carries, so that the first scan works with nothing
// downloaded. It holds facts only: ids, packages, ranges, severities, dates. Its own manifest says how
// old it is and what its feeds lack; every report repeats that.
//
// The files under data are made by the command in folder gen from the mirror of the feeds that
// PLIMSOLL_FEEDS names.
package snapshot

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

//go:generate go run ./gen -from=$PLIMSOLL_FEEDS -built 2026-11-01T00:00:00Z

//go:embed data
var files embed.FS

// Open opens the embedded database. Nothing is read but the manifest.
func Open() (*advisory.DB, error) {
	data, err := fs.Sub(files, "data")
	if err != nil {
		return nil, err
	}
	db, err := advisory.OpenFS(data)
	if err != nil {
		return nil, fmt.Errorf("open the embedded database: %w", err)
	}
	return db.Embedded(), nil
}
