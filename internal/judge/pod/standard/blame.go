package standard

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/policy"
)

// Blame is one setting, or one that is missing, for which a check forbids a pod.
type Blame struct {
	Container string // its name; empty: the pod
	Field     string // of the pod: spec.containers[0].securityContext.privileged
	Value     string // what it says, in words; empty where the field says it all
}

// Blame finds what is to blame for the violation. The pod's own settings come first: those for which the
// library forbids it without any container. Then each container is to blame for which it forbids the pod with
// that one left, under the pod's own settings, mended if they are to blame themselves. There is always one.
func (v Violation) Blame(meta *metav1.ObjectMeta, spec *corev1.PodSpec) (all []Blame) {
	forbids := func(meta *metav1.ObjectMeta, spec *corev1.PodSpec) bool { return !v.check.run(meta, spec).Allowed }
	parts := looksAt[v.check.id]
	under := *spec
	under.InitContainers, under.Containers, under.EphemeralContainers = nil, nil, nil
	if forbids(meta, &under) {
		if parts.pod != nil {
			for _, p := range parts.pod(meta, &under) {
				p.spec.OS, p.spec.HostUsers = spec.OS, spec.HostUsers
				if forbids(&p.meta, &p.spec) {
					all = append(all, Blame{Container: p.container, Field: p.field, Value: p.value})
				}
			}
		}
		if len(all) == 0 {
			all = append(all, Blame{Field: "spec"})
		}
		meta, under = mended(meta, spec)
	}
	for _, c := range Containers(spec) {
		if !forbids(meta, c.alone(under, *c.Container)) {
			continue
		}
		found := len(all)
		if parts.container != nil {
			for _, p := range parts.container(c.Container) {
				if !forbids(meta, c.alone(under, p.left)) {
					continue
				}
				field := p.field
				if !strings.HasPrefix(field, "metadata.") {
					field = c.Field + "." + field
				}
				all = append(all, Blame{Container: c.Name, Field: field, Value: p.value})
			}
		}
		if len(all) == found {
			all = append(all, Blame{Container: c.Name, Field: c.Field})
		}
	}
	if len(all) == 0 {
		all = append(all, Blame{Field: "spec"})
	}
	return all
}

// Of are the settings that are to blame where a line forbids a pod by one check. What a check of the
// restricted level forbids in the place of one of the baseline, and what that would forbid as well, counts
// for the latter: a pod is told once that it adds SYS_ADMIN.
func Of(line Line, check string, meta *metav1.ObjectMeta, spec *corev1.PodSpec) (all []Blame) {
	id, table := policy.CheckID(check), checks()
	below := Line{Level: Baseline, Version: line.Version}
	own := table.find(line, id)
	if own == nil {
		i := slices.IndexFunc(table.at(line), func(r *revision) bool { return slices.Contains(r.overrides, id) })
		if i < 0 {
			return nil
		}
		return common(table.at(line)[i].blames(meta, spec), table.find(below, id).blames(meta, spec), true)
	}
	all = own.blames(meta, spec)
	for _, other := range own.overrides {
		if r := table.find(below, other); r != nil && len(all) > 0 {
			all = common(all, r.blames(meta, spec), false)
		}
	}
	return all
}

func (r *revision) blames(meta *metav1.ObjectMeta, spec *corev1.PodSpec) []Blame {
	if r == nil {
		return nil
	}
	v, forbids := r.try(meta, spec)
	if !forbids {
		return nil
	}
	return v.Blame(meta, spec)
}

// common are those of a that b blames as well, or those that it does not.
func common(a, b []Blame, want bool) (all []Blame) {
	fields := make(map[string]bool, len(b))
	for _, one := range b {
		fields[one.Field] = true
	}
	for _, one := range a {
		if fields[one.Field] == want {
			all = append(all, one)
		}
	}
	return all
}

// Defaulted is a pod as it is when the API server's own checks see it: a volume that does not say what it is of
// is an emptyDir. Nothing else that it fills in changes a verdict.
func Defaulted(spec *corev1.PodSpec) *corev1.PodSpec {
	none := func(v corev1.Volume) bool { return v.VolumeSource == corev1.VolumeSource{} }
	if !slices.ContainsFunc(spec.Volumes, none) {
		return spec
	}
	full := *spec
	full.Volumes = slices.Clone(spec.Volumes)
	for i, v := range full.Volumes {
		if none(v) {
			full.Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return &full
}

// Container is a container of any sort, and where it stands.
type Container struct {
	*corev1.Container
	Field string // of the pod: spec.initContainers[1]
	sort  byte
}

// Containers are those of a pod, in the order in which the library visits them.
func Containers(spec *corev1.PodSpec) (all []Container) {
	for i := range spec.InitContainers {
		all = append(all, Container{&spec.InitContainers[i], fmt.Sprintf("spec.initContainers[%d]", i), 'i'})
	}
	for i := range spec.Containers {
		all = append(all, Container{&spec.Containers[i], fmt.Sprintf("spec.containers[%d]", i), 'c'})
	}
	for i := range spec.EphemeralContainers {
		c := (*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon)
		all = append(all, Container{c, fmt.Sprintf("spec.ephemeralContainers[%d]", i), 'e'})
	}
	return all
}

// alone is a pod with one container, which stands where c stands.
func (c Container) alone(under corev1.PodSpec, one corev1.Container) *corev1.PodSpec {
	switch c.sort {
	case 'i':
		under.InitContainers = []corev1.Container{one}
	case 'c':
		under.Containers = []corev1.Container{one}
	default:
		under.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(one)}}
	}
	return &under
}
