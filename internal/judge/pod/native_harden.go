package pod

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// NativeChange is what [Facts.Harden] does, in the API server's own CEL, of a pod whose images nobody knows.
type NativeChange struct {
	// Variables are, beside others that they need, given, the names of the defaults that the pod is given, and hardened,
	// the spec that it then has. They name spec and meta and what [NativeVariables] lists.
	Variables []NativeVariable
	// Steps is the list of steps of a JSON patch that changes the pod itself: maps of op, path and value.
	Steps string
}

// field is one that an object is given where when is true: a value, or more fields.
type field struct {
	key, when, value string
	fields           []field
}

// nativeDefaults are conditions by default: of the pod, or of its container c.
func nativeDefaults(w Wanted) (of func(Default) string, missing map[string]string) {
	const privileged = `c.?securityContext.?privileged.orValue(false)`
	missing = map[string]string{}
	var any []string
	for _, name := range slices.Sorted(maps.Keys(w.Requests)) {
		missing[name] = "!" + nativeSaid("requests", name)
		any = append(any, missing[name])
	}
	all := map[Default]string{
		NoToken: `!spec.?automountServiceAccountToken.hasValue() && account == "` + defaultAccount + `"`,
		NonRoot: `!spec.?securityContext.?runAsNonRoot.hasValue() && !template.exists(c, ` + userIs0 + ` || ` + privileged +
			` || !c.?securityContext.?runAsNonRoot.or(spec.?securityContext.?runAsNonRoot).orValue(true))`,
		Seccomp:      `!spec.?securityContext.?seccompProfile.hasValue() && meta.?annotations[?"seccomp.security.alpha.kubernetes.io/pod"].orValue("") == ""`,
		NoEscalation: `!c.?securityContext.?allowPrivilegeEscalation.hasValue() && !` + privileged + ` && !` + addedIn + `.exists(a, ` + nativeBare("a") + ` in ["SYS_ADMIN", "ALL"])`,
		Capabilities: `!` + privileged + ` && !(` + userIs0 + `) && size(` + droppedIn + `) == 0`,
		ReadOnlyRoot: `!` + privileged + ` && !c.?securityContext.?readOnlyRootFilesystem.hasValue()`,
		Requests:     strings.Join(any, " || "),
	}
	return func(d Default) string {
		if all[d] == "" || slices.Contains(w.Except, d) {
			return "false"
		}
		return "(" + all[d] + ")"
	}, missing
}

// ofContainers are the defaults that containers are given.
var ofContainers = []Default{NoEscalation, Capabilities, ReadOnlyRoot, Requests}

// NativeHarden is the change that is wanted.
func NativeHarden(w Wanted) NativeChange {
	when, missing := nativeDefaults(w)
	var given, requests []string
	var asked []field
	for _, d := range Defaults() {
		is := when(d)
		if slices.Contains(ofContainers, d) && is != "false" {
			is = "template.exists(c, " + is + ")"
		}
		given = append(given, fmt.Sprintf(`(%s ? [%q] : [])`, is, d))
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		if when(Requests) != "false" {
			asked, requests = append(asked, field{key: name, when: missing[name], value: fmt.Sprintf("%q", w.Requests[name])}), append(requests, missing[name])
		}
	}
	pod := []field{
		{key: "automountServiceAccountToken", when: when(NoToken), value: "false"},
		{key: "securityContext", when: when(NonRoot) + " || " + when(Seccomp), fields: []field{
			{key: "runAsNonRoot", when: when(NonRoot), value: "true"}, {key: "seccompProfile", when: when(Seccomp), value: `{"type": "RuntimeDefault"}`},
		}},
	}
	container := []field{
		{key: "securityContext", when: when(NoEscalation) + " || " + when(Capabilities) + " || " + when(ReadOnlyRoot), fields: []field{
			{key: "allowPrivilegeEscalation", when: when(NoEscalation), value: "false"},
			{key: "capabilities", when: when(Capabilities), fields: []field{{key: "drop", when: when(Capabilities), value: `["ALL"]`}}},
			{key: "readOnlyRootFilesystem", when: when(ReadOnlyRoot), value: "true"},
		}},
	}
	if len(requests) > 0 {
		any := strings.Join(requests, " || ")
		container = append(container, field{key: "resources", when: any, fields: []field{{key: "requests", when: any, fields: asked}}})
	}
	return NativeChange{
		Variables: []NativeVariable{
			{"account", `[spec.?serviceAccountName.orValue(""), spec.?serviceAccount.orValue(""), dyn("` + defaultAccount + `")].filter(a, a != "")[0]`},
			{"given", `windows ? [] : ` + strings.Join(given, " + ")},
			{"tokens", nativeTokens(when(NoToken))},
			{"fresh", nativeFresh(when(ReadOnlyRoot))},
			{"hardened", nativeHardened(pod, container, w.EmptyDir)},
		},
		Steps: nativeSteps(pod, container, w.EmptyDir),
	}
}

