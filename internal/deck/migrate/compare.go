package migrate

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/tell/harden/migration"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// compare holds each pod, with what the chosen policy fills in, against what takes the policies' place.
func (m *move) compare(ctx context.Context, namespaces []Namespace) (all []Pod, err error) {
	// Whatever the action will be in the cluster, here it is asked what would be denied.
	written, err := migration.Write(migration.Validating(m.set), migration.Binding(v1.Deny))
	if err != nil {
		return nil, err
	}
	objects, problems := kube.Manifest("policies", written)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	policies, err := native.Compile(objects)
	if err != nil {
		return nil, fmt.Errorf("compile the policies that were written: %w", err)
	}
	for _, g := range m.pods {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(namespaces, func(n Namespace) bool { return n.Name == g.namespace })
		p := Pod{Kind: g.workload.Kind, Namespace: g.namespace, Name: g.workload.Name, Field: g.workload.Field, By: g.by.Name, Refused: g.choice.Refused}
		pod := g.pod
		if g.choice.Policy != nil {
			p.Policy, p.Mutated, pod = g.choice.Policy.Name, g.choice.Mutated, g.choice.Pod
		}
		p.Why = m.refuses(ctx, policies, namespaces[i].Level, g, pod)
		p.Admitted = p.Why == ""
		all = append(all, p)
	}
	return all, nil
}

// refuses says why a pod is refused by the level of its namespace or by the policies; empty: it is not.
func (m *move) refuses(ctx context.Context, policies *native.Set, level standard.Level, g *given, pod *corev1.Pod) string {
	if wrong := standard.Evaluate(line(level), &pod.ObjectMeta, &pod.Spec); len(wrong) > 0 {
		return fmt.Sprintf("PodSecurity %s: %s", level, standard.Words(wrong))
	}
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	j := policies.Judge(ctx, &admission.Request{
		Operation: "CREATE", Kind: kind, Resource: kind.GroupVersion().WithResource("pods"), Namespace: g.namespace, Name: pod.Name,
		Object: pod, User: g.by, May: m.set.Grants.May,
		NamespaceObject: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: g.namespace, Labels: map[string]string{corev1.LabelMetadataName: g.namespace}}},
	}, native.World{Around: m.Around, Whole: true})
	if len(j.Outcomes) > 0 {
		return j.Outcomes[0].Message
	}
	return ""
}
