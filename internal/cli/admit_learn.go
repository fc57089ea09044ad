package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/admissionfile"
	"github.com/plimsoll/plimsoll/internal/tell/harden/allowlist"
)

type learnOptions struct {
	namespace, images, to string
}

func newAdmitLearn(g *global) *cobra.Command {
	var o learnOptions
	cmd := &cobra.Command{
		Use: "learn FILE...", Short: "Write what may run from what runs, and deny the rest", Args: words(1, -1),
		Long: "Learn reads manifests, folders of them or a dump of a cluster (- is the standard input), and writes a policy that\n" +
			"lets pass what is in them: for each namespace and service account the images, the capabilities that are added, the\n" +
			"paths of the node, and whatever else gives its pods more than they have unasked (docs/guide/learn.md). All else is\n" +
			"denied.\n\n" +
			"With --to line it writes the list of images for plimsoll admit serve --line instead.\n\n" +
			"What is not running at the moment is not learned: jobs, and what only an upgrade starts. Try it first:\n" +
			"plimsoll scan --policy FILE on the manifests of a release, or --line with a mode that warns.\n\n" +
			"Exit status: 0, 2 the call or a file in it is wrong, 3 something could not be read.",
		Example: "  kubectl get pods,deployments,daemonsets,statefulsets,cronjobs -A -o yaml | plimsoll admit learn - > learned.yaml\n" +
			"  plimsoll scan --policy learned.yaml --fail-on policy deployment.yaml\n" +
			"  plimsoll admit learn --to line --images registry dump.yaml > admission.yaml",
		RunE: func(cmd *cobra.Command, args []string) error { return runLearn(cmd.Context(), g, &o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.namespace, "namespace", "default", "`NAMESPACE` of objects that name none")
	f.StringVar(&o.images, "images", "repository", "`HOW` images are named: repository, digest (where one is written) or registry")
	f.StringVar(&o.to, "to", "policy", "`FORM` to write: policy or line")
	return cmd
}

func runLearn(ctx context.Context, g *global, o *learnOptions, args []string) error {
	by := allowlist.Images(o.images)
	if by != allowlist.ByRepository && by != allowlist.ByDigest && by != allowlist.ByRegistry {
		return usage("--images %q: use repository, digest or registry", o.images)
	}
	if o.to != "policy" && o.to != "line" {
		return usage("--to %q: use policy or line", o.to)
	}
	objects, broken, err := g.objects(ctx, args)
	if err != nil {
		return err
	}
	l, err := allowlist.Learn(objects, o.namespace, by)
	if err != nil {
		return exitError{exitIncomplete, err}
	}
	if len(l.Accounts) == 0 {
		return usage("%s: nothing in it is a pod or makes one, and a list of nothing would deny all", args[0])
	}
	for _, u := range l.Unread {
		broken = true
		g.say("plimsoll: not learned: %s", u)
	}
	if !slices.ContainsFunc(l.Accounts, func(a allowlist.Account) bool { return len(a.Images) > 0 }) {
		g.say("plimsoll: no image was learned, and a list of none would deny all: nothing is written")
		return exitError{exitIncomplete, nil}
	}
	b, err := l.Policy(o.namespace)
	if o.to == "line" {
		if b, err = l.Line(); err == nil {
			_, err = admissionfile.Parse("what was learned", b)
		}
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(g.env.Stdout, "# What ran, written by plimsoll admit learn: what is not listed is denied.\n%s", b); err != nil {
		return err
	}
	if broken {
		return exitError{exitIncomplete, nil}
	}
	return nil
}
