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
