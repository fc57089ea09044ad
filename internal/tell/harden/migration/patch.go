package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/judge/pod/psp"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// setting is what a policy fills in: where it is wanted, at which path, and what.
type setting struct{ needed, path, value string }

const missing = ".hasValue()"

// ofPods are the settings of a pod.
func ofPods(p *psp.Policy) (all []setting) {
	s := &p.Spec
	none := func(field string) string { return "!" + ofPod(field) + missing }
	if r := s.SupplementalGroups; r.Rule == kube.PSPMustRunAs {
		all = append(all, setting{ofPod("supplementalGroups") + ".orValue([]).size() == 0", "/spec/securityContext/supplementalGroups", fmt.Sprintf("[%d]", r.Ranges[0].Min)})
	}
	if r := s.FSGroup; r.Rule == kube.PSPMustRunAs {
		all = append(all, setting{none("fsGroup"), "/spec/securityContext/fsGroup", fmt.Sprint(r.Ranges[0].Min)})
	}
	if s.SELinux.Rule == kube.PSPMustRunAs {
		o, fields := s.SELinux.Options, []string{}
		for _, f := range []struct{ field, value string }{{"user", o.User}, {"role", o.Role}, {"type", o.Type}, {"level", o.Level}} {
			if f.value != "" {
				fields = append(fields, quote(f.field)+": "+quote(f.value))
			}
		}
		all = append(all, setting{none("seLinuxOptions"), "/spec/securityContext/seLinuxOptions", "{" + strings.Join(fields, ", ") + "}"})
	}
	if p.Seccomp.Default != "" {
		all = append(all, setting{none("seccompProfile") + " && variables.seccomp_written == ''", "/spec/securityContext/seccompProfile", profile(p.Seccomp.Default)})
	}
	if r := s.RuntimeClass; r != nil && r.DefaultRuntimeClassName != nil {
		all = append(all, setting{"!variables.spec.?runtimeClassName" + missing, "/spec/runtimeClassName", quote(*r.DefaultRuntimeClassName)})
	}
	return all
}

// ofContainers are those of a container, c.
func ofContainers(p *psp.Policy) (all []setting) {
	s := &p.Spec
	add := func(needed, field, value string) {
		all = append(all, setting{needed, "/securityContext/" + field, value})
	}
	none := func(field string) string { return "!" + ofContainer(field) + missing }
	neither := func(field string) string { return "!" + ofEither(field) + missing }
	switch s.RunAsUser.Rule {
	case kube.PSPMustRunAs:
		add(neither("runAsUser"), "runAsUser", fmt.Sprint(s.RunAsUser.Ranges[0].Min))
	case kube.PSPMustRunAsNonRoot:
		add(neither("runAsUser")+" && "+neither("runAsNonRoot"), "runAsNonRoot", "true")
	}
	if g := s.RunAsGroup; g != nil && g.Rule == kube.PSPMustRunAs {
		add(neither("runAsGroup"), "runAsGroup", fmt.Sprint(g.Ranges[0].Min))
	}
	if p.AppArmor.Default != "" {
		add(appArmor()+" == ''", "appArmorProfile", profile(p.AppArmor.Default))
	}
	if len(s.DefaultAddCapabilities)+len(s.RequiredDropCapabilities) > 0 {
		has := func(list string) string { return ofContainer("capabilities.?"+list) + ".orValue([])" }
		more := list(s.DefaultAddCapabilities) + ".filter(x, !(x in " + has("drop") + "))"
		needed := more + ".exists(x, !(x in " + has("add") + ")) || " + list(s.RequiredDropCapabilities) + ".exists(x, !(x in " + has("drop") + "))"
		both := func(more, list string) string {
			return "(" + more + " + " + has(list) + ".map(x, string(x))).distinct().sort()"
		}
		add("("+needed+")", "capabilities", "{'add': "+both(more, "add")+", 'drop': "+both(list(s.RequiredDropCapabilities), "drop")+"}")
	}
	if s.ReadOnlyRootFilesystem {
		add(none("readOnlyRootFilesystem"), "readOnlyRootFilesystem", "true")
	}
	if d := s.DefaultAllowPrivilegeEscalation; d != nil {
		add(none("allowPrivilegeEscalation"), "allowPrivilegeEscalation", fmt.Sprint(*d))
	} else if !p.Escalates() {
		add(none("allowPrivilegeEscalation"), "allowPrivilegeEscalation", "false")
	}
	return all
}

