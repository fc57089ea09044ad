package export

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// The names that expressions of ours have beside those of pod.NativeVariables. Those of a pod have a second form,
// for the pod as it was before it was changed.
const was = "was_"

// asWritten goes before those of a template that is judged as the pods that it makes: these are given defaults.
const asWritten = "written_"

// makers is the list, in CEL, of what is said of each kind that makes pods; of one of which nothing is said it has none.
func makers(say func(kube.Maker) string) string {
	var all []string
	for _, m := range kube.Makers() {
		if text := say(m); text != "" {
			all = append(all, text)
		}
	}
	return quoted(all)
}

// controlled is a kind by which pods are called that its controller makes.
func controlled(m kube.Maker) string {
	if m.Makes == "" {
		return ""
	}
	return m.Kind
}

// known are all variables, each after those that it names; with a change, what makes pods is seen as they will be.
func known(change *pod.NativeChange) (all []pod.NativeVariable) {
	all = []pod.NativeVariable{
		{Name: "ns", Expression: `request.?namespace.orValue("")`},
		// Anybody can write who the owner of a pod is; only when the cluster's own controllers do is it true.
		{Name: "owners", Expression: `request.userInfo.username == "system:kube-controller-manager" || ` +
			`request.userInfo.username.startsWith("system:serviceaccount:kube-system:") && request.userInfo.username.endsWith("-controller") ? ` +
			`dyn(object).metadata.?ownerReferences.orValue([]).filter(r, r.?controller.orValue(false) && r.?name.orValue("") != "" && r.kind in ` + makers(controlled) + `) : dyn([])`},
		{Name: "hash", Expression: `"-" + dyn(object).metadata.?labels[?"pod-template-hash"].orValue("")`},
		{Name: "deployed", Expression: `size(owners) > 0 && owners[0].kind == "ReplicaSet" && owners[0].apiVersion == "apps/v1" && hash != "-" && owners[0].name.endsWith(hash)`},
		{Name: "kind", Expression: `size(owners) == 0 ? request.kind.kind : deployed ? "Deployment" : string(owners[0].kind)`},
		{Name: "name", Expression: `size(owners) == 0 ? (request.?name.orValue("") != "" ? request.name : string(dyn(object).metadata.?name.orValue(dyn(object).metadata.?generateName.orValue("")))) : ` +
			`deployed ? string(owners[0].name).substring(0, size(string(owners[0].name)) - size(hash)) : string(owners[0].name)`},
		{Name: "runs", Expression: `request.operation == "UPDATE" && request.kind.kind == "Pod"`},
		{Name: "pod", Expression: podOf("object")},
		{Name: was + "pod", Expression: `runs ? dyn(oldObject) : dyn({})`},
	}
	spec := "pod.?spec.orValue({})"
	if change != nil {
		of := withPrefix(asWritten, spec, change.Variables)
		all, spec = append(all, of...), `request.kind.kind == "Pod" ? `+asWritten+`spec : `+asWritten+`hardened`
	}
	all = append(all, withPrefix("", spec, nil)...)
	all = append(all, withPrefix(was, was+"pod.?spec.orValue({})", nil)...)
	// What runs is not judged anew: of a pod that is changed, the containers that are new or others are.
	return append(all, pod.NativeVariable{Name: "judged", Expression: `runs ? everyone.filter(c, !(c in was_everyone)) : everyone`})
}

// withPrefix are the variables of a pod, of which spec is one; more come after them. The pod is named by its own prefix.
func withPrefix(prefix, spec string, more []pod.NativeVariable) (all []pod.NativeVariable) {
	of := "pod"
	if prefix == was {
		of = was + "pod"
	}
	all = []pod.NativeVariable{{Name: prefix + "spec", Expression: spec}, {Name: prefix + "meta", Expression: of + ".?metadata.orValue({})"}}
	rename := &expr.Rewriter{Names: map[string]string{"spec": prefix + "spec", "meta": prefix + "meta"}}
	own := append(pod.NativeVariables(), more...)
	for _, v := range own {
		rename.Names[v.Name] = prefix + v.Name
	}
	for _, v := range own {
		text, err := rename.Rewrite(v.Expression)
		if err != nil {
			text = v.Expression // it does not parse, and will be found out when it is compiled
		}
		all = append(all, pod.NativeVariable{Name: prefix + v.Name, Expression: text})
	}
	return all
}

// perPod are the names of what has two forms.
func perPod() []string {
	names := []string{"pod", "spec", "meta"}
	for _, v := range pod.NativeVariables() {
		names = append(names, v.Name)
	}
	return names
}

// before has an expression ask about the pod as it was; more are further names that have two forms.
func before(more ...string) *expr.Rewriter {
	r := &expr.Rewriter{Names: map[string]string{}}
	for _, name := range append(perPod(), more...) {
		r.Names[name] = was + name
	}
	return r
}

// podOf is the pod in what makes it.
func podOf(object string) string {
	const usual = "spec.template"
	in := func(template string) string {
		if template == "" {
			return "dyn(" + object + ")"
		}
		return "dyn(" + object + ").?" + strings.ReplaceAll(template, ".", ".?") + ".orValue({})"
	}
	text := in(usual)
	for _, m := range kube.Makers() {
		if m.Template != usual {
			text = fmt.Sprintf("request.kind.kind == %q ? %s : %s", m.Kind, in(m.Template), text)
		}
	}
	return text
}

// changesPods is true unless an object says of its pods what it said before: it must be possible to scale down, to finalize
// and to delete what would not be let in today. Of a pod itself, what may be changed at all is compared.
func changesPods() v1.MatchCondition {
	return v1.MatchCondition{Name: "changes-its-pods", Expression: `request.operation != "UPDATE" || (request.kind.kind == "Pod" ? ` + podChanges() +
		` : (` + podOf("object") + `) != (` + podOf("oldObject") + `))`}
}

// podChanges says that a pod that runs is another than it was, in what may be changed at all.
func podChanges() string {
	var parts []string
	for _, field := range []string{"containers", "initContainers", "ephemeralContainers", "tolerations", "nodeSelector", "affinity", "resources"} {
		parts = append(parts, fmt.Sprintf("dyn(object).spec.?%[1]s != dyn(oldObject).spec.?%[1]s", field))
	}
	return strings.Join(parts, " || ")
}

// policy is one on its way: validations, and the variables that they name.
type draft struct {
	spec  v1.ValidatingAdmissionPolicySpec
	own   []v1.Variable // of this policy alone, after those that it shares
	known []pod.NativeVariable
}

// written is an expression with the names of variables as the API server has them.
func (d *draft) written(cel string) (string, error) {
	r := &expr.Rewriter{Names: map[string]string{}}
	for _, v := range d.known {
		r.Names[v.Name] = "variables." + v.Name
	}
	return r.Rewrite(cel)
}

// uses declares the variables that are named in what was written so far, and those that these name.
func (d *draft) uses(texts ...string) error {
	needed := map[string]bool{}
	for _, text := range texts {
		free, err := expr.Free(text)
		if err != nil {
			return err
		}
		for _, name := range free {
			needed[name] = true
		}
	}
	var all []v1.Variable
	for _, v := range slices.Backward(d.known) {
		if !needed[v.Name] {
			continue
		}
		free, err := expr.Free(v.Expression)
		if err != nil {
			return err
		}
		for _, name := range free {
			needed[name] = true
		}
		text, err := d.written(v.Expression)
		if err != nil {
			return err
		}
		all = append(all, v1.Variable{Name: v.Name, Expression: text})
	}
	slices.Reverse(all)
	d.spec.Variables = append(all, d.own...)
	return nil
}
