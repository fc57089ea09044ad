package comply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// Outcome is how a control stands.
type Outcome string

// The outcomes, worst first. A control is excepted where all that fails it was let pass: it fails, and somebody knows.
const (
	Fail          Outcome = "fail"
	Excepted      Outcome = "excepted"
	NotVisible    Outcome = "not visible"
	Manual        Outcome = "manual"
	Pass          Outcome = "pass"
	NotApplicable Outcome = "not applicable"
)

// Outcomes lists all, worst first.
func Outcomes() []Outcome { return []Outcome{Fail, Excepted, NotVisible, Manual, Pass, NotApplicable} }

// Sheet is a framework as reports fill it in.
type Sheet struct {
	Schema    string          `json:"schema"`
	Framework string          `json:"framework"`
	Title     string          `json:"title"`
	Reports   []string        `json:"reports"`
	Targets   []string        `json:"targets"`
	Sections  []Totals        `json:"sections"`
	Totals    map[Outcome]int `json:"totals"`
	Controls  []Result        `json:"controls"`
}

// Schema names the version of a sheet's JSON.
const Schema = "plimsoll/compliance/v1"

// Totals count the outcomes of a section.
type Totals struct {
	ID     string          `json:"id"`
	Title  string          `json:"title"`
	Counts map[Outcome]int `json:"counts"`
}

// Result is one control and how it stands, with what shows that.
type Result struct {
	ID      string   `json:"id"`
	Section string   `json:"section"`
	Title   string   `json:"title"`
	Outcome Outcome  `json:"outcome"`
	Why     string   `json:"why,omitempty"`
	Checks  []string `json:"checks,omitempty"`
	Looked  int      `json:"looked,omitempty"` // at how much, by all checks together
	Found   []Found  `json:"found,omitempty"`
}

// Found is one finding that fails a control.
type Found struct {
	Rule     string           `json:"rule"`
	Severity finding.Severity `json:"severity"`
	Title    string           `json:"title"`
	Target   string           `json:"target"`
	Excepted string           `json:"excepted,omitempty"` // by whom, and until when
}

// Report is a report and the name by which it was read.
type Report struct {
	Name string
	*finding.Report
}

// Weigh fills a framework in.
func Weigh(f Framework, reports []Report) Sheet {
	s := Sheet{Schema: Schema, Framework: f.ID, Title: f.Title, Totals: map[Outcome]int{}}
	seen := look(reports)
	for _, r := range reports {
		s.Reports = append(s.Reports, r.Name)
		for i := range r.Targets {
			s.Targets = append(s.Targets, r.Targets[i].Name)
		}
	}
	for _, section := range f.Sections {
		t := Totals{ID: section.ID, Title: section.Title, Counts: map[Outcome]int{}}
		for i := range section.Controls {
			r := seen.result(&section.Controls[i])
			r.Section = section.ID
			s.Controls = append(s.Controls, r)
			t.Counts[r.Outcome]++
			s.Totals[r.Outcome]++
		}
		s.Sections = append(s.Sections, t)
	}
	return s
}

// place is a target of one of the reports; empty: of the report and no target.
type place struct {
	report int
	target string
}

// sights is what all reports say, by check and place.
type sights struct {
	rows   map[string]map[place]finding.Check
	found  map[string]map[place][]Found
	gaps   map[place][]string // that block, and that nobody accepted
	hidden map[place]string   // why nothing could be seen of what is not there
	judged map[place]bool     // some check looked there
	names  map[place]string
}

func look(reports []Report) *sights {
	s := &sights{map[string]map[place]finding.Check{}, map[string]map[place][]Found{}, map[place][]string{}, map[place]string{}, map[place]bool{}, map[place]string{}}
	for n, r := range reports {
		for i := range r.Targets {
			s.names[place{n, r.Targets[i].ID}] = r.Targets[i].Name
		}
		for _, c := range r.Checks {
			at := place{n, c.Target}
			if s.rows[c.Rule] == nil {
				s.rows[c.Rule] = map[place]finding.Check{}
			}
			row := s.rows[c.Rule][at]
			row.Evaluated, row.Failed = row.Evaluated+c.Evaluated, row.Failed+c.Failed
			row.NotApplicable, row.NotAssessed = row.NotApplicable+c.NotApplicable, row.NotAssessed+c.NotAssessed
			row.Manual = row.Manual || c.Manual
			s.rows[c.Rule][at] = row
			s.judged[at] = true
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			at := place{n, f.Target}
			if s.found[f.Rule] == nil {
				s.found[f.Rule] = map[place][]Found{}
			}
			s.found[f.Rule][at] = append(s.found[f.Rule][at], Found{f.Rule, f.Severity, f.Title, s.names[at], passed(f)})
		}
		for i := range r.Coverage {
			if g := &r.Coverage[i]; g.Class == "not-visible" {
				s.hidden[place{n, g.Target}] = g.What
			} else if g.Blocking && !g.Allowed && !slices.Contains(ofAdvisories, g.Class) {
				at := place{n, g.Target}
				s.gaps[at] = append(s.gaps[at], g.Class+": "+g.What)
			}
		}
	}
	return s
}

