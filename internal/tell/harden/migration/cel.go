package migration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// condition is one thing that a policy wants of a pod, as CEL; what is not so is named by the field.
type condition struct{ field, want string }

// view writes what a policy wants: of a pod as it is, or of one that the policy still fills in.
type view struct {
	*psp.Policy
	filled bool
}

// or is the value that a setting is taken for where it is not set: what the policy fills in, or one that is never right.
func (v view) or(filled, unset any) string {
	if v.filled {
		return fmt.Sprintf(".orValue(%v)", filled)
	}
	return fmt.Sprintf(".orValue(%v)", unset)
}

// Of the pod's security context, of a container's, and of a container's or else the pod's.
func ofPod(field string) string       { return "variables.spec.?securityContext.?" + field }
func ofContainer(field string) string { return "c.?securityContext.?" + field }
func ofEither(field string) string    { return ofContainer(field) + ".or(" + ofPod(field) + ")" }

func each(want string) string { return "variables.containers.all(c, " + want + ")" }

// conditions are all that a policy wants.
func (v view) conditions() (all []condition) {
	s := &v.Spec
	add := func(field, want string) { all = append(all, condition{field, want}) }
	for field, allowed := range map[string]bool{"hostNetwork": s.HostNetwork, "hostPID": s.HostPID, "hostIPC": s.HostIPC} {
		if !allowed {
			add("spec."+field, "!variables.spec.?"+field+".orValue(false)")
		}
	}
	slices.SortFunc(all, func(a, b condition) int { return strings.Compare(a.field, b.field) })
	all = append(all, v.ids()...)
	all = append(all, v.profiles()...)
	add("sysctls", ofPod("sysctls")+".orValue([]).all(s, "+sysctls(s)+")")
	if want := v.volumes(); want != "" {
		add("volumes", "variables.spec.?volumes.orValue([]).all(v, "+want+")")
	}
	if r := s.RuntimeClass; r != nil && !slices.Contains(r.AllowedRuntimeClassNames, "*") {
		add("runtimeClassName", "variables.spec.?runtimeClassName.optMap(r, r in "+list(r.AllowedRuntimeClassNames)+").orValue(true)")
	}
	if !s.Privileged {
		add("privileged", each("!"+ofContainer("privileged")+".orValue(false)"))
	}
	add("procMount", each(ofContainer("procMount")+".orValue('Default') in "+list(v.ProcMounts())))
	all = append(all, v.capabilities()...)
	add("hostPort", each("c.?ports.orValue([]).all(p, "+inRanges("p.?hostPort.orValue(0)", append([]kube.PSPRange{{}}, s.HostPorts...))+")"))
	if s.ReadOnlyRootFilesystem {
		add("readOnlyRootFilesystem", each(ofContainer("readOnlyRootFilesystem")+v.or(true, false)))
	}
	if !v.Escalates() {
		add("allowPrivilegeEscalation", each("!"+ofContainer("allowPrivilegeEscalation")+v.or(false, true)))
	}
	return all
}

// ids are the users and groups.
func (v view) ids() (all []condition) {
	s := &v.Spec
	add := func(field, want string) { all = append(all, condition{field, want}) }
	single := func(r *kube.PSPRule, of string) string {
		if r.Rule == kube.PSPMayRunAs {
			return inRanges(of+fmt.Sprintf(".orValue(%d)", r.Ranges[0].Min), r.Ranges)
		}
		return inRanges(of+v.or(r.Ranges[0].Min, -1), r.Ranges)
	}
	switch s.RunAsUser.Rule {
	case kube.PSPMustRunAs:
		add("runAsUser", each(single(&s.RunAsUser, ofEither("runAsUser"))))
	case kube.PSPMustRunAsNonRoot:
		want := ofEither("runAsNonRoot") + ".orValue(true) && " + ofEither("runAsUser") + ".orValue(1) != 0"
		if !v.filled {
			want += " && (" + ofEither("runAsNonRoot") + ".hasValue() || " + ofEither("runAsUser") + ".hasValue())"
		}
		add("runAsNonRoot", each(want))
	}
	if s.RunAsGroup != nil && s.RunAsGroup.Rule != kube.PSPRunAsAny {
		add("runAsGroup", each(single(s.RunAsGroup, ofEither("runAsGroup"))))
	}
	if s.FSGroup.Rule != kube.PSPRunAsAny {
		add("fsGroup", single(&s.FSGroup, ofPod("fsGroup")))
	}
	if r := &s.SupplementalGroups; r.Rule != kube.PSPRunAsAny {
		of := ofPod("supplementalGroups") + ".orValue([])"
		want := of + ".all(g, " + inRanges("g", r.Ranges) + ")"
		if r.Rule == kube.PSPMustRunAs && !v.filled {
			want = of + ".size() > 0 && " + want
		}
		add("supplementalGroups", want)
	}
	return all
}

