package migration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// TestCost wants as many policies as the notes of a migration say to be within what a policy may ask of an authorizer, and
// one more to be refused all the same.
func TestCost(t *testing.T) {
	for count, want := range map[int]string{14: "it may not use p14", 15: "cost budget"} {
		var text strings.Builder
		for i := range count {
			fmt.Fprintf(&text, "---\n{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: p%d}, spec: {volumes: ['*'], "+
				"runAsUser: {rule: RunAsAny}, seLinux: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}}\n", i+1)
		}
		objects, problems := kube.Manifest("p.yaml", []byte(text.String()))
		set, errs := psp.NewSet(objects)
		if len(problems) > 0 || len(errs) > 0 {
			t.Fatal(problems, errs)
		}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "shop"}, Spec: corev1.PodSpec{ServiceAccountName: "web", Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
		kube.Default(pod)
		kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
		j := compiled(t, set).Judge(context.Background(), &admission.Request{
			Operation: "CREATE", Kind: kind, Resource: kind.GroupVersion().WithResource("pods"), Namespace: "shop", Name: "p", Object: pod,
			User: admission.User{Name: "ann"}, May: set.Grants.May, NamespaceObject: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
		}, native.World{Around: kube.NewSnapshot(nil, nil), Whole: true})
		if d := j.Denied(); d == nil || !strings.Contains(d.Message, want) {
			t.Errorf("%d policies: %+v", count, j.Outcomes)
		}
	}
}
