package webhook

import (
	"reflect"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

// Place is where the API server finds the server.
type Place struct {
	Name               string // of the configuration
	Namespace, Service string
	URL                string // where there is no service: https://HOST:PORT
	Bundle             []byte // authorities to trust, in PEM
	Seconds            int32  // how long the API server is to wait
}

// The label by which a configuration is known as one of ours.
const label, ours = "app.kubernetes.io/name", "plimsoll"

// Configuration is what makes the API server ask: a webhook for each stage that has something to say. What only tells
// stands in none that could stop anything, and no webhook is asked about what a starting cluster needs.
func Configuration(l *admit.Line, p Place) *admissionregistrationv1.ValidatingWebhookConfiguration {
	c := &admissionregistrationv1.ValidatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: map[string]string{label: ours}},
	}
	for _, stage := range admit.Stages() {
		if l.Has(stage) {
			c.Webhooks = append(c.Webhooks, webhookOf(l, stage, p))
		}
	}
	return c
}

// Mutation is what makes the API server ask which defaults a pod is given: before all of the others, and once more when
// somebody else has put a container into the pod. Nil: none are given.
func Mutation(l *admit.Line, p Place) *admissionregistrationv1.MutatingWebhookConfiguration {
	if !l.Has(admit.Change) {
		return nil
	}
	w, again := webhookOf(l, admit.Change, p), admissionregistrationv1.IfNeededReinvocationPolicy
	return &admissionregistrationv1.MutatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Labels: map[string]string{label: ours}},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: w.Name, ClientConfig: w.ClientConfig, Rules: w.Rules, FailurePolicy: w.FailurePolicy, MatchPolicy: w.MatchPolicy,
			NamespaceSelector: w.NamespaceSelector, SideEffects: w.SideEffects, TimeoutSeconds: w.TimeoutSeconds,
			AdmissionReviewVersions: w.AdmissionReviewVersions, ReinvocationPolicy: &again, MatchConditions: w.MatchConditions,
		}},
	}
}

func webhookOf(l *admit.Line, stage admit.Stage, p Place) admissionregistrationv1.ValidatingWebhook {
	policy := admissionregistrationv1.Ignore
	if l.Fails(stage) {
		policy = admissionregistrationv1.Fail
	}
	none, equivalent := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Equivalent
	w := admissionregistrationv1.ValidatingWebhook{
		Name: string(stage) + ".admission.plimsoll.io", ClientConfig: p.client(stage), Rules: rulesOf(l, stage), FailurePolicy: &policy,
		MatchPolicy: &equivalent, SideEffects: &none, TimeoutSeconds: &p.Seconds, AdmissionReviewVersions: []string{"v1"},
		NamespaceSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: p.closed()},
		}},
		MatchConditions: []admissionregistrationv1.MatchCondition{admit.NotOfANode()},
	}
	if len(l.Rules(stage)) > 0 {
		w.MatchConditions = append(w.MatchConditions, notForAStart)
	}
	if where := namespaces(l, stage); where != "" {
		w.MatchConditions = append(w.MatchConditions, admissionregistrationv1.MatchCondition{Name: "where-it-says-something", Expression: where})
	}
	return w
}

// notForAStart leaves out what a starting cluster needs before any pod runs, whatever policies say that they are about.
var notForAStart = admissionregistrationv1.MatchCondition{
	Name: "not-for-a-start",
	Expression: `request.userInfo.username != "system:apiserver" && !(request.resource.group == "" && request.resource.resource == "nodes") && ` +
		`!(request.resource.group in ["` + strings.Join(starters, `", "`) + `"])`,
}

// starters are the groups of what a starting cluster needs.
var starters = []string{"authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "flowcontrol.apiserver.k8s.io"}

// NotAsked says why no webhook is asked about a request; empty: one is, as far as the place of the server is no reason.
func NotAsked(r *admissionv1.AdmissionRequest) string {
	switch {
	case slices.Contains(admit.Closed(), r.Namespace):
		return "no webhook is asked about namespace " + r.Namespace + ", without which a cluster does not start"
	case slices.Contains(r.UserInfo.Groups, "system:nodes"):
		return "no webhook is asked about what a node does"
	case r.UserInfo.Username == "system:apiserver", forAStart(r.Resource.Group, r.Resource.Resource):
		return "no webhook is asked about it: a cluster needs it to start"
	}
	return ""
}

func forAStart(group, resource string) bool {
	return slices.Contains(starters, group) || group == "" && resource == "nodes"
}

// Unasked are the resources that policies of the line name, and that no webhook is asked about.
func Unasked(l *admit.Line) (all []string) {
	for _, r := range l.Rules(admit.All) {
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				if name, _, _ := strings.Cut(resource, "/"); forAStart(group, name) {
					all = append(all, strings.TrimSuffix(resource+"."+group, "."))
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *Place) client(stage admit.Stage) admissionregistrationv1.WebhookClientConfig {
	path := "/admit/" + string(stage)
	if p.URL != "" {
		url := strings.TrimSuffix(p.URL, "/") + path
		return admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: p.Bundle}
	}
	port := int32(443)
	return admissionregistrationv1.WebhookClientConfig{
		CABundle: p.Bundle,
		Service:  &admissionregistrationv1.ServiceReference{Namespace: p.Namespace, Name: p.Service, Path: &path, Port: &port},
	}
}

// closed are namespaces that no webhook is asked about: what they hold must start before the server can.
func (p *Place) closed() []string {
	all := admit.Closed()
	if p.Namespace != "" && !slices.Contains(all, p.Namespace) {
		all = append(all, p.Namespace)
	}
	return all
}

// rulesOf are the objects that make pods, what is opened into those that run, and what policies are about.
func rulesOf(l *admit.Line, stage admit.Stage) []admissionregistrationv1.RuleWithOperations {
	if stage == admit.Change {
		return []admissionregistrationv1.RuleWithOperations{admit.ChangeRule()}
	}
	all := admit.PodRules()
	if l.Connects(stage) {
		all = append(all, admit.ConnectRule())
	}
	for _, r := range l.Rules(stage) {
		if !slices.ContainsFunc(all, func(had admissionregistrationv1.RuleWithOperations) bool { return reflect.DeepEqual(had, r) }) {
			all = append(all, r)
		}
	}
	return all
}

// namespaces is an expression that is true where the stage has something to say; empty where it has everywhere.
func namespaces(l *admit.Line, stage admit.Stage) string {
	return l.Where(func(n *admissionfile.Namespace) bool {
		if stage == admit.Tell {
			return n == nil || n.Mode == nil || *n.Mode != admissionfile.Off
		}
		return l.Denies(stage, n)
	})
}
