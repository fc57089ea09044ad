// Package kev reads CISA's catalogue of known exploited vulnerabilities
// (https://www.cisa.gov/known-exploited-vulnerabilities-catalog, JSON).
package kev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

// Read returns when each id was listed.
func Read(r io.Reader) (map[string]time.Time, feed.Info, error) {
	var info feed.Info
	var doc struct {
		Released        string `json:"dateReleased"`
		Count           int    `json:"count"`
		Vulnerabilities []struct {
			ID    string `json:"cveID"`
			Added string `json:"dateAdded"`
		} `json:"vulnerabilities"`
	}
	b, err := io.ReadAll(io.LimitReader(r, feed.MaxDocument+1))
	if err != nil {
		return nil, info, err
	}
	if len(b) > feed.MaxDocument {
		return nil, info, fmt.Errorf("%w: more than %d bytes", feed.ErrLimit, feed.MaxDocument)
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, info, fmt.Errorf("the catalogue is no JSON, it may be cut short: %w", err)
	}
	if doc.Vulnerabilities == nil {
		return nil, info, errors.New("the catalogue lists no vulnerabilities")
	}
	if doc.Count != 0 && doc.Count != len(doc.Vulnerabilities) {
		return nil, info, fmt.Errorf("the catalogue says that it lists %d vulnerabilities, it lists %d", doc.Count, len(doc.Vulnerabilities))
	}
	listed := make(map[string]time.Time, len(doc.Vulnerabilities))
	for _, v := range doc.Vulnerabilities {
		listed[v.ID] = feed.Time(v.Added)
	}
	info.Records, info.Modified = len(listed), feed.Time(doc.Released)
	return listed, info, nil
}
