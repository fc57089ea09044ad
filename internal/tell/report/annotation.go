package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// maxAnnotations is how many of a level GitHub shows for one step of a job.
const maxAnnotations = 10

// writeAnnotations writes GitHub's workflow commands, which put marks beside the lines of a change: errors
// for what denies, warnings for what was not assessed and for the rest that is grave, notices for the worst of
// what remains. What GitHub would not show is counted in the last line, beside the verdict.
func writeAnnotations(w io.Writer, r *finding.Report, _ Options) error {
	var b strings.Builder
	shown, left := map[string]int{}, 0
	say := func(level, properties, message string) {
		if shown[level]++; shown[level] > maxAnnotations {
			left++
			return
		}
		fmt.Fprintf(&b, "::%s %s::%s\n", level, properties, command.Replace(clean(message)))
	}
	targets, _, denied := byID(r)
	for i := range r.Findings {
		f := &r.Findings[i]
		if len(f.Suppressed) > 0 {
			continue
		}
		level := "notice"
		switch {
		case denied[f.Fingerprint]:
			level = "error"
		case f.Severity.Rank() >= finding.High.Rank() || exploited(f):
			level = "warning"
		}
		message := f.Title
		if f.Fix != "" {
			message += "; " + f.Fix
		}
		t := targets[f.Target]
		if t != nil && !inRepository(f, t) {
			message = t.Name + ": " + message
		}
		say(level, annotationAt(f, t), message)
	}
	for _, g := range r.Coverage {
		if g.Blocking && !g.Allowed {
			say("warning", "title="+property.Replace(clean("not assessed: "+g.Class)), g.What)
		}
	}
	verdict := fmt.Sprintf("Plimsoll: %s", cmp.Or(string(r.Verdict.Action), "inventory"))
	for _, reason := range r.Verdict.Reasons {
		verdict += "; " + clean(cmp.Or(reason.Message, reason.Policy))
	}
	if left > 0 {
		verdict += fmt.Sprintf(" (%d more, which GitHub would not show here)", left)
	}
	b.WriteString(verdict + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// inRepository says whether a finding's file stands in the repository, and not inside an image.
func inRepository(f *finding.Finding, t *finding.Target) bool {
	return t != nil && t.Kind != "image" && t.Kind != "rootfs" && t.Kind != "sbom" && len(f.Locations) > 0 && f.Locations[0].Path != ""
}

func annotationAt(f *finding.Finding, t *finding.Target) string {
	properties := []string{"title=" + property.Replace(clean(fmt.Sprintf("%s (%s)", f.Rule, f.Severity)))}
	if inRepository(f, t) {
		at := f.Locations[0]
		properties = append(properties, "file="+property.Replace(clean(fileOf(t, at.Path))))
		if at.StartLine > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", at.StartLine), fmt.Sprintf("endLine=%d", max(at.EndLine, at.StartLine)))
		}
		if at.Column > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", at.Column))
		}
	}
	return strings.Join(properties, ",")
}

// command and property escape as GitHub's runner reads them back (actions/toolkit, command.ts).
var (
	command  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
