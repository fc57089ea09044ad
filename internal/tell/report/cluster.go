package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// section is what a target has of some kinds of finding that no upgrade clears, gathered by rule.
type section struct {
	title    string
	clusters []cluster
}

// urgent says that a section comes before the upgrades.
func (s *section) urgent() bool {
	switch s.clusters[0].findings[0].Kind {
	case finding.KindMalware, finding.KindPolicy, finding.KindSecret:
		return true
	}
	return false
}

// cluster is one rule and all places where it was found, worst first.
type cluster struct {
	rule     string
	title    string
	fix      string
	findings []*finding.Finding
}

// sectionOf heads each kind, in the order of the report. Kinds without a line of their own come last.
var sectionOf = []struct {
	title string
	kinds []finding.Kind
}{
	{"Remove at once", []finding.Kind{finding.KindMalware}},
	{"Forbidden by policy", []finding.Kind{finding.KindPolicy}},
	{"Secrets", []finding.Kind{finding.KindSecret}},
	{"Configuration", []finding.Kind{finding.KindMisconfiguration}},
	{"Licences", []finding.Kind{finding.KindLicense}},
	{"Also found", nil},
}

// sections gathers findings by kind and rule.
func sections(all []*finding.Finding) []section {
	var out []section
	taken := map[*finding.Finding]bool{}
	for _, s := range sectionOf {
		var mine []*finding.Finding
		for _, f := range all {
			if !taken[f] && (s.kinds == nil || slices.Contains(s.kinds, f.Kind)) {
				taken[f] = true
				mine = append(mine, f)
			}
		}
		if len(mine) > 0 {
			out = append(out, section{s.title, clusters(mine)})
		}
	}
	return out
}

// clusters gathers findings by rule: what a person reads once and mends in several places.
func clusters(all []*finding.Finding) []cluster {
	at := map[string]int{}
	var out []cluster
	for _, f := range all {
		key := string(f.Kind) + " " + f.Rule
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, cluster{rule: clean(f.Rule)})
		}
		out[n].findings = append(out[n].findings, f)
	}
	for i := range out {
		c := &out[i]
		slices.SortStableFunc(c.findings, finding.Worse)
		c.title, c.fix = clean(c.shared()), clean(c.findings[0].Fix)
		for _, f := range c.findings {
			if clean(f.Fix) != c.fix {
				c.fix = ""
			}
		}
		if card, ok := cardOf(c.findings[0].Rule); ok && c.fix == "" && len(c.findings) > 1 {
			c.fix = clean(strings.Join(strings.Fields(firstParagraph(card.Page.Fix)), " "))
		}
	}
	slices.SortStableFunc(out, func(a, b cluster) int {
		return cmp.Or(finding.Worse(a.findings[0], b.findings[0]), cmp.Compare(len(b.findings), len(a.findings)))
	})
	return out
}

func firstParagraph(s string) string {
	first, _, _ := strings.Cut(s, "\n\n")
	return first
}

// shared is the title of a rule that was found more than once: the card's, or what all titles begin with.
func (c *cluster) shared() string {
	first := c.findings[0].Title
	if len(c.findings) == 1 {
		return first
	}
	if card, ok := cardOf(c.findings[0].Rule); ok {
		return card.Title
	}
	head, _, _ := strings.Cut(first, ": ")
	for _, f := range c.findings {
		if f.Title != head && !strings.HasPrefix(f.Title, head+": ") {
			return c.findings[0].Rule
		}
	}
	return head
}

// detail is what one of several findings says beyond the title that they share.
func (c *cluster) detail(f *finding.Finding) string {
	title := clean(f.Title)
	if rest, ok := strings.CutPrefix(title, c.title+": "); ok {
		return rest
	}
	if title == c.title {
		return ""
	}
	return title
}

// places are where a rule was found, each with what is particular about it. A place that several findings
// share is told once for each of them.
func (c *cluster) places() []string {
	var out []string
	add := func(s string) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, f := range c.findings {
		tail := ""
		if len(c.findings) > 1 {
			tail = c.detail(f)
		} else if f.Kind == finding.KindSecret {
			tail = clean(f.Evidence) // what is left of it after it was made unreadable
		}
		if len(f.Locations) == 0 {
			head := subject(f.Subject)
			if strings.HasPrefix(f.Rule, "image/") && head != "" {
				head = "the image's configuration, " + head
			}
			if head == "" && f.Kind != finding.KindSecret {
				head = clean(f.Evidence)
			}
			add(strings.TrimPrefix(join(head, tail), ": "))
			continue
		}
		for _, l := range f.Locations {
			add(join(found(l), tail))
		}
	}
	return out
}

func join(head, tail string) string {
	switch {
	case tail == "" || strings.Contains(head, tail):
		return head
	case head == "":
		return tail
	}
	return head + ": " + tail
}

// subject names the object that a finding speaks of, and the field in it.
func subject(s *finding.Subject) string {
	if s == nil {
		return ""
	}
	var parts []string
	for _, p := range []string{s.Kind, strings.Trim(s.Namespace+"/"+s.Name, "/"), s.Container, s.Field} {
		if p != "" {
			parts = append(parts, clean(p))
		}
	}
	return strings.Join(parts, " ")
}
