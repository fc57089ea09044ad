package exceptionfile

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/finding"
)

// own reads Plimsoll's own form.
func (r *reader) own(top *mapping) error {
	if err := r.only(top, "a file of exceptions", "exceptions", "owners"); err != nil {
		return err
	}
	if err := r.list(top, "exceptions", r.exception); err != nil {
		return err
	}
	return r.list(top, "owners", r.owner)
}

func (r *reader) exception(n *yaml.Node) error {
	m, err := r.mapping(n, "an exception")
	if err != nil {
		return err
	}
	if err := r.only(m, "an exception", "rule", "package", "path", "target", "fingerprint", "subject", "kind", "namespace", "name", "image", "reason", "owner", "ticket", "until", "vex"); err != nil {
		return err
	}
	e := Exception{File: r.file.Name, Line: n.Line}
	for _, l := range []struct {
		key   string
		into  *[]string
		check func(string) (string, error)
	}{
		{"rule", &e.Rules, ruleWord},
		{"package", &e.Packages, packageWord},
		{"path", &e.Paths, globWord},
		{"target", &e.Targets, globWord},
		{"fingerprint", &e.Fingerprints, fingerprintWord},
		{"subject", &e.Subjects, globWord},
		{"kind", &e.Kinds, globWord},
		{"namespace", &e.Namespaces, globWord},
		{"name", &e.Names, globWord},
		{"image", &e.Images, imageWord},
	} {
		if *l.into, err = r.words(m, l.key, l.check); err != nil {
			return err
		}
	}
	if len(e.Rules)+len(e.Packages)+len(e.Paths)+len(e.Targets)+len(e.Fingerprints)+len(e.Subjects)+len(e.Kinds)+len(e.Namespaces)+len(e.Names)+len(e.Images) == 0 {
		return r.errorf(n, "an exception that names nothing would let everything pass: say what it is about, for example rule: CVE-2024-5535")
	}
	if err := r.why(m, &e); err != nil {
		return err
	}
	if e.VEX, err = r.vex(m); err != nil {
		return err
	}
	r.file.Exceptions = append(r.file.Exceptions, e)
	return nil
}

// why reads who answers for an exception, and until when.
func (r *reader) why(m *mapping, e *Exception) error {
	var err error
	if e.Reason, err = r.word(m, "reason", maxText); err != nil {
		return err
	}
	if e.Owner, err = r.word(m, "owner", maxWord); err != nil {
		return err
	}
	if e.Ticket, err = r.word(m, "ticket", maxWord); err != nil {
		return err
	}
	if e.Until, err = r.date(m, "until"); err != nil {
		return err
	}
	missing := []struct {
		key, example string
		there        bool
	}{
		{"reason", "reason: the vulnerable function is never called", e.Reason != ""},
		{"owner", "owner: shop-team", e.Owner != ""},
		{"until", "until: 2027-02-28", !e.Until.IsZero()},
	}
	for _, one := range missing {
		if !one.there {
			return fmt.Errorf("%s: an exception wants reason, owner and until, and %s is missing: write, for example, %q", e.Place(), one.key, one.example)
		}
	}
	return nil
}

// Justifications are why a product is not affected, in OpenVEX's words.
func Justifications() []string {
	return []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
}

func (r *reader) vex(m *mapping) (*finding.VEX, error) {
	n := m.values["vex"]
	if n == nil {
		return nil, nil
	}
	inner, err := r.mapping(n, "vex")
	if err != nil {
		return nil, err
	}
	if err := r.only(inner, "vex", "status", "justification"); err != nil {
		return nil, err
	}
	v := &finding.VEX{}
	if v.Status, err = r.word(inner, "status", maxWord); err != nil {
		return nil, err
	}
	if v.Justification, err = r.word(inner, "justification", maxWord); err != nil {
		return nil, err
	}
	// An exception with the other statuses would let pass what it says is harmful, or not known yet.
	switch {
	case v.Status != "not_affected" && v.Status != "fixed":
		return nil, r.errorf(n, "vex: status %q: an exception says not_affected or fixed; leave vex out where a risk is lived with", cut(v.Status))
	case v.Status == "not_affected" && v.Justification == "":
		return nil, r.errorf(n, "vex: not_affected wants a justification: %s", strings.Join(Justifications(), ", "))
	case v.Justification != "" && !slices.Contains(Justifications(), v.Justification):
		return nil, r.errorf(n, "vex: %q is no justification: use %s", cut(v.Justification), strings.Join(Justifications(), ", "))
	case v.Status == "fixed" && v.Justification != "":
		return nil, r.errorf(n, "vex: a justification goes with not_affected alone")
	}
	return v, nil
}

func (r *reader) owner(n *yaml.Node) error {
	m, err := r.mapping(n, "an owner")
	if err != nil {
		return err
	}
	if err := r.only(m, "an owner", "owner", "label", "package", "path", "target"); err != nil {
		return err
	}
	o := Owner{Line: n.Line}
	if o.Owner, err = r.word(m, "owner", maxWord); err != nil {
		return err
	}
	if o.Label, err = r.word(m, "label", maxWord); err != nil {
		return err
	}
	if (o.Owner == "") == (o.Label == "") {
		return r.errorf(n, "an entry of owners wants an owner, or a label that names one: write, for example, owner: shop-team, or label: org.opencontainers.image.vendor")
	}
	if o.Packages, err = r.words(m, "package", packageWord); err != nil {
		return err
	}
	if o.Paths, err = r.words(m, "path", globWord); err != nil {
		return err
	}
	o.Targets, err = r.words(m, "target", globWord)
	r.file.Owners = append(r.file.Owners, o)
	return err
}
