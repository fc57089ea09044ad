package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// JUnit's XML as Jenkins and Maven Surefire describe it, and GitLab, Azure and others read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string           `xml:"name,attr"`
		Tests      int              `xml:"tests,attr"`
		Failures   int              `xml:"failures,attr"`
		Errors     int              `xml:"errors,attr"`
		Skipped    int              `xml:"skipped,attr"`
		Time       string           `xml:"time,attr"`
		Properties *junitProperties `xml:"properties"`
		Cases      []junitCase      `xml:"testcase"`
	}
	junitProperties struct {
		All []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitSkipped `xml:"skipped"`
		Error   *junitFault   `xml:"error"`
		Failure *junitFault   `xml:"failure"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a suite for each target. It is red where the gate is shut: a test fails for each
// finding that denies, and is in error for each blocking gap. What the gate lets pass is skipped, with why,
// and a check that found nothing passes.
func writeJUnit(w io.Writer, r *finding.Report, _ Options) error {
	out := junitSuites{Name: "plimsoll"}
	_, _, denied := byID(r)
	for _, v := range views(r) {
		s := junitSuite{Name: clean(v.Name), Time: "0", Properties: junitFacts(v.Target)}
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Target == v.ID {
				s.add(junitFinding(f, denied[f.Fingerprint]))
			}
		}
		s.gaps(v.gaps)
		for _, c := range r.Checks {
			if c.Target == v.ID && c.Evaluated > 0 && c.Failed == 0 {
				s.add(junitCase{Name: clean(c.Rule + junitTitle(c.Rule)), Class: "check"})
			}
		}
		if len(s.Cases) == 0 {
			s.add(junitCase{Name: "nothing found", Class: "plimsoll"})
		}
		out.Suites = append(out.Suites, s)
	}
	if gaps := unbound(r); len(gaps) > 0 {
		s := junitSuite{Name: "what could not be looked at", Time: "0"}
		s.gaps(gaps)
		out.Suites = append(out.Suites, s)
	}
	for _, s := range out.Suites {
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitFacts(t *finding.Target) *junitProperties {
	var all []junitProperty
	for _, p := range []junitProperty{{"kind", t.Kind}, {"digest", t.Digest}, {"platform", t.Platform}, {"stage", t.Stage}, {"verdict", string(t.Verdict)}} {
		if p.Value != "" {
			all = append(all, junitProperty{p.Name, clean(p.Value)})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &junitProperties{all}
}

func junitTitle(rule string) string {
	if card, ok := cardOf(rule); ok {
		return ": " + card.Title
	}
	return ""
}

func junitFinding(f *finding.Finding, denied bool) junitCase {
	c := junitCase{Name: clean(f.Title), Class: clean(string(f.Kind) + "." + strings.ReplaceAll(f.Rule, "/", "."))}
	if !strings.Contains(f.Title, f.Rule) {
		c.Name = clean(f.Rule + ": " + f.Title)
	}
	if len(f.Locations) > 0 && f.Kind != finding.KindVulnerability {
		c.Name += " (" + spot(f.Locations[0]) + ")"
	}
	switch {
	case len(f.Suppressed) > 0:
		s := f.Suppressed[0]
		c.Skipped = &junitSkipped{clean(fmt.Sprintf("let pass by %s: %s", s.By, s.Reason))}
	case denied:
		c.Failure = &junitFault{Message: clean(f.Title), Type: string(f.Severity), Text: junitText(f)}
	default:
		c.Skipped = &junitSkipped{clean(fmt.Sprintf("%s, and does not deny", f.Severity))}
	}
	return c
}

// junitText is all that helps to mend a finding, a line each.
func junitText(f *finding.Finding) string {
	lines := []string{"severity: " + string(f.Severity)}
	add := func(name, text string) {
		if text != "" {
			lines = append(lines, name+": "+clean(text))
		}
	}
	add("do", f.Fix)
	add("also", also(f, ", "))
	for _, l := range f.Locations {
		add("in", spot(l))
	}
	for _, u := range f.References {
		add("see", u)
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

func (s *junitSuite) gaps(gaps []*finding.Gap) {
	for _, g := range gapRows(gaps) {
		if !g.Blocking {
			continue
		}
		c := junitCase{Name: clean(g.Class) + ": " + g.text(), Class: "gap"}
		if g.Allowed {
			c.Skipped = &junitSkipped{"accepted"}
		} else {
			c.Error = &junitFault{Message: "not assessed: " + g.text(), Type: clean(g.Class), Text: clean(cmp.Or(g.advice(true), "plimsoll explain "+g.Class))}
		}
		s.add(c)
	}
}

func (s *junitSuite) add(c junitCase) {
	c.Time = "0"
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}
