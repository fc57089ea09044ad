package native

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// judging is one request before all policies.
type judging struct {
	*Judgement
	set     *Set
	request *admission.Request
	world   World
	// labels are the namespace's, as far as they are known: its name always is.
	labels  map[string]string
	unknown bool // the namespace's other labels, and all else of it
	missing bool // it is not there
}

// place finds the namespace that the object is in.
func (j *judging) place() {
	r := j.request
	name := r.Namespace
	if r.Kind.Group == "" && r.Kind.Kind == "Namespace" || name == "" {
		return
	}
	if r.NamespaceObject == nil && j.world.Around != nil {
		if found := j.world.Around.Find("", "Namespace", "", name); found != nil {
			if typed, _, err := found.Typed(); err == nil {
				r.NamespaceObject, _ = typed.(*corev1.Namespace)
			}
		}
	}
	if r.NamespaceObject == nil && !j.world.Whole {
		j.unknown, j.labels = true, map[string]string{corev1.LabelMetadataName: name}
		return
	}
	if r.NamespaceObject == nil {
		j.missing = true
		return
	}
	j.labels = r.NamespaceObject.Labels
}

// policy holds the request against one policy, by each of its bindings.
func (j *judging) policy(ctx context.Context, p *policy) {
	matches, err := j.matches(p.about)
	if err != nil {
		j.misconfigured(p, nil, err)
		return
	}
	if !matches {
		return
	}
	notes := &annotations{}
	for _, b := range p.bindings {
		matches, err := j.matches(b.about)
		var params []param
		if err == nil && matches {
			params, err = j.paramsOf(p, b)
		}
		if err != nil {
			j.misconfigured(p, b, err)
			continue
		}
		if !matches {
			continue
		}
		if !slices.Contains(j.Looked, p.Name) {
			j.Looked = append(j.Looked, p.Name)
		}
		for _, of := range params {
			result := p.compiled.Evaluate(ctx, j.request, of.typed)
			for _, d := range result.Decisions {
				j.decide(p, b, of, d)
			}
			j.annotate(p, b, of, result.Annotations, notes)
		}
	}
	for _, n := range notes.all {
		j.Annotations[p.Name+"/"+n.key] = strings.Join(n.values, ", ")
	}
}

// decide says what becomes of one decision: it is told by the binding's actions.
func (j *judging) decide(p *policy, b *binding, of param, d admission.Decision) {
	unsure := j.unknown && (p.whole || p.named[d.Field] || d.Field == "spec" && len(p.named) > 0)
	if d.Verdict == admission.Admitted && !unsure {
		return
	}
	o := Outcome{Policy: p.Name, Binding: b.Name, Param: of.name, Field: d.Field, Message: d.Message, Reason: d.Reason, Failed: d.Verdict == admission.Failed}
	if d.Field != "spec" {
		o.Expression = strings.TrimSpace(p.spec.Validations[d.Index].Expression)
	}
	o.At = p.at(d.Field)
	switch {
	case d.Verdict == admission.Unknown:
		j.add(o, NotAssessed)
		return
	case unsure:
		o.Message, o.Failed, o.Missing = fmt.Sprintf("it would have to be known what namespace %s is like", j.request.Namespace), false, true
		j.add(o, NotAssessed)
		return
	case d.Verdict == admission.Failed && j.world.Written && !kube.Default(j.request.Object.DeepCopyObject()) && strings.Contains(d.Message, "no such key"):
		o.Message, o.Failed = fmt.Sprintf("it would have to be known what the API server fills into a %s: %s", j.request.Kind.Kind, d.Message), false
		j.add(o, NotAssessed)
		return
	case d.Verdict == admission.Failed && ignores(p):
		return
	}
	for _, a := range b.spec.ValidationActions {
		j.add(o, Action(strings.ToLower(string(a))))
	}
}

func (j *judging) add(o Outcome, a Action) {
	o.Action = a
	j.Outcomes = append(j.Outcomes, o)
}

// unsure is what would have to be known for a policy or binding to be held against the object at all.
type unsure struct {
	what    string
	missing bool // it is not around, where it may be
}

func (u *unsure) Error() string { return "it would have to be known " + u.what }

// misconfigured tells of a policy or binding that could not be held against the object. It denies, whatever the
// binding's actions are, or is passed over, as failurePolicy says.
func (j *judging) misconfigured(p *policy, b *binding, err error) {
	o := Outcome{Policy: p.Name, Field: "spec", At: p.at("spec"), Failed: true}
	what := "policy"
	if b != nil {
		what, o.Binding, o.At = "binding", b.Name, b.at("spec")
	}
	if u, ok := err.(*unsure); ok {
		o.Message, o.Failed, o.Missing = u.Error(), false, u.missing
		j.add(o, NotAssessed)
		return
	}
	if !ignores(p) {
		o.Message = fmt.Sprintf("failed to configure %s: %v", what, err)
		j.add(o, Deny)
	}
}

func ignores(p *policy) bool { return *p.spec.FailurePolicy == v1.Ignore }

// annotations are those of one policy, by all of its bindings.
type annotations struct {
	all []*annotation
}

type annotation struct {
	key    string
	values []string
}

// mostAnnotation is how long one value may be.
const mostAnnotation = 10 * 1024

func (j *judging) annotate(p *policy, b *binding, of param, made []admission.Annotation, into *annotations) {
	for _, a := range made {
		if j.unknown && (p.whole || p.named[a.Field]) {
			continue // what it would say is not known, and it lets nothing pass
		}
		if a.Failed != "" {
			j.add(Outcome{Policy: p.Name, Binding: b.Name, Param: of.name, Field: a.Field, At: p.at(a.Field), Message: a.Failed, Failed: true}, Deny)
			continue
		}
		into.add(a.Key, a.Value[:min(len(a.Value), mostAnnotation)])
	}
}

func (a *annotations) add(key, value string) {
	i := slices.IndexFunc(a.all, func(n *annotation) bool { return n.key == key })
	if i < 0 {
		a.all = append(a.all, &annotation{key: key, values: []string{value}})
		return
	}
	if !slices.Contains(a.all[i].values, value) {
		a.all[i].values = append(a.all[i].values, value)
	}
}

// param is one parameter: none has neither name nor value.
type param struct {
	name  string
	typed runtime.Object
}
