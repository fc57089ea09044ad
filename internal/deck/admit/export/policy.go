package export

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// policies writes Plimsoll's own policies about manifests, each by itself, as the server's; and once more for each scope
// whose pods are given defaults, where it asks about pods: those of what makes pods are seen as they will be.
func (e *exporter) policies() error {
	for _, p := range e.Policies {
		spec, asks, err := e.policy(p, nil)
		if err != nil {
			e.left(fmt.Sprintf("policy %s: %v", p.Name, err))
			continue
		}
		ofPods := slices.Contains(asks, "pods") || slices.Contains(asks, "containers") || slices.Contains(asks, "images")
		apart := map[*admissionfile.Namespace]bool{}
		for i, s := range e.Scopes() {
			change := changeOf(s)
			if change == nil {
				continue
			}
			if slices.Contains(asks, "object") {
				e.left(fmt.Sprintf("policy %s: it sees objects that make pods as they are written, and not with what their pods will be given", p.Name))
			}
			if mode := s.Policy(p); ofPods && mode != admissionfile.Off {
				own, _, err := e.policy(p, change)
				if err != nil {
					return fmt.Errorf("policy %s: %w", p.Name, err)
				}
				apart[s.Entry] = true
				e.add("policy-"+p.Name+"-"+scopeName(s, i)+"-"+mode.String(), e.in(s), mode, *own)
			}
		}
		for _, mode := range []admissionfile.Mode{admissionfile.Deny, admissionfile.Warn, admissionfile.Audit} {
			in := map[*admissionfile.Namespace]bool{}
			for _, s := range e.Scopes() {
				in[s.Entry] = s.Policy(p) == mode && !apart[s.Entry]
			}
			if slices.Contains(slices.Collect(maps.Values(in)), true) {
				e.add("policy-"+p.Name+"-"+mode.String(), e.Where(func(n *admissionfile.Namespace) bool { return in[n] }), mode, *spec.DeepCopy())
			}
		}
	}
	return nil
}

// unseen are what policies of Plimsoll may ask about, and an API server does not see.
var unseen = []string{"image", "config", "packages", "findings", "accepted", "files", "now", "pkg", "finding", "file"}

// own goes before the names of a policy's own variables.
const own = "own_"

