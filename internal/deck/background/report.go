package background

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// The bounds of a report. The API server keeps beside its JSON who wrote which field.
const (
	// MostBytes is what the stored object stays below.
	MostBytes = 64 << 10
	mostJSON  = MostBytes - 4<<10
	leastRow  = 200 // bytes: no row is smaller
	mostRows  = mostJSON / leastRow
	mostText  = 400
	mostNamed = 3
)

// Name is that of all reports: there is one for each namespace, and one for what belongs to none.
const Name = "plimsoll"

// Report is an OpenReports Report, or ClusterReport, of openreports.io/v1alpha1.
type Report struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Metadata   meta    `json:"metadata"`
	Source     string  `json:"source"`
	Scope      *scope  `json:"scope,omitempty"`
	Summary    Summary `json:"summary"`
	Results    []Row   `json:"results,omitempty"`
}

type meta struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type scope struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	Field      string `json:"fieldPath,omitempty"`
}

// Summary counts all findings, also those that are not listed: Fail and Warn those that count, Skip those that an
// exception lets pass, Pass the checks that found nothing and Error those that could not be made.
type Summary struct {
	Pass  int `json:"pass"`
	Fail  int `json:"fail"`
	Warn  int `json:"warn"`
	Error int `json:"error"`
	Skip  int `json:"skip"`
}