// nativeTokens are the names of the volumes with a token that the API server has put in, where the pod is to have none.
func nativeTokens(when string) string {
	const sources = `v.?projected.?sources.orValue([])`
	return when + ` ? volumes.filter(v, v.name.startsWith("kube-api-access-") && size(` + sources + `) == 3 && ` + sources + `[0].?serviceAccountToken.?path.orValue("") == "token" && ` +
		sources + `[0].?serviceAccountToken.?audience.orValue("") == "" && ` + sources + `[1].?configMap.?name.orValue("") == "kube-root-ca.crt" && ` +
		sources + `[2].?downwardAPI.hasValue()).map(v, v.name) : []`
}

// nativeFresh are the containers that need an empty folder at /tmp, each with the name of a volume that no other has.
func nativeFresh(when string) string {
	names := make([]string, 8)
	for i := range names {
		names[i] = strings.Repeat("x", i)
	}
	return `template.filter(c, ` + when + ` && !c.?volumeMounts.orValue([]).exists(m, m.mountPath.startsWith("/") && m.mountPath.split("/").filter(s, s != "" && s != ".") == ["tmp"]))` +
		`.transformList(i, c, {"container": dyn(c.name), "volume": dyn(` + texts(names) + `.map(x, "plimsoll-" + string(i) + x).filter(n, !volumes.exists(v, v.name == n))[0])})`
}

const (
	nativeTokenMount = `(m.name in tokens && m.mountPath == "` + tokenPath + `")`
	// nativeTokenGoes is true of a volume v that nobody mounts elsewhere.
	nativeTokenGoes = `(v.name in tokens && !template.exists(c, c.?volumeMounts.orValue([]).exists(m, m.name == v.name && m.mountPath != "` + tokenPath + `")))`
	nativeMount     = `{"name": dyn(t.volume), "mountPath": dyn("/tmp")}`
)

func nativeVolume(size string) string {
	empty := "{}"
	if size != "" {
		empty = fmt.Sprintf(`{"sizeLimit": %q}`, size)
	}
	return `{"name": dyn(t.volume), "emptyDir": dyn(` + empty + `)}`
}

// nativeHardened is the spec as it will be.
func nativeHardened(pod, container []field, size string) string {
	const mounts = `c.?volumeMounts.orValue([])`
	container = append(slices.Clone(container), field{
		key: "volumeMounts", when: `(fresh.exists(t, t.container == c.name) || ` + mounts + `.exists(m, ` + nativeTokenMount + `))`,
		value: mounts + `.filter(m, !` + nativeTokenMount + `) + fresh.filter(t, t.container == c.name).map(t, dyn(` + nativeMount + `))`,
	})
	pod = append(slices.Clone(pod), field{
		key: "volumes", when: `(size(fresh) + size(tokens) > 0)`, value: `volumes.filter(v, !` + nativeTokenGoes + `) + fresh.map(t, dyn(` + nativeVolume(size) + `))`,
	})
	for _, list := range []string{"initContainers", "containers"} {
		pod = append(pod, field{key: list, when: `spec.?` + list + `.hasValue()`, value: `spec.` + list + `.map(c, ` + over("c", container) + `)`})
	}
	return `size(given) == 0 ? dyn(spec) : dyn(` + over("spec", pod) + `)`
}

