package path

import (
	"maps"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll/plimsoll/internal/judge/rbac"
)

// Kinds are what, beside all that kube.Read lists, says what is forbidden to those who run pods.
func Kinds() (all []schema.GroupVersionKind) {
	for _, kind := range []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
		all = append(all, schema.GroupVersionKind{Group: registrations, Version: "v1", Kind: kind})
	}
	return all
}

// hook is a webhook of admission.
type hook struct {
	config   string // the object that it stands in
	service  string // the namespace that it is served from; empty: elsewhere
	passes   bool   // what it is asked about passes when it fails
	forbids  bool   // it does not only change
	pods     bool   // it is asked when pods are made
	selector labels.Selector
}

// readHooks reads all webhooks. One that cannot be read is none: no API server has it.
func (b *builder) readHooks() {
	for _, o := range b.kube.Objects {
		if o.Group() != registrations {
			continue
		}
		typed, _, err := o.Typed()
		if err != nil {
			continue
		}
		switch of := typed.(type) {
		case *admissionv1.ValidatingWebhookConfiguration:
			for i := range of.Webhooks {
				w := &of.Webhooks[i]
				b.hook(o.Name, true, w.ClientConfig, w.FailurePolicy, w.Rules, w.NamespaceSelector)
			}
		case *admissionv1.MutatingWebhookConfiguration:
			for i := range of.Webhooks {
				w := &of.Webhooks[i]
				b.hook(o.Name, false, w.ClientConfig, w.FailurePolicy, w.Rules, w.NamespaceSelector)
			}
		}
	}
}

func (b *builder) hook(config string, forbids bool, client admissionv1.WebhookClientConfig, fails *admissionv1.FailurePolicyType, rules []admissionv1.RuleWithOperations, in *metav1.LabelSelector) {
	h := hook{config: config, forbids: forbids, passes: fails != nil && *fails == admissionv1.Ignore, selector: labels.Everything()}
	if client.Service != nil {
		h.service = client.Service.Namespace
	}
	h.pods = slices.ContainsFunc(rules, func(r admissionv1.RuleWithOperations) bool {
		asks := rbac.Rule{Verbs: []string{"*"}, Groups: r.APIGroups, Resources: r.Resources}
		makes := slices.Contains(r.Operations, admissionv1.Create) || slices.Contains(r.Operations, admissionv1.OperationAll)
		return makes && (asks.Allows(&rbac.Request{Verb: "create", Resource: "pods"}) || slices.Contains(r.APIGroups, "*") && slices.Contains(r.Resources, "*/*"))
	})
	if s, err := metav1.LabelSelectorAsSelector(in); err == nil && in != nil {
		h.selector = s
	}
	b.hooks = append(b.hooks, h)
}

// hooked says that a webhook which is passed over when it fails is served from a namespace, or from any.
func (b *builder) hooked(namespace string) bool {
	return slices.ContainsFunc(b.hooks, func(h hook) bool { return h.passes && h.service != "" && (namespace == "" || h.service == namespace) })
}

// watched names the configurations of webhooks that are asked about pods of a namespace: what they forbid, they alone know.
func (b *builder) watched(namespace string) (names []string) {
	has := labels.Set{"kubernetes.io/metadata.name": namespace}
	if o := b.kube.Find("", "Namespace", "", namespace); o != nil {
		maps.Copy(has, o.Metadata("labels"))
	}
	for _, h := range b.hooks {
		if h.forbids && h.pods && h.selector.Matches(has) && !slices.Contains(names, h.config) {
			names = append(names, h.config)
		}
	}
	return names
}
