package pod

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

func secretValue() Check {
	return Check{
		Card: card("secret-value", "a secret stands in a pod in the clear", finding.Medium,
			"kubescape/C-0012 kube-linter/env-var-secret polaris/sensitiveContainerEnvVar nsa-1.2/secrets attack/T1552", check.Page{
				Why:  "Everybody who may read the workload, the repository that it lies in, or an audit log has the secret; Secrets have rights of their own, and can be encrypted at rest.",
				Fix:  "Put it into a Secret and mount that as a file, or name it with valueFrom.secretKeyRef; take it out of args. Change the secret: it has been read.",
				Bad:  inContainer("env:\n- name: DB_PASSWORD\n  value: Tr0ub4dor"),
				Good: inContainer("env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password"),
			}),
		beyond: "it looks for the forms of secrets",
		look: func(f *Facts) (hits []hit) {
			ask := func(c container, field, name, text string) {
				if text == "" {
					return
				}
				if f.Secret == nil {
					hits = append(hits, hit{unknown: "whether " + field + " holds a secret"})
					return
				}
				if what, severity := f.Secret(text); what != "" {
					hits = append(hits, hit{container: c.Name, field: c.field + field, detail: strings.TrimPrefix(name+": "+what, ": "), severity: severity})
				}
			}
			for _, c := range f.containers() {
				for i, e := range c.Env {
					if e.Value != "" {
						ask(c, fmt.Sprintf(".env[%d].value", i), e.Name, e.Name+"="+e.Value)
					}
				}
				ask(c, ".command", "", strings.Join(c.Command, " "))
				ask(c, ".args", "", strings.Join(c.Args, " "))
			}
			return hits
		},
	}
}

func secretInEnvironment() Check {
	return Check{
		Card: card("secret-in-environment", "a secret comes as an environment variable, not as a file", finding.Info,
			"kube-linter/read-secret-from-env-var checkov/CKV_K8S_35 cis-k8s-1.12/5.4.1 nsa-1.2/secrets", check.Page{
				Why:  "Variables are handed on to every child process, and end in crash reports and debug pages; a file is read by who opens it, can have rights, and changes with the Secret without a restart.",
				Fix:  "Mount the Secret as a volume and let the application read the file, where it can.",
				Bad:  inContainer("envFrom:\n- secretRef:\n    name: db"),
				Good: inPod("containers:\n- name: cart\n  volumeMounts:\n  - name: db\n    mountPath: /run/secrets/db\n    readOnly: true\nvolumes:\n- name: db\n  secret:\n    secretName: db"),
			}),
		native: each(`c.?env.orValue([]).exists(e, e.?valueFrom.?secretKeyRef.hasValue()) || c.?envFrom.orValue([]).exists(e, has(e.secretRef))`),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.containers() {
				for i, e := range c.Env {
					if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
						hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.env[%d].valueFrom.secretKeyRef", c.field, i), detail: e.Name})
					}
				}
				for i, e := range c.EnvFrom {
					if e.SecretRef != nil {
						hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.envFrom[%d].secretRef", c.field, i), detail: "all of Secret " + e.SecretRef.Name})
					}
				}
			}
			return hits
		},
	}
}
