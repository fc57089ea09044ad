// Package migrate brings a cluster from PodSecurityPolicies to what took their place: it works out which level of the
// Pod Security Standards each namespace can be put under, writes the policies for the rest (package
// tell/harden/migration), and holds the pods that are given against both, the old and the new.
//
// What comes of a pod by the old is decided by a model of the API server's plugin (package judge/pod/psp), by the new by
// Kubernetes' own libraries: that of the standards, and that of CEL.
package migrate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/tell/harden/migration"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// Options say what is migrated.
type Options struct {
	Around    *kube.Snapshot
	Namespace string              // of objects that name none
	By        admission.User      // who creates pods that no controller makes
	Action    v1.ValidationAction // of what is denied
}

// Result is what is to be applied, and what came of the comparison.
type Result struct {
	Set        *psp.Set
	Action     v1.ValidationAction
	Namespaces []Namespace
	Pods       []Pod
}

// Namespace is one with the level that it is put under.
type Namespace struct {
	Name        string
	Level       standard.Level
	Policies    []string // that a service account of it may use
	Differences []migration.Difference
	// Lowered names a pod for which a stricter level was not taken, and says what that level refuses.
	Lowered string
}

// Pod is one that was compared: what an object makes, or is.
type Pod struct {
	Kind, Namespace, Name, Field string
	By                           string // who creates it
	Policy                       string // that was chosen; empty: it was refused
	Mutated                      bool
	Refused                      []psp.Refusal
	Admitted                     bool   // by what takes the policies' place
	Why                          string // it is not
}

// Same says that old and new agree on the pod.
func (p *Pod) Same() bool { return (p.Policy != "") == p.Admitted }

// Run does the whole. The errors are of policies that no API server could have held.
func Run(ctx context.Context, o Options) (*Result, []error) {
	set, errs := psp.NewSet(o.Around.Objects)
	if len(errs) > 0 {
		return nil, errs
	}
	if len(set.Policies) == 0 {
		return nil, []error{fmt.Errorf("there is no PodSecurityPolicy among the objects: kubectl get psp -o yaml writes them, up to Kubernetes 1.24")}
	}
	r := &Result{Set: set, Action: o.Action}
	m := &move{Options: o, set: set, accounts: map[string][]string{}}
	m.gather()
	m.choose()
	for _, name := range m.names() {
		r.Namespaces = append(r.Namespaces, m.namespace(name))
	}
	var err error
	if r.Pods, err = m.compare(ctx, r.Namespaces); err != nil {
		return nil, []error{err}
	}
	return r, nil
}

type move struct {
	Options
	set      *psp.Set
	accounts map[string][]string // of each namespace
	pods     []*given
}

// given is a pod before it is admitted.
type given struct {
	workload  *kube.Workload
	pod       *corev1.Pod
	namespace string
	by        admission.User
	choice    psp.Choice
}

// gather finds the pods, and the namespaces with their service accounts.
func (m *move) gather() {
	add := func(namespace, account string) {
		if !slices.Contains(m.accounts[namespace], account) {
			m.accounts[namespace] = append(m.accounts[namespace], account)
		}
	}
	for _, o := range m.Around.Objects {
		switch {
		case o.Is("", "Namespace"):
			add(o.Name, "default")
		case o.Is("", "ServiceAccount"):
			add(cmp.Or(o.Namespace, m.Namespace), o.Name)
		case o.Is("rbac.authorization.k8s.io", "RoleBinding"):
			add(cmp.Or(o.Namespace, m.Namespace), "default")
		}
	}
	for i := range m.Around.Workloads {
		w := &m.Around.Workloads[i]
		if w.Is("", "PodTemplate") {
			continue // which makes none
		}
		g := &given{workload: w, namespace: cmp.Or(w.Namespace, m.Namespace), by: m.By}
		if w.Field != "" {
			g.by = native.Controller(w.Object, m.By)
		}
		g.pod = &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: w.Meta, Spec: *w.Spec.DeepCopy()}
		g.pod.Namespace, g.pod.Name = g.namespace, w.Name
		kube.Default(g.pod)
		if g.pod.Spec.ServiceAccountName == "" {
			g.pod.Spec.ServiceAccountName = "default" // as the plugin ServiceAccount fills in before anybody looks
		}
		add(g.namespace, g.pod.Spec.ServiceAccountName)
		m.pods = append(m.pods, g)
	}
}

func (m *move) names() (all []string) {
	for name := range m.accounts {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// choose decides about each pod by the policies.
func (m *move) choose() {
	for _, g := range m.pods {
		g.choice = m.set.Choose(g.pod, g.namespace, g.by)
	}
}

// namespace finds the strictest level that nothing is above which its service accounts may use, and that lets its pods
// pass.
func (m *move) namespace(name string) Namespace {
	n := Namespace{Name: name, Level: standard.Restricted}
	for _, p := range m.set.Policies {
		usable := p.Inert() == "" && slices.ContainsFunc(append(slices.Clone(m.accounts[name]), "default"), func(account string) bool {
			return m.set.Grants.Use(admission.ServiceAccount(name, account), p.Name, name)
		})
		if !usable {
			continue
		}
		level, differences := migration.Closest(p)
		n.Policies = append(n.Policies, p.Name)
		if standard.Weaker(level, n.Level) {
			n.Level = level
		}
		for _, d := range differences {
			if !slices.Contains(n.Differences, d) {
				n.Differences = append(n.Differences, d)
			}
		}
	}
	if len(n.Policies) == 0 {
		n.Level = standard.Privileged // no pod of its own passes, and who creates others by another right knows why
	}
	for _, g := range m.pods {
		if g.namespace != name || g.choice.Policy == nil {
			continue
		}
		for n.Level != standard.Privileged {
			wrong := standard.Evaluate(line(n.Level), &g.choice.Pod.ObjectMeta, &g.choice.Pod.Spec)
			if len(wrong) == 0 {
				break
			}
			n.Lowered = fmt.Sprintf("%s refuses %s %s: %s", n.Level, g.workload.Kind, g.workload.Name, standard.Words(wrong))
			n.Level = below(n.Level)
		}
	}
	n.Differences = slices.DeleteFunc(n.Differences, func(d migration.Difference) bool {
		return n.Level == standard.Privileged || n.Level == standard.Baseline && d.Check == "runAsNonRoot"
	})
	return n
}

func below(level standard.Level) standard.Level {
	if level == standard.Restricted {
		return standard.Baseline
	}
	return standard.Privileged
}

func line(level standard.Level) standard.Line {
	return standard.Line{Level: level, Version: standard.Newest()}
}
