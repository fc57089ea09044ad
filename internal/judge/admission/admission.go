// Package admission judges the cluster's door: webhooks that could keep a cluster from starting again, whoever made
// them, and what comes through the door beside pods.
package admission

import (
	"fmt"
	"strconv"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Check is a card and the function that looks at one webhook.
type Check struct {
	check.Card
	look func(w *webhook) (detail string, found bool)
}

// Checks lists all checks of webhooks.
func Checks() []Check {
	return []Check{blocksStart, blocksKubeSystem, blocksItself, singleReplica, slow}
}

// Cards lists the cards of all checks, those of what comes through the door included.
func Cards() (all []check.Card) {
	for _, c := range Checks() {
		all = append(all, c.Card)
	}
	return append(all, Connect, Unlisted, NoNetworkPolicy, Unproven, Unpinned)
}

// Look runs the check on an object that configures webhooks. Around are the objects beside it, where any are known:
// what serves a webhook may be among them.
func (c Check) Look(o *kube.Object, around *kube.Snapshot) (hits []check.Hit, err error) {
	all, err := webhooks(o, around)
	for i := range all {
		w := &all[i]
		if detail, found := c.look(w); found {
			field := "webhooks[" + strconv.Itoa(i) + "]"
			hits = append(hits, check.Hit{
				Where: field, Detail: fmt.Sprintf("%s %s, webhook %s: %s", o.Kind, o.Name, w.Name, detail),
				At: o.At(field), Subject: o.Subject(field), Severity: c.Severity,
			})
		}
	}
	return hits, err
}

// webhook is one webhook, validating or mutating.
type webhook struct {
	admissionregistrationv1.ValidatingWebhook
	around *kube.Snapshot
}

func webhooks(o *kube.Object, around *kube.Snapshot) ([]webhook, error) {
	var in struct {
		Webhooks []admissionregistrationv1.ValidatingWebhook `json:"webhooks"` // a mutating one has more fields, and none less
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Fields, &in); err != nil {
		return nil, fmt.Errorf("read webhooks of %s %s: %w", o.Kind, o.Name, err)
	}
	all := make([]webhook, len(in.Webhooks))
	for i, w := range in.Webhooks {
		all[i] = webhook{w, around}
	}
	return all, nil
}

// fails says that nothing passes that the webhook wants to see, when it is away.
func (w *webhook) fails() bool {
	return w.FailurePolicy == nil || *w.FailurePolicy == admissionregistrationv1.Fail
}

// home is the namespace that the webhook runs in; empty where it has an address of its own.
func (w *webhook) home() string {
	if w.ClientConfig.Service == nil {
		return ""
	}
	return w.ClientConfig.Service.Namespace
}

var blocksStart = Check{
	Card: card("admission/webhook-blocks-start", "webhook keeps a stopped cluster from starting again", "high",
		"A webhook that fails closed and is asked about nodes, leases, access reviews, token reviews or certificate requests is asked while the cluster starts: before any node is ready that its own pods could run on. Then nothing starts again, and only who can delete the webhook's configuration by hand can help.",
		"Name the resources that the webhook judges, and no wildcard; or leave the groups coordination.k8s.io, authentication.k8s.io, authorization.k8s.io and certificates.k8s.io and the nodes out with matchConditions.",
		badWebhook(`rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"]}]`, ""),
		badWebhook(podRule, goodScope)),
	look: func(w *webhook) (string, bool) {
		for _, b := range bootstrap {
			if w.fails() && w.asked(b) {
				return "it fails closed and is asked about " + b.Resource.Resource, true
			}
		}
		return "", false
	},
}

var blocksKubeSystem = Check{
	Card: card("admission/webhook-blocks-kube-system", "webhook keeps the cluster's own pods from starting", "high",
		"A webhook that fails closed and is asked about pods in kube-system stops DNS, the network and the proxies from coming back, on which it depends itself.",
		"Exclude kube-system: namespaceSelector with kubernetes.io/metadata.name NotIn [kube-system].",
		badWebhook(podRule, ""), badWebhook(podRule, goodScope)),
	look: func(w *webhook) (string, bool) {
		return "it fails closed and is asked about pods in kube-system", w.fails() && w.asked(pods("kube-system", nil))
	},
}

var blocksItself = Check{
	Card: card("admission/webhook-blocks-itself", "webhook has to admit its own pods", "high",
		"A webhook that fails closed and is asked about pods in its own namespace must run to let itself start: once all its pods are gone, they stay away.",
		"Exclude its own namespace: namespaceSelector with kubernetes.io/metadata.name NotIn [ITS NAMESPACE].",
		badWebhook(podRule, ""), badWebhook(podRule, goodScope)),
	look: func(w *webhook) (string, bool) {
		home := w.home()
		return "it fails closed and is asked about pods in its own namespace " + home, home != "" && w.fails() && w.asked(pods(home, w.labels(home)))
	},
}

const mostSeconds = 5

var slow = Check{
	Card: card("admission/webhook-slow", "webhook may hold up requests for long", "medium",
		"The API server waits for each webhook, ten seconds where nothing else is said, and for several one after the other. Controllers give up meanwhile, and when a webhook hangs, so does what depends on it.",
		"Set timeoutSeconds to 5 or less.",
		badWebhook(podRule, ""), badWebhook(podRule, goodScope)),
	look: func(w *webhook) (string, bool) {
		if w.TimeoutSeconds == nil {
			return "it says no timeoutSeconds, which is 10", true
		}
		return fmt.Sprintf("timeoutSeconds is %d", *w.TimeoutSeconds), *w.TimeoutSeconds > mostSeconds
	},
}

var singleReplica = Check{
	Card: card("admission/webhook-single-replica", "webhook that fails closed has one replica", "medium",
		"While the one pod of a webhook that fails closed is moved, updated or killed, nothing is admitted.",
		"Run two replicas or more on different nodes, with a PodDisruptionBudget.",
		badWebhook(podRule, goodScope)+serves("1"), badWebhook(podRule, goodScope)+serves("2")),
	look: func(w *webhook) (string, bool) {
		if !w.fails() || w.home() == "" || w.around == nil {
			return "", false
		}
		s := w.around.Find("", "Service", w.home(), w.ClientConfig.Service.Name)
		if s == nil {
			return "", false
		}
		var of corev1.Service
		if runtime.DefaultUnstructuredConverter.FromUnstructured(s.Fields, &of) != nil || len(of.Spec.Selector) == 0 {
			return "", false
		}
		for _, o := range w.around.Of("apps", "Deployment", w.home()) {
			spec, _ := o.Fields["spec"].(map[string]any)
			template, _ := spec["template"].(map[string]any)
			one := kube.Object{Fields: template}
			if replicas(spec) < 2 && within(of.Spec.Selector, one.Metadata("labels")) {
				return "Deployment " + o.Name + " has " + strconv.FormatInt(replicas(spec), 10), true
			}
		}
		return "", false
	},
}

func replicas(spec map[string]any) int64 {
	switch n := spec["replicas"].(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 1
}

func within(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// labels are those of a namespace, where it is known; those that the API server gives it in any case.
func (w *webhook) labels(namespace string) map[string]string {
	if w.around != nil {
		if o := w.around.Find("", "Namespace", "", namespace); o != nil {
			return o.Metadata("labels")
		}
	}
	return nil
}
