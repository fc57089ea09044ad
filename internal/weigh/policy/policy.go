// Package policy weighs a report against the policies of its user: rules in CEL, each about an image, its
// configuration, each package, each finding, each file or each Kubernetes object. What a policy does not let pass is a finding of kind
// policy, which denies or warns; the gate obeys.
//
// Policies have no order and cannot undo each other: one that denies is enough. Every expression is
// type-checked before anything is looked at, and bounded in what it may cost. One that fails while it runs, or
// asks for what nobody knows, denies, also in a policy that only warns: what was not decided has not passed.
//
// [Compile] makes policies of files, [Evaluate] runs them. [Library] holds those that Plimsoll ships.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/read/policyfile"
)

// The subjects that a policy may have.
const (
	subjectImage   = "image"
	subjectConfig  = "config"
	subjectPackage = "package"
	subjectFinding = "finding"
	subjectFile    = "file"
	// subjectManifest is a Kubernetes object, wherever it is written.
	subjectManifest = "manifest"
)

// Subjects lists what policies can be about.
func Subjects() []string {
	return []string{subjectImage, subjectConfig, subjectPackage, subjectFinding, subjectFile, subjectManifest}
}

// Policy is one that compiles. It is not changed by use.
type Policy struct {
	Name        string
	Subject     string
	Kinds       []schema.GroupKind // the objects that it looks at, in policies about manifests; none: all
	Use         []string           // who is to have the right to use it, one of these; none: nobody needs one
	Action      finding.Action     // deny or warn
	Severity    finding.Severity
	Description string
	Digest      string // of all that it says, with its parameters

	source      policyfile.Policy
	params      *params
	conditions  []step
	variables   []step
	validations []validation
}

// About says whether the policy looks at objects of a kind.
func (p *Policy) About(kind schema.GroupKind) bool {
	return len(p.Kinds) == 0 || slices.Contains(p.Kinds, kind)
}

// Asks says whether one of its expressions names a variable.
func (p *Policy) Asks(variable string) bool {
	var all []string
	for _, n := range slices.Concat(p.source.Conditions, p.source.Variables) {
		all = append(all, n.Expression.Value)
	}
	for _, v := range p.source.Validations {
		all = append(all, v.Expression.Value, v.MessageExpression.Value)
	}
	return slices.ContainsFunc(all, func(text string) bool { return strings.Contains(text, variable) })
}

// Params are the values of its parameters, by name.
func (p *Policy) Params() map[string]any { return p.params.values }

// Written is the policy as its file has it, with the parameters that it was bound with.
func (p *Policy) Written() policyfile.Policy { return p.source }

// step is one expression of a policy.
type step struct {
	name string
	text policyfile.Text
	run  *expr.Program
}

type validation struct {
	step
	message string
	words   *expr.Program // makes the message; nil: message is told
}

// params are what a policy's own type of parameters is read from.
type params struct{ values map[string]any }

// rule is the id that findings of the policy carry.
func (p *Policy) rule() string { return "policy/" + p.Name }

// digest is over what a policy says, and not over how its file is laid out.
func digest(p policyfile.Policy, action finding.Action, severity finding.Severity) string {
	type pair struct{ Name, Expression string }
	type check struct{ Expression, Message, MessageExpression string }
	said := struct {
		Subject               string
		Kinds                 []string `json:",omitempty"`
		Use                   []string `json:",omitempty"`
		Action                finding.Action
		Severity              finding.Severity
		Params                map[string]any
		Conditions, Variables []pair
		Validations           []check
	}{Subject: p.Subject.Value, Action: action, Severity: severity, Params: p.Params}
	for _, k := range p.Kinds {
		said.Kinds = append(said.Kinds, k.Value)
	}
	for _, u := range p.Use {
		said.Use = append(said.Use, u.Value)
	}
	for _, n := range p.Conditions {
		said.Conditions = append(said.Conditions, pair{n.Name.Value, n.Expression.Value})
	}
	for _, n := range p.Variables {
		said.Variables = append(said.Variables, pair{n.Name.Value, n.Expression.Value})
	}
	for _, v := range p.Validations {
		said.Validations = append(said.Validations, check{v.Expression.Value, v.Message, v.MessageExpression.Value})
	}
	b, err := json.Marshal(said)
	if err != nil { // parameters came from YAML: there is nothing in them that JSON has no word for but NaN
		b = []byte(err.Error())
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
