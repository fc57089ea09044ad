package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/face/webhook"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// runTrial says what the webhook would answer to manifests.
func runTrial(ctx context.Context, g *global, o *attemptOptions, names []string) error {
	if len(o.outputs) > 0 {
		return usage("-o %s: a report is of policies; with --line, use --responses", o.outputs[0])
	}
	files, err := g.manifests(names)
	if err != nil {
		return err
	}
	var around []*kube.Object
	for _, f := range files {
		around = append(around, f.objects...)
	}
	if len(around) == 0 && !slices.ContainsFunc(files, func(f manifest) bool { return len(f.problems) > 0 }) {
		return usage("%s: it holds no Kubernetes object: one has apiVersion and kind", strings.Join(names, ", "))
	}
	settle(around, o.namespace)
	o.line.patient = true
	l, err := o.line.line(ctx, g, admit.Options{Around: kube.NewSnapshot(around, nil), Whole: o.whole})
	if err != nil {
		return err
	}
	sayUnasked(g, l)
	denied, broken, open := false, false, false
	if l.File.Follow {
		if l, broken, err = o.line.with(g, l, around); err != nil {
			return err
		}
	}
	for _, f := range files {
		for _, p := range f.problems {
			broken = true
			g.say("plimsoll: %v", p)
		}
		for _, object := range f.objects {
			r, err := o.request(object, l.Around)
			if err != nil {
				return err
			}
			d := &admit.Decision{Allowed: true, Passed: webhook.NotAsked(r)}
			if d.Passed == "" {
				d = l.Decide(ctx, admit.All, r, g.env.Now())
			}
			denied, open = denied || !d.Allowed, open || len(d.Undecided) > 0
			if err := write(g, object, d, o.responses); err != nil {
				return err
			}
		}
	}
	if open && !o.whole {
		g.say("plimsoll: what is not among the files may be in the cluster; with --whole they are all that it holds")
	}
	switch {
	case denied:
		return exitError{exitDeny, nil}
	case broken || open:
		return exitError{exitIncomplete, nil}
	}
	return nil
}

// with is a line with the Policies and Exceptions that are among objects. Broken says that one is wrong.
func (o *lineOptions) with(g *global, l *admit.Line, objects []*kube.Object) (_ *admit.Line, broken bool, err error) {
	c, err := statute.NewCompiler(o.files)
	if err != nil {
		return nil, false, err
	}
	b := c.Compile(slices.DeleteFunc(slices.Clone(objects), func(one *kube.Object) bool { return !statute.Is(one) }))
	for _, place := range slices.Sorted(maps.Keys(b.Wrong)) {
		g.say("plimsoll: %s: %v", place, b.Wrong[place])
	}
	l, err = l.With(b)
	return l, len(b.Wrong) > 0, err
}

// settle puts objects that name no namespace into one, as the API server does that they are given to.
func settle(objects []*kube.Object, namespace string) {
	definitions := kube.NewSnapshot(objects, nil)
	for _, o := range objects {
		if _, in := native.Served(definitions, o.GroupVersionKind()); !in || o.Namespace != "" {
			continue
		}
		meta, ok := o.Fields["metadata"].(map[string]any)
		if !ok {
			meta = map[string]any{}
			o.Fields["metadata"] = meta
		}
		o.Namespace, meta["namespace"] = namespace, namespace
	}
}

// request is what the API server would ask about an object that somebody creates.
func (o *attemptOptions) request(of *kube.Object, around *kube.Snapshot) (*admissionv1.AdmissionRequest, error) {
	b, err := json.Marshal(of.Fields)
	if err != nil {
		return nil, err
	}
	version := of.APIVersion[strings.LastIndexByte(of.APIVersion, '/')+1:]
	resource, _ := native.Served(around, of.GroupVersionKind())
	namespace := of.Namespace
	if of.Is("", "Namespace") {
		namespace = of.Name // as the API server has it
	}
	return &admissionv1.AdmissionRequest{
		UID: "test", Operation: admissionv1.Create, Namespace: namespace, Name: of.Name,
		Kind: metav1.GroupVersionKind{Group: of.Group(), Version: version, Kind: of.Kind}, Resource: metav1.GroupVersionResource(resource), Object: runtime.RawExtension{Raw: b},
		UserInfo: authenticationv1.UserInfo{Username: o.by.Name, Groups: append(o.by.Groups, "system:authenticated")},
	}, nil
}

func write(g *global, of *kube.Object, d *admit.Decision, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(g.env.Stdout).Encode(d.Response("test"))
	}
	said := d.Warnings
	verdict := "let in"
	switch {
	case !d.Allowed:
		verdict, said = "denied", append([]string{d.Message}, said...)
	case len(d.Undecided) > 0:
		verdict = "let in, not all of it judged"
	case len(said) > 0:
		verdict = "warned"
	case d.Passed != "":
		verdict = "let in, not judged: " + d.Passed
	}
	_, err := fmt.Fprintln(g.env.Stdout, printable(fmt.Sprintf("%s %s: %s", of.Kind, of.Name, verdict)))
	if d.Allowed {
		for _, u := range d.Undecided {
			said = append(said, "not known: "+u)
		}
	}
	for _, o := range d.Patch {
		said = append(said, fmt.Sprintf("%s %s %s", o.Op, o.Path, value(o.Value)))
	}
	if len(d.Given) > 0 && len(d.Patch) == 0 {
		said = append(said, fmt.Sprintf("its pods are given %v", d.Given))
	}
	for _, s := range said {
		if err == nil {
			_, err = fmt.Fprintln(g.env.Stdout, "  "+printable(s))
		}
	}
	return err
}

// value is one of a patch, as JSON.
func value(v any) string {
	if v == nil {
		return ""
	}
	b, _ := json.Marshal(v) // of what was JSON before
	return string(b)
}
