package admit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
)

// rules are what holds in one namespace.
type rules struct {
	cap            admissionfile.Mode // nothing goes further
	failOn, warnOn admissionfile.Severity
	level          admissionfile.Level
	connect        admissionfile.Mode
	noNetwork      admissionfile.Mode
	change         *admissionfile.Change // nil: nothing is changed
	pins           bool                  // rules of images have tags become digests
	namespace      string
}

// rules are those of a namespace: what the first entry says that names it, and what holds for all.
func (l *Line) rules(namespace string) rules {
	if admissionfile.AnyMatch(l.File.Exempt, namespace) {
		return rules{cap: admissionfile.Off}
	}
	var entry *admissionfile.Namespace
	for i := range l.File.Namespaces {
		if admissionfile.AnyMatch(l.File.Namespaces[i].Names, namespace) {
			entry = &l.File.Namespaces[i]
			break
		}
	}
	r := l.with(entry)
	r.namespace = namespace
	return r
}

// with is what an entry says, and what holds for all where it says nothing.
func (l *Line) with(n *admissionfile.Namespace) rules {
	if n == nil {
		n = &admissionfile.Namespace{}
	}
	r := rules{
		cap:     first(admissionfile.Deny, n.Mode),
		failOn:  first(defaultFailOn, n.FailOn, l.File.FailOn),
		warnOn:  first("", n.WarnOn, l.File.WarnOn),
		level:   first(admissionfile.Level{}, n.PodSecurity, l.File.PodSecurity),
		connect: first(defaultConnect, n.Connect, l.File.Connect), noNetwork: first(admissionfile.Off, n.NoNetwork, l.File.NoNetwork),
		change: cmp.Or(n.Change, l.File.Change),
	}
	r.pins = l.pins(r)
	return r
}

func first[T any](otherwise T, said ...*T) T {
	for _, s := range said {
		if s != nil {
			return *s
		}
	}
	return otherwise
}

// onFailure is what happens when nobody can be asked about a policy; "" is all that is no policy.
func (l *Line) onFailure(name string) admissionfile.OnFailure {
	return cmp.Or(l.File.Policies[name].OnFailure, l.said[name].onFailure, l.File.OnFailure, defaultOnFailure)
}

// mode is how far a policy goes: as far as it says itself, and no further than the file lets it.
func (l *Line) mode(name string) admissionfile.Mode {
	own := admissionfile.Off
	for _, m := range l.said[name].modes {
		own = max(own, m)
	}
	return min(own, first(admissionfile.Deny, l.File.Policies[name].Mode))
}

// says whether a policy has something to say at a stage, under some rules. By one binding it may deny, and warn by another.
func (l *Line) says(name string, r rules, stage Stage) bool {
	most := min(r.cap, first(admissionfile.Deny, l.File.Policies[name].Mode))
	return slices.ContainsFunc(l.said[name].modes, func(m admissionfile.Mode) bool {
		m = min(m, most)
		return m != admissionfile.Off && l.at(stage, m, name)
	})
}

// at says whether what goes so far is a stage's to say.
func (l *Line) at(stage Stage, m admissionfile.Mode, policy string) bool {
	return l.atFailing(stage, m, l.onFailure(policy))
}

// atFailing says so of what does this when it cannot be decided.
func (l *Line) atFailing(stage Stage, m admissionfile.Mode, otherwise admissionfile.OnFailure) bool {
	switch {
	case stage == All:
		return true
	case m < admissionfile.Deny:
		return stage == Tell
	}
	return stage == stageOf(otherwise)
}

// allowed says whether an image is among those that may run in the namespace; where it is not, near is a pattern that
// stops above it.
func (l *Line) allowed(namespace string) func(name string) (ok bool, near string) {
	listed := l.File.Listed()
	return func(name string) (ok bool, near string) {
		r, err := image.ParseReference(name)
		if err != nil {
			return false, ""
		}
		for _, a := range listed {
			if len(a.Namespaces) > 0 && !admissionfile.AnyMatch(a.Namespaces, namespace) {
				continue
			}
			for _, pattern := range a.Images {
				if pattern.Match(r.Name(), r.Digest) {
					return true, ""
				}
				if strings.HasSuffix(string(pattern), "/*") && (pattern+"*").Match(r.Name(), r.Digest) {
					near = string(pattern)
				}
			}
		}
		return false, near
	}
}

// becomes says what becomes of what a check found.
func (r *rules) becomes(f *finding.Finding) admissionfile.Mode {
	switch {
	case r.failOn != "" && f.Severity.Rank() >= finding.Severity(r.failOn).Rank(), r.forbidden(f):
		return min(r.cap, admissionfile.Deny)
	case r.warnOn != "" && f.Severity.Rank() >= finding.Severity(r.warnOn).Rank():
		return min(r.cap, admissionfile.Warn)
	}
	return min(r.cap, admissionfile.Audit)
}

// forbidden says that the namespace's level of the Pod Security Standards forbids it: what baseline does, restricted does, too.
func (r *rules) forbidden(f *finding.Finding) bool {
	for _, c := range f.Controls {
		rest, ok := strings.CutPrefix(c, "pss/")
		if !ok {
			continue
		}
		level, _, _ := strings.Cut(rest, "/")
		if level == r.level.Name || level == "baseline" && r.level.Name == "restricted" {
			return true
		}
	}
	return false
}
