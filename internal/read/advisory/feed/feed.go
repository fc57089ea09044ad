// Package feed says what every reader of a vulnerability feed gives: records in one form, whatever the
// layout. Each official layout has a folder.
package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pandatix/go-cvss/30"
	"github.com/pandatix/go-cvss/31"
	"github.com/pandatix/go-cvss/40"

	gocvss20 "github.com/pandatix/go-cvss/20"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// Record is one advisory: facts about it, and the packages that it speaks of. Vulnerability.Aliases
// are as the feed gives them, not yet folded with other feeds'.
type Record struct {
	advisory.Vulnerability
	Rejected bool // the id was taken back: nothing is to be said under it
	Affected []Affected
}

// Affected is a row on one package of one ecosystem.
type Affected struct {
	Ecosystem, Package string
	Row                advisory.Row
}

// Sink takes records one by one; it may keep them.
type Sink func(Record) error

// Info is what a reader says of the feed as a whole.
type Info struct {
	Records  int
	Modified time.Time // the newest change that the feed itself names; zero when it names none
}

// Seen counts a record and remembers the newest change.
func (i *Info) Seen(modified time.Time) {
	i.Records++
	if modified.After(i.Modified) {
		i.Modified = modified
	}
}

// ErrLimit is wrapped when a feed is larger than any honest one.
var ErrLimit = errors.New("limit reached")

// MaxDocument bounds one JSON document of a feed, in bytes.
const MaxDocument = 64 << 20

// DecodeObject streams the members of one JSON object: each is decoded by member, which is told its
// key. It fails when the document is cut short or something follows it.
func DecodeObject(r io.Reader, member func(key string, d *json.Decoder) error) error {
	d := json.NewDecoder(r)
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return short(err)
		}
		name, _ := key.(string)
		if err := member(name, d); err != nil {
			return short(err)
		}
	}
	if err := delim(d, '}'); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the document")
	}
	return nil
}

// DecodeArray streams the elements of one JSON array.
func DecodeArray(d *json.Decoder, element func(d *json.Decoder) error) error {
	if err := delim(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := element(d); err != nil {
			return short(err)
		}
	}
	return delim(d, ']')
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return short(err)
	}
	if t != want {
		return fmt.Errorf("%v stands where %v ought to", t, want)
	}
	return nil
}

// short says plainly that a document was cut.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is cut short")
	}
	return err
}

// Rate makes a rating of a CVSS vector (FIRST, CVSS v2, v3.0, v3.1 and v4.0); false when it is none.
func Rate(source, vector string) (finding.Rating, bool) {
	score, ok := score(vector)
	if !ok {
		return finding.Rating{}, false
	}
	return finding.Rating{Source: source, Severity: finding.SeverityOf(score), Vector: vector, Score: score}, true
}

func score(vector string) (float64, bool) {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := gocvss40.ParseVector(vector); err == nil {
			return v.Score(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := gocvss31.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := gocvss30.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(vector, "AV:"):
		if v, err := gocvss20.ParseVector(vector); err == nil {
			return v.BaseScore(), true
		}
	}
	return 0, false
}

// Time reads a date or a moment as feeds write them; zero when it is neither, or before there were
// computers.
func Time(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05.000", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1970 {
			return t.UTC()
		}
	}
	return time.Time{}
}
