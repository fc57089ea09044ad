package webhook

import (
	"context"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/expr"
)

type asRequest struct{ *admissionv1.AdmissionRequest }

func (r asRequest) Value(string) (any, error) {
	fields, err := Fields(r.AdmissionRequest)
	if user, _ := fields["userInfo"].(map[string]any); user["groups"] == nil {
		user["groups"] = []any{}
	}
	return fields, err
}

// TestNotAsked wants who tries a line out to pass over just what the configuration keeps from the webhook.
func TestNotAsked(t *testing.T) {
	env, err := expr.New(nil, []expr.Variable{{Name: "request", Doc: "the request", Type: expr.Dyn}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := lineOf(t, "", nil)
	w := webhookOf(l, "fail", Place{Name: "p", Namespace: "guard", Service: "plimsoll", Seconds: 3})
	conditions := append(slices.Clone(w.MatchConditions), notForAStart)
	request := func(namespace, group, resource, user string, groups ...string) *admissionv1.AdmissionRequest {
		return &admissionv1.AdmissionRequest{
			Namespace: namespace, Resource: metav1.GroupVersionResource{Group: group, Version: "v1", Resource: resource},
			UserInfo: authenticationv1.UserInfo{Username: user, Groups: groups},
		}
	}
	for _, c := range []struct {
		r    *admissionv1.AdmissionRequest
		want bool
	}{
		{request("shop", "", "pods", "a"), true},
		{request("kube-system", "", "pods", "a"), false},
		{request("kube-node-lease", "coordination.k8s.io", "leases", "a"), false},
		{request("shop", "coordination.k8s.io", "leases", "a"), false},
		{request("", "", "nodes", "a"), false},
		{request("", "other.example", "nodes", "a"), true},
		{request("", "certificates.k8s.io", "certificatesigningrequests", "a"), false},
		{request("", "authorization.k8s.io", "subjectaccessreviews", "a"), false},
		{request("", "rbac.authorization.k8s.io", "clusterroles", "a"), true},
		{request("shop", "", "pods", "system:apiserver"), false},
		{request("shop", "", "pods", "system:node:a", "system:nodes"), false},
	} {
		asked := !slices.Contains(w.NamespaceSelector.MatchExpressions[0].Values, c.r.Namespace)
		for _, condition := range conditions {
			p, err := env.Compile(condition.Expression, expr.Bool)
			if err != nil {
				t.Fatal(err)
			}
			ok, _, err := p.Bool(context.Background(), asRequest{c.r})
			if err != nil {
				t.Fatal(err)
			}
			asked = asked && ok
		}
		if asked != c.want || (NotAsked(c.r) == "") != c.want {
			t.Errorf("%s %s by %s: asked by its conditions %t, by NotAsked %q", c.r.Namespace, c.r.Resource, c.r.UserInfo.Username, asked, NotAsked(c.r))
		}
	}
}
