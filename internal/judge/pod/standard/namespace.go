package standard

import (
	"strings"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Enforced is the line that a namespace's labels have the API server enforce, as it understands them: what it
// cannot read counts as restricted. It is false where they say nothing, since the server's own default, which
// is privileged unless its administrator says otherwise, is nowhere in the cluster to be read.
func Enforced(labels map[string]string) (Line, bool) {
	_, level := labels[api.EnforceLevelLabel]
	p, _ := Policy(labels)
	return p.Enforce, level
}

// Policy is what a namespace's labels say for all three modes, with the API server's defaults, and what is
// wrong with them, by label.
func Policy(labels map[string]string) (api.Policy, map[string]string) {
	unsaid := Line{Level: Privileged, Version: api.LatestVersion()}
	p, errs := api.PolicyToEvaluate(labels, api.Policy{Enforce: unsaid, Audit: unsaid, Warn: unsaid})
	wrong := map[string]string{}
	for _, e := range errs {
		key := strings.TrimSuffix(strings.TrimPrefix(e.Field, "metadata.labels["), "]")
		wrong[key] = e.Detail
	}
	return p, wrong
}

// Words are violations as the API server writes them.
func Words(violations []Violation) string {
	var results []policy.CheckResult
	for _, v := range violations {
		results = append(results, policy.CheckResult{ForbiddenReason: v.Reason, ForbiddenDetail: v.Detail})
	}
	all := policy.AggregateCheckResults(results)
	return all.ForbiddenDetail()
}

// Missing are the checks that a line runs in the newest version and not, or not in the same form, in its own.
func Missing(line Line) (names []string) {
	newest := Line{Level: line.Level, Version: Newest()}
	for _, r := range checks().at(newest) {
		if checks().find(line, r.id) != r {
			names = append(names, string(r.id))
		}
	}
	return names
}

// Control says that a control is one of a level's: pss/restricted/…, and of restricted also pss/baseline/….
func Control(level Level, control string) bool {
	switch level {
	case Restricted:
		return strings.HasPrefix(control, "pss/restricted/") || strings.HasPrefix(control, "pss/baseline/")
	case Baseline:
		return strings.HasPrefix(control, "pss/baseline/")
	}
	return false
}

// Weaker says that a level forbids less than another.
func Weaker(a, b Level) bool { return api.CompareLevels(a, b) < 0 }
