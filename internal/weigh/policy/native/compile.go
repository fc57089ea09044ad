package native

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kjson "sigs.k8s.io/json"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

const group = "admissionregistration.k8s.io"

// Migration is where the documentation says what to do with policies that are not evaluated.
const Migration = "docs/guide/migrate-policies.md"

// Compile compiles the policies among objects. The others may be parameters: an object of a kind that no policy takes
// for one is an error, for somebody wrote it for something. All that is wrong is said, with file, line and column.
func Compile(objects []*kube.Object) (*Set, error) {
	c := &compiler{set: &Set{}, byName: map[string]*policy{}}
	var others []*kube.Object
	for _, o := range objects {
		switch {
		case o.Is(group, "ValidatingAdmissionPolicy"):
			c.policy(o)
		case o.Is(group, "ValidatingAdmissionPolicyBinding"):
			c.bindings = append(c.bindings, o)
		case o.Is(kyverno, "ValidatingPolicy"):
			c.kyverno(o)
		case ours(o) && o.Is(group, "MutatingAdmissionPolicy"):
			c.set.changes = append(c.set.changes, o.Name)
		case ours(o) && o.Is(group, "MutatingAdmissionPolicyBinding"):
		case o.Is("", "Namespace"): // it is no policy's, and often applied with them, for its labels
		default:
			others = append(others, o)
		}
	}
	for _, o := range c.bindings {
		c.binding(o)
	}
	for _, o := range others {
		if why := unsupported(o); why != "" {
			c.fault(o, "kind", "%s", why)
			continue
		}
		if !slices.ContainsFunc(c.set.policies, func(p *policy) bool {
			k := p.spec.ParamKind
			return k != nil && k.APIVersion == o.APIVersion && k.Kind == o.Kind
		}) {
			c.fault(o, "kind", "kind %s of %s is no policy, and no policy takes it for a parameter", o.Kind, o.APIVersion)
		}
		c.set.params = append(c.set.params, o)
	}
	slices.SortStableFunc(c.set.policies, func(a, b *policy) int { return cmp.Compare(a.Name, b.Name) })
	return c.set, errors.Join(c.wrong...)
}

// ours says that an object is as admit export wrote it. What such a policy changes only ever makes a pod safer.
func ours(o *kube.Object) bool {
	return o.Metadata("labels")["app.kubernetes.io/managed-by"] == "plimsoll"
}

// unsupported says of policies of other engines that nothing here evaluates them, and what to do; empty of all else.
func unsupported(o *kube.Object) string {
	kinds := map[string][]string{
		"kyverno.io":                {"ClusterPolicy", "Policy", "ClusterCleanupPolicy", "CleanupPolicy", "PolicyException"},
		kyverno:                     {"MutatingPolicy", "GeneratingPolicy", "ImageValidatingPolicy", "DeletingPolicy", "NamespacedValidatingPolicy", "PolicyException"},
		"templates.gatekeeper.sh":   {"ConstraintTemplate"},
		"constraints.gatekeeper.sh": {o.Kind},
		"mutations.gatekeeper.sh":   {o.Kind},
	}
	if o.Is(group, "MutatingAdmissionPolicy") || o.Is(group, "MutatingAdmissionPolicyBinding") {
		return fmt.Sprintf("kind %s is not evaluated here: nothing here changes objects by it. Leave it out to hold them as they are written against the other policies; "+
			"kubectl apply --dry-run=server shows what an API server makes of them", o.Kind)
	}
	if slices.Contains(kinds[o.Group()], o.Kind) {
		return fmt.Sprintf("kind %s of %s is not evaluated here: %s says how to write it as a ValidatingAdmissionPolicy", o.Kind, o.APIVersion, Migration)
	}
	return ""
}

type compiler struct {
	set      *Set
	byName   map[string]*policy
	bindings []*kube.Object
	wrong    []error
}

func (c *compiler) fault(o *kube.Object, field, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf("%s: %s", place(o, field), fmt.Sprintf(format, args...)))
}

// place is FILE:LINE:COLUMN of a field.
func place(o *kube.Object, field string) string {
	at := o.At(field)
	if len(at) == 0 {
		return o.Kind + " " + o.Name + ": " + field
	}
	return fmt.Sprintf("%s:%d:%d", at[0].Path, at[0].StartLine, at[0].Column)
}

func (p *policy) at(field string) string { return at(p.object, field) }

func (b *binding) at(field string) string { return at(b.object, field) }

func at(o *kube.Object, field string) string {
	if at := o.At(field); len(at) > 0 {
		return fmt.Sprintf("%s:%d", at[0].Path, at[0].StartLine)
	}
	return ""
}

// read decodes an object strictly: what is misspelt is an error.
func (c *compiler) read(o *kube.Object, into any) bool {
	before := len(c.wrong)
	text, err := json.Marshal(o.Fields)
	var strict []error
	if err == nil {
		strict, err = kjson.UnmarshalStrict(text, into)
	}
	if err != nil {
		c.fault(o, mistyped(err), "%s %s: %v (YAML reads n, y, on and off as true or false: put them in quotes)", o.Kind, o.Name, err)
	}
	for _, e := range strict {
		field := ""
		if quoted := strings.Split(e.Error(), `"`); len(quoted) > 1 {
			field = quoted[1]
		}
		c.fault(o, field, "%s %s: %v", o.Kind, o.Name, e)
	}
	if o.Name == "" {
		c.fault(o, "metadata", "a %s has a name", o.Kind)
	}
	return len(c.wrong) == before
}

