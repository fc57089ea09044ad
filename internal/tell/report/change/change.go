// Package change writes what changed from one report to another: as a table for people, as Markdown for a pull
// request, and as JSON.
package change

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/plimsoll/plimsoll/internal/weigh/baseline"
)

// Formats lists the names of all formats.
func Formats() []string { return []string{"table", "json", "markdown"} }

// Write writes a diff in the format of that name.
func Write(w io.Writer, format string, d *baseline.Diff) error {
	switch format {
	case "table":
		_, err := io.WriteString(w, table(d))
		return err
	case "markdown":
		_, err := io.WriteString(w, markdown(d))
		return err
	case "json":
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(d)
	}
	return fmt.Errorf("%q is no format of diffs", format)
}

// part is one list of a diff.
type part struct {
	title string
	of    []baseline.Entry
}

func parts(d *baseline.Diff) []part {
	return []part{
		{"Added by the change", d.Added},
		{"Learned since, with nothing changed", d.Disclosed},
		{"Of another severity", d.Severity},
		{"Let pass since", d.Passed},
		{"Found no more", d.Fixed},
	}
}

// summary is the whole in a line.
func summary(d *baseline.Diff) string {
	return fmt.Sprintf("%d added, %d learned since, %d of another severity, %d let pass, %d found no more: %d before, %d after",
		len(d.Added), len(d.Disclosed), len(d.Severity), len(d.Passed), len(d.Fixed), d.Counts.Before, d.Counts.After)
}

// words are what one entry says beside its severity.
func words(e *baseline.Entry) string {
	text := e.Title
	if e.Was != "" {
		text += fmt.Sprintf(" (was %s)", e.Was)
	}
	if e.Why != "" {
		text += " (" + e.Why + ")"
	}
	return clean(text)
}

// targets are the distinct targets of entries, in their order.
func targets(of []baseline.Entry) []string {
	var names []string
	for i := range of {
		if len(names) == 0 || names[len(names)-1] != of[i].Target {
			names = append(names, of[i].Target)
		}
	}
	return names
}

// maxRows bounds each list for people; the rest is counted. JSON has all.
const maxRows = 100

func table(d *baseline.Diff) string {
	var b strings.Builder
	for _, p := range parts(d) {
		if len(p.of) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s\n", p.title)
		for _, t := range targets(p.of) {
			if t != "" {
				fmt.Fprintf(&b, "  %s\n", clean(t))
			}
			n := 0
			for i := range p.of {
				if e := &p.of[i]; e.Target == t {
					if n++; n <= maxRows {
						fmt.Fprintf(&b, "    %-9s %s\n", e.Severity, words(e))
					}
				}
			}
			if n > maxRows {
				fmt.Fprintf(&b, "    and %d more\n", n-maxRows)
			}
		}
		b.WriteString("\n")
	}
	if len(d.Surface) > 0 {
		b.WriteString("Attack surface\n")
		for _, m := range d.Surface {
			fmt.Fprintf(&b, "    %s: %s %d → %d (%+d)\n", clean(m.Target), m.What, m.Was, m.Is, m.Is-m.Was)
		}
		b.WriteString("\n")
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "Note: of the first report: %s\n", clean(n))
	}
	fmt.Fprintf(&b, "%s\nVerdict: %s → %s\n", summary(d), cmp.Or(d.Verdict[0], "none"), cmp.Or(d.Verdict[1], "none"))
	return b.String()
}

func markdown(d *baseline.Diff) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Plimsoll: %s → %s\n\n%s.\n", cmp.Or(d.Verdict[0], "none"), cmp.Or(d.Verdict[1], "none"), summary(d))
	for _, p := range parts(d) {
		if len(p.of) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| severity | finding | target |\n| --- | --- | --- |\n", p.title)
		for i := range p.of[:min(len(p.of), maxRows)] {
			e := &p.of[i]
			fmt.Fprintf(&b, "| %s | %s | %s |\n", e.Severity, escape(words(e)), escape(clean(e.Target)))
		}
		if more := len(p.of) - maxRows; more > 0 {
			fmt.Fprintf(&b, "\nand %d more\n", more)
		}
	}
	if len(d.Surface) > 0 {
		b.WriteString("\n## Attack surface\n\n| target | | before | after |\n| --- | --- | ---: | ---: |\n")
		for _, m := range d.Surface {
			fmt.Fprintf(&b, "| %s | %s | %d | %d |\n", escape(clean(m.Target)), m.What, m.Was, m.Is)
		}
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "\nOf the first report: %s.\n", escape(clean(n)))
	}
	return b.String()
}

// clean makes foreign text one line that does not steer a terminal.
func clean(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return '?'
	}, s)), " ")
}

// escape makes text stand for itself in Markdown.
func escape(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
		"|", `\|`, "#", `\#`, "~", `\~`, "!", `\!`, "@", "&#64;", "://", "&#58;//", "www.", "www&#46;",
	).Replace(s)
}
