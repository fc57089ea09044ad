package pod

import (
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod/standard"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// standards are the checks of the Pod Security Standards, and what the API server will make of a pod by them.
func standards() []Check {
	var all []Check
	for _, r := range rules() {
		all = append(all, Check{Card: r.Card, look: r.look, native: r.native})
	}
	return append(all, refused(), changed())
}

// rule is a check of the standard as a check of ours: the verdict and the blame are the library's.
type rule struct {
	check.Card
	of    string // what the library calls it
	field string // the one field that the card speaks of, where the library's check has several

	native []Native
}

func (r rule) look(f *Facts) (hits []hit) {
	for _, b := range standard.Of(f.line(r.level()), r.of, &f.Meta, standard.Defaulted(&f.Spec)) {
		if r.field != "" && r.field != b.Field {
			continue
		}
		hits = append(hits, hit{container: b.Container, field: b.Field, detail: b.Value + f.answer(r.level(), b)})
	}
	return hits
}

// level is that of the check, by its control.
func (r rule) level() standard.Level {
	for _, c := range r.Controls {
		if standard.Control(standard.Restricted, c) && !standard.Control(standard.Baseline, c) {
			return standard.Restricted
		}
	}
	return standard.Baseline
}

// line is what a check of a level is asked at: both levels in the newest version, where nobody drew a line.
func (f *Facts) line(level standard.Level) standard.Line {
	if f.Standard.Level == "" {
		return standard.Line{Level: level, Version: standard.Newest()}
	}
	if f.Standard.Level == standard.Restricted {
		level = standard.Restricted
	}
	return standard.Line{Level: level, Version: f.Standard.To}
}

// answer says what the pod's namespace will do about a setting, where its labels are known.
func (f *Facts) answer(level standard.Level, b standard.Blame) string {
	ns := f.namespace()
	if ns == nil {
		return ""
	}
	line, ok := standard.Enforced(ns.Metadata("labels"))
	if !ok {
		return ""
	}
	lead := ""
	if b.Value != "" {
		lead = "; "
	}
	if line.Level == standard.Privileged || level == standard.Restricted && line.Level == standard.Baseline {
		return lead + fmt.Sprintf("namespace %s, which enforces %s, lets it pass", ns.Name, line.Level)
	}
	if standard.Forbids(line, b.Field, &f.Meta, standard.Defaulted(&f.Spec)) {
		return lead + fmt.Sprintf("namespace %s, which enforces %s, will refuse it", ns.Name, line)
	}
	return lead + fmt.Sprintf("namespace %s, which enforces %s, lets it pass", ns.Name, line)
}

// namespace is the one that the workload stands in, where the snapshot has it.
func (f *Facts) namespace() *kube.Object {
	if f.Around == nil || f.Namespace == "" {
		return nil
	}
	return f.Around.Find("", "Namespace", "", f.Namespace)
}

func refused() Check {
	return Check{
		Card: card("refused-by-standard", "the API server will refuse the pods", finding.Medium, "", check.Page{
			Why: "The namespace enforces a level of the Pod Security Standards that the pod does not meet. What is enforced is enforced on pods alone: a Deployment or a Job is taken without an error, and then makes no pod. What shows is zero replicas, and an event at the ReplicaSet.",
			Fix: "Mend what the level forbids, which the other findings name one by one; or run the workload in a namespace of another level.",
			Bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n---\n" +
				inPod("hostNetwork: true\ncontainers:\n- name: cart\n"),
			Good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n---\n" +
				inPod("containers:\n- name: cart\n"),
		}),
		beyond: "it asks for the namespace's labels, which the API server itself enforces",
		look: func(f *Facts) []hit {
			ns := f.namespace()
			if ns == nil {
				return nil
			}
			line, ok := standard.Enforced(ns.Metadata("labels"))
			if !ok || standard.Admits(line, &f.Meta, standard.Defaulted(&f.Spec)) {
				return nil
			}
			return []hit{{field: "spec", detail: fmt.Sprintf("namespace %s enforces %s: %s", ns.Name, line, standard.Words(standard.Evaluate(line, &f.Meta, standard.Defaulted(&f.Spec))))}}
		},
	}
}

// changed compares two versions of the standard: those that are asked about, or the one that the namespace is
// pinned to and the newest.
func changed() Check {
	return Check{
		Card: card("standard-change", "another version of the Pod Security Standards decides otherwise about the pod", finding.Medium, "", check.Page{
			Why: "What a level forbids changes with versions of Kubernetes. A namespace whose level is pinned to no version takes the newest with each upgrade of the cluster; one that is pinned takes it when the pin is moved. Pods that ran are then refused when they are made anew, or pods are let in that were not.",
			Fix: "Before the upgrade, mend what the newer version forbids, or pin the namespace to the older one with pod-security.kubernetes.io/enforce-version until that is done.",
			Bad: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n    pod-security.kubernetes.io/enforce-version: v1.33\n---\n" +
				inContainer("livenessProbe:\n  httpGet:\n    host: 169.254.169.254\n    port: 80"),
			Good: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: baseline\n    pod-security.kubernetes.io/enforce-version: v1.33\n---\n" +
				inContainer("livenessProbe:\n  httpGet:\n    port: 80"),
		}),
		beyond: "it compares two versions of the standard",
		look: func(f *Facts) (hits []hit) {
			span := f.Standard
			if !span.From.Older(span.To) {
				ns := f.namespace()
				if ns == nil {
					return nil
				}
				line, ok := standard.Enforced(ns.Metadata("labels"))
				if !ok {
					return nil
				}
				span = standard.Span{Level: line.Level, From: line.Version, To: standard.Newest()}
			}
			changes, admits := standard.Changes(span, &f.Meta, standard.Defaulted(&f.Spec))
			for _, c := range changes {
				h := hit{container: c.Container, field: c.Field}
				verb := "refuses"
				if admits {
					verb, h.severity = "no longer refuses", finding.Info
				}
				h.detail = fmt.Sprintf("%s %s it: %s", standard.Line{Level: span.Level, Version: c.At}, verb, c.Reason)
				if c.Value != "" {
					h.detail += " (" + c.Value + ")"
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}