// mistyped is the field that has another type, out of the words of an error: "… into Go struct field Variable.spec.x of type".
func mistyped(err error) string {
	_, rest, _ := strings.Cut(err.Error(), " field ")
	_, rest, _ = strings.Cut(rest, ".")
	field, _, _ := strings.Cut(rest, " ")
	return field
}

func (c *compiler) policy(o *kube.Object) {
	if o.APIVersion != group+"/v1" {
		c.fault(o, "apiVersion", "%s: write %s/v1, which has been there since Kubernetes 1.30", o.APIVersion, group)
		return
	}
	var written v1.ValidatingAdmissionPolicy
	if c.read(o, &written) {
		c.add(o, &written.Spec)
	}
}

// add checks and compiles a policy; nil of one that is wrong.
func (c *compiler) add(o *kube.Object, spec *v1.ValidatingAdmissionPolicySpec) *policy {
	if old := c.byName[o.Name]; old != nil {
		c.fault(o, "metadata.name", "policy %s stands in %s already", o.Name, place(old.object, "metadata.name"))
		return nil
	}
	p := &policy{Name: o.Name, object: o, spec: spec, named: map[string]bool{}}
	c.byName[o.Name] = p
	defaults(spec)
	before := len(c.wrong)
	c.check(p)
	if len(c.wrong) > before {
		return nil
	}
	text, err := json.Marshal(spec)
	p.who = err != nil || bytes.Contains(text, []byte("userInfo"))
	if p.compiled, err = admission.Compile(spec); err != nil {
		c.compileErrors(o, err)
		return nil
	}
	if p.about, err = matchOf(spec.MatchConstraints); err != nil {
		c.fault(o, "spec.matchConstraints", "%v", err)
		return nil
	}
	p.names()
	c.set.policies = append(c.set.policies, p)
	return p
}

func (c *compiler) compileErrors(o *kube.Object, err error) {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		c.fault(o, "spec", "%v", err)
		return
	}
	for _, one := range all.Unwrap() {
		var e *admission.Error
		if !errors.As(one, &e) {
			c.fault(o, "spec", "%v", one)
			continue
		}
		line, column := o.Within(e.Field, e.At.Line, e.At.Column)
		c.wrong = append(c.wrong, fmt.Errorf("%s:%d:%d: %s: %s", o.Source.Path, line, column, e.Field, e.At.Message))
	}
}

// names notes which expressions name the object's namespace.
func (p *policy) names() {
	of := func(text string) bool { return strings.Contains(text, "namespaceObject") }
	for _, v := range p.spec.Variables {
		p.whole = p.whole || of(v.Expression)
	}
	for i, v := range p.spec.Validations {
		if of(v.Expression) {
			p.named[fmt.Sprintf("spec.validations[%d].expression", i)] = true
		}
	}
	for i, a := range p.spec.AuditAnnotations {
		if of(a.ValueExpression) {
			p.named[fmt.Sprintf("spec.auditAnnotations[%d].valueExpression", i)] = true
		}
	}
}

func (c *compiler) binding(o *kube.Object) {
	if o.APIVersion != group+"/v1" {
		c.fault(o, "apiVersion", "%s: write %s/v1", o.APIVersion, group)
		return
	}
	var written v1.ValidatingAdmissionPolicyBinding
	if !c.read(o, &written) {
		return
	}
	b := &binding{Name: o.Name, object: o, spec: &written.Spec}
	c.checkBinding(b)
	p := c.byName[b.spec.PolicyName]
	if p == nil {
		c.fault(o, "spec.policyName", "no policy %q was read: a binding of nothing does nothing", b.spec.PolicyName)
		return
	}
	if slices.ContainsFunc(p.bindings, func(old *binding) bool { return old.Name == b.Name }) {
		c.fault(o, "metadata.name", "binding %s stands twice", b.Name)
	}
	defaultMatch(b.spec.MatchResources)
	about, err := matchOf(b.spec.MatchResources)
	if err == nil {
		b.about, b.params = about, labels.Everything()
		if ref := b.spec.ParamRef; ref != nil && ref.Selector != nil {
			b.params, err = metav1.LabelSelectorAsSelector(ref.Selector)
		}
	}
	if err != nil {
		c.fault(o, "spec", "%v", err)
		return
	}
	p.bindings = append(p.bindings, b)
	slices.SortStableFunc(p.bindings, func(a, b *binding) int { return cmp.Compare(a.Name, b.Name) })
}

// defaults fills in what the API server does.
func defaults(spec *v1.ValidatingAdmissionPolicySpec) {
	if spec.FailurePolicy == nil {
		fail := v1.Fail
		spec.FailurePolicy = &fail
	}
	defaultMatch(spec.MatchConstraints)
}

func defaultMatch(m *v1.MatchResources) {
	if m == nil {
		return
	}
	if m.MatchPolicy == nil {
		equivalent := v1.Equivalent
		m.MatchPolicy = &equivalent
	}
	for _, s := range []**metav1.LabelSelector{&m.NamespaceSelector, &m.ObjectSelector} {
		if *s == nil {
			*s = &metav1.LabelSelector{}
		}
	}
}
