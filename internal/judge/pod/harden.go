package pod

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Default names a setting that a pod can be given that says nothing of it.
type Default string

// The defaults. The first five are written into manifests, too: they need to know nothing but the pod.
const (
	NoToken      Default = "automountServiceAccountToken"
	NonRoot      Default = "runAsNonRoot"
	Seccomp      Default = "seccompProfile"
	NoEscalation Default = "allowPrivilegeEscalation"
	Capabilities Default = "capabilities"
	ReadOnlyRoot Default = "readOnlyRootFilesystem"
	Requests     Default = "requests"
	Digest       Default = "digest"
)

// Defaults lists all of them, in the order in which a pod says what it was given.
func Defaults() []Default {
	return []Default{NoToken, NonRoot, Seccomp, NoEscalation, Capabilities, ReadOnlyRoot, Requests, Digest}
}

// setting is a field of a pod that says nothing and could say something safer.
type setting struct {
	of     Default
	parent string // spec.containers[0].securityContext
	key    string // - is one more item of a list
	value  any    // as it is in an object's fields
	text   string // the same in YAML, on one line, of what is written into manifests
}

// settings are what a pod can be given without taking anything back that it says: what is set stays, and so
// does what a container must be able to do to start as it is told to. A read-only root is not among them, for
// no manifest tells where its programs write.
func (f *Facts) settings() (all []setting) {
	if f.windows() {
		return nil
	}
	s := &f.Spec
	if s.AutomountServiceAccountToken == nil && f.account() == defaultAccount {
		all = append(all, setting{NoToken, "spec", "automountServiceAccountToken", false, "false"})
	}
	pod := s.SecurityContext
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	if pod.RunAsNonRoot == nil && !f.needsRoot() {
		all = append(all, setting{NonRoot, "spec.securityContext", "runAsNonRoot", true, "true"})
	}
	if pod.SeccompProfile == nil && f.Meta.Annotations[corev1.SeccompPodAnnotationKey] == "" {
		all = append(all, setting{Seccomp, "spec.securityContext", "seccompProfile", map[string]any{"type": "RuntimeDefault"}, "{type: RuntimeDefault}"})
	}
	for _, c := range f.spending() {
		all = append(all, f.settingsOf(c)...)
	}
	return all
}

func (f *Facts) settingsOf(c container) (all []setting) {
	own := c.SecurityContext
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	caps := own.Capabilities
	// The API server refuses false beside privileged and SYS_ADMIN.
	if own.AllowPrivilegeEscalation == nil && !c.privileged() && (caps == nil || !slices.ContainsFunc(caps.Add, admin)) {
		all = append(all, setting{NoEscalation, c.field + ".securityContext", "allowPrivilegeEscalation", false, "false"})
	}
	// Programs that start as root often change owners and users before they serve.
	if root, _ := f.root(c); c.privileged() || root == yes {
		return all
	}
	switch {
	case caps == nil:
		all = append(all, setting{Capabilities, c.field + ".securityContext", "capabilities", map[string]any{"drop": []any{"ALL"}}, "{drop: [ALL]}"})
	case len(caps.Drop) == 0:
		all = append(all, setting{Capabilities, c.field + ".securityContext.capabilities", "drop", []any{"ALL"}, "[ALL]"})
	}
	return all
}

func admin(c corev1.Capability) bool { return bare(c) == "SYS_ADMIN" || bare(c) == "ALL" }

func (c container) privileged() bool {
	return c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}

// needsRoot says that a container says it runs as root, or that its image is known to, or to name its user by a word:
// a kubelet starts none of these as somebody who must not be root.
func (f *Facts) needsRoot() bool {
	return slices.ContainsFunc(f.spending(), func(c container) bool {
		root, _ := f.root(c)
		user, nonRoot := f.user(c)
		return root == yes || nonRoot != nil && !*nonRoot || c.privileged() || user == nil && f.named(c)
	})
}

// named says that the image is known to have a user with a name, of whom nobody knows the number.
func (f *Facts) named(c container) bool {
	image, known := f.imageFacts(c)
	name, _, _ := strings.Cut(image.User, ":")
	return known && strings.Trim(name, "0123456789") != ""
}

func (f *Facts) imageFacts(c container) (Image, bool) {
	if f.Image == nil || c.Image == "" {
		return Image{}, false
	}
	return f.Image(c.Image)
}

// Wanted says which defaults a pod is given on its way into a cluster.
type Wanted struct {
	Except   []Default         // that it is not given
	Requests map[string]string // of each container, by resource
	EmptyDir string            // how large each emptyDir may become that it is given; empty: as the node's disk allows
}

// Changed is the annotation in which a pod says which defaults it was given.
const Changed = "plimsoll.io/changed"

