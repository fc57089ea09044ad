package native

import (
	"context"
	"maps"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/expr/admission"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// Trial holds objects against policies before anybody creates them.
type Trial struct {
	Set       *Set
	World     World
	Namespace string         // of objects that name none
	By        admission.User // who creates them

	makes map[*kube.Object][]*kube.Workload
}

// Try says what policies do not let pass, and could not say, of an object of a target: when somebody creates it, and
// when a controller makes its pods. Counts, by the name of a policy, are added to.
func (t *Trial) Try(ctx context.Context, o *kube.Object, target string, counts map[string]*finding.Check) (found []finding.Finding, gaps []finding.Gap) {
	whole := t.one(ctx, o, t.By)
	if whole == nil {
		return nil, []finding.Gap{{Class: GapClass, Blocking: true, Target: target, Count: 1, What: "an API server would not read " + o.Kind + " " + o.Name}}
	}
	found, gaps = whole.Findings(o, target, "")
	for _, w := range t.of(o) {
		pods := t.one(ctx, podOfWorkload(w), Controller(o, t.By))
		if pods == nil {
			continue // its template is the object's, which was read
		}
		more, unsure := pods.Findings(o, target, w.Field)
		found, gaps = append(found, more...), append(gaps, unsure...)
		whole.join(pods)
	}
	whole.count(counts)
	return found, gaps
}

func (t *Trial) one(ctx context.Context, o *kube.Object, by admission.User) *Judgement {
	r, err := Creation(o, t.Namespace, by, t.World)
	if err != nil {
		return nil
	}
	return t.Set.Judge(ctx, r, t.World)
}

// of are the pods that an object makes; a Pod makes none.
func (t *Trial) of(o *kube.Object) []*kube.Workload {
	if t.makes == nil {
		t.makes = map[*kube.Object][]*kube.Workload{}
		for i := range t.World.Around.Workloads {
			w := &t.World.Around.Workloads[i]
			if w.Field != "" {
				t.makes[w.Object] = append(t.makes[w.Object], w)
			}
		}
	}
	return t.makes[o]
}

// podOfWorkload is the pod that a controller makes of a template.
func podOfWorkload(w *kube.Workload) *kube.Object {
	meta := map[string]any{}
	if written, ok := w.Written["metadata"].(map[string]any); ok {
		maps.Copy(meta, written)
	}
	meta["generateName"] = w.Name + "-"
	if w.Namespace != "" {
		meta["namespace"] = w.Namespace
	}
	fields := map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": w.Written["spec"]}
	return &kube.Object{APIVersion: "v1", Kind: "Pod", Namespace: w.Namespace, Name: w.Name + "-", Fields: fields}
}

// Controller is who makes the pods of an object.
func Controller(of *kube.Object, otherwise admission.User) admission.User {
	m, _ := kube.MakerOf(of.Group(), of.Kind)
	if m.Controller == "" {
		return otherwise
	}
	return admission.ServiceAccount("kube-system", m.Controller)
}

// join counts what was looked at together.
func (j *Judgement) join(other *Judgement) {
	j.Outcomes, j.Looked = append(j.Outcomes, other.Outcomes...), append(j.Looked, other.Looked...)
}
