package export

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/expr"
	"github.com/plimsoll/plimsoll/internal/judge/admission"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
)

// thePod stands among the names of containers for the pod's own fields; no container can have such a name.
const thePod = "the pod"

// look is one thing that a check finds, and as grave as it is.
type look struct {
	card check.Card
	pod.Native
}

// pods writes the checks of pods and the list of images: for each scope a policy for each mode.
func (e *exporter) pods() error {
	var all []look
	var beyond []string
	for _, c := range pod.Checks() {
		native, why := c.Native()
		if why != "" {
			beyond = append(beyond, c.ID+" ("+why+")")
		}
		for _, n := range native {
			card := c.Card
			card.Severity = n.Severity
			all = append(all, look{card, n})
		}
	}
	if len(beyond) > 0 {
		e.left("these checks: " + strings.Join(beyond, ", "))
	}
	for i, s := range e.Scopes() {
		for _, mode := range []admissionfile.Mode{admissionfile.Deny, admissionfile.Warn, admissionfile.Audit} {
			d := &draft{known: known(changeOf(s))}
			var texts []string
			for _, l := range all {
				f := l.card.Finding("", check.Hit{})
				if s.Becomes(&f) != mode || s.Cap() == admissionfile.Off {
					continue
				}
				text, err := e.look(d, l)
				if err != nil {
					return fmt.Errorf("%s: %w", l.card.ID, err)
				}
				texts = append(texts, text)
			}
			if e.File.Default == "deny" && s.Cap() == mode {
				text, err := e.unlisted()
				if err != nil {
					return err
				}
				texts = append(texts, text)
				if err := d.check(admission.Unlisted, text); err != nil {
					return err
				}
			}
			if len(texts) == 0 {
				continue
			}
			if err := d.uses(texts...); err != nil {
				return err
			}
			d.spec.MatchConstraints = about(admit.PodRules()...)
			d.spec.MatchConditions = []v1.MatchCondition{changesPods()}
			e.add("pods-"+scopeName(s, i)+"-"+mode.String(), e.in(s), mode, d.spec)
		}
	}
	return nil
}

// look adds what a check finds, and gives it back.
func (e *exporter) look(d *draft, l look) (string, error) {
	text, err := e.found(l)
	if err != nil {
		return "", err
	}
	if l.Let != "" {
		then, err := before().Rewrite(l.Let)
		if err != nil {
			return "", err
		}
		name := variable(l.card) + "_found"
		d.known = append(d.known, pod.NativeVariable{Name: name, Expression: l.Let}, pod.NativeVariable{Name: was + name, Expression: then})
		if text, err = (&expr.Rewriter{Names: map[string]string{"found": name, was + "found": was + name}}).Rewrite(text); err != nil {
			return "", err
		}
	}
	return text, d.check(l.card, text)
}

// found is a list of what is to blame: the names of containers, and the pod.
func (e *exporter) found(l look) (string, error) {
	var parts []string
	if l.Pod != "" {
		then, err := before("found").Rewrite(l.Pod)
		if err != nil {
			return "", err
		}
		parts = append(parts, fmt.Sprintf(`((%s) && !(runs && (%s))%s ? [%q] : [])`, l.Pod, then, e.but(l.card, false), thePod))
	}
	if l.Each != "" {
		parts = append(parts, fmt.Sprintf(`judged.filter(c, (%s)%s).map(c, string(c.name))`, l.Each, e.but(l.card, true)))
	}
	return strings.Join(parts, " + "), nil
}

// variable is what a list of what a check finds is called.
func variable(c check.Card) string {
	name := strings.NewReplacer("/", "_", "-", "_").Replace(c.ID)
	if strings.HasPrefix(c.ID, "pod/") {
		name += "_" + string(c.Severity)
	}
	return name
}

// check adds what wants a list to be empty.
func (d *draft) check(c check.Card, found string) error {
	name := variable(c)
	text, err := d.written(found)
	if err != nil {
		return err
	}
	d.own = append(d.own, v1.Variable{Name: name, Expression: text})
	said, err := expr.Literal(c.ID + ": " + c.Title + ": ")
	if err != nil {
		return err
	}
	d.spec.Validations = append(d.spec.Validations, v1.Validation{
		Expression: "size(variables." + name + ") == 0", Message: c.ID + ": " + c.Title,
		MessageExpression: said + " + variables." + name + `.join(", ")`,
	})
	return nil
}

// connects writes what is opened into running containers.
func (e *exporter) connects() error {
	for i, s := range e.Scopes() {
		if s.Connect() == admissionfile.Off {
			continue
		}
		lets, err := e.connected()
		if err != nil {
			return err
		}
		c := admission.Connect
		spec := v1.ValidatingAdmissionPolicySpec{
			MatchConstraints: about(admit.ConnectRule()),
			Validations: []v1.Validation{{
				Expression: lets, Message: c.ID + ": " + c.Title,
				MessageExpression: `"` + c.ID + `: ` + c.Title + `: Pod " + request.name + ", " + request.subResource`,
			}},
		}
		e.add("connect-"+scopeName(s, i)+"-"+s.Connect().String(), e.in(s), s.Connect(), spec)
	}
	return nil
}
