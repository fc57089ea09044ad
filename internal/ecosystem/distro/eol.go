package distro

import (
	_ "embed"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

//go:embed eol.txt
var table string

// TableDate is when the table of ends was last held against what distributions publish: a release
// that came after it is not in there.
const TableDate = "2026-05-01"

// EndOfLife is the last day on which everybody gets security fixes for a release: for Debian that of
// Long Term Support, without what is sold on top elsewhere. It is false where none is known, as for
// what rolls (Wolfi, Alpine edge, Tumbleweed) or is newer than the table.
func EndOfLife(r ecosystem.Release) (time.Time, bool) {
	id := r.ID
	if id == "centos" && strings.Contains(r.Name, "Stream") {
		id = "centos-stream"
	}
	if strings.Contains(r.Version, "_alpha") {
		return time.Time{}, false
	}
	for _, version := range []string{r.Version, r.Minor(), r.Major(), r.Codename} {
		if date, ok := find(id, version); ok {
			return date, true
		}
	}
	return time.Time{}, false
}

// find looks up a line "ID VERSION END …". An image has one release, so the table is gone through as
// it is.
func find(id, version string) (time.Time, bool) {
	if id == "" || version == "" {
		return time.Time{}, false
	}
	for line := range strings.Lines(table) {
		w := strings.Fields(line)
		if len(w) < 3 || w[0] != id || w[1] != version {
			continue
		}
		date, err := time.Parse(time.DateOnly, w[2])
		return date, err == nil
	}
	return time.Time{}, false
}