// profiles are those of SELinux, seccomp and AppArmor.
func (v view) profiles() (all []condition) {
	if v.Spec.SELinux.Rule == kube.PSPMustRunAs {
		want := v.seLinux(ofPod("seLinuxOptions")) + " && " + each(v.seLinux(ofEither("seLinuxOptions")))
		all = append(all, condition{"seLinuxOptions", want})
	}
	if !v.Seccomp.Any {
		all = append(all, condition{"seccompProfile", v.seccomps()})
	}
	if !v.AppArmor.Any {
		otherwise := "''"
		if v.filled {
			otherwise = quote(v.AppArmor.Default)
		}
		want := "[" + appArmor() + "].all(p, (p == '' ? " + otherwise + " : p) in " + list(nonEmpty(v.AppArmor.Allowed)) + ")"
		all = append(all, condition{"appArmorProfile", each(want)})
	}
	return all
}

// seccomps holds a pod's profiles against those that are allowed, and its containers'. Annotations that stand beside the
// fields, or in their place, are held against them, too: a policy read them, though nobody else does any more.
func (v view) seccomps() string {
	own := word(ofContainer("seccompProfile"))
	either := func(otherwise string) string {
		return "(" + ofContainer("seccompProfile") + ".hasValue() ? " + own + " : " + otherwise + ")"
	}
	pod := "variables.seccomp_written != '' ? variables.seccomp_written : variables.seccomp"
	if v.filled && v.Seccomp.Default != "" {
		pod += " != '' ? variables.seccomp : " + quote(v.Seccomp.Default)
	}
	pod = "(" + pod + ")"
	annotated := either("variables.annotations[?" + quote(psp.SeccompContainer) + " + c.name].orValue(" + pod + ")")
	want := v.seccomp(pod) + " && " + each(v.seccomp(annotated))
	if !v.filled {
		want += " && " + v.seccomp("variables.seccomp") + " && " + each(v.seccomp(either("variables.seccomp")))
	}
	return want
}

// seccomp holds a word against the profiles that are allowed. What the policy would fill in may be one that it does not
// allow: then a pod that says nothing is refused, too.
func (v view) seccomp(word string) string {
	allowed := slices.Clone(v.Seccomp.Allowed)
	if len(allowed) == 0 {
		allowed = []string{""}
	}
	if d := v.Seccomp.Default; !v.filled && d != "" && !slices.Contains(allowed, d) {
		allowed = nonEmpty(allowed)
	}
	return word + " in " + list(allowed)
}

func nonEmpty(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
}

// word is a profile in the words of annotations.
func word(of string) string {
	return of + ".optMap(p, p.type == 'RuntimeDefault' ? 'runtime/default' : p.type == 'Localhost' ? 'localhost/' + p.?localhostProfile.orValue('') : 'unconfined').orValue('')"
}

// appArmor is the word of a container's profile.
func appArmor() string {
	return "(" + ofContainer("appArmorProfile") + ".hasValue() ? " + word(ofContainer("appArmorProfile")) +
		" : variables.annotations[?" + quote(psp.AppArmorContainer) + " + c.name].orValue(" + word(ofPod("appArmorProfile")) + "))"
}

func (v view) seLinux(of string) string {
	o := v.Spec.SELinux.Options
	want := []string{}
	for _, f := range []struct{ field, value string }{{"user", o.User}, {"role", o.Role}, {"type", o.Type}} {
		want = append(want, fmt.Sprintf("o.?%s.orValue('') == %s", f.field, quote(f.value)))
	}
	level := "o.?level.orValue('') == " + quote(o.Level)
	if sensitivity, categories, ok := strings.Cut(o.Level, ":"); ok && strings.Contains(categories, ",") && !strings.Contains(categories, ":") {
		level = fmt.Sprintf("o.?level.orValue('').startsWith(%s) && sets.equivalent(o.level.substring(%d).split(','), %s)",
			quote(sensitivity+":"), len([]rune(sensitivity))+1, list(strings.Split(categories, ",")))
	}
	return of + ".optMap(o, " + strings.Join(append(want, level), " && ") + ")" + v.or(true, false)
}

func (v view) capabilities() (all []condition) {
	s := &v.Spec
	if slices.Contains(s.AllowedCapabilities, "*") {
		return nil
	}
	may := slices.Concat(s.DefaultAddCapabilities, s.AllowedCapabilities)
	all = append(all, condition{"capabilities.add", each(ofContainer("capabilities.?add") + ".orValue([]).all(x, x in " + list(may) + ")")})
	if len(s.RequiredDropCapabilities) > 0 && !v.filled {
		all = append(all, condition{"capabilities.drop", each(list(s.RequiredDropCapabilities) + ".all(x, x in " + ofContainer("capabilities.?drop") + ".orValue([]))")})
	}
	return all
}

