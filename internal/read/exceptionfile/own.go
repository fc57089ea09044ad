package exceptionfile

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// own reads Plimsoll's own form.
func (r *reader) own(top *tree.Value) {
	r.keys(top, "a file of exceptions", "exceptions", "owners")
	r.list(top, "exceptions", r.exception)
	r.list(top, "owners", r.owner)
}

func (r *reader) exception(v *tree.Value) {
	r.entry(v, "rule", "package", "path", "target", "fingerprint", "subject", "kind", "namespace", "name", "image", "user", "group", "serviceAccount", "reason", "owner", "ticket", "until", "vex")
}

// entry reads an exception that may have some keys.
func (r *reader) entry(v *tree.Value, keys ...string) {
	r.keys(v, "an exception", keys...)
	e := Exception{
		File: r.file.Name, Line: v.Line,
		Rules: r.words(v, "rule", ruleWord), Packages: r.words(v, "package", packageWord), Paths: r.words(v, "path", globWord),
		Targets: r.words(v, "target", globWord), Fingerprints: r.words(v, "fingerprint", fingerprintWord), Subjects: r.words(v, "subject", globWord),
		Kinds: r.words(v, "kind", globWord), Namespaces: r.words(v, "namespace", globWord), Names: r.words(v, "name", globWord), Images: r.words(v, "image", imageWord),
		Users: append(r.words(v, "user", globWord), r.words(v, "serviceAccount", accountWord)...), Groups: r.words(v, "group", globWord),
	}
	if len(e.Rules)+len(e.Packages)+len(e.Paths)+len(e.Targets)+len(e.Fingerprints)+len(e.Subjects)+len(e.Kinds)+len(e.Namespaces)+len(e.Names)+len(e.Images)+len(e.Users)+len(e.Groups) == 0 {
		r.Wrong(v.Line, "an exception that names nothing would let everything pass: say what it is about, for example rule: CVE-2024-5535")
	}
	r.why(v, &e)
	e.VEX = r.vex(v.Get("vex"))
	r.file.Exceptions = append(r.file.Exceptions, e)
}

// why reads who answers for an exception, and until when.
func (r *reader) why(v *tree.Value, e *Exception) {
	e.Reason, e.Owner, e.Ticket, e.Until = r.word(v, "reason", maxText), r.word(v, "owner", maxWord), r.word(v, "ticket", maxWord), r.date(v, "until")
	for _, one := range []struct{ key, example string }{
		{"reason", "the vulnerable function is never called"}, {"owner", "shop-team"}, {"until", "2027-02-28"},
	} {
		if v.Get(one.key) == nil {
			r.Wrong(v.Line, "an exception wants reason, owner and until, and %s is missing: write, for example, %q", one.key, one.key+": "+one.example)
		}
	}
}

// Justifications are why a product is not affected, in OpenVEX's words.
func Justifications() []string {
	return []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
}

func (r *reader) vex(n *tree.Value) *finding.VEX {
	if n == nil {
		return nil
	}
	r.keys(n, "vex", "status", "justification")
	v := &finding.VEX{Status: r.word(n, "status", maxWord), Justification: r.word(n, "justification", maxWord)}
	// An exception with the other statuses would let pass what it says is harmful, or not known yet.
	switch {
	case v.Status != "not_affected" && v.Status != "fixed":
		r.Wrong(n.Line, "vex: status %q: an exception says not_affected or fixed; leave vex out where a risk is lived with", tree.Cut(v.Status))
	case v.Status == "not_affected" && v.Justification == "":
		r.Wrong(n.Line, "vex: not_affected wants a justification: %s", strings.Join(Justifications(), ", "))
	case v.Justification != "" && !slices.Contains(Justifications(), v.Justification):
		r.Wrong(n.Line, "vex: %q is no justification: use %s", tree.Cut(v.Justification), strings.Join(Justifications(), ", "))
	case v.Status == "fixed" && v.Justification != "":
		r.Wrong(n.Line, "vex: a justification goes with not_affected alone")
	}
	return v
}

func (r *reader) owner(v *tree.Value) {
	r.keys(v, "an owner", "owner", "label", "package", "path", "target")
	o := Owner{
		Line: v.Line, Owner: r.word(v, "owner", maxWord), Label: r.word(v, "label", maxWord),
		Packages: r.words(v, "package", packageWord), Paths: r.words(v, "path", globWord), Targets: r.words(v, "target", globWord),
	}
	if (o.Owner == "") == (o.Label == "") {
		r.Wrong(v.Line, "an entry of owners wants an owner, or a label that names one: write, for example, owner: shop-team, or label: org.opencontainers.image.vendor")
	}
	r.file.Owners = append(r.file.Owners, o)
}