// policy translates what a policy says, and tells the names that it asks about; an error says why it cannot be.
func (e *exporter) policy(p *policy.Policy, change *pod.NativeChange) (spec *v1.ValidatingAdmissionPolicySpec, asks []string, err error) {
	if p.Subject != "manifest" {
		return nil, nil, fmt.Errorf("it is about the subject %s, which an API server does not see", p.Subject)
	}
	t := &translator{rewriter: expr.Rewriter{
		Names: map[string]string{"object": "dyn(object)", "namespaceObject": "dyn(namespaceObject)", "pods": "variables.pods", "containers": "variables.containers", "images": "variables.images"},
		Calls: map[string]func([]string) (string, string){"glob": globs},
	}}
	for name, value := range p.Params() {
		text, err := expr.Literal(value)
		if err != nil {
			return nil, nil, fmt.Errorf("its parameter %s: %w", name, err)
		}
		t.rewriter.Names["params."+name] = text
	}
	w := p.Written()
	for _, v := range w.Variables {
		t.rewriter.Names["variables."+v.Name.Value] = "variables." + own + v.Name.Value
	}
	d := &draft{known: append(known(change), podNames()...)}
	for _, v := range w.Variables {
		d.own = append(d.own, v1.Variable{Name: own + v.Name.Value, Expression: t.write(v.Expression.Value)})
	}
	lead := ""
	if len(w.Conditions) > 0 {
		var all []string
		for _, c := range w.Conditions {
			all = append(all, "("+t.write(c.Expression.Value)+")")
		}
		d.own, lead = append(d.own, v1.Variable{Name: "applies", Expression: strings.Join(all, " && ")}), "!variables.applies || "
	}
	for _, v := range w.Validations {
		one := v1.Validation{Expression: lead + "(" + t.write(v.Expression.Value) + ")", Message: firstLine(v.Message)}
		if text := v.MessageExpression.Value; text != "" {
			one.MessageExpression = t.write(text)
		}
		d.spec.Validations = append(d.spec.Validations, one)
	}
	if t.err != nil {
		return nil, nil, t.err
	}
	if may := mayUse(p); may != "" {
		t.free = append(t.free, may)
		text, err := d.written(may)
		if err != nil {
			return nil, nil, err
		}
		d.spec.Validations = append(d.spec.Validations, v1.Validation{Expression: lead + "(" + text + ")", Message: p.UseDenied()})
	}
	if err := d.uses(t.free...); err != nil {
		return nil, nil, err
	}
	if d.spec.MatchConstraints, d.spec.MatchConditions, err = subjects(p, t.names); err != nil {
		return nil, nil, err
	}
	if _, err := admission.Compile(&d.spec); err != nil {
		return nil, nil, fmt.Errorf("an API server would not take it: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return &d.spec, t.names, nil
}

// mayUse asks whether who asks, or as whom the pods run, may use a policy; empty: nobody needs to.
func mayUse(p *policy.Policy) string {
	var any []string
	for _, u := range p.Use {
		who := `authorizer`
		if u == policy.UseByAccount {
			who = `authorizer.serviceAccount(ns, [spec.?serviceAccountName.orValue(""), spec.?serviceAccount.orValue(""), dyn("default")].filter(a, a != "")[0])`
		} else {
			any = append(any, `size(owners) > 0`) // who made what it is made of was asked
		}
		any = append(any, fmt.Sprintf(`%s.group(%q).resource(%q).namespace(ns).name(%q).check(%q).allowed()`, who, policy.UseGroup, policy.UseResource, p.Name, policy.UseVerb))
	}
	return strings.Join(any, " || ")
}

// firstLine is a message as an API server takes it: one line.
func firstLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// translator writes the expressions of one policy anew.
type translator struct {
	rewriter expr.Rewriter
	free     []string // what names they have
	names    []string // those names
	err      error
}

func (t *translator) write(cel string) string {
	free, err := expr.Free(cel)
	for _, name := range free {
		if slices.Contains(unseen, name) {
			err = fmt.Errorf("it asks about %q, which an API server does not know", name)
		}
	}
	text := ""
	if err == nil {
		t.names = append(t.names, free...)
		t.free = append(t.free, free...)
		text, err = t.rewriter.Rewrite(cel)
	}
	if t.err == nil {
		t.err = err
	}
	return text
}

// globs are patterns as one regular expression.
func globs(patterns []string) (method, argument string) {
	var forms []string
	for _, p := range patterns {
		forms = append(forms, strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p)))
	}
	if len(forms) == 0 {
		return "matches", `^\b$` // nothing is like none of them
	}
	return "matches", "(?s)^(?:" + strings.Join(forms, "|") + ")$"
}

// quoted is a list of texts in CEL.
func quoted(all []string) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// podNames are what policies of Plimsoll call the pods of an object, their containers, and all that brings images.
func podNames() []pod.NativeVariable {
	of := func(list, sort string) string {
		return fmt.Sprintf(`spec.?%s.orValue([]).map(c, {"sort": dyn(%q), "image": dyn(c.?image.orValue("")), "fields": dyn(c)})`, list, sort)
	}
	name, _ := (&expr.Rewriter{Names: map[string]string{"c": "w"}}).Rewrite(whole(ofContainer))
	const tag = `n == "" ? "" : w.image.split("@")[0].matches(":[^:/]*$") ? w.image.split("@")[0].substring(w.image.split("@")[0].lastIndexOf(":") + 1) : ` +
		`w.image.contains("@") ? "" : "latest"`
	named := `.map(w, ` + name + `.map(n, {"name": dyn(w.fields.name), "image": w.image, "sort": w.sort, "fields": w.fields, ` +
		`"registry": dyn(n == "" ? "" : n.substring(0, n.indexOf("/"))), "repository": dyn(n == "" ? "" : n.substring(n.indexOf("/") + 1)), ` +
		`"tag": dyn(` + tag + `), "digest": dyn(n != "" && w.image.contains("@") ? w.image.split("@")[1] : "")})[0])`
	return []pod.NativeVariable{
		{Name: "pods", Expression: kindOf + ` in ` + makers(func(m kube.Maker) string { return m.Kind + "." + m.Group }) + ` ? [dyn({"metadata": meta, "spec": spec})] : []`},
		{Name: "containers", Expression: `(` + of("initContainers", "init") + ` + ` + of("containers", "container") + ` + ` + of("ephemeralContainers", "ephemeral") + `)` + named},
		{Name: "images", Expression: `containers + volumes.filter(v, has(v.image)).map(v, {"sort": dyn("volume"), "image": dyn(v.image.?reference.orValue("")), "fields": dyn(v)})` + named},
	}
}
