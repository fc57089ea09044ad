package webhook

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// nativePolicies need parameters, namespaces, and answers of the authorizer, and are about much that makes no pods.
const nativePolicies = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]}
  validations:
  - expression: object.spec.replicas <= int(params.data.most)
    messageExpression: "'at most ' + params.data.most + ' replicas'"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny, Audit], paramRef: {name: limits, parameterNotFoundAction: Deny}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: team}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [services]}]}
  validations:
  - {expression: "'team' in namespaceObject.metadata.labels", message: the namespace has no team}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: team}, spec: {policyName: team, validationActions: [Deny]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: may-own}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, DELETE], resources: [namespaces]}
    - {apiGroups: [rbac.authorization.k8s.io], apiVersions: ["*"], operations: ["*"], resources: [clusterroles]}
  matchConditions: [{name: protected, expression: "request.name.startsWith('protected-')"}]
  validations:
  - expression: authorizer.group('plimsoll.example').resource('protected').check('own').allowed()
    message: you do not own it
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: may-own}, spec: {policyName: may-own, validationActions: [Deny]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: everything}
spec:
  matchConstraints: {resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]}
  validations: [{expression: "!has(object.metadata.labels) || !('odd' in object.metadata.labels)", message: it is odd}]
  auditAnnotations: [{key: kind, valueExpression: 'string(object.kind)'}]
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: everything}, spec: {policyName: everything, validationActions: [Warn]}}
`

func nativeLine(t testing.TB, file string) *admit.Line {
	t.Helper()
	objects, problems := kube.Manifest("policies.yaml", []byte(nativePolicies))
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	set, err := native.Compile(objects)
	if err != nil {
		t.Fatal(err)
	}
	f, err := admissionfile.Parse("admission.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	l, err := admit.New(admit.Options{File: f, Native: set})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestNative has a real API server ask about what its own policies would be about.
func TestNative(t *testing.T) {
	d := newDoor(t)
	l := nativeLine(t, "failOn: none\n")
	ctx, cancel := context.WithCancel(t.Context())
	of, err := client.OpenCluster(d.Kubeconfig("webhook", "system:masters"))
	d.must(err)
	known, wait := of.Follow(ctx, l.Needs(), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { cancel(); wait() })
	d.must(known.Read(ctx))
	l.Cluster = known
	r := serve(t, Options{Line: l, Queue: 100, Certificates: localhost(t)})
	d.register(l, r)

	deployment := strings.Replace(cart, "shop", "team-a", 1)
	service := "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: NAMESPACE}, spec: {ports: [{port: 80}]}}"
	role := "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: protected-r}}"
	try := func(name, resource, text, want string) {
		t.Helper()
		err := d.create(resource, text, metav1.DryRunAll)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	await(t, func() bool { return d.create("clusterroles", role, metav1.DryRunAll) == nil })
	d.must(d.create("namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: team-a, labels: {team: a}}}"))

	try("no parameters", "deployments", deployment, "policy/replicas: Deployment cart: failed to configure binding: no params found")
	d.must(d.create("configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: limits, namespace: team-a}, data: {most: '2'}}"))
	await(t, func() bool {
		err := d.create("deployments", deployment, metav1.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "policy/replicas: Deployment cart: at most 2 replicas")
	})
	try("few enough", "deployments", strings.Replace(deployment, "replicas: 3", "replicas: 2", 1), "")
	try("a namespace without a team", "services", strings.Replace(service, "NAMESPACE", "shop", 1), "the namespace has no team")
	try("a namespace with one", "services", strings.Replace(service, "NAMESPACE", "team-a", 1), "")
	try("a namespace that is no one's", "namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: protected-n}}", "")
	try("not the API server's own start", "nodes", "{apiVersion: v1, kind: Node, metadata: {name: node-1, labels: {odd: one}}}", "")
	d.warnings.take()
	try("odd", "secrets", "{apiVersion: v1, kind: Secret, metadata: {name: odd, namespace: shop, labels: {odd: one}}}", "")
	if said := d.warnings.take(); !strings.Contains(said, "plimsoll: policy/everything: Secret odd: it is odd") {
		t.Errorf("client-go was told %q", said)
	}

	stranger := d.as("ann", "strangers")
	d.must(d.create("clusterroles", "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: names}, rules: [{apiGroups: [''], resources: [namespaces], verbs: [create, delete]}]}"))
	d.must(d.create("clusterrolebindings", "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: names}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: names}, subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: strangers}]}"))
	d.must(d.create("namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: protected-m}}"))
	await(t, func() bool {
		err := stranger.delete("namespaces", "protected-m")
		return err != nil && strings.Contains(err.Error(), "policy/may-own: Namespace protected-m: you do not own it")
	})
	if err := d.delete("namespaces", "protected-m"); err != nil {
		t.Errorf("who may: %v", err)
	}

	// What is known outlives the store; what only it can answer does as the policy's failurePolicy says.
	l.Cluster = away{known}
	time.Sleep(11 * time.Second) // a yes is kept for ten
	try("known", "deployments", deployment, "at most 2 replicas")
	try("not to be asked", "clusterroles", role, "policy/may-own: ClusterRole protected-r: it could not be decided: it would have to be known whether admin may own protected.plimsoll.example: the cluster is away")
}

// away is a cluster that can be asked nothing any more.
type away struct{ *client.Followed }

func (away) Review(context.Context, *authorizationv1.SubjectAccessReview) (s authorizationv1.SubjectAccessReviewStatus, err error) {
	return s, errors.New("the cluster is away")
}