// Harden gives a pod what it does not say, and says which defaults it gave; none: the pod is as it was. What is set
// stays as it is, and what was hardened once is not changed again. The pod is a copy of what is Written.
func (f *Facts) Harden(w Wanted) (pod map[string]any, given []Default) {
	if f.windows() {
		return f.Written, nil
	}
	all := slices.DeleteFunc(slices.Concat(f.settings(), f.roots(w), f.requests(w), f.digests()), func(s setting) bool {
		return slices.Contains(w.Except, s.of)
	})
	if len(all) == 0 {
		return f.Written, nil
	}
	pod, _ = clone(f.Written).(map[string]any)
	has := map[Default]bool{}
	for _, s := range all {
		put(pod, s.parent, s)
		has[s.of] = true
	}
	if has[NoToken] {
		f.withoutToken(pod)
	}
	before := strings.Split(f.Meta.Annotations[Changed], ", ")
	var said []string
	for _, d := range Defaults() {
		if has[d] {
			given = append(given, d)
		}
		if has[d] || slices.Contains(before, string(d)) {
			said = append(said, string(d))
		}
	}
	put(pod, "metadata.annotations", setting{key: Changed, value: strings.Join(said, ", ")})
	return pod, given
}

// roots are read-only, with an empty folder wherever the container is known to write.
func (f *Facts) roots(w Wanted) (all []setting) {
	volumes := 0
	for _, c := range f.spending() {
		if c.privileged() || c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil {
			continue
		}
		folders, ok := f.folders(c)
		if !ok {
			continue
		}
		all = append(all, setting{of: ReadOnlyRoot, parent: c.field + ".securityContext", key: "readOnlyRootFilesystem", value: true})
		for _, folder := range folders {
			// Each has one of its own: containers of a pod share no files that they did not ask to.
			name := f.freeVolume(volumes)
			volumes++
			empty := map[string]any{}
			if w.EmptyDir != "" {
				empty["sizeLimit"] = w.EmptyDir
			}
			all = append(all,
				setting{of: ReadOnlyRoot, parent: "spec.volumes", key: "-", value: map[string]any{"name": name, "emptyDir": empty}},
				setting{of: ReadOnlyRoot, parent: c.field + ".volumeMounts", key: "-", value: map[string]any{"name": name, "mountPath": folder}})
		}
	}
	return all
}

const mostFolders = 16

// folders are those that a container writes to, as far as is known, and that nothing is mounted at: /tmp, and what
// its image calls a volume. Not ok: the image names what nobody could mount at.
func (f *Facts) folders(c container) (all []string, ok bool) {
	image, _ := f.imageFacts(c)
	if len(image.Volumes) > mostFolders {
		return nil, false
	}
	for _, folder := range append([]string{"/tmp"}, image.Volumes...) {
		clean := path.Clean(folder)
		within := func(of string) bool { return clean == of || strings.HasPrefix(clean, of+"/") }
		if !path.IsAbs(clean) || clean == "/" || strings.Contains(clean, ":") || slices.ContainsFunc([]string{"/dev", "/proc", "/sys"}, within) {
			return nil, false
		}
		mounted := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return path.Clean(m.MountPath) == clean })
		if !mounted && !slices.Contains(all, clean) {
			all = append(all, clean)
		}
	}
	return all, true
}

// freeVolume is a name with a number that no volume has.
func (f *Facts) freeVolume(n int) string {
	name := fmt.Sprintf("plimsoll-%d", n)
	for slices.ContainsFunc(f.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name }) {
		name += "x"
	}
	return name
}

// requests are for what neither a container nor its pod asks for or bounds.
func (f *Facts) requests(w Wanted) (all []setting) {
	of := f.Spec.Resources
	if of == nil {
		of = &corev1.ResourceRequirements{}
	}
	for _, c := range f.spending() {
		for _, name := range slices.Sorted(maps.Keys(w.Requests)) {
			said := slices.ContainsFunc([]corev1.ResourceList{c.Resources.Requests, c.Resources.Limits, of.Requests, of.Limits}, func(l corev1.ResourceList) bool {
				_, is := l[corev1.ResourceName(name)]
				return is
			})
			if !said {
				all = append(all, setting{of: Requests, parent: c.field + ".resources.requests", key: name, value: w.Requests[name]})
			}
		}
	}
	return all
}

// digests are of the images whose digests are known: the tag stays beside it, for people.
func (f *Facts) digests() (all []setting) {
	for _, c := range f.spending() {
		if image, known := f.imageFacts(c); known && image.Digest != "" && !strings.Contains(c.Image, "@") {
			all = append(all, setting{of: Digest, parent: c.field, key: "image", value: c.Image + "@" + image.Digest})
		}
	}
	for i, v := range f.Spec.Volumes {
		if v.Image == nil || v.Image.Reference == "" || f.Image == nil || strings.Contains(v.Image.Reference, "@") {
			continue
		}
		if image, known := f.Image(v.Image.Reference); known && image.Digest != "" {
			all = append(all, setting{of: Digest, parent: fmt.Sprintf("spec.volumes[%d].image", i), key: "reference", value: v.Image.Reference + "@" + image.Digest})
		}
	}
	return all
}