// profile is the value of a field for a word of an annotation.
func profile(word string) string {
	if name, ok := strings.CutPrefix(word, "localhost/"); ok {
		return "{'type': 'Localhost', 'localhostProfile': " + quote(name) + "}"
	}
	if word == "unconfined" {
		return "{'type': 'Unconfined'}"
	}
	return "{'type': 'RuntimeDefault'}"
}

// fills says, in CEL, that a policy would change the pod: the annotation that it wrote beside a pod's profile of
// seccomp counted, too.
func fills(p *psp.Policy) string {
	any := []string{ofPod("seccompProfile") + missing + " && variables.seccomp_written == ''"}
	for _, s := range ofPods(p) {
		any = append(any, s.needed)
	}
	if all := ofContainers(p); len(all) > 0 {
		any = append(any, "variables.containers.exists(c, "+needed(all)+")")
	}
	return strings.Join(any, " ||\n")
}

func needed(all []setting) string {
	var any []string
	for _, s := range all {
		any = append(any, s.needed)
	}
	return strings.Join(any, " || ")
}

// written are annotations of seccomp, which a policy counted and nobody reads any more, to become fields.
func written(of string) string {
	return "(" + of + ".startsWith('localhost/') ? {'type': 'Localhost', 'localhostProfile': " + of + ".substring(10)} : " +
		"{'type': " + of + " == 'unconfined' ? 'Unconfined' : 'RuntimeDefault'})"
}

// patch is all that a policy changes about a pod, as the operations of a JSON patch.
func patch(p *psp.Policy) string {
	pods := append(ofPods(p), setting{
		"!" + ofPod("seccompProfile") + missing + " && variables.seccomp_written != ''", "/spec/securityContext/seccompProfile", written("variables.seccomp_written"),
	})
	of := "variables.annotations[" + quote(psp.SeccompContainer) + " + c.name]"
	all := append(ofContainers(p), setting{
		"!" + ofContainer("seccompProfile") + missing + " && variables.annotations[?" + quote(psp.SeccompContainer) + " + c.name]" + missing, "/securityContext/seccompProfile", written(of),
	})
	pieces := []string{"(has(object.metadata.annotations) ? [] : [" + operation("'/metadata/annotations'", "{}") + "])"}
	pieces = append(pieces, "["+operation("'/metadata/annotations/kubernetes.io~1psp'", quote(p.Name))+"]")
	within := slices.DeleteFunc(slices.Clone(pods), func(s setting) bool { return !strings.HasPrefix(s.path, "/spec/securityContext/") })
	pieces = append(pieces, "(!variables.spec.?securityContext"+missing+" && ("+needed(within)+") ? ["+operation("'/spec/securityContext'", "{}")+"] : [])")
	for _, s := range pods {
		pieces = append(pieces, "("+s.needed+" ? ["+operation(quote(s.path), s.value)+"] : [])")
	}
	for _, kind := range []string{"initContainers", "containers"} {
		each := func(needed, path, value string) {
			pieces = append(pieces, fmt.Sprintf("variables.spec.?%s.orValue([]).transformList(i, c, %s, %s)",
				kind, needed, operation("'/spec/"+kind+"/' + string(i) + "+quote(path), value)))
		}
		each("!has(c.securityContext) && ("+needed(all)+")", "/securityContext", "{}")
		for _, s := range all {
			each(s.needed, s.path, s.value)
		}
	}
	return "variables.chosen != " + quote(p.Name) + " ? [] :\n" + strings.Join(pieces, " +\n")
}

func operation(path, value string) string {
	return "JSONPatch{op: 'add', path: " + path + ", value: " + value + "}"
}