func sysctls(s *kube.PodSecurityPolicySpec) string {
	allowed := patterns(append(psp.SafeSysctls(), s.AllowedUnsafeSysctls...))
	if len(s.ForbiddenSysctls) == 0 {
		return allowed
	}
	return "(" + allowed + ") && !(" + patterns(s.ForbiddenSysctls) + ")"
}

// patterns holds the name of a sysctl against names, the stars at the ends of which stand for anything.
func patterns(all []string) string {
	var names, any []string
	for _, p := range all {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			any = append(any, "s.name.startsWith("+quote(prefix)+")")
		} else {
			names = append(names, p)
		}
	}
	if len(names) > 0 {
		any = append(any, "s.name in "+list(names))
	}
	return strings.Join(any, " || ")
}

const onlyToken = `has(v.projected) && v.projected.?sources.orValue([]).all(s, (has(s.serviceAccountToken) || has(s.configMap) || has(s.downwardAPI))` +
	` && (!has(s.serviceAccountToken) || s.serviceAccountToken.path == 'token' && s.serviceAccountToken.?audience.orValue('') == '')` +
	` && (!has(s.configMap) || s.configMap.?name.orValue('') == 'kube-root-ca.crt')` +
	` && (!has(s.downwardAPI) || s.downwardAPI.?items.orValue([]).all(i, i.path == 'namespace' && i.?fieldRef.?apiVersion.orValue('') == 'v1' && i.?fieldRef.?fieldPath.orValue('') == 'metadata.namespace')))`

// volumes is what a policy wants of one; empty: nothing.
func (v view) volumes() string {
	s := &v.Spec
	var all []string
	if !slices.Contains(s.Volumes, "*") {
		var kinds []string
		for _, kind := range psp.VolumeTypes() {
			if slices.Contains(s.Volumes, kind) {
				kinds = append(kinds, "has(v."+psp.VolumeField(kind)+")")
			}
		}
		if slices.Contains(s.Volumes, "secret") && !slices.Contains(s.Volumes, "projected") {
			kinds = append(kinds, onlyToken)
		}
		if len(kinds) == 0 {
			return "false"
		}
		all = append(all, "("+strings.Join(kinds, " || ")+")")
	}
	if v.mayHave("hostPath") && len(s.AllowedHostPaths) > 0 {
		all = append(all, "(!has(v.hostPath) || "+hostPaths(s.AllowedHostPaths)+")")
	}
	if v.mayHave("flexVolume") && len(s.AllowedFlexVolumes) > 0 {
		var names []string
		for _, d := range s.AllowedFlexVolumes {
			names = append(names, d.Driver)
		}
		all = append(all, "(!has(v.flexVolume) || v.flexVolume.driver in "+list(names)+")")
	}
	if v.mayHave("csi") && len(s.AllowedCSIDrivers) > 0 {
		var names []string
		for _, d := range s.AllowedCSIDrivers {
			names = append(names, d.Name)
		}
		all = append(all, "(!has(v.csi) || v.csi.driver in "+list(names)+")")
	}
	return strings.Join(all, " && ")
}

func (v view) mayHave(kind string) bool {
	return slices.Contains(v.Spec.Volumes, "*") || slices.Contains(v.Spec.Volumes, kind)
}

func hostPaths(all []kube.PSPHostPath) string {
	var writable, readable []string
	for _, p := range all {
		prefix := strings.TrimSuffix(p.PathPrefix, "/")
		within := fmt.Sprintf("v.hostPath.path == %s || v.hostPath.path.startsWith(%s)", quote(prefix), quote(prefix+"/"))
		if p.ReadOnly {
			readable = append(readable, within)
		} else {
			writable = append(writable, within)
		}
	}
	if len(readable) > 0 {
		writable = append(writable, "("+strings.Join(readable, " || ")+
			") && variables.containers.all(c, c.?volumeMounts.orValue([]).all(m, m.name != v.name || m.?readOnly.orValue(false)))")
	}
	return strings.Join(writable, " || ")
}

// inRanges holds a number against ranges.
func inRanges(of string, all []kube.PSPRange) string {
	var any []string
	for _, r := range all {
		if r.Min == r.Max {
			any = append(any, fmt.Sprintf("n == %d", r.Min))
		} else {
			any = append(any, fmt.Sprintf("n >= %d && n <= %d", r.Min, r.Max))
		}
	}
	return "[" + of + "].exists(n, " + strings.Join(any, " || ") + ")"
}

func list[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = quote(string(w))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func quote(s string) string {
	if strings.ContainsAny(s, `'\`) || strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) >= 0 {
		return strconv.Quote(s)
	}
	return "'" + s + "'"
}