// over is an object with fields written over its own. CEL joins no maps: the new one is made of all entries.
func over(object string, fields []field) string {
	var entries []string
	for _, f := range fields {
		if f.never() {
			continue
		}
		value := f.value
		if f.fields != nil {
			value = over(optional(object, f.key)+`.orValue({})`, f.fields)
		}
		entries = append(entries, fmt.Sprintf(`(%s ? [{"k": dyn(%q), "v": dyn(%s)}] : [])`, f.when, f.key, value))
	}
	return fmt.Sprintf(`[%s].map(new, (%s.map(k, !new.exists(e, e.k == k), {"k": dyn(k), "v": dyn(%[2]s[k])}) + new).transformMapEntry(i, e, {e.k: e.v}))[0]`,
		strings.Join(append(entries, "[]"), " + "), object)
}

// never says that nothing that it is given for is wanted.
func (f *field) never() bool {
	return strings.ReplaceAll(f.when, " || ", "") == strings.Repeat("false", strings.Count(f.when, "false"))
}

// optional is a field of an object, or of the one that an optional value may have.
func optional(object, key string) string {
	return fmt.Sprintf("%s[?%q]", strings.TrimSuffix(object, `.orValue({})`), key)
}

// nativeSteps are those of a patch; of lists, what goes goes first, and from the end.
func nativeSteps(pod, container []field, size string) string {
	const mounts = `c[?"volumeMounts"]`
	all := []string{
		steps(`"/spec"`, "spec", pod),
		`volumes.transformList(i, v, ` + nativeTokenGoes + `, i).reverse().map(i, ` + step("remove", `"/spec/volumes/" + string(i)`, "null") + `)`,
		`(size(fresh) > 0 && !spec.?volumes.hasValue() ? [` + step("add", `"/spec/volumes"`, "[]") + `] : [])`,
		`fresh.map(t, ` + step("add", `"/spec/volumes/-"`, nativeVolume(size)) + `)`,
	}
	for _, list := range []string{"initContainers", "containers"} {
		at := `"/spec/` + list + `/" + string(i)`
		each := []string{
			steps(at, "c", container),
			mounts + `.orValue([]).transformList(n, m, ` + nativeTokenMount + `, n).reverse().map(n, ` + step("remove", at+` + "/volumeMounts/" + string(n)`, "null") + `)`,
			`(fresh.exists(t, t.container == c.name) && !` + mounts + `.hasValue() ? [` + step("add", at+` + "/volumeMounts"`, "[]") + `] : [])`,
			`fresh.filter(t, t.container == c.name).map(t, ` + step("add", at+` + "/volumeMounts/-"`, nativeMount) + `)`,
		}
		all = append(all, `spec.?`+list+`.orValue([]).transformList(i, c, `+strings.Join(each, " + ")+`).flatten()`)
	}
	said := `(given + meta.?annotations[?"` + Changed + `"].orValue("").split(", "))`
	all = append(all,
		`(meta.?annotations.hasValue() ? [] : [`+step("add", `"/metadata/annotations"`, "{}")+`])`,
		`[`+step("add", `"/metadata/annotations/`+strings.ReplaceAll(Changed, "/", "~1")+`"`, texts(Defaults())+`.filter(d, d in `+said+`).join(", ")`)+`]`)
	return `size(given) == 0 ? [] : ` + strings.Join(all, " + ")
}

// steps give an object its fields, and first make what they belong to.
func steps(at, object string, fields []field) string {
	all := []string{"[]"}
	for _, f := range fields {
		if f.never() {
			continue
		}
		under, of := at+` + "/`+f.key+`"`, optional(object, f.key)
		if f.fields == nil {
			all = append(all, `(`+f.when+` ? [`+step("add", under, f.value)+`] : [])`)
			continue
		}
		all = append(all, `((`+f.when+`) && !`+of+`.hasValue() ? [`+step("add", under, "{}")+`] : [])`, steps(under, of, f.fields))
	}
	return strings.Join(all, " + ")
}

func step(op, path, value string) string {
	return fmt.Sprintf(`{"op": dyn(%q), "path": dyn(%s), "value": dyn(%s)}`, op, path, value)
}
