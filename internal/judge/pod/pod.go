// Package pod judges what pods may do: to their node, to each other, and to the cluster. The same checks look
// at a manifest, at what is in a cluster and at what knocks on the API server's door. Facts that nobody knows
// are nil, and a check that needs one says so and neither passes nor fails.
package pod

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Facts are one workload and what is known around it.
type Facts struct {
	*kube.Workload
	// Around are the objects beside it: its namespace, limit ranges, quotas, volume claims. What they hold
	// counts; that they lack something says nothing unless Whole is true.
	Around *kube.Snapshot
	Whole  bool
	// Standard is what the Pod Security Standards are asked for; zero: both levels, in the newest version.
	Standard standard.Span
	// Image tells what is known of an image; nil, or false: nothing.
	Image func(reference string) (Image, bool)
	// Secret tells what secret a setting, NAME=VALUE, or a command holds, and how bad that is; empty: none.
	// Nil: nobody looks.
	Secret func(text string) (what string, severity finding.Severity)
}

// Image is what an image brings to its container.
type Image struct {
	User string // as in its configuration: name, number, either with :GROUP; empty is root
}

// Check is a card and the function that looks at one workload.
type Check struct {
	check.Card
	look func(f *Facts) []hit
}

// hit is what is wrong with a workload, and where; or, with unknown alone, what nobody knows of it.
type hit struct {
	container string // empty: the pod
	field     string // of the pod: spec.containers[0].securityContext.privileged
	detail    string
	fix       string
	severity  finding.Severity
	unknown   string // what the check would have to know, in words: "what the volume claim data is bound to"
}

// Checks lists all checks of pods.
func Checks() []Check { return slices.Concat(standards()) }

// Look runs the check. What it would have to know, and nobody does, is in unknown: without a hit the check is
// then not assessed, neither passed nor failed.
func (c Check) Look(f *Facts) (hits []check.Hit, unknown []string) {
	for _, h := range c.look(f) {
		if h.unknown != "" {
			unknown = append(unknown, h.unknown)
			continue
		}
		field := f.Path(h.field)
		subject := f.Subject(field)
		subject.Container = h.container
		detail := f.Kind + " " + f.Name
		if h.container != "" {
			detail += ", container " + h.container
		}
		if h.detail != "" {
			detail += ": " + h.detail
		}
		hits = append(hits, check.Hit{
			Where: field, Detail: detail, At: f.At(field), Subject: subject, Fix: h.fix, Severity: cmp.Or(h.severity, c.Severity),
		})
	}
	return hits, unknown
}

// container is one of any sort, and where it stands in the pod.
type container struct {
	*corev1.Container
	field string // spec.initContainers[1]
	sort  string // containers, initContainers, ephemeralContainers
}

// containers are those of a pod, of every sort: init containers first, as they run.
func (f *Facts) containers() (all []container) {
	add := func(sort string, i int, c *corev1.Container) {
		all = append(all, container{c, fmt.Sprintf("spec.%s[%d]", sort, i), sort})
	}
	for i := range f.Spec.InitContainers {
		add("initContainers", i, &f.Spec.InitContainers[i])
	}
	for i := range f.Spec.Containers {
		add("containers", i, &f.Spec.Containers[i])
	}
	for i := range f.Spec.EphemeralContainers {
		c := corev1.Container(f.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		add("ephemeralContainers", i, &c)
	}
	return all
}
