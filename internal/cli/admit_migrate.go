package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/plimsoll/plimsoll/internal/deck/migrate"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

type migrateOptions struct {
	creator
	action string
}

func newMigratePSP(g *global) *cobra.Command {
	var o migrateOptions
	cmd := &cobra.Command{
		Use: "migrate-psp FILE...", Short: "Turn PodSecurityPolicies into what took their place", Args: words(1, -1),
		Long: "Migrate-psp reads PodSecurityPolicies with the roles and bindings that let somebody use them, from files, folders\n" +
			"or a dump (- is the standard input), and writes for kubectl apply: a ValidatingAdmissionPolicy that admits the\n" +
			"pods that they admitted, a MutatingAdmissionPolicy that fills in what they did (Kubernetes 1.36), and a level of\n" +
			"the Pod Security Standards for each namespace. Who may use which policy stays where it is, in RBAC.\n\n" +
			"What can't be kept is said on stderr, and in comments. Pods and workloads among the objects are held against the\n" +
			"old and the new: which policy was chosen, whether it changed the pod, and whether the verdicts are the same.\n\n" +
			"Exit status: 0 they are, 1 they are not for some pod, 2 the call or a file in it is wrong, 3 something could not be\n" +
			"read, or a role is missing.",
		Example: "  kubectl get psp,roles,clusterroles,rolebindings,clusterrolebindings,sa,ns,deploy,ds,sts,cj -A -o yaml > dump.yaml\n" +
			"  plimsoll admit migrate-psp dump.yaml > policies.yaml\n" +
			"  plimsoll admit migrate-psp --action Warn dump.yaml | kubectl apply --server-side -f -",
		RunE: func(cmd *cobra.Command, args []string) error { return runMigratePSP(cmd.Context(), g, &o, args) },
	}
	f := cmd.Flags()
	o.creator.flags(f, "somebody", "the pods that no controller makes")
	f.StringVar(&o.action, "action", "Deny", "`ACTION` of what is refused: Deny, Warn or Audit")
	return cmd
}

func runMigratePSP(ctx context.Context, g *global, o *migrateOptions, args []string) error {
	action := admissionv1.ValidationAction(o.action)
	if action != admissionv1.Deny && action != admissionv1.Warn && action != admissionv1.Audit {
		return usage("--action %q: use Deny, Warn or Audit", o.action)
	}
	objects, broken, err := g.objects(ctx, args)
	if err != nil {
		return err
	}
	o.by.Groups = append(o.by.Groups, "system:authenticated")
	around := kube.NewSnapshot(objects, nil)
	for _, p := range around.Problems {
		broken = true
		g.say("plimsoll: %v", p)
	}
	r, errs := migrate.Run(ctx, migrate.Options{Around: around, Namespace: o.namespace, By: o.by, Action: action})
	if err := ctx.Err(); err != nil {
		return exitError{exitIncomplete, err}
	}
	if len(errs) > 0 {
		return usage("%w", errors.Join(errs...))
	}
	b, err := r.Write()
	if err != nil {
		return err
	}
	if _, err := g.env.Stdout.Write(b); err != nil {
		return err
	}
	tellMigration(g.env.Stderr, r)
	switch {
	case len(r.Different()) > 0:
		return exitError{exitDeny, nil}
	case broken || len(r.Unknown()) > 0:
		return exitError{exitIncomplete, nil}
	}
	return nil
}

func tellMigration(w io.Writer, r *migrate.Result) {
	for _, n := range r.Namespaces {
		fmt.Fprintf(w, "namespace %s: level %s; its service accounts may use %s\n", n.Name, n.Level, orNothing(n.Policies))
	}
	for i := range r.Pods {
		p := &r.Pods[i]
		was := "refused"
		if p.Policy != "" {
			was = "admitted by " + p.Policy
			if p.Mutated {
				was += ", which fills in what is missing"
			}
		}
		for _, f := range p.Refused {
			was += fmt.Sprintf("; %s refuses %s", f.Policy, strings.Join(f.Fields, ", "))
		}
		now := "the same now"
		if !p.Same() {
			now = "NOW ADMITTED"
			if !p.Admitted {
				now = "NOW REFUSED: " + p.Why
			}
		}
		fmt.Fprintf(w, "%s %s/%s: %s; %s\n", p.Kind, p.Namespace, p.Name, was, now)
	}
	for _, n := range r.Notes() {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, u := range r.Unknown() {
		fmt.Fprintf(w, "not known: %s: what it grants is not\n", u)
	}
	same := len(r.Pods) - len(r.Different())
	fmt.Fprintf(w, "%d policies, %d namespaces; of %d pods, old and new agree on %d\n", len(r.Set.Policies), len(r.Namespaces), len(r.Pods), same)
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
