package pod

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

func defaultNamespace() Check {
	return Check{
		Card: card("default-namespace", "a workload lives in the namespace default", finding.Low,
			"kubescape/C-0061 trivy/KSV-0110 checkov/CKV_K8S_21 kube-linter/use-namespace cis-k8s-1.12/5.6.4 nsa-1.2/namespaces", check.Page{
				Why:  "Rights, network policies, quotas and Pod Security hold for namespaces: what shares one, shares these, and in default lands all that forgot to name another.",
				Fix:  "Make a namespace for the application and name it in metadata.namespace.",
				Bad:  strings.Replace(inContainer(""), "namespace: shop", "namespace: default", 1),
				Good: inContainer(""),
			}),
		native: ofPod(`ns == "default"`),
		look: func(f *Facts) []hit {
			switch f.Namespace {
			case "":
				return []hit{{unknown: "the namespace of " + f.Kind + " " + f.Name}}
			case "default":
				return []hit{{field: "metadata.namespace"}}
			}
			return nil
		},
	}
}

func nodeName() Check {
	return Check{
		Card: card("node-name", "a pod chooses its node itself", finding.Low,
			"attack/T1610", check.Page{
				Why:  "nodeName goes past the scheduler, and so past taints, quotas of nodes and rules on where workloads may run: it lands on the control plane too.",
				Fix:  "Drop nodeName; say with nodeSelector or affinity what the node must be like.",
				Bad:  inPod("nodeName: node-1\ncontainers:\n- name: cart"),
				Good: inPod("nodeSelector:\n  disk: fast\ncontainers:\n- name: cart"),
			}),
		native: ofPod(`spec.?nodeName.orValue("") != "" && !(kind == "Pod" && meta.?uid.orValue("") != "")`),
		look: func(f *Facts) []hit {
			if f.Spec.NodeName == "" || f.scheduled() {
				return nil
			}
			return []hit{{field: "spec.nodeName", detail: f.Spec.NodeName}}
		},
	}
}

// scheduled says that the workload is a pod of a cluster, to which the scheduler gave its node.
func (f *Facts) scheduled() bool {
	meta, _ := f.Fields["metadata"].(map[string]any)
	_, lives := meta["uid"]
	return f.Kind == "Pod" && lives
}

// controlPlane are the labels and taints of the nodes that run it.
var controlPlane = []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node-role.kubernetes.io/etcd"}

func controlPlaneNode() Check {
	return Check{
		Card: card("control-plane-node", "a pod may run beside the control plane", finding.Low,
			"attack/T1610 nsa-1.2/worker-node-segmentation", check.Page{
				Why:  "Whoever gets out of a container there has the keys of the cluster: the API server's, etcd's and the signing keys lie on that node.",
				Fix:  "Drop the toleration; tolerate the one taint that is meant, by its key. Agents that must run on every node keep it, and get few rights.",
				Bad:  inPod("tolerations:\n- operator: Exists\ncontainers:\n- name: cart"),
				Good: inPod("tolerations:\n- key: dedicated\n  operator: Equal\n  value: shop\ncontainers:\n- name: cart"),
			}),
		native: graded(ofPod(`kind != "DaemonSet" && ns != "kube-system" && `+nativeControlPlane), ofGrade(finding.Info, ofPod(`(kind == "DaemonSet" || ns == "kube-system") && `+nativeControlPlane))),
		look: func(f *Facts) (hits []hit) {
			add := func(field, detail string) {
				h := hit{field: field, detail: detail}
				if f.Kind == "DaemonSet" || f.Namespace == "kube-system" {
					h.severity = finding.Info
				}
				hits = append(hits, h)
			}
			for i, t := range f.Spec.Tolerations {
				if t.Effect != "" && t.Effect != corev1.TaintEffectNoSchedule {
					continue
				}
				if t.Key == "" && t.Operator == corev1.TolerationOpExists {
					add(fmt.Sprintf("spec.tolerations[%d]", i), "it tolerates every taint")
				}
				for _, key := range controlPlane {
					if t.Key == key {
						add(fmt.Sprintf("spec.tolerations[%d]", i), "it tolerates "+key)
					}
				}
			}
			for _, key := range controlPlane {
				if _, ok := f.Spec.NodeSelector[key]; ok {
					add("spec.nodeSelector", "it asks for "+key)
				}
			}
			return hits
		},
	}
}

func systemPriority() Check {
	return Check{
		Card: card("system-priority", "a pod claims the priority of the cluster's own", finding.Medium,
			"attack/T1499", check.Page{
				Why:  "For a pod of system-cluster-critical or system-node-critical, others are stopped when room is short, the cluster's own among them, and it is the last to be evicted.",
				Fix:  "Make a PriorityClass for the application, with a value below a billion; in kube-system a quota can say who may use the system's classes.",
				Bad:  inPod("priorityClassName: system-cluster-critical\ncontainers:\n- name: cart"),
				Good: inPod("priorityClassName: shop\ncontainers:\n- name: cart"),
			}),
		native: ofPod(`spec.?priorityClassName.orValue("").startsWith("system-") && ns != "kube-system"`),
		look: func(f *Facts) []hit {
			if !strings.HasPrefix(f.Spec.PriorityClassName, "system-") || f.Namespace == "kube-system" {
				return nil
			}
			return []hit{{field: "spec.priorityClassName", detail: f.Spec.PriorityClassName}}
		},
	}
}
