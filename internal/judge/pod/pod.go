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

	// Tell makes a hit of a field of the pod and of what is wrong there, where nobody wrote a pod; nil: the object is named.
	Tell func(field, detail string) check.Hit

	list []container // as containers gives them, made once
}

// Image is what an image brings to its container.
type Image struct {
	User    string   // as in its configuration: name, number, either with :GROUP; empty is root
	Volumes []string // folders that its configuration says are written to
	Digest  string   // what its tag means now; empty: nobody knows
}

// Check is a card and the function that looks at one workload.
type Check struct {
	check.Card
	look   func(f *Facts) []hit
	native []Native // as the API server would look
	beyond string   // or why it cannot, or cannot in full
}

// hit is what is wrong with a workload, and where; or, with unknown alone, what nobody knows of it.
type hit struct {
	container string // empty: the pod
	field     string // of the pod: spec.containers[0].securityContext.privileged
	outer     bool   // the field is the object's, not its pod's
	detail    string
	fix       string
	severity  finding.Severity
	unknown   string // what the check would have to know, in words: "what the volume claim data is bound to"
}

// Checks lists all checks of pods.
func Checks() []Check { return slices.Concat(beyond(), standards()) }

// beyond are the checks of what the Pod Security Standards leave open.
func beyond() []Check {
	return []Check{
		rootImage(), lowUser(), rootGroup(), hostUser(), windowsAdministrator(),
		unknownField(),
		tokenMounted(), defaultServiceAccount(), longToken(), secretValue(), secretInEnvironment(),
		imageWithoutTag(), imageWithoutDigest(), unnamedRegistry(), pullPolicy(),
		runtimeSocket(), sensitivePath(), writablePath(), hostDevice(), subPath(), mountPropagation(), writableRoot(),
		dangerousCapability(), netRaw(), sharedProcesses(), ephemeralContainer(), terminal(), hostAliases(), sshPort(),
		defaultNamespace(), nodeName(), controlPlaneNode(), systemPriority(),
		noMemoryLimit(), noCPULimit(), noMemoryRequest(), noCPURequest(), noStorageLimit(), limitRatio(), emptyDirSize(), refusedByNamespace(), noQuota(),
	}
}

// Look runs the check. What it would have to know, and nobody does, is in unknown: without a hit the check is
// then not assessed, neither passed nor failed.
func (c Check) Look(f *Facts) (hits []check.Hit, unknown []string) {
	for _, h := range c.look(f) {
		if h.unknown != "" {
			unknown = append(unknown, h.unknown)
			continue
		}
		if f.Tell != nil {
			told := f.Tell(h.field, h.detail)
			told.Severity = cmp.Or(h.severity, c.Severity)
			hits = append(hits, told)
			continue
		}
		field := h.field
		if !h.outer {
			field = f.Path(field)
		}
		subject := f.Subject(field)
		subject.Container, subject.Image = h.container, f.imageOf(h.container)
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

// imageOf is the image of the container of a name; empty for the pod.
func (f *Facts) imageOf(name string) string {
	for _, c := range f.containers() {
		if c.Name == name && name != "" {
			return c.Image
		}
	}
	return ""
}

// find is an object around the workload; nil when nobody knows of one.
func (f *Facts) find(group, kind, namespace, name string) *kube.Object {
	if f.Around == nil {
		return nil
	}
	return f.Around.Find(group, kind, namespace, name)
}

// of are the objects of a core kind around the workload, as far as they are known.
func (f *Facts) of(kind, namespace string) []*kube.Object {
	if f.Around == nil {
		return nil
	}
	return f.Around.Of("", kind, namespace)
}

// container is one of any sort, and where it stands in the pod.
type container struct {
	*corev1.Container
	field string // spec.initContainers[1]
	sort  string // containers, initContainers, ephemeralContainers
}

const ephemeral = "ephemeralContainers"

// containers are those of a pod, of every sort: init containers first, as they run. The list is not to be changed.
func (f *Facts) containers() []container {
	if f.list != nil {
		return f.list
	}
	add := func(sort string, i int, c *corev1.Container) {
		f.list = append(f.list, container{c, fmt.Sprintf("spec.%s[%d]", sort, i), sort})
	}
	for i := range f.Spec.InitContainers {
		add("initContainers", i, &f.Spec.InitContainers[i])
	}
	for i := range f.Spec.Containers {
		add("containers", i, &f.Spec.Containers[i])
	}
	for i := range f.Spec.EphemeralContainers {
		c := corev1.Container(f.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		add(ephemeral, i, &c)
	}
	return f.list
}
