package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/face/webhook"
	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
	"github.com/plimsoll/plimsoll/internal/weigh/statute"
)

// runTrial says what the webhook would answer to manifests.
func runTrial(ctx context.Context, g *global, o *attemptOptions, names []string) error {
	if len(o.outputs) > 0 {
		return usage("-o %s: a report is of policies; with --line, use --responses", o.outputs[0])
	}
	files, err := g.manifests(ctx, names, new(chartOptions))
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
	denied, broken, open, missing := false, false, false, false
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
			pods := o.refused(ctx, l, object, r, d, g.env.Now())
			denied, open = denied || certain(d) || len(pods) > 0, open || len(d.Undecided) > 0
			missing = missing || d.Missing
			if err := write(g, object, d, pods, o.responses); err != nil {
				return err
			}
		}
	}
	if missing && !o.whole {
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

// certain says that something is denied, whatever a cluster would say of the rest.
func certain(d *admit.Decision) bool {
	return !d.Allowed && (d.Failed != "" || slices.ContainsFunc(d.Findings, func(f admit.Judged) bool {
		return f.Mode == admissionfile.Deny && len(f.Suppressed) == 0 && !f.Unasked
	}))
}

// controllers are the accounts by which a cluster makes the pods of what is of a kind.
var controllers = map[string]string{
	"Deployment": "replicaset-controller", "ReplicaSet": "replicaset-controller", "StatefulSet": "statefulset-controller", "DaemonSet": "daemon-set-controller",
	"ReplicationController": "replication-controller", "Job": "job-controller", "CronJob": "job-controller",
}

// refused says what will be denied of the pods of what is let in: an exception for who sends a Deployment is none for the
// controller that sends its pods.
func (o *attemptOptions) refused(ctx context.Context, l *admit.Line, of *kube.Object, r *admissionv1.AdmissionRequest, d *admit.Decision, now time.Time) (all []string) {
	excepted := map[string]string{}
	for _, f := range d.Findings {
		if f.Mode == admissionfile.Deny && len(f.Suppressed) > 0 {
			excepted[f.Fingerprint] = f.Suppressed[0].Where
		}
	}
	account := controllers[of.Kind]
	if len(excepted) == 0 || account == "" || !of.Known() {
		return nil
	}
	pods := *r
	pods.UserInfo = authenticationv1.UserInfo{
		Username: "system:serviceaccount:kube-system:" + account, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
	}
	for _, f := range l.Decide(ctx, admit.All, &pods, now).Findings {
		if where := excepted[f.Fingerprint]; where != "" && f.Mode == admissionfile.Deny && len(f.Suppressed) == 0 {
			all = append(all, fmt.Sprintf("its pods will be denied: %s sends them, and exception %s is not for it: %s", account, where, f.Words()))
		}
	}
	return all
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
	g.misspelt(b.Unknown)
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

func write(g *global, of *kube.Object, d *admit.Decision, pods []string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(g.env.Stdout).Encode(d.Response("test"))
	}
	said := d.Warnings
	verdict := "let in"
	switch {
	case certain(d):
		verdict, said = "denied", append([]string{d.Message}, said...)
	case !d.Allowed:
		verdict = "not decided"
	case len(d.Undecided) > 0:
		verdict = "let in, not all of it judged"
	case len(said) > 0:
		verdict = "warned"
	case d.Passed != "":
		verdict = "let in, not judged: " + d.Passed
	}
	_, err := fmt.Fprintln(g.env.Stdout, printable(fmt.Sprintf("%s %s: %s", of.Kind, of.Name, verdict)))
	if !certain(d) {
		for _, u := range d.Undecided {
			said = append(said, "not known: "+u)
		}
	}
	said = append(append(said, pods...), noted(d)...)
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

// noted is what only the audit log would have: what policies say in their words, and which checks found something.
func noted(d *admit.Decision) (all []string) {
	var checks []string
	for i := range d.Findings {
		switch f := &d.Findings[i]; {
		case f.Mode != admissionfile.Audit || len(f.Suppressed) > 0:
		case f.Kind == finding.KindPolicy:
			all = append(all, "noted: "+f.Words())
		default:
			checks = append(checks, f.Rule)
		}
	}
	if len(checks) > 0 {
		slices.Sort(checks)
		all = append(all, "noted: "+strings.Join(slices.Compact(checks), ", "))
	}
	return all
}

// value is one of a patch, as JSON.
func value(v any) string {
	if v == nil {
		return ""
	}
	b, _ := json.Marshal(v) // of what was JSON before
	return string(b)
}
