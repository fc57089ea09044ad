package admit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// change gives a pod that is made the defaults of its namespace. Pods alone are changed, and not what makes them:
// manifests stay as their owners wrote them, no rollout comes of it, and no controller finds another template than
// the one that it made. What makes pods is judged as the pods that it makes.
func (c *Case) change() *Decision {
	if c.subject.passed != "" {
		return &Decision{Allowed: true, Passed: c.subject.passed}
	}
	w := &c.subject.Workloads[0]
	after, given, notes, err := c.line.harden(c.rules, w, c.told)
	d := &Decision{Allowed: true, Given: given, Patch: patch(w.Written, after, ""), Unknown: notes}
	if err != nil && c.line.Fails(Change) {
		return c.line.Unable(Change, err.Error())
	}
	return d
}

// unchangeable says what is not changed, and why.
func unchangeable(rules rules, r *admissionv1.AdmissionRequest) *Decision {
	switch {
	case !rules.changes():
		return &Decision{Allowed: true, Passed: "nothing is changed in this namespace"}
	case r.Kind.Group != "" || r.Kind.Kind != "Pod" || r.SubResource != "" || r.Operation != admissionv1.Create:
		return &Decision{Allowed: true, Passed: "only pods are changed, when they are made"}
	}
	return nil
}

// harden is a pod with the defaults of its namespace. Notes tell of images whose digests nobody could tell: they stay as
// they are written, and the rest is done. An error is one of those that change names; what rules name is judged later.
func (l *Line) harden(rules rules, w *kube.Workload, t told) (after map[string]any, given []pod.Default, notes []string, err error) {
	known := map[string]pod.Image{}
	for _, u := range admission.Images(w) {
		if _, done := known[u.Image]; done || l.Resolve == nil || !l.resolves(rules, u.Image) {
			continue
		}
		i, wrong := t.meaning(u.Image)
		if wrong != nil {
			wrong = fmt.Errorf("the digest of image %s is not known: %w", short(u.Image, mostDetail), wrong)
			notes = append(notes, wrong.Error())
			if listed(rules.change, u.Image) {
				err = wrong
			}
			continue
		}
		known[u.Image] = i
	}
	f := &pod.Facts{Workload: w, Image: func(reference string) (pod.Image, bool) {
		if i, ok := known[reference]; ok {
			return i, true
		}
		if l.Image == nil {
			return pod.Image{}, false
		}
		return l.Image(reference)
	}}
	after, given = f.Harden(wanted(rules.change))
	return after, given, notes, err
}

// resolves says that an image is to have a digest, which it does not have.
func (l *Line) resolves(r rules, name string) bool {
	if listed(r.change, name) {
		return true
	}
	rule := l.ruleOf(r, name)
	return rule != nil && rule.Digest == admissionfile.DigestResolved && rule.Goes() == admissionfile.Deny && !hasDigest(name)
}

// listed says that change names an image, which has no digest.
func listed(c *admissionfile.Change, name string) bool {
	if c == nil || !c.On {
		return false
	}
	r, err := image.ParseReference(name)
	return err == nil && r.Digest == "" && slices.ContainsFunc(c.Digests, func(p admissionfile.Image) bool { return p.Match(r.Name(), "") })
}

// wanted are the defaults of a namespace; where nothing is changed but by rules of images, digests alone.
func wanted(c *admissionfile.Change) pod.Wanted {
	if c == nil || !c.On {
		return pod.Wanted{Except: slices.DeleteFunc(pod.Defaults(), func(d pod.Default) bool { return d == pod.Digest })}
	}
	w := pod.Wanted{Requests: c.Requests, EmptyDir: c.EmptyDir}
	for _, e := range c.Except {
		w.Except = append(w.Except, pod.Default(e.Text))
	}
	return w
}

// asMade writes into an object what its pods will be given, so that it is judged as these are; into a pod itself only
// for who tries a line out, for at the door it comes as it was changed.
func (j *judgement) asMade(s *subject, o admissionv1.Operation) error {
	isPod := s.Is("", "Pod")
	if s.passed != "" || !j.rules.changes() || isPod && (j.stage != All || o != admissionv1.Create) {
		return nil
	}
	for i := range s.Workloads {
		w := &s.Workloads[i]
		after, given, notes, err := j.harden(j.rules, w, j.told)
		if err != nil && isPod && j.Fails(Change) {
			return err
		}
		j.unknown = append(j.unknown, notes...)
		if isPod {
			j.patch = patch(w.Written, after, "")
		}
		if len(given) > 0 {
			w.Put(after)
		}
		j.given = append(j.given, given...)
	}
	if len(j.given) == 0 {
		return nil
	}
	again, err := kube.Workloads(s.Object)
	switch {
	case err != nil:
		return fmt.Errorf("read %s %s as it was changed: %w", s.Kind, s.Name, err)
	case len(again) != len(s.Workloads):
		return fmt.Errorf("%s %s makes other pods when it was changed", s.Kind, s.Name)
	}
	for i := range again {
		again[i].Object, again[i].Field = s.Workloads[i].Object, s.Workloads[i].Field // by its owner
	}
	s.Workloads = again
	return nil
}

// changes says that pods are changed: not where nothing goes further than a warning.
func (r *rules) changes() bool {
	return (r.change != nil && r.change.On || r.pins) && r.cap == admissionfile.Deny
}

// onFailureOfChange is what happens to a pod when it cannot be changed.
func (l *Line) onFailureOfChange() admissionfile.OnFailure {
	own := admissionfile.OnFailure("")
	if l.File.Change != nil {
		own = l.File.Change.OnFailure
	}
	return cmp.Or(own, l.onFailure(""))
}

// checkChange wants the file to name defaults that there are.
func checkChange(f *admissionfile.File) error {
	all := []*admissionfile.Change{f.Change}
	for i := range f.Namespaces {
		all = append(all, f.Namespaces[i].Change)
	}
	for _, c := range all {
		if c == nil {
			continue
		}
		for _, e := range c.Except {
			if !slices.Contains(pod.Defaults(), pod.Default(e.Text)) {
				var names []string
				for _, d := range pod.Defaults() {
					names = append(names, string(d))
				}
				return fmt.Errorf("%s: line %d: %.100q is no default: use %s", f.Name, e.Line, e.Text, strings.Join(names, ", "))
			}
		}
	}
	return nil
}
