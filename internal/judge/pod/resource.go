package pod

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

func noMemoryLimit() Check {
	return missing("no-memory-limit", "a container may take all of its node's memory", finding.Low,
		"kubescape/C-0271 trivy/KSV-0018 checkov/CKV_K8S_13 kube-linter/unset-memory-requirements polaris/memoryLimitsMissing kube-score/container-resources nsa-1.2/resource-policies attack/T1499",
		"One leak, or one who wants it so, and the node stops other pods to save itself, or the kubelet with them.",
		"limits", corev1.ResourceMemory, "256Mi", (*Facts).limit)
}

func noCPULimit() Check {
	return missing("no-cpu-limit", "a container may use all of its node's processors", finding.Low,
		"kubescape/C-0270 trivy/KSV-0011 checkov/CKV_K8S_11 polaris/cpuLimitsMissing kube-score/container-resources nsa-1.2/resource-policies attack/T1496",
		"Mining coins is what broken-into pods are used for most: without a limit the miner gets every processor that is idle, on a node that scales up for it. Where a limit would slow an honest service down, a ResourceQuota of the namespace holds the bill.",
		"limits", corev1.ResourceCPU, "500m", (*Facts).limit)
}

func noMemoryRequest() Check {
	return missing("no-memory-request", "nobody keeps memory free for a container", finding.Info,
		"trivy/KSV-0016 checkov/CKV_K8S_12 polaris/memoryRequestsMissing kube-score/container-resources nsa-1.2/resource-policies",
		"The scheduler takes the container for free and fills the node; when memory is short, it is among the first to be stopped.",
		"requests", corev1.ResourceMemory, "128Mi", (*Facts).request)
}

func noCPURequest() Check {
	return missing("no-cpu-request", "nobody keeps processors free for a container", finding.Info,
		"trivy/KSV-0015 checkov/CKV_K8S_10 kube-linter/unset-cpu-requirements polaris/cpuRequestsMissing kube-score/container-resources nsa-1.2/resource-policies",
		"On a busy node it gets next to nothing, and the scheduler does not know that the node is busy.",
		"requests", corev1.ResourceCPU, "100m", (*Facts).request)
}

func noStorageLimit() Check {
	return missing("no-storage-limit", "a container may fill its node's disk", finding.Info,
		"kube-linter/unset-ephemeral-storage-requirements kube-score/container-ephemeral-storage-request-and-limit nsa-1.2/resource-policies attack/T1499",
		"Logs, emptyDirs and the container's own files lie on the node's disk: when it is full, the kubelet evicts pods until there is room, and pulls no more images.",
		"limits", corev1.ResourceEphemeralStorage, "1Gi", (*Facts).limit)
}

// missing is a check that wants an amount to be said: by the container, by its pod, or by the namespace's LimitRange.
func missing(id, title string, severity finding.Severity, names, why, list string, name corev1.ResourceName, example string,
	said func(f *Facts, c container, name corev1.ResourceName) (resource.Quantity, bool),
) Check {
	return Check{
		Card: card(id, title, severity, names, check.Page{
			Why:  why,
			Fix:  fmt.Sprintf("Write resources.%s.%s: what the container took at its busiest, and some room; or let a LimitRange of the namespace say it for all.", list, name),
			Bad:  inContainer("image: example.org/cart:1"),
			Good: inContainer(fmt.Sprintf("resources:\n  %s:\n    %s: %s", list, name, example)),
		}),
		native: each(`!(c.name in ephemeral) && !` + nativeSaid(list, string(name))),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.spending() {
				if _, ok := said(f, c, name); !ok {
					hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.resources.%s.%s", c.field, list, name)})
				}
			}
			return hits
		},
	}
}

// most is how many times its request a limit may be before a node's promise is worth little.
var most = map[corev1.ResourceName]float64{corev1.ResourceMemory: 4, corev1.ResourceCPU: 20}

func limitRatio() Check {
	return Check{
		Card: card("limit-ratio", "a container may take many times what is kept free for it", finding.Info,
			"nsa-1.2/resource-policies", check.Page{
				Why:  "The node is filled by requests: when several of its pods take what they may, memory runs out and some are stopped, not always the greedy one.",
				Fix:  "Raise the request to what the container ordinarily takes, or lower the limit: memory at most 4 times, processors at most 20 times the request.",
				Bad:  inContainer("resources:\n  requests:\n    memory: 64Mi\n  limits:\n    memory: 4Gi"),
				Good: inContainer("resources:\n  requests:\n    memory: 512Mi\n  limits:\n    memory: 1Gi"),
			}),
		native: each(`!(c.name in ephemeral) && (` + nativeRatio("memory") + ` || ` + nativeRatio("cpu") + `)`),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.spending() {
				for _, name := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceCPU} {
					limit, limited := c.Resources.Limits[name]
					request, requested := c.Resources.Requests[name]
					if !limited || !requested {
						continue
					}
					switch times, ok := ratio(limit, request); {
					case !ok:
						hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.resources.requests.%s", c.field, name), detail: "nothing is kept free"})
					case times > most[name]:
						hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.resources.limits.%s", c.field, name), detail: fmt.Sprintf("%.0f times its request", times)})
					}
				}
			}
			return hits
		},
	}
}

// ratio is a limit in requests; false where the request is nothing.
func ratio(limit, request resource.Quantity) (float64, bool) {
	if request.Sign() <= 0 {
		return 0, false
	}
	return limit.AsApproximateFloat64() / request.AsApproximateFloat64(), true
}

func emptyDirSize() Check {
	return Check{
		Card: card("empty-dir-size", "an emptyDir has no size", finding.Info,
			"nsa-1.2/resource-policies attack/T1499", check.Page{
				Why:  "It lies on the node's disk, or with medium: Memory in its memory, where it counts for the containers that have a memory limit, and else may grow to half of the node's.",
				Fix:  "Write sizeLimit, or limits.ephemeral-storage for the containers.",
				Bad:  mounting("emptyDir: {}", ""),
				Good: mounting("emptyDir:\n  sizeLimit: 64Mi", ""),
			}),
		native: graded(ofPod(nativeEmptyDir(`!=`, "ephemeral-storage")), ofGrade(finding.Low, ofPod(nativeEmptyDir(`==`, "memory")))),
		look: func(f *Facts) (hits []hit) {
			for i, v := range f.Spec.Volumes {
				if v.EmptyDir == nil || v.EmptyDir.SizeLimit != nil && v.EmptyDir.SizeLimit.Sign() > 0 {
					continue
				}
				h := hit{field: fmt.Sprintf("spec.volumes[%d].emptyDir", i), detail: v.Name}
				holds := corev1.ResourceEphemeralStorage
				if v.EmptyDir.Medium == corev1.StorageMediumMemory {
					holds, h.severity, h.detail = corev1.ResourceMemory, finding.Low, v.Name+", in memory"
				}
				if !f.allLimited(holds) {
					hits = append(hits, h)
				}
			}
			return hits
		},
	}
}

func (f *Facts) allLimited(name corev1.ResourceName) bool {
	for _, c := range f.spending() {
		if _, ok := f.limit(c, name); !ok {
			return false
		}
	}
	return true
}
