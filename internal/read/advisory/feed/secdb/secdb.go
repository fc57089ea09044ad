// Package secdb reads Alpine's security database and what follows its layout, as Wolfi does
// (https://secdb.alpinelinux.org): package → version → ids that it fixes.
package secdb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

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
	for version, entries := range e.Pkg.SecFixes {
		for _, text := range entries {
			for _, v := range vulnerabilities(text) {
				row := advisory.Row{ID: v.ID, Feed: name, Ranges: []advisory.Range{{Fixed: version}}}
				if version == "0" {
					row.Ranges, row.Unaffected = nil, true
				}
				if err := sink(feed.Record{Vulnerability: v, Affected: []feed.Affected{{Ecosystem: ecosystem, Package: e.Pkg.Name, Row: row}}}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// vulnerabilities takes an entry apart. It is an id as a rule, or several that mean the same
// ("CVE-2016-6258 XSA-182"), sometimes with a remark in brackets; the CVE has the row then and the
// others are its names.
func vulnerabilities(entry string) []advisory.Vulnerability {
	text, _, _ := strings.Cut(entry, "(")
	var cves, others []string
	for _, id := range idForm().FindAllString(text, -1) {
		id = strings.NewReplacer("_", "-", " ", "-").Replace(id)
		if strings.HasPrefix(id, "CVE-") {
			cves = append(cves, id)
		} else {
			others = append(others, id)
		}
	}
	switch len(cves) {
	case 0:
		cves, others = others, nil
	case 1:
	default:
		others = nil // which is whose is not told
	}
	var all []advisory.Vulnerability
	for _, id := range cves {
		all = append(all, advisory.Vulnerability{ID: id, Aliases: others})
	}
	return all
}

// idForm is what stands for an id: CVE-2019-1234, also written CVE_2019-1234 and "CVE 2019-1234",
// GHSA-xxxx-xxxx-xxxx, XSA-182, TALOS-2017-0488, wnpa-sec-2017-18.
var idForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bCVE[-_ ]\d{4}[-_]\d{4,}\b|\b(?:[A-Z]{2,}[A-Z0-9]*|wnpa-sec)-[A-Za-z0-9][A-Za-z0-9:-]*\b`)
})
