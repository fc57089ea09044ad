package pod

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/finding"
)

// Native says in the API server's own CEL where a check finds something, for clusters that ask no webhook. Beside what
// [NativeVariables] lists, expressions name what they are given: spec and meta, the pod's own; kind and ns, of the object
// that makes it. Both forms are of one check, and deck/admit/export holds them against each other.
type Native struct {
	Severity finding.Severity // of what is found
	Each     string           // true of c, a container, in which it finds something; empty: in none
	Pod      string           // true of a pod of whose own fields it finds something; empty: of none
	Let      string           // a list that both call found; it is made once for all containers
}

// Native is how the check is said; why says of one that cannot be what it takes.
func (c Check) Native() (all []Native, why string) {
	for _, n := range c.native {
		n.Severity = cmp.Or(n.Severity, c.Severity)
		all = append(all, n)
	}
	return all, c.beyond
}

// NativeVariable is one that expressions share.
type NativeVariable struct{ Name, Expression string }

// NativeVariables are what expressions may name, each after those that it names itself.
func NativeVariables() []NativeVariable {
	return []NativeVariable{
		{"template", `spec.?initContainers.orValue([]) + spec.?containers.orValue([])`},
		{"everyone", `template + spec.?ephemeralContainers.orValue([])`},
		{"ephemeral", `spec.?ephemeralContainers.orValue([]).map(c, c.name)`},
		{"volumes", `spec.?volumes.orValue([])`},
		{"windows", `spec.?os.?name.orValue("") == "windows" || spec.?nodeSelector[?"kubernetes.io/os"].orValue("") == "windows"`},
		{"mounts", `everyone.map(c, c.?volumeMounts.orValue([]).map(m, m.name))`},
		{"writes", `everyone.map(c, c.?volumeMounts.orValue([]).filter(m, !m.?readOnly.orValue(false)).map(m, m.name))`},
		// The API server refuses .. in a path: what is left to clean are slashes and dots.
		{"paths", `volumes.filter(v, has(v.hostPath)).map(v, {"name": dyn(v.name), "kind": dyn(v.hostPath.?type.orValue("")), ` +
			`"path": dyn("/" + v.hostPath.path.split("/").filter(s, s != "" && s != ".").join("/")), ` +
			`"mounted": dyn(mounts.exists(l, v.name in l)), "writable": dyn(writes.exists(l, v.name in l))})`},
	}
}

// each is a check that looks at containers.
func each(cel string) []Native { return []Native{{Each: cel}} }

// ofPod is one that looks at the pod's own fields.
func ofPod(cel string) []Native { return []Native{{Pod: cel}} }

// graded is a check that finds several things.
func graded(all ...[]Native) []Native { return slices.Concat(all...) }

// ofGrade is something of another severity than the check's.
func ofGrade(severity finding.Severity, all []Native) []Native {
	all = slices.Clone(all)
	for i := range all {
		all[i].Severity = severity
	}
	return all
}

// ofPaths is a check of the paths p of the node.
func ofPaths(cel string) []Native {
	return []Native{{
		Let:  `paths.filter(p, ` + cel + `)`,
		Each: `size(found) > 0 && c.?volumeMounts.orValue([]).exists(m, found.exists(p, m.name == p.name))`,
		Pod:  `found.exists(p, !p.mounted)`,
	}}
}

// texts is a list in CEL.
func texts[T ~string](all []T) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = fmt.Sprintf("%q", string(s))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// oneOf is a regular expression of texts, in CEL's letters.
func oneOf(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = regexp.QuoteMeta(s)
	}
	return "(" + strings.Join(quoted, "|") + ")"
}

// matches asks whether what is named matches a regular expression.
func matches(what, expression string) string { return fmt.Sprintf("%s.matches(%q)", what, expression) }

const (
	addedIn   = `c.?securityContext.?capabilities.?add.orValue([])`
	droppedIn = `c.?securityContext.?capabilities.?drop.orValue([])`
	// userIs0 is what a container, and else its pod, says of who runs.
	userIs0 = `c.?securityContext.?runAsUser.or(spec.?securityContext.?runAsUser).orValue(-1) == 0`
)

// nativeBare is a capability's name without the prefix that only runtimes write.
func nativeBare(name string) string {
	return fmt.Sprintf(`(%[1]s.upperAscii().startsWith("CAP_") ? %[1]s.upperAscii().substring(4) : %[1]s.upperAscii())`, name)
}

// nativeCapabilities are the capabilities, by what having one is worth.
func nativeCapabilities() (all []Native) {
	by, known := map[finding.Severity][]string{}, []string{"NET_BIND_SERVICE"}
	for name, c := range capabilities {
		by[c.severity], known = append(by[c.severity], name), append(known, name)
	}
	slices.Sort(known)
	for _, s := range finding.Severities() {
		names := by[s]
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		is := matches("a.upperAscii()", "^(CAP_)?"+oneOf(names)+"$")
		if s == finding.Medium {
			is += " || !" + matches("a.upperAscii()", "^(CAP_)?"+oneOf(known)+"$")
		}
		all = append(all, ofGrade(s, each(addedIn+`.exists(a, `+is+`)`))...)
	}
	return all
}

