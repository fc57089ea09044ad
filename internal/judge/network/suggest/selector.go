package suggest

import (
	"maps"
	"slices"

	"github.com/plimsoll/plimsoll/internal/judge/network"
)

// volatile are labels that controllers give to the pods of one revision, or to one pod, and passing those that change with
// each version of a program or of its chart: a policy that named them would hold nobody after the next upgrade.
var (
	volatile = []string{
		"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
		"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index",
	}
	passing = []string{"helm.sh/chart", "chart", "app.kubernetes.io/version", "version"}
)

// selectorOf are the labels by which a workload's own controller knows its pods, which cannot change; of others, all that
// last.
func selectorOf(e *network.Endpoint) map[string]string {
	spec, _ := e.Workload.Fields["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	if match, ok := selector["matchLabels"].(map[string]any); ok {
		of := map[string]string{}
		for k, v := range match {
			if text, ok := v.(string); ok && e.Workload.Meta.Labels[k] == text && !slices.Contains(volatile, k) {
				of[k] = text
			}
		}
		if len(of) > 0 {
			return of
		}
	}
	of := maps.Clone(e.Workload.Meta.Labels)
	for _, k := range slices.Concat(volatile, passing) {
		delete(of, k)
	}
	return of
}
