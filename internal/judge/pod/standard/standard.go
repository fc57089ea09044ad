// Package standard holds pods against the Pod Security Standards, in all their levels and versions, through
// Kubernetes' own library, k8s.io/pod-security-admission: the verdicts, the revisions of checks and which of
// them stands for which other are the library's. Beside the verdict it gives what the library does not: the
// check that forbids, and the container and field that are to blame, found by asking the library again about
// the pod with everything mended but one thing.
package standard

import (
	"cmp"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Level is how strict a line is, Version the minor version of Kubernetes whose standard it is, and Line both.
type (
	Level   = api.Level
	Version = api.Version
	Line    = api.LevelVersion
)

// The levels.
const (
	Privileged = api.LevelPrivileged
	Baseline   = api.LevelBaseline
	Restricted = api.LevelRestricted
)

// Violation is a check of the standard that forbids a pod.
type Violation struct {
	Check          string // as the library calls it: capabilities_restricted
	Level          Level  // that the check belongs to
	Since          Version
	Reason, Detail string // the library's words

	check *revision
}

// Evaluate gives what forbids a pod, in the order of the library's own evaluator; nil admits it. A version
// that is newer than the library's newest is taken for that, as the API server does.
func Evaluate(line Line, meta *metav1.ObjectMeta, spec *corev1.PodSpec) (all []Violation) {
	for _, r := range checks().at(line) {
		if v, forbids := r.try(meta, spec); forbids {
			all = append(all, v)
		}
	}
	return all
}

// Newest is the newest version that changes the standard, as far as this program knows.
func Newest() Version { return checks().newest }

// Admits says that nothing forbids a pod.
func Admits(line Line, meta *metav1.ObjectMeta, spec *corev1.PodSpec) bool {
	return !slices.ContainsFunc(checks().at(line), func(r *revision) bool { return !r.run(meta, spec).Allowed })
}

// revision is a check as it is from one version on.
type revision struct {
	id        policy.CheckID
	level     Level
	since     Version
	overrides []policy.CheckID // checks of the level below that it stands for
	run       policy.CheckPodFn
}

func (r *revision) try(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (Violation, bool) {
	result := r.run(meta, spec)
	if result.Allowed {
		return Violation{}, false
	}
	return Violation{
		Check: string(r.id), Level: r.level, Since: r.since, check: r,
		Reason: cmp.Or(result.ForbiddenReason, policy.UnknownForbiddenReason), Detail: result.ForbiddenDetail,
	}, true
}

// table holds which revisions run at which level, by minor version.
type table struct {
	newest Version
	runs   map[Level][][]*revision
}

func (t *table) at(line Line) []*revision {
	runs := t.runs[line.Level]
	if len(runs) == 0 {
		return nil
	}
	if t.newest.Older(line.Version) || line.Latest() {
		line.Version = t.newest
	}
	return runs[line.Minor()]
}

// find is the revision of a check that runs at a line.
func (t *table) find(line Line, id policy.CheckID) *revision {
	for _, r := range t.at(line) {
		if r.id == id {
			return r
		}
	}
	return nil
}

var checks = sync.OnceValue(func() *table { return tableOf(policy.DefaultChecks()) })

// tableOf asks the library's evaluator what it runs where, by having each revision answer with its number: how
// checks override each other is nothing that we know.
func tableOf(all []policy.Check) *table {
	t := &table{runs: map[Level][][]*revision{}}
	var revisions []*revision
	for i, c := range all {
		all[i].Versions = slices.Clone(c.Versions)
		for j, v := range c.Versions {
			r := &revision{id: c.ID, level: c.Level, since: v.MinimumVersion, overrides: v.OverrideCheckIDs, run: v.CheckPod}
			number := string(rune(len(revisions)))
			all[i].Versions[j].CheckPod = func(*metav1.ObjectMeta, *corev1.PodSpec) policy.CheckResult {
				return policy.CheckResult{ForbiddenReason: number}
			}
			revisions = append(revisions, r)
			if t.newest.Older(r.since) {
				t.newest = r.since
			}
		}
	}
	evaluator, err := policy.NewEvaluator(all, nil)
	if err != nil {
		panic(err) // the library refuses its own checks
	}
	for _, level := range []Level{Baseline, Restricted} {
		for minor := range t.newest.Minor() + 1 {
			var runs []*revision
			for _, result := range evaluator.EvaluatePod(Line{Level: level, Version: api.MajorMinorVersion(1, minor)}, nil, nil) {
				runs = append(runs, revisions[[]rune(result.ForbiddenReason)[0]])
			}
			t.runs[level] = append(t.runs[level], runs)
		}
	}
	return t
}
