package export

import (
	"errors"
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
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

// policies writes Plimsoll's own policies about manifests, each by itself, as the server's.
func (e *exporter) policies() error {
	for _, p := range e.Policies {
		spec, err := e.policy(p)
		if err != nil {
			e.left(fmt.Sprintf("policy %s: %v", p.Name, err))
			continue
		}
		for _, mode := range []admissionfile.Mode{admissionfile.Deny, admissionfile.Warn, admissionfile.Audit} {
			in := map[*admissionfile.Namespace]bool{}
			for _, s := range e.Scopes() {
				in[s.Entry] = s.Policy(p) == mode
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

// policy translates what a policy says; an error says why it cannot be.
func (e *exporter) policy(p *policy.Policy) (*v1.ValidatingAdmissionPolicySpec, error) {
	if p.Subject != "manifest" {
		return nil, fmt.Errorf("it is about the subject %s, which an API server does not see", p.Subject)
	}
	if len(p.Kinds) > 0 {
		return nil, errors.New("it names the kinds that it is about")
	}
	t := &translator{rewriter: expr.Rewriter{
		Names: map[string]string{"object": "dyn(object)", "namespaceObject": "dyn(namespaceObject)", "pods": "variables.pods", "containers": "variables.containers", "images": "variables.images"},
		Calls: map[string]func([]string) (string, string){"glob": globs},
	}}
	for name, value := range p.Params() {
		text, err := expr.Literal(value)
		if err != nil {
			return nil, fmt.Errorf("its parameter %s: %w", name, err)
		}
		t.rewriter.Names["params."+name] = text
	}
	w := p.Written()
	for _, v := range w.Variables {
		t.rewriter.Names["variables."+v.Name.Value] = "variables." + own + v.Name.Value
	}
	d := &draft{known: append(known(), podNames()...)}
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
		return nil, t.err
	}
	if err := d.uses(t.free...); err != nil {
		return nil, err
	}
	d.spec.MatchConstraints = rules()
	d.spec.MatchConditions = []v1.MatchCondition{changes()}
	if _, err := admission.Compile(&d.spec); err != nil {
		return nil, fmt.Errorf("an API server would not take it: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return &d.spec, nil
}

// firstLine is a message as an API server takes it: one line.
func firstLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// translator writes the expressions of one policy anew.
type translator struct {
	rewriter expr.Rewriter
	free     []string // the names that they have
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

// podNames are what policies of Plimsoll call the pods of an object, their containers, and all that brings images.
func podNames() []pod.NativeVariable {
	of := func(list, sort string) string {
		return fmt.Sprintf(`spec.?%s.orValue([]).map(c, {"sort": dyn(%q), "image": dyn(c.?image.orValue("")), "fields": dyn(c)})`, list, sort)
	}
	name, _ := (&expr.Rewriter{Names: map[string]string{"c": "w"}}).Rewrite(whole)
	const tag = `n == "" ? "" : w.image.split("@")[0].matches(":[^:/]*$") ? w.image.split("@")[0].substring(w.image.split("@")[0].lastIndexOf(":") + 1) : ` +
		`w.image.contains("@") ? "" : "latest"`
	named := `.map(w, ` + name + `.map(n, {"name": dyn(w.fields.name), "image": w.image, "sort": w.sort, "fields": w.fields, ` +
		`"registry": dyn(n == "" ? "" : n.substring(0, n.indexOf("/"))), "repository": dyn(n == "" ? "" : n.substring(n.indexOf("/") + 1)), ` +
		`"tag": dyn(` + tag + `), "digest": dyn(n != "" && w.image.contains("@") ? w.image.split("@")[1] : "")})[0])`
	return []pod.NativeVariable{
		{Name: "pods", Expression: `[pod]`},
		{Name: "containers", Expression: `(` + of("initContainers", "init") + ` + ` + of("containers", "container") + ` + ` + of("ephemeralContainers", "ephemeral") + `)` + named},
		{Name: "images", Expression: `containers + volumes.filter(v, has(v.image)).map(v, {"sort": dyn("volume"), "image": dyn(v.image.?reference.orValue("")), "fields": dyn(v)})` + named},
	}
}