// nativeMore finds an ephemeral container with rights that no container of the pod's template has.
func nativeMore() string {
	of := func(c string) (root, privileged, added string) {
		to := func(cel string) string { return c + strings.TrimPrefix(cel, "c") }
		return to(userIs0), to(`c.?securityContext.?privileged.orValue(false)`), to(addedIn)
	}
	root, privileged, added := of("c")
	theirRoot, theirPrivileged, theirAdded := of("t")
	return `(` + root + ` && !template.exists(t, ` + theirRoot + `) || ` + privileged + ` && !template.exists(t, ` + theirPrivileged + `) || ` +
		added + `.exists(a, !template.exists(t, ` + theirAdded + `.exists(b, ` + nativeBare("a") + ` == ` + nativeBare("b") + `))))`
}

// nativeFolders are the node's folders that nobody should have, by what having one gives, written to or read.
func nativeFolders() (all []Native) {
	for _, s := range finding.Severities() {
		var parts []string
		if written := folder(func(f nodeFolder) bool { return f.severity == s }); written != "" {
			parts = append(parts, `p.writable && `+written)
		}
		if read := folder(func(f nodeFolder) bool { return less[f.severity] == s }); read != "" {
			parts = append(parts, `!p.writable && !`+matches("p.path", "^"+oneOf(harmless)+"(/|$)")+` && `+read)
		}
		if len(parts) > 0 {
			all = append(all, ofGrade(s, ofPaths(`(`+strings.Join(parts, " || ")+`) && !(`+nativeSocket+`) && !(`+nativeDevice+`)`))...)
		}
	}
	return all
}

// folder asks whether the longest of the node's folders that a path p is in is one of these.
func folder(of func(nodeFolder) bool) string {
	var in, out []string
	for _, f := range nodeFolders {
		form := "^" + regexp.QuoteMeta(f.path) + "(/|$)"
		if f.alone {
			form = "^" + regexp.QuoteMeta(f.path) + "$"
		}
		if of(f) {
			in = append(in, form)
		} else if slices.ContainsFunc(nodeFolders, func(above nodeFolder) bool {
			return of(above) && !above.alone && strings.HasPrefix(f.path, above.path+"/")
		}) {
			out = append(out, form)
		}
	}
	if len(in) == 0 {
		return ""
	}
	text := matches("p.path", strings.Join(in, "|"))
	if len(out) > 0 {
		text = `(` + text + ` && !` + matches("p.path", strings.Join(out, "|")) + `)`
	}
	return text
}

var (
	nativeSocket = matches("p.path", "/"+oneOf(sockets)+"$") + ` || p.path in ` + texts(socketFolders)
	nativeDevice = `p.kind in ["BlockDevice", "CharDevice"] || p.path.startsWith("/dev/") && !(p.path in ["/dev/shm", "/dev/log"])`
	nativeRaw    = `p.kind == "BlockDevice" || ` + matches("p.path", "^/dev/"+oneOf(rawDevices))
)

// nativeLow says that an id is one that nodes may have too.
func nativeLow(of, id string) string {
	return fmt.Sprintf("%[1]s.?securityContext.?%[2]s.orValue(0) > 0 && %[1]s.?securityContext.?%[2]s.orValue(0) < %[3]d", of, id, lowestFreeUser)
}

var nativeControlPlane = `(spec.?tolerations.orValue([]).exists(t, t.?effect.orValue("") in ["", "NoSchedule"] && (t.?key.orValue("") == "" && t.?operator.orValue("") == "Exists" || t.?key.orValue("") in ` +
	texts(controlPlane) + `)) || spec.?nodeSelector.orValue({}).exists(k, k in ` + texts(controlPlane) + `))`

// nativeSaid says that an amount is said, by the container or by its pod. A limit is a request, too.
func nativeSaid(list, name string) string {
	var parts []string
	for _, of := range []string{"c", "spec"} {
		parts = append(parts, fmt.Sprintf(`%s.?resources.?%s[?%q].hasValue()`, of, list, name))
		if list == "requests" {
			parts = append(parts, fmt.Sprintf(`%s.?resources.?limits[?%q].hasValue()`, of, name))
		}
	}
	return "(" + strings.Join(parts, " || ") + ")"
}

// nativeRatio says that a limit is too many times its request.
func nativeRatio(name string) string {
	return fmt.Sprintf(`(c.?resources.?limits[?%[1]q].hasValue() && c.?resources.?requests[?%[1]q].hasValue() && (!quantity(c.resources.requests[%[1]q]).isGreaterThan(quantity("0")) || `+
		`quantity(c.resources.limits[%[1]q]).asApproximateFloat() / quantity(c.resources.requests[%[1]q]).asApproximateFloat() > %.1[2]f))`, name, most[corev1.ResourceName(name)])
}

// nativeEmptyDir finds an emptyDir without a size, in memory or not, that the limits of containers do not hold.
func nativeEmptyDir(inMemory, name string) string {
	return fmt.Sprintf(`volumes.exists(v, has(v.emptyDir) && v.emptyDir.?medium.orValue("") %s "Memory" && !(v.emptyDir.?sizeLimit.hasValue() && quantity(v.emptyDir.sizeLimit).isGreaterThan(quantity("0")))) && `+
		`!template.all(c, %s)`, inMemory, nativeSaid("limits", name))
}
