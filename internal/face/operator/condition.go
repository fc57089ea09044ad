package operator

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/deck/background"
)

// conditions are what is said of one Policy or Exception.
type conditions struct {
	rules  *background.Rules
	place  string
	now    time.Time
	used   int  // findings that it lets pass
	looked bool // everywhere where it holds
}

// status is that of a Policy and of an Exception.
type status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// mostSaid is what the API server takes of a condition's message.
const mostSaid = 32768

// into brings an object's conditions up to date. Changed says whether there is anything to write.
func (c *conditions) into(u *unstructured.Unstructured) (changed bool, err error) {
	var s status
	if was, ok := u.Object["status"].(map[string]any); ok {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(was, &s); err != nil {
			return false, fmt.Errorf("read the status of %s: %w", c.place, err)
		}
	}
	if s.ObservedGeneration != u.GetGeneration() {
		s.ObservedGeneration, changed = u.GetGeneration(), true
	}
	for _, one := range c.list(meta.FindStatusCondition(s.Conditions, used)) {
		one.ObservedGeneration = u.GetGeneration()
		changed = meta.SetStatusCondition(&s.Conditions, one) || changed
	}
	if !changed {
		return false, nil
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&s)
	if err != nil {
		return false, fmt.Errorf("write the status of %s: %w", c.place, err)
	}
	u.Object["status"] = fields
	return true, nil
}

const used = "Used"

// list is what is to be said. Was is what was said of its use: as long as not all was looked at, that stands.
func (c *conditions) list(was *metav1.Condition) []metav1.Condition {
	if wrong := c.rules.Wrong[c.place]; wrong != nil {
		text := wrong.Error()
		return []metav1.Condition{condition("Ready", metav1.ConditionFalse, "Wrong", text[:min(len(text), mostSaid)])}
	}
	all := []metav1.Condition{condition("Ready", metav1.ConditionTrue, "InForce", "it is in force")}
	e, ok := c.rules.Exceptions[c.place]
	if !ok {
		return all
	}
	switch text := c.rules.Unknown[c.place]; {
	case text == "":
	case c.rules.Idle[c.place]:
		all[0] = condition("Ready", metav1.ConditionFalse, "UnknownRule", "it lets nothing pass: "+text)
	default:
		all[0] = condition("Ready", metav1.ConditionTrue, "UnknownRule", "it is in force, but "+text)
	}
	switch until := e.Until.Format(time.DateOnly); {
	case e.Expired(c.now):
		all[0] = condition("Ready", metav1.ConditionFalse, "Expired", "it ended on "+until+", and lets nothing pass any more")
		return append(all, condition("Expired", metav1.ConditionTrue, "Expired", "it ended on "+until+": mend what it is about, or have its owner look again"),
			condition(used, metav1.ConditionFalse, "Expired", "what has run out lets nothing pass"))
	default:
		all = append(all, condition("Expired", metav1.ConditionFalse, "Holds", "it holds until "+until))
	}
	switch {
	case e.Personal():
		return append(all, condition(used, metav1.ConditionUnknown, "ForUsers", "it is for users or groups, and only the webhook knows who asks: in the background it lets nothing pass"))
	case c.used > 0:
		return append(all, condition(used, metav1.ConditionTrue, "LetsPass", "it lets findings pass: reports list them"))
	case !c.looked && was != nil:
		return all
	case !c.looked:
		return append(all, condition(used, metav1.ConditionUnknown, "NotLooked", "not all was looked at yet"))
	}
	return append(all, condition(used, metav1.ConditionFalse, "Unused", "nothing in the cluster answers to it: take it out, or compare its words with the report's"))
}

func condition(of string, is metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: of, Status: is, Reason: reason, Message: message}
}
