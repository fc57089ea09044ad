package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/read/kube"
	"github.com/plimsoll/plimsoll/internal/tell/report"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
	"github.com/plimsoll/plimsoll/internal/weigh/policy/native"
)

// attemptOptions say what is tried out, as whom and where.
type attemptOptions struct {
	line      lineOptions
	outputs   []string
	responses bool
	creator
	whole    bool
	allowGap []string
}

func newAdmitTest(g *global) *cobra.Command {
	var o attemptOptions
	cmd := &cobra.Command{
		Use: "test [--policy POLICY | --line FILE] MANIFEST...", Short: "Try a line or admission policies on manifests before they are switched on", Args: words(1, -1),
		Long: "Test holds each object of manifests, of folders of them, or of what kubectl get -o yaml wrote, against\n" +
			"ValidatingAdmissionPolicies and their bindings, as the API server would if somebody created the object now. It\n" +
			"says what would be denied, warned of and audited, by which expression of which policy; of a Deployment and the\n" +
			"like also what would be of the pods that its controller makes. Kyverno's\n" +
			"ValidatingPolicies are taken, too, as far as they say the same.\n\n" +
			"Parameters and namespaces are looked for among the manifests and beside the policies. What is not there may be in\n" +
			"the cluster: a policy that needs it is not assessed, which is never a pass; with --whole it is nowhere.\n" +
			"MANIFEST may be - for the standard input.\n\n" +
			"With --line, or without either, it says instead what the webhook would answer about each object: let in, warned of\n" +
			"or denied, and why, and what it would only note. A pod is judged as it will have been changed, and the changes are\n" +
			"shown; what makes pods, as the pods that it makes. NetworkPolicies and namespaces are looked for among the manifests,\n" +
			"too, and where the line follows the cluster, its Policies and Exceptions.\n" +
			"--responses writes the API server's own AdmissionResponse for each, in JSON.\n\n" +
			"Exit status: 0 all would be let in, 1 something would be denied, 2 the call or a file in it is wrong, 3 something\n" +
			"could not be read or not be assessed.",
		Example: "  plimsoll admit test --policy ./policies deployment.yaml\n" +
			"  plimsoll admit test --line admission.yaml deployment.yaml\n" +
			"  helm template ./chart | plimsoll admit test --policy ./policies --namespace shop -\n" +
			"  kubectl get all,configmaps,namespaces -A -o yaml | plimsoll admit test --policy ./policies --whole -o json -",
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.line.file != "" || len(o.line.policies.words) == 0 {
				return runTrial(cmd.Context(), g, &o, args)
			}
			return runAdmitTest(cmd.Context(), g, &o, args)
		},
	}
	f := cmd.Flags()
	o.line.flags(f)
	f.Lookup("policy").Usage = "`POLICY` to try: a file, a folder or oci:REPOSITORY@DIGEST of ValidatingAdmissionPolicies and their bindings; with --line, also of Plimsoll's own; may be repeated"
	f.VarP(repeated(&o.outputs), "output", "o", "`FORMAT[=FILE]` of the report; may be repeated")
	f.BoolVar(&o.responses, "responses", false, "with --line, write the AdmissionResponse to each object, a line of JSON")
	o.creator.flags(f, "kubernetes-admin", "them")
	f.BoolVar(&o.whole, "whole", false, "the manifests are all that the cluster holds: what is not among them is nowhere")
	f.Var(repeated(&o.allowGap), "allow-gap", "`CLASS` of gaps that do not make the verdict incomplete; may be repeated")
	return cmd
}

func runAdmitTest(ctx context.Context, g *global, o *attemptOptions, args []string) error {
	if len(o.line.exceptions) > 0 || o.responses {
		return usage("--exceptions and --responses are of a line: use --line")
	}
	out, err := parseOutputs(o.outputs, "table", false)
	if err != nil {
		return err
	}
	own, set, err := o.line.policies.all(ctx, "--policy", registry.Options{Options: image.Options{}})
	switch {
	case err != nil:
		return err
	case len(own) > 0:
		return usage("--policy: policy %s is Plimsoll's own: say how far it may go with --line, or use plimsoll scan", own[0].Name)
	}
	g.idle(set)
	r := &finding.Report{Schema: finding.Schema, Tool: finding.Tool{Name: "plimsoll", Version: version(), Policies: set.Tool()}}
	files, err := g.manifests(ctx, args, new(chartOptions))
	if err != nil {
		return err
	}
	var all []*kube.Object
	for i := range files {
		all = append(all, files[i].objects...)
	}
	if len(all) == 0 {
		return usage("%s: it holds no Kubernetes object: one has apiVersion and kind", args[0])
	}
	o.by.Groups = append(o.by.Groups, "system:authenticated")
	world := native.World{Around: kube.NewSnapshot(all, nil), Whole: o.whole, Written: true}
	t := &attempt{native.Trial{Set: set, World: world, Namespace: o.namespace, By: o.by}, r}
	for i, f := range files {
		t.file(ctx, fmt.Sprintf("t%d", i+1), f)
	}
	gate.Judge(r, gate.Line{Policies: true, Allow: o.allowGap})
	finding.Sort(r)
	if err := ctx.Err(); err != nil {
		return exitError{exitIncomplete, err}
	}
	return outcome(r.Verdict.Action, out.write(g, r, report.Options{}))
}

// attempt is one run over all files.
type attempt struct {
	native.Trial
	report *finding.Report
}

// file judges the objects of one file, which is a target.
func (t *attempt) file(ctx context.Context, id string, f manifest) {
	r := t.report
	r.Targets = append(r.Targets, finding.Target{ID: id, Kind: "manifest", Name: f.name})
	for _, p := range f.problems {
		r.Coverage = append(r.Coverage, finding.Gap{Class: "unreadable-file", Blocking: true, Target: id, Path: p.Path, Count: 1, What: fmt.Sprintf("line %d: %s", p.Line, p.What)})
	}
	counts := t.Set.Counts(id)
	for _, o := range f.objects {
		found, gaps := t.Try(ctx, o, id, counts)
		r.Findings, r.Coverage = append(r.Findings, found...), append(r.Coverage, gaps...)
	}
	for _, p := range r.Tool.Policies {
		r.Checks = append(r.Checks, *counts[p.Name])
	}
}
