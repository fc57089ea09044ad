package vuln

import (
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
)

// folding gathers the rows on one package by what they mean.
type folding struct {
	j       *judge
	found   map[string]*Match
	cleared map[string]bool // "never affected", says the distribution
	order   []string
	known   map[string]advisory.Vulnerability
	apart   map[string]bool // vulnerabilities that a row speaks of alone
}

// take adds a row that hits. An advisory that mends several vulnerabilities counts for each of them.
func (f *folding) take(subject int, row *advisory.Row, fixed string, rows []advisory.Row, compare func(a, b string) (int, error)) error {
	all, err := f.meant(row, rows)
	if err != nil {
		return err
	}
	for _, v := range all {
		if row.Unaffected {
			f.cleared[v.ID] = true
			continue
		}
		m := f.found[v.ID]
		if m == nil {
			m = &Match{Subject: subject, Vulnerability: v}
			f.found[v.ID] = m
			f.order = append(f.order, v.ID)
		}
		m.take(row, fixed, compare)
	}
	return nil
}

// meant is what a row counts for among the rows on its package: its vulnerability, or those that it
// covers and that no other row speaks of alone; nothing where another source knows better.
func (f *folding) meant(row *advisory.Row, rows []advisory.Row) ([]advisory.Vulnerability, error) {
	v, err := f.vulnerability(row.ID)
	if err != nil {
		return nil, err
	}
	if outranked, err := f.outranked(row, v.ID, rows); err != nil || outranked {
		return nil, err
	}
	if len(v.Covers) == 0 {
		return []advisory.Vulnerability{v}, nil
	}
	var all []advisory.Vulnerability
	for _, id := range v.Covers {
		one, err := f.vulnerability(id)
		if err != nil {
			return nil, err
		}
		told, err := f.toldApart(one.ID, rows)
		if err != nil {
			return nil, err
		}
		if told {
			continue
		}
		if len(one.Ratings) == 0 {
			one.Ratings = v.Ratings
		}
		all = append(all, one)
	}
	return all, nil
}

// Shown says, for each of the rows on one package, as which vulnerabilities a match with it is reported;
// none where another of the rows counts in its place.
func Shown(db advisory.Lookup, rows []advisory.Row) ([][]advisory.Vulnerability, error) {
	f := folding{j: &judge{db: db}, known: map[string]advisory.Vulnerability{}}
	out := make([][]advisory.Vulnerability, len(rows))
	for i := range rows {
		all, err := f.meant(&rows[i], rows)
		if err != nil {
			return nil, err
		}
		out[i] = all
	}
	return out, nil
}

func (f *folding) vulnerability(id string) (advisory.Vulnerability, error) {
	if v, ok := f.known[id]; ok {
		return v, nil
	}
	v, known, err := f.j.db.Vulnerability(id)
	if !known {
		v = advisory.Vulnerability{ID: id}
	}
	f.known[id] = v
	return v, err
}

// toldApart says whether a vulnerability has an advisory of its own among the rows. Another one that
// names it beside others does not speak of its versions then.
func (f *folding) toldApart(id string, rows []advisory.Row) (bool, error) {
	if f.apart == nil {
		f.apart = map[string]bool{}
		for i := range rows {
			v, err := f.vulnerability(rows[i].ID)
			if err != nil {
				return false, err
			}
			if len(v.Covers) == 0 {
				f.apart[v.ID] = true
			}
		}
	}
	return f.apart[id], nil
}

// outranked says whether a source that knows better has a row on the same vulnerability: what that
// one says of the affected versions counts then.
func (f *folding) outranked(row *advisory.Row, id string, rows []advisory.Row) (bool, error) {
	own := rank(row.ID)
	for i := range rows {
		if rank(rows[i].ID) >= own {
			continue
		}
		if v, err := f.vulnerability(rows[i].ID); err != nil || v.ID == id {
			return err == nil, err
		}
	}
	return false, nil
}

// rank orders advisories of packages by how closely their makers look at affected versions: the
// databases of Go and Rust are kept by the ecosystem itself, GitHub's is reviewed, PYSEC's is made
// from CVE records, and the rest is gathered from elsewhere. Distributions have one source each. What
// names a malicious package is never outranked: that of which versions it warns counts in any case.
func rank(id string) int {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "GO", "RUSTSEC", "MAL":
		return 0
	case "GHSA":
		return 1
	case "PYSEC":
		return 2
	}
	return 3
}
