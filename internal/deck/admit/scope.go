package admit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// Scope is what holds in the namespaces of one entry of the file, or in those that no entry names.
type Scope struct {
	// Entry is the file's; nil: it is of all that no entry names.
	Entry *admissionfile.Namespace
	rules rules
	line  *Line
}

// Scopes lists those of the file in their order, the one of all others last.
func (l *Line) Scopes() (all []Scope) {
	for i := range l.File.Namespaces {
		n := &l.File.Namespaces[i]
		all = append(all, Scope{n, l.with(n), l})
	}
	return append(all, Scope{nil, l.with(nil), l})
}

// Cap is how far anything goes.
func (s Scope) Cap() admissionfile.Mode { return s.rules.cap }

// Becomes says what becomes of what a check found.
func (s Scope) Becomes(f *finding.Finding) admissionfile.Mode { return s.rules.becomes(f) }

// Connect is what becomes of what is opened into running containers.
func (s Scope) Connect() admissionfile.Mode { return min(s.rules.cap, s.rules.connect) }

// Policy is how far a policy goes.
func (s Scope) Policy(p *policy.Policy) admissionfile.Mode {
	return min(s.rules.cap, s.line.mode(p.Name))
}

// Level is the one of the Pod Security Standards that is the line.
func (s Scope) Level() admissionfile.Level { return s.rules.level }

// Change is what pods are given, and the images that are to have digests; not ok: they are left as they are.
func (s Scope) Change() (w pod.Wanted, digests []admissionfile.Image, ok bool) {
	c := s.rules.change
	if c == nil || !c.On || !s.rules.changes() { // rules of images alone change no more than tags
		return w, nil, false
	}
	return wanted(c), c.Digests, true
}

// Where is an expression that is true of the namespaces of those entries that says names, as the first entry that names a
// namespace decides; nil is what no entry names. Empty: it is true everywhere.
func (l *Line) Where(says func(n *admissionfile.Namespace) bool) string {
	type entry struct {
		names []admissionfile.Glob
		says  bool
	}
	var all []entry
	if len(l.File.Exempt) > 0 {
		all = append(all, entry{l.File.Exempt, false})
	}
	for i := range l.File.Namespaces {
		n := &l.File.Namespaces[i]
		all = append(all, entry{n.Names, says(n)})
	}
	rest := says(nil)
	if rest && !slices.ContainsFunc(all, func(e entry) bool { return !e.says }) {
		return ""
	}
	text := strconv.FormatBool(rest)
	for _, e := range slices.Backward(all) {
		text = fmt.Sprintf("%s ? %t : (%s)", Within(e.names), e.says, text)
	}
	return text
}

// Within is an expression that is true of a request in one of the namespaces. What is of the whole cluster has none: a
// request about it has no such field, and to ask for it would be an error.
func Within(names []admissionfile.Glob) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, strings.TrimSuffix(strings.TrimPrefix(n.Regexp(), "^"), "$"))
	}
	return fmt.Sprintf(`request.?namespace.orValue("").matches(%q)`, "^("+strings.Join(parts, "|")+")$")
}
