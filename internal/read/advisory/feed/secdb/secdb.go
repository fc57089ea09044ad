// Package secdb reads Alpine's security database and what follows its layout, as Wolfi does
// (https://secdb.alpinelinux.org): package → version → ids that it fixes.
package secdb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

const maxPackages = 500_000

type entry struct {
	Pkg struct {
		Name     string              `json:"name"`
		SecFixes map[string][]string `json:"secfixes"`
	} `json:"pkg"`
}

// Read gives a record for every id of every package. Ecosystem is what packages ask for: Alpine:v3.11,
// Wolfi.
func Read(ctx context.Context, r io.Reader, ecosystem, name string, sink feed.Sink) (feed.Info, error) {
	var info feed.Info
	found := false
	err := feed.DecodeObject(r, func(key string, d *json.Decoder) error {
		if key != "packages" {
			var skipped json.RawMessage
			return d.Decode(&skipped)
		}
		found = true
		return feed.DecodeArray(d, func(d *json.Decoder) error {
			if info.Records++; info.Records > maxPackages {
				return fmt.Errorf("%w: more than %d packages", feed.ErrLimit, maxPackages)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var e entry
			if err := d.Decode(&e); err != nil {
				return err
			}
			return e.records(ecosystem, name, sink)
		})
	})
	if err == nil && !found {
		err = fmt.Errorf("it lists no packages")
	}
	return info, err
}

// records turns fixes into rows. Version 0 says that the package never was affected.
func (e *entry) records(ecosystem, name string, sink feed.Sink) error {
	for version, ids := range e.Pkg.SecFixes {
		for _, id := range idsOf(ids) {
			row := advisory.Row{ID: id, Feed: name, Ranges: []advisory.Range{{Fixed: version}}}
			if version == "0" {
				row.Ranges, row.Unaffected = nil, true
			}
			err := sink(feed.Record{
				Vulnerability: advisory.Vulnerability{ID: id},
				Affected:      []feed.Affected{{Ecosystem: ecosystem, Package: e.Pkg.Name, Row: row}},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// idsOf takes entries apart: some name several ids, or remarks in brackets.
func idsOf(entries []string) []string {
	var ids []string
	for _, entry := range entries {
		for _, word := range strings.FieldsFunc(entry, func(r rune) bool { return strings.ContainsRune(" \t,()+", r) }) {
			if isID(word) {
				ids = append(ids, word)
			}
		}
	}
	return ids
}

func isID(word string) bool {
	prefix, rest, ok := strings.Cut(word, "-")
	return ok && rest != "" && prefix == strings.ToUpper(prefix) && len(prefix) >= 2
}
