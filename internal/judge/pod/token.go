package pod

import (
	"cmp"
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

const defaultAccount = "default"

// account is the service account that the pod runs under.
func (f *Facts) account() string {
	return cmp.Or(f.Spec.ServiceAccountName, f.Spec.DeprecatedServiceAccount, defaultAccount)
}

// token tells whether the account's token is put into each container, and, where nothing but Kubernetes'
// default says so, what is not known of it.
func (f *Facts) token() (mounted bool, open string) {
	if says := f.Spec.AutomountServiceAccountToken; says != nil {
		return *says, ""
	}
	account := f.find("", "ServiceAccount", f.Namespace, f.account())
	if account == nil {
		if f.Whole {
			return true, ""
		}
		return true, "the ServiceAccount " + f.account() + " is not among what was read and could say otherwise"
	}
	says, ok := account.Fields["automountServiceAccountToken"].(bool)
	return !ok || says, ""
}

func tokenMounted() Check {
	return Check{
		Card: card("token-mounted", "a pod is given a token for the Kubernetes API, asked or not", finding.Low,
			"kubescape/C-0034 trivy/KSV-0036 checkov/CKV_K8S_38 kube-linter/automount-service-account-token polaris/automountServiceAccountToken nsa-1.2/protecting-pod-service-account-tokens cis-k8s-1.12/5.1.6 attack/T1528",
			check.Page{
				Why:  "Whoever takes a container over reads the token and speaks to the API server with all rights of the account. Few applications ever use it.",
				Fix:  "Write automountServiceAccountToken: false beside containers, or in the ServiceAccount. What does speak to the API says true, with an account of its own, or mounts a projected token.",
				Bad:  inPod("serviceAccountName: cart\ncontainers:\n- name: cart"),
				Good: inPod("serviceAccountName: cart\nautomountServiceAccountToken: false\ncontainers:\n- name: cart"),
			}),
		native: graded(ofPod(`!has(spec.automountServiceAccountToken)`), ofGrade(finding.Info, ofPod(`spec.?automountServiceAccountToken.orValue(false)`))),
		look: func(f *Facts) []hit {
			mounted, open := f.token()
			if !mounted {
				return nil
			}
			h := hit{field: "spec.automountServiceAccountToken", detail: open}
			if f.Spec.AutomountServiceAccountToken != nil { // somebody thought of it
				h.severity, h.detail = finding.Info, "it asks for it"
			}
			return []hit{h}
		},
	}
}

func defaultServiceAccount() Check {
	return Check{
		Card: card("default-service-account", "a pod speaks to the API with the namespace's default account", finding.Low,
			"kube-linter/default-service-account checkov/CKV_K8S_41 cis-k8s-1.12/5.1.5 nsa-1.2/protecting-pod-service-account-tokens", check.Page{
				Why:  "Every right that is given to the default account, for whatever reason, all pods of the namespace that name none have too.",
				Fix:  "Make a ServiceAccount for the workload and name it in serviceAccountName; or write automountServiceAccountToken: false.",
				Bad:  inPod("containers:\n- name: cart"),
				Good: inPod("serviceAccountName: cart\ncontainers:\n- name: cart"),
			}),
		native: ofPod(`spec.?automountServiceAccountToken.orValue(true) && spec.?serviceAccountName.orValue("") in ["", "default"] && (spec.?serviceAccountName.orValue("") != "" || spec.?serviceAccount.orValue("") in ["", "default"])`),
		look: func(f *Facts) []hit {
			if mounted, _ := f.token(); !mounted || f.account() != defaultAccount {
				return nil
			}
			return []hit{{field: "spec.serviceAccountName"}}
		},
	}
}

// longest is how long a token may last before it is of use to a thief for longer than a day.
const longest = 24 * 60 * 60

func longToken() Check {
	return Check{
		Card: card("long-token", "a projected token lasts longer than a day", finding.Low,
			"kube-linter/projected-token-long-expiration nsa-1.2/protecting-pod-service-account-tokens attack/T1528", check.Page{
				Why:  "A stolen token works until it expires or its pod is gone. The kubelet renews it in time, so a short life costs nothing.",
				Fix:  "Write expirationSeconds: 3600, or leave it out, which means the same.",
				Bad:  inPod("containers:\n- name: cart\nvolumes:\n- name: token\n  projected:\n    sources:\n    - serviceAccountToken:\n        path: token\n        expirationSeconds: 604800"),
				Good: inPod("containers:\n- name: cart\nvolumes:\n- name: token\n  projected:\n    sources:\n    - serviceAccountToken:\n        path: token\n        expirationSeconds: 3600"),
			}),
		native: ofPod(`volumes.exists(v, v.?projected.?sources.orValue([]).exists(s, s.?serviceAccountToken.?expirationSeconds.orValue(0) > 86400))`),
		look: func(f *Facts) (hits []hit) {
			for i, v := range f.Spec.Volumes {
				if v.Projected == nil {
					continue
				}
				for j, s := range v.Projected.Sources {
					if t := s.ServiceAccountToken; t != nil && t.ExpirationSeconds != nil && *t.ExpirationSeconds > longest {
						hits = append(hits, hit{
							field:  fmt.Sprintf("spec.volumes[%d].projected.sources[%d].serviceAccountToken.expirationSeconds", i, j),
							detail: fmt.Sprintf("%d hours", *t.ExpirationSeconds/3600),
						})
					}
				}
			}
			return hits
		},
	}
}
