package admission

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Connect is the card of what is opened into a running container.
var Connect = card("admission/connect", "somebody goes into a running container", "medium",
	"Exec, attach and port-forward reach into a container past everything that was judged when it started: what is done there stands in no manifest.",
	"Debug with an ephemeral container, which is judged, and give the verb create on pods/exec, pods/attach and pods/portforward to few.",
	"apiVersion: v1\nkind: PodExecOptions\ncommand: [sh]\nstdin: true\ntty: true\n", "apiVersion: v1\nkind: PodLogOptions\nfollow: true\n")

// Into finds what is opened into a running container, by what the API server is asked: PodExecOptions and the like.
// Of a command the program alone is told: arguments may be secrets.
func Into(options *kube.Object) (hits []check.Hit) {
	what, ok := map[string]string{"PodExecOptions": "exec", "PodAttachOptions": "attach", "PodPortForwardOptions": "port-forward"}[options.Kind]
	if !ok {
		return nil
	}
	container, _ := options.Fields["container"].(string)
	if command, _ := options.Fields["command"].([]any); len(command) > 0 {
		what += fmt.Sprintf(" of %.100q", fmt.Sprint(command[0]))
	}
	if terminal, _ := options.Fields["tty"].(bool); terminal {
		what += " with a terminal"
	}
	subject := &finding.Subject{APIVersion: "v1", Kind: "Pod", Namespace: options.Namespace, Name: options.Name, Container: container}
	return []check.Hit{{Detail: strings.TrimSpace(fmt.Sprintf("Pod %s, %s", options.Name, what)), Subject: subject}}
}

// Unlisted is the card of images that no list allows, where everything is denied that none does.
var Unlisted = card("admission/unlisted-image", "image is not among those that may run", "high",
	"Where everything is denied that nobody allowed, an image runs only when it is listed for its namespace.",
	"Use an image that is listed, or add its repository to allow.",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: evil.example/miner}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec:\n  containers:\n  - {name: cart, image: registry.example/shop/cart}\n")

// NotListed finds the containers and the volumes of a pod whose images are not allowed.
func NotListed(w *kube.Workload, allowed func(image string) bool) (hits []check.Hit) {
	look := func(list string, i int, name, image string) {
		if allowed(image) {
			return
		}
		field := w.Path(fmt.Sprintf("spec.%s[%d].image", list, i))
		subject := w.Subject(field)
		subject.Container = name
		hits = append(hits, check.Hit{
			Where: field, Detail: fmt.Sprintf("%s %s, container %s: %.200q", w.Kind, w.Name, name, image), At: w.At(field), Subject: subject,
		})
	}
	for i, c := range w.Spec.InitContainers {
		look("initContainers", i, c.Name, c.Image)
	}
	for i, c := range w.Spec.Containers {
		look("containers", i, c.Name, c.Image)
	}
	for i, c := range w.Spec.EphemeralContainers {
		look("ephemeralContainers", i, c.Name, c.Image)
	}
	for i, v := range w.Spec.Volumes {
		if v.Image == nil || v.Image.Reference == "" || allowed(v.Image.Reference) {
			continue
		}
		field := w.Path(fmt.Sprintf("spec.volumes[%d].image.reference", i))
		hits = append(hits, check.Hit{
			Where: field, Detail: fmt.Sprintf("%s %s, volume %s: %.200q", w.Kind, w.Name, v.Name, v.Image.Reference), At: w.At(field), Subject: w.Subject(field),
		})
	}
	return hits
}

func card(id, title string, severity finding.Severity, why, fix, bad, good string) check.Card {
	return check.Card{
		ID: id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Admit}, Since: "0.1",
		Page: check.Page{Why: why, Fix: fix, Bad: bad, Good: good},
	}
}

const podRule = `rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]`

const goodScope = `
  timeoutSeconds: 3
  namespaceSelector:
    matchExpressions:
    - {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, guard]}`

// badWebhook is an example: a webhook that fails closed.
func badWebhook(rules, more string) string {
	return `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- name: pods.guard.example
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  clientConfig: {service: {namespace: guard, name: guard}}
  ` + rules + more + "\n"
}

func serves(replicas string) string {
	return `---
apiVersion: v1
kind: Service
metadata: {namespace: guard, name: guard}
spec: {selector: {app: guard}, ports: [{port: 443}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: guard, name: guard}
spec:
  replicas: ` + replicas + `
  selector: {matchLabels: {app: guard}}
  template:
    metadata: {labels: {app: guard}}
    spec: {containers: [{name: guard, image: registry.example/guard}]}
`
}
