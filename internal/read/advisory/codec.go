package advisory

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

// The values of a shard are written field by field: numbers as varints, strings and lists behind their
// length. Readers take nothing on trust: a length beyond the bytes that are left is an error.

var errCorrupt = errors.New("the bytes of a record make no sense")

type encoder struct{ b []byte }

func (e *encoder) number(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) texts(list []string) {
	e.number(uint64(len(list)))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) flag(set bool) {
	if set {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

// day keeps a date as days since 1970; 0 is none.
func (e *encoder) day(t time.Time) {
	if t.IsZero() || t.Unix() < 0 {
		e.number(0)
		return
	}
	e.number(uint64(t.Unix()/86400) + 1)
}

func (e *encoder) fraction(f float64) { e.number(uint64(math.Round(f * 1e5))) }

func (e *encoder) row(r *Row) {
	e.text(r.ID)
	e.text(r.Feed)
	e.text(string(r.Status))
	e.text(string(r.Severity))
	e.flag(r.Unaffected)
	e.text(r.Module)
	e.number(uint64(len(r.Ranges)))
	for _, g := range r.Ranges {
		e.text(g.Introduced)
		e.text(g.Fixed)
		e.text(g.LastAffected)
		e.text(g.Limit)
	}
	e.texts(r.Versions)
	e.texts(r.Arch)
	e.texts(r.Symbols)
}

func (e *encoder) vulnerability(v *Vulnerability) {
	e.text(v.ID)
	e.texts(v.Aliases)
	e.texts(v.Covers)
	e.number(uint64(len(v.Ratings)))
	for _, r := range v.Ratings {
		e.text(r.Source)
		e.text(string(r.Severity))
		e.text(r.Vector)
		e.number(uint64(math.Round(r.Score * 10)))
	}
	e.day(v.Published)
	e.day(v.Modified)
	e.day(v.KEV)
	e.fraction(v.EPSS)
	e.fraction(v.EPSSRank)
	e.flag(v.Malware)
	e.texts(v.CWEs)
}

// decoder cuts values out of a string without copying: what it returns are parts of the block.
type decoder struct {
	s   string
	err error
}

// number reads an unsigned varint, as encoding/binary writes it.
func (d *decoder) number() uint64 {
	var n uint64
	for i := 0; i < len(d.s) && i < binary.MaxVarintLen64; i++ {
		c := d.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.s = d.s[i+1:]
			return n
		}
	}
	d.fail()
	return 0
}

func (d *decoder) fail() {
	d.err = errCorrupt
	d.s = ""
}

// count reads how many things follow, each of at least one byte.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.s)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.count()
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}

func (d *decoder) texts() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, min(n, maxAhead))
	for range n {
		if d.err != nil {
			return nil
		}
		list = append(list, d.text())
	}
	return list
}

// maxAhead bounds what is allocated on the word of a count; more is allocated as it comes.
const maxAhead = 1024

func (d *decoder) flag() bool {
	if d.s == "" {
		d.fail()
		return false
	}
	set := d.s[0] != 0
	d.s = d.s[1:]
	return set
}

func (d *decoder) day() time.Time {
	n := d.number()
	if n == 0 || n > 1<<20 {
		return time.Time{}
	}
	return time.Unix(int64(n-1)*86400, 0).UTC()
}

func (d *decoder) fraction() float64 { return float64(d.number()) / 1e5 }

func (d *decoder) row() Row {
	r := Row{
		ID: d.text(), Feed: d.text(), Status: finding.Status(d.text()), Severity: finding.Severity(d.text()),
		Unaffected: d.flag(), Module: d.text(),
	}
	n := d.count()
	if n > 0 {
		r.Ranges = make([]Range, 0, min(n, maxAhead))
	}
	for range n {
		if d.err != nil {
			break
		}
		r.Ranges = append(r.Ranges, Range{d.text(), d.text(), d.text(), d.text()})
	}
	r.Versions, r.Arch, r.Symbols = d.texts(), d.texts(), d.texts()
	return r
}

func (d *decoder) vulnerability() Vulnerability {
	v := Vulnerability{ID: d.text(), Aliases: d.texts(), Covers: d.texts()}
	for range d.count() {
		if d.err != nil {
			break
		}
		r := finding.Rating{Source: d.text(), Severity: finding.Severity(d.text()), Vector: d.text()}
		r.Score = float64(d.number()) / 10
		v.Ratings = append(v.Ratings, r)
	}
	v.Published, v.Modified, v.KEV = d.day(), d.day(), d.day()
	v.EPSS, v.EPSSRank = d.fraction(), d.fraction()
	v.Malware = d.flag()
	v.CWEs = d.texts()
	return v
}

func decodeRows(s string) ([]Row, error) {
	d := &decoder{s: s}
	n := d.count()
	rows := make([]Row, 0, min(n, maxAhead))
	for range n {
		if d.err != nil {
			break
		}
		rows = append(rows, d.row())
	}
	return rows, d.err
}

func decodeVulnerability(s string) (Vulnerability, error) {
	d := &decoder{s: s}
	v := d.vulnerability()
	return v, d.err
}

// EncodeRows writes the rows on one package as a shard keeps them.
func EncodeRows(rows []Row) []byte {
	e := &encoder{}
	e.number(uint64(len(rows)))
	for i := range rows {
		e.row(&rows[i])
	}
	return e.b
}

// EncodeVulnerability writes the facts of one vulnerability as a shard keeps them.
func EncodeVulnerability(v Vulnerability) []byte {
	e := &encoder{}
	e.vulnerability(&v)
	return e.b
}
