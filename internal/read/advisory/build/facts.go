package build

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed/epss"
)

// facts folds what all feeds know of an id, and ids that mean the same.
type facts struct {
	byID     map[string]*advisory.Vulnerability // as the feeds' own ids
	parent   map[string]string                  // union-find over ids that mean the same
	cve      map[string]string                  // root → the one CVE of its set
	known    map[string]bool                    // ids that occur, for feeds of facts alone
	rejected map[string]bool
	kev      map[string]time.Time
	epss     map[string]epss.Score
	sets     map[string][]string // root → its ids, sorted
}

func newFacts() *facts {
	return &facts{byID: map[string]*advisory.Vulnerability{}, parent: map[string]string{}, cve: map[string]string{}, rejected: map[string]bool{}}
}

// add notes one record.
func (f *facts) add(r feed.Record) error {
	if r.Rejected {
		f.rejected[r.ID] = true
		return nil
	}
	v := f.byID[r.ID]
	if v == nil {
		v = &advisory.Vulnerability{ID: r.ID}
		f.byID[r.ID] = v
	}
	for _, a := range r.Aliases {
		v.Aliases = appendNew(v.Aliases, a)
	}
	merge(v, &r.Vulnerability)
	return nil
}

// merge adds what is said of a vulnerability to what is known of it; names are the caller's.
func merge(v, said *advisory.Vulnerability) {
	for _, c := range said.Covers {
		v.Covers = appendNew(v.Covers, c)
	}
	for _, c := range said.CWEs {
		v.CWEs = appendNew(v.CWEs, c)
	}
	for _, rating := range said.Ratings {
		if !slices.Contains(v.Ratings, rating) {
			v.Ratings = append(v.Ratings, rating)
		}
	}
	if v.Published.IsZero() || !said.Published.IsZero() && said.Published.Before(v.Published) {
		v.Published = said.Published
	}
	if said.Modified.After(v.Modified) {
		v.Modified = said.Modified
	}
	v.Malware = v.Malware || said.Malware
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// addKnown notes a record of a feed of facts alone, if its id occurs in the feeds before.
func (f *facts) addKnown(r feed.Record) error {
	if f.known == nil {
		f.known = map[string]bool{}
		for id, v := range f.byID {
			f.known[id] = true
			for _, list := range [][]string{v.Aliases, v.Covers} {
				for _, id := range list {
					f.known[id] = true
				}
			}
		}
	}
	if !f.known[r.ID] {
		return nil
	}
	return f.add(r)
}

// fold joins ids that mean the same, in the order of ids, so that the result does not depend on the
// order of feeds. An advisory that stands for several CVEs is no other name of any of them: it covers
// them, and what else it calls its aliases are those of its parts.
func (f *facts) fold() {
	ids := slices.Sorted(maps.Keys(f.byID))
	covering := f.covering(ids)
	for _, id := range ids {
		v := f.byID[id]
		if cves := covering[id]; len(cves) > 1 {
			for _, c := range cves {
				v.Covers = appendNew(v.Covers, c)
			}
			for _, a := range v.Aliases {
				if f.byID[a] != nil {
					v.Covers = appendNew(v.Covers, a)
				}
			}
			v.Aliases = nil
			continue
		}
		for _, a := range v.Aliases {
			if len(covering[a]) < 2 {
				f.join(id, a)
			}
		}
	}
	f.sets = map[string][]string{}
	for id := range f.parent {
		root := f.root(id)
		f.sets[root] = append(f.sets[root], id)
	}
	for root := range f.sets {
		slices.Sort(f.sets[root])
	}
}

// covering lists, for every id that is no CVE, the CVEs that some feed calls its equal, or the equal of
// what it calls its own.
func (f *facts) covering(ids []string) map[string][]string {
	of := f.equal(ids)
	all := maps.Clone(of)
	for _, id := range ids {
		for _, a := range f.byID[id].Aliases {
			if len(of[a]) == 1 && onlyCVE(id) == "" {
				all[id] = appendNew(slices.Clip(all[id]), of[a][0])
			}
		}
	}
	return all
}

// equal lists, for every id that is no CVE, the CVEs that some feed calls its equal.
func (f *facts) equal(ids []string) map[string][]string {
	of := map[string][]string{}
	for _, id := range ids {
		for _, a := range f.byID[id].Aliases {
			switch x, y := onlyCVE(id), onlyCVE(a); {
			case x == "" && y != "":
				of[id] = appendNew(of[id], a)
			case x != "" && y == "":
				of[a] = appendNew(of[a], id)
			}
		}
	}
	return of
}

// root is the id that stands for a set; the way to it is shortened, so that long chains stay cheap.
func (f *facts) root(id string) string {
	for f.parent[id] != "" && f.parent[id] != id {
		if up := f.parent[f.parent[id]]; up != "" {
			f.parent[id] = up
		}
		id = f.parent[id]
	}
	return id
}

// join makes two ids one, unless that would make one of two different CVEs: some feed's alias is
// wrong then, or stands for something related.
func (f *facts) join(a, b string) {
	a, b = f.root(a), f.root(b)
	ca, cb := cmp.Or(f.cve[a], onlyCVE(a)), cmp.Or(f.cve[b], onlyCVE(b))
	f.parent[a], f.parent[b] = a, b
	if a == b || ca != "" && cb != "" && ca != cb {
		return
	}
	f.parent[b] = a
	if c := cmp.Or(ca, cb); c != "" {
		f.cve[a] = c
	}
}

func onlyCVE(id string) string {
	if strings.HasPrefix(id, "CVE-") {
		return id
	}
	return ""
}

// set is all ids that mean the same as id, itself included.
func (f *facts) set(id string) []string {
	if s := f.sets[f.root(id)]; s != nil {
		return s
	}
	return []string{id}
}

// standing drops the rows of ids that were taken back, and orders the rest. Equal rows stand once.
func (f *facts) standing(rows []advisory.Row) []advisory.Row {
	rows = slices.DeleteFunc(rows, func(r advisory.Row) bool { return f.rejected[r.ID] })
	slices.SortStableFunc(rows, compareRows)
	return slices.CompactFunc(rows, func(a, b advisory.Row) bool {
		return compareRows(a, b) == 0 && a.Status == b.Status && a.Unaffected == b.Unaffected && slices.Equal(a.Versions, b.Versions)
	})
}

// write enters the facts of every id that a row uses, and of what those advisories cover.
func (f *facts) write(w *advisory.ShardWriter, used map[string]bool) int {
	want := map[string]bool{}
	for id := range used {
		want[f.root(id)] = true
		if v := f.byID[id]; v != nil {
			for _, c := range v.Covers {
				want[f.root(c)] = true
			}
		}
	}
	roots := make([]string, 0, len(want))
	shown := map[string]string{}
	for root := range want {
		shown[root] = f.shown(root)
		roots = append(roots, root)
	}
	slices.SortFunc(roots, func(a, b string) int { return cmp.Compare(shown[a], shown[b]) })
	for _, root := range roots {
		v := f.merged(root, shown[root])
		w.Add(append([]string{v.ID}, v.Aliases...), advisory.EncodeVulnerability(v))
	}
	return len(roots)
}

// shown is the id that people know best: a CVE that stands, then a GHSA, then the first.
func (f *facts) shown(root string) string {
	ids := f.set(root)
	for _, prefix := range []string{"CVE-", "GHSA-"} {
		for _, id := range ids {
			if strings.HasPrefix(id, prefix) && !f.rejected[id] {
				return id
			}
		}
	}
	return ids[0]
}

// merged is everything that is known under any id of a set.
func (f *facts) merged(root, id string) advisory.Vulnerability {
	out := advisory.Vulnerability{ID: id}
	for _, one := range f.set(root) {
		if one != id {
			out.Aliases = append(out.Aliases, one)
		}
		if day := f.kev[one]; !day.IsZero() {
			out.KEV = day
		}
		if s, ok := f.epss[one]; ok && s.Probability > out.EPSS {
			out.EPSS, out.EPSSRank = s.Probability, s.Percentile
		}
		if v := f.byID[one]; v != nil {
			merge(&out, v)
		}
	}
	slices.Sort(out.Covers)
	slices.Sort(out.CWEs)
	slices.SortFunc(out.Ratings, func(a, b finding.Rating) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(b.Score, a.Score), cmp.Compare(a.Vector, b.Vector))
	})
	return out
}
