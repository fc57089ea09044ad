package background

import (
	"context"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// Options are what is asked beside the objects of the cluster.
type Options struct {
	// Secret tells what secret a setting or a command holds, Redact takes secrets out of a text; nil: nobody looks.
	Secret func(text string) (what string, severity finding.Severity)
	Redact func(text string) string
	// Line is what stands at the door, with what is in force beside it; nil: there is none, and each finding counts.
	Line func(b *statute.Book) (Line, error)
}

// Line is what stands at the door, as far as it can be asked about what is in a cluster already; deck/admit has it.
type Line interface {
	// Exempts says that nothing is judged in a namespace.
	Exempts(namespace string) bool
	// Becomes is how far a finding on an object goes.
	Becomes(o *kube.Object, f *finding.Finding) admissionfile.Mode
	// Standing is what it finds beyond checks and policies of our own, the object as its pods are made of it, and what
	// would have to be known, by rule.
	Standing(ctx context.Context, o *kube.Object, around *kube.Snapshot, now time.Time) (made *kube.Object, found []finding.Finding, unknown map[string][]string)
}

// Rules are what objects are held against. They do not change, and hold for a day.
type Rules struct {
	Options
	*statute.Book
	line       Line // nil: there is none
	now        time.Time
	checks     []pod.Check
	namespaces []pod.NamespaceCheck
}

// NewRules are the checks, and what is in force beside them on a day.
func NewRules(o Options, b *statute.Book, now time.Time) (*Rules, error) {
	r := &Rules{Options: o, Book: b, now: now, checks: pod.Checks(), namespaces: pod.NamespaceChecks()}
	if o.Line == nil {
		return r, nil
	}
	var err error
	r.line, err = o.Line(b)
	return r, err
}

// becomes says how far a finding goes: as far as the line lets it, or, where there is none, as far as it goes itself.
func (r *Rules) becomes(o *kube.Object, f *finding.Finding) admissionfile.Mode {
	switch {
	case r.line != nil:
		return r.line.Becomes(o, f)
	case f.Action == finding.Warn:
		return admissionfile.Warn
	}
	return admissionfile.Deny
}

// versionOf names what objects of a namespace are held against: another one, and they are judged again.
func (r *Rules) versionOf(namespace string) string {
	return r.now.UTC().Format(time.DateOnly) + r.Version(namespace)
}