// Row is one finding.
type Row struct {
	Policy     string            `json:"policy"`
	Category   string            `json:"category,omitempty"`
	Severity   string            `json:"severity,omitempty"`
	Result     string            `json:"result"`
	Scored     bool              `json:"scored,omitempty"`
	Resources  []scope           `json:"resources,omitempty"`
	Message    string            `json:"message,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// rows are what is kept of one object: all counts, and the worst findings.
type rows struct {
	rules    string // that it was held against
	version  string // of these, of the object, and of what is around it
	summary  Summary
	worst    []Row
	excepted map[string]int // by the place of the exception
}

func rowsOf(j *Judged, o *kube.Object) *rows {
	r := &rows{summary: Summary{Pass: j.Passed, Error: len(j.Unknown)}}
	for i := range j.Findings {
		row := rowOf(&j.Findings[i], j.Becomes[i], o)
		switch row.Result {
		case "fail":
			r.summary.Fail++
		case "warn":
			r.summary.Warn++
		case "skip":
			r.summary.Skip++
			if r.excepted == nil {
				r.excepted = map[string]int{}
			}
			for _, s := range j.Findings[i].Suppressed {
				r.excepted[s.Where]++
			}
		}
		r.worst = append(r.worst, row)
	}
	for _, rule := range slices.Sorted(maps.Keys(j.Unknown)) {
		why := j.Unknown[rule]
		slices.Sort(why)
		why = slices.Compact(why)
		text := strings.Join(why[:min(len(why), mostNamed)], "; ")
		if more := len(why) - mostNamed; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		r.worst = append(r.worst, Row{Policy: rule, Result: "error", Resources: []scope{scopeOf(o.Subject(""))}, Message: short("it would have to know " + text)})
	}
	slices.SortFunc(r.worst, worse)
	r.worst = slices.Clip(r.worst[:min(len(r.worst), mostRows)])
	return r
}

func rowOf(f *finding.Finding, becomes admissionfile.Mode, o *kube.Object) Row {
	s := f.Subject
	if s == nil || s.APIVersion == "" { // a policy's, about a finding
		s = o.Subject("")
	}
	r := Row{
		Policy: f.Rule, Category: string(f.Kind), Severity: string(f.Severity), Result: "fail", Scored: true,
		Resources: []scope{scopeOf(s)}, Message: short(f.Title),
	}
	if f.Severity == finding.Unknown {
		r.Severity = "" // OpenReports has no word for it
	}
	r.Properties = map[string]string{}
	if s.Container != "" {
		r.Properties["container"] = s.Container
	}
	switch becomes {
	case admissionfile.Warn:
		r.Result = "warn"
	case admissionfile.Audit: // the line notes it, and OpenReports has no word for that
		r.Result, r.Properties["mode"] = "warn", becomes.String()
	}
	if len(f.Suppressed) > 0 {
		r.Result, r.Scored = "skip", false
		by := f.Suppressed[0]
		for key, value := range map[string]string{"exception": by.Where, "reason": by.Reason, "owner": by.Owner, "until": by.Until} {
			if value != "" {
				r.Properties[key] = short(value)
			}
		}
	}
	return r
}

func scopeOf(s *finding.Subject) scope {
	return scope{APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name, Field: s.Field}
}

// short cuts a text that holds foreign words, between letters.
func short(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= mostText {
		return s
	}
	return strings.ToValidUTF8(s[:mostText-len("…")], "") + "…"
}

// worse orders findings: those that count before what nobody knows and what is let pass, the gravest first.
func worse(a, b Row) int {
	return cmp.Or(
		rank(a.Result)-rank(b.Result), finding.Severity(b.Severity).Rank()-finding.Severity(a.Severity).Rank(), cmp.Compare(a.Policy, b.Policy),
		cmp.Compare(resource(a), resource(b)), cmp.Compare(a.Properties["container"], b.Properties["container"]), cmp.Compare(a.Message, b.Message),
	)
}

func rank(result string) int { return slices.Index([]string{"fail", "warn", "error", "skip"}, result) }

func resource(r Row) string {
	s := r.Resources[0]
	return s.Kind + "/" + s.Name + "/" + s.Field
}

func byPlace(a, b *kube.Object) int {
	return cmp.Or(cmp.Compare(placeOf(a), placeOf(b)), cmp.Compare(a.Namespace, b.Namespace))
}

// exempt is the report on a namespace in which nothing is judged.
func exempt(namespace string) *Report {
	r := reportOf(namespace, nil)
	r.Results = []Row{{Policy: "line/exempt", Result: "skip", Resources: []scope{*r.Scope}, Message: "the line of the door exempts this namespace: nothing in it is judged"}}
	return r
}

// reportOf puts together what was found in a namespace, as far as it has room.
func reportOf(namespace string, found map[string]*rows) *Report {
	r := &Report{
		APIVersion: "openreports.io/v1alpha1", Kind: "Report", Source: "plimsoll",
		Metadata: meta{Name: Name, Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "plimsoll"}},
		Scope:    &scope{APIVersion: "v1", Kind: "Namespace", Name: namespace},
	}
	if namespace == "" {
		r.Kind, r.Scope = "ClusterReport", nil
	}
	var all []Row
	listed := 0
	for _, of := range found {
		r.Summary.add(of.summary)
		all = append(all, of.worst...)
	}
	slices.SortFunc(all, worse)
	total := r.Summary.Fail + r.Summary.Warn + r.Summary.Error + r.Summary.Skip
	size := 0
	for _, row := range all {
		text, err := json.Marshal(row)
		if err != nil || size+len(text) > mostJSON-2<<10 { // what stands around the rows
			break
		}
		size += len(text) + 1
		listed++
	}
	r.Results = all[:listed:listed]
	if left := total - listed; left > 0 {
		r.Metadata.Annotations = map[string]string{"plimsoll.io/left-out": strconv.Itoa(left)}
		r.Results = append(r.Results, Row{
			Policy: "report/left-out", Result: "skip",
			Message: fmt.Sprintf("%d more are counted in the summary and not listed, none of them worse than those above: plimsoll scan lists all", left),
		})
	}
	return r
}

func (s *Summary) add(o Summary) {
	s.Pass, s.Fail, s.Warn, s.Error, s.Skip = s.Pass+o.Pass, s.Fail+o.Fail, s.Warn+o.Warn, s.Error+o.Error, s.Skip+o.Skip
}

// Digest names all that a report says.
func (r *Report) Digest() string {
	text, err := json.Marshal(r)
	if err != nil { // there is nothing in it that JSON has no word for
		return ""
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}
