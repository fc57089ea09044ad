package background

import (
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// Options are what is asked beside the objects of the cluster.
type Options struct {
	// Secret tells what secret a setting or a command holds, Redact takes secrets out of a text; nil: nobody looks.
	Secret func(text string) (what string, severity finding.Severity)
	Redact func(text string) string
}

// Rules are what objects are held against. They do not change, and hold for a day.
type Rules struct {
	Options
	*statute.Book
	now        time.Time
	checks     []pod.Check
	namespaces []pod.NamespaceCheck
}

// NewRules are the checks, and what is in force beside them on a day.
func NewRules(o Options, b *statute.Book, now time.Time) *Rules {
	return &Rules{Options: o, Book: b, now: now, checks: pod.Checks(), namespaces: pod.NamespaceChecks()}
}

// versionOf names what objects of a namespace are held against: another one, and they are judged again.
func (r *Rules) versionOf(namespace string) string {
	return r.now.UTC().Format(time.DateOnly) + r.Version(namespace)
}
