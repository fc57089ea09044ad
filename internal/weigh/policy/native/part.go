package native

import (
	"bytes"
	"encoding/json"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
)

// Said is what a policy says of itself.
type Said struct {
	Name    string
	Actions []Action // of its bindings
	// Ignores says that what it cannot be held against may pass: its failurePolicy is Ignore.
	Ignores bool
	// Rules are what it is about.
	Rules []v1.RuleWithOperations
}

// Said are the policies that are bound.
func (s *Set) Said() (all []Said) {
	for _, p := range s.policies {
		if len(p.bindings) == 0 {
			continue
		}
		one := Said{Name: p.Name, Ignores: ignores(p)}
		for _, b := range p.bindings {
			for _, a := range b.spec.ValidationActions {
				one.Actions = append(one.Actions, Action(strings.ToLower(string(a))))
			}
		}
		for _, r := range p.spec.MatchConstraints.ResourceRules {
			one.Rules = append(one.Rules, r.RuleWithOperations)
		}
		all = append(all, one)
	}
	return all
}

// AsksWho names the policies that look at who asks: of what is in a cluster already, nobody knows it any more.
func (s *Set) AsksWho() (names []string) {
	for _, p := range s.policies {
		if text, err := json.Marshal(p.spec); err != nil || bytes.Contains(text, []byte("userInfo")) {
			names = append(names, p.Name)
		}
	}
	return names
}

// Part are those policies that keep names.
func (s *Set) Part(keep func(name string) bool) *Set {
	part := &Set{params: s.params}
	for _, p := range s.policies {
		if keep(p.Name) {
			part.policies = append(part.policies, p)
		}
	}
	return part
}
