package admit

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

// Bounds on what is said. The API server cuts a warning at 256 characters, and drops those beyond 4096 together.
const (
	mostWarning  = 256
	mostWarnings = 14
	mostDenials  = 10
	mostDetail   = 600
	mostNote     = 1000
	mostNotes    = 40
)

// decide gathers what becomes of all that was found.
func (j *judgement) decide(all []Judged) *Decision {
	d := &Decision{Allowed: true, Findings: all, Notes: j.notes, Missing: j.missing}
	for _, o := range j.doubts {
		d.Undecided = append(d.Undecided, o.what)
	}
	d.Unknown = slices.Clone(d.Undecided)
	if j.stage == Tell || j.stage == All {
		d.Unknown = append(d.Unknown, j.unknown...)
	}
	if j.stage == All {
		slices.Sort(j.given)
		d.Given, d.Patch = slices.Compact(j.given), j.patch
	}
	var denials []string
	more := 0
	for i := range all {
		f := &all[i]
		if len(f.Suppressed) > 0 {
			continue
		}
		switch f.Mode {
		case admissionfile.Deny:
			if d.Allowed = false; len(denials) < mostDenials {
				denials = append(denials, short(words(&f.Finding)+fix(&f.Finding), mostDetail))
			} else {
				more++
			}
		case admissionfile.Warn:
			d.Warnings = append(d.Warnings, short("plimsoll: "+words(&f.Finding), mostWarning))
		}
	}
	if more > 0 {
		denials = append(denials, fmt.Sprintf("and %d more", more))
	}
	if d.Message = strings.Join(denials, "; "); d.Message != "" {
		d.Message = "plimsoll: " + d.Message
	}
	for _, p := range j.letPass {
		d.Warnings = append(d.Warnings, short("plimsoll could not judge this, and lets it pass: "+p, mostWarning))
	}
	if n := len(d.Warnings); n > mostWarnings {
		d.Warnings = append(d.Warnings[:mostWarnings-1], fmt.Sprintf("plimsoll: and %d more warnings", n-mostWarnings+1))
	}
	return d
}

// words say what is wrong, and where.
func words(f *finding.Finding) string {
	text := f.Rule + ": " + f.Title
	if f.Subject != nil && f.Subject.Field != "" {
		text += " (" + f.Subject.Field + ")"
	}
	return text
}

func fix(f *finding.Finding) string {
	if f.Fix == "" {
		return ""
	}
	return ". To mend it: " + strings.TrimSuffix(f.Fix, ".")
}

// short cuts what holds foreign text, between letters.
func short(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}

// Response is the decision as the API server wants it.
func (d *Decision) Response(uid types.UID) *admissionv1.AdmissionResponse {
	r := &admissionv1.AdmissionResponse{UID: uid, Allowed: d.Allowed, Warnings: d.Warnings, AuditAnnotations: d.annotations()}
	if len(d.Patch) > 0 {
		kind := admissionv1.PatchTypeJSONPatch
		r.PatchType = &kind
		r.Patch, _ = json.Marshal(d.Patch) // of what was JSON before
	}
	switch {
	case !d.Allowed && d.Failed != "":
		r.Result = &metav1.Status{Status: metav1.StatusFailure, Message: d.Message, Reason: metav1.StatusReasonServiceUnavailable, Code: http.StatusServiceUnavailable}
	case !d.Allowed:
		r.Result = &metav1.Status{Status: metav1.StatusFailure, Message: d.Message, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden}
	}
	return r
}

// annotations are what stands in the audit log of the API server: rules, and not the words of whoever wrote an object.
func (d *Decision) annotations() map[string]string {
	all := map[string]string{}
	var found, excepted []string
	for i := range d.Findings {
		f := &d.Findings[i]
		if len(f.Suppressed) > 0 {
			excepted = append(excepted, f.Rule+" by "+f.Suppressed[0].Where)
			continue
		}
		found = append(found, f.Mode.String()+" "+f.Rule)
	}
	words := make([]string, 0, len(d.Given))
	for _, g := range d.Given {
		words = append(words, string(g))
	}
	for _, a := range []struct{ key, value string }{
		{"found", list(found)},
		{"excepted", list(excepted)},
		{"unknown", list(d.Unknown)},
		{"passed", d.Passed},
		{"failed", d.Failed},
		{"changed", list(words)},
	} {
		if a.value != "" {
			all[a.key] = short(a.value, mostNote)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Notes)) {
		if len(all) == mostNotes {
			break
		}
		all[strings.ReplaceAll(name, "/", ".")] = short(d.Notes[name], mostNote) // the API server puts a / before it
	}
	return all
}

// list leaves what it is given as it is: the log may be reading it.
func list(all []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(all))), ", ")
}