// ofAdvisories are gaps in what is known of packages' vulnerabilities, on which no control stands.
var ofAdvisories = []string{
	"feed-partial", "no-feed", "no-lock-file", "no-packages", "other-release", "third-party", "unknown-module", "unknown-source", "unknown-version", "unmatched-source",
}

// passed says who lets a finding pass.
func passed(f *finding.Finding) string {
	if len(f.Suppressed) == 0 {
		return ""
	}
	by := f.Suppressed[0]
	text := by.By
	for _, more := range []string{by.Owner, by.Ticket} {
		if more != "" {
			text += ", " + more
		}
	}
	if by.Until != "" {
		text += ", until " + by.Until
	}
	return text
}

// result says how a control stands. It passes only where all its checks looked, none failed, and nothing that may not be
// passed over was left out where they looked.
func (s *sights) result(c *Control) Result {
	r := Result{ID: c.ID, Title: c.Title, Checks: slices.Concat(c.Checks, c.Proofs)}
	failed, open := 0, 0 // findings counted, and those that nobody let pass
	var missing, doubts []string
	manual, applies := false, false
	complete := map[string]bool{}
	ways := map[string][]string{}
	for _, id := range r.Checks {
		rows := s.rows[id]
		for _, at := range sorted(rows) {
			row := rows[at]
			r.Looked += row.Evaluated
			applies = applies || row.Evaluated > 0
			manual = manual || row.Manual
			all := s.found[id][at]
			r.Found = append(r.Found, all...)
			n := len(all)
			for _, f := range all {
				if f.Excepted != "" {
					n--
				}
			}
			failed += max(row.Failed, len(all))
			if open += n; len(all) == 0 {
				open += row.Failed // the report does not show what failed
			}
			if !slices.Contains(c.Proofs, id) && row.NotAssessed > 0 {
				doubts = append(doubts, fmt.Sprintf("%s did not know enough at %s", id, s.names[at]))
			}
		}
		if slices.Contains(c.Proofs, id) {
			continue
		}
		w := way(id)
		if ways[w] = append(ways[w], id); len(rows) == 0 {
			missing = append(missing, id)
		}
	}
	for w, ids := range ways {
		complete[w] = !slices.ContainsFunc(ids, func(id string) bool { return len(s.rows[id]) == 0 })
	}
	missing = slices.DeleteFunc(missing, func(id string) bool {
		return way(id) != "" && slices.ContainsFunc(stages, func(w string) bool { return complete[w] })
	})
	doubts = append(doubts, s.unseen(c)...)
	switch {
	case open > 0:
		r.Outcome, r.Why = Fail, plural(failed, "time")
	case failed > 0:
		r.Outcome, r.Why = Excepted, "excepted by "+r.Found[0].Excepted
	case len(c.Checks) == 0:
		r.Outcome, r.Why = Manual, c.Manual
	case len(missing) > 0:
		r.Outcome, r.Why = NotVisible, "no report tells of "+some(missing)
	case len(doubts) > 0:
		r.Outcome, r.Why = NotVisible, some(doubts)
	case manual:
		r.Outcome, r.Why = Manual, "what was found has to be looked at by a person"
	case !applies && s.veiled(c) != "":
		r.Outcome, r.Why = NotVisible, s.veiled(c)
	case !applies:
		r.Outcome = NotApplicable
	default:
		r.Outcome = Pass
	}
	return r
}

// stages are families of checks that look at one thing at its stages: an image may be judged by its Dockerfile, a container by
// the Compose file that says how it is to run.
var stages = []string{"image", "dockerfile", "compose", "container"}

// way is the stage that a check looks at; empty: there is no other.
func way(id string) string {
	family, _, _ := strings.Cut(id, "/")
	if slices.Contains(stages, family) {
		return family
	}
	return ""
}

// unseen are the gaps that stand on a control: of where its checks looked, of where none looked at all, and of what could not
// even be opened.
func (s *sights) unseen(c *Control) (all []string) {
	for _, at := range sorted(s.gaps) {
		looked := slices.ContainsFunc(c.Checks, func(id string) bool {
			_, ok := s.rows[id][at]
			return ok
		})
		if looked || at.target == "" || !s.judged[at] {
			all = append(all, s.gaps[at]...)
		}
	}
	return all
}

// veiled says why a control's checks had nothing to look at, where that is because it was hidden from them.
func (s *sights) veiled(c *Control) string {
	for _, id := range c.Checks {
		if way(id) == "container" { // which say themselves whether they could be seen
			continue
		}
		for _, at := range sorted(s.rows[id]) {
			if why := s.hidden[at]; why != "" {
				return why
			}
		}
	}
	return ""
}

func sorted[V any](of map[place]V) []place {
	var all []place
	for at := range of {
		all = append(all, at)
	}
	slices.SortFunc(all, func(a, b place) int {
		if a.report != b.report {
			return a.report - b.report
		}
		return strings.Compare(a.target, b.target)
	})
	return all
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// some names the first of several.
func some(all []string) string {
	if len(all) <= 2 {
		return strings.Join(all, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(all[:2], "; "), len(all)-2)
}
