package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/registry"
	"github.com/plimsoll/plimsoll/internal/tell/report"
	"github.com/plimsoll/plimsoll/internal/weigh/gate"
	"github.com/plimsoll/plimsoll/internal/weigh/policy"
)

func newPolicy(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy", Short: "Test policies, try them on a saved report, and list those that are shipped",
		Long: "A policy is a rule of your own: a YAML file in the shape of Kubernetes' ValidatingAdmissionPolicy, with\n" +
			"expressions in CEL. plimsoll scan --policy holds targets against it.",
		Example: "  plimsoll policy list\n  plimsoll policy test ./policies\n  plimsoll policy eval -p ./policies report.json",
	}
	cmd.AddCommand(newPolicyTest(g), newPolicyEval(g), newPolicyList(g), newPolicyShow(g))
	return cmd
}

func newPolicyList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the policies that Plimsoll ships", Args: words(0, 0),
		Long: "Each is put in force with --policy lib:NAME, its parameters set with --policy-param NAME.PARAMETER=VALUE or\n" +
			"in a file by a PolicyBinding.\n\nExit status: 0, 2 the call is wrong.",
		Example: "  plimsoll policy list\n  plimsoll scan --policy lib:no-package-manager debian:12\n  plimsoll scan --policy lib:max-image-age --policy-param max-image-age.days=30 debian:12",
		RunE: func(*cobra.Command, []string) error {
			lib, err := policy.Library()
			if err != nil {
				return err
			}
			rows := [][]string{{"NAME", "ABOUT", "PARAMETERS", "DEMANDS"}}
			for _, p := range lib.Policies {
				rows = append(rows, []string{p.Name.Value, p.Subject.Value, strings.Join(slices.Sorted(maps.Keys(p.Params)), ", "), p.Description})
			}
			return columns(g.env.Stdout, cmp.Or(g.width(), 100), rows)
		},
	}
}

func newPolicyShow(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Print a policy that Plimsoll ships, as a file to begin with", Args: words(1, 1),
		Long:    "Show writes the policy as it is, with the parameters that it has when none are given.\n\nExit status: 0, 2 there is no such policy.",
		Example: "  plimsoll policy show no-package-manager\n  plimsoll policy show licenses > policies/licenses.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			name := strings.TrimPrefix(args[0], policy.LibraryPrefix)
			text, ok := policy.Source(name)
			if !ok || !slices.Contains(libraryNames(), name) {
				return usage("there is no policy %q in the library%s (plimsoll policy list)", name, suggestion(name, libraryNames()))
			}
			_, err := fmt.Fprint(g.env.Stdout, text)
			return err
		},
		ValidArgsFunction: choose(libraryNames),
	}
}

type evalOptions struct {
	policies  policyOptions
	outputs   []string
	offline   bool
	ca        []string
	plainHTTP []string
}

func newPolicyEval(g *global) *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use: "eval -p POLICY REPORT", Short: "Hold a saved report against policies", Args: words(1, 1),
		Long: "Eval reads a report that plimsoll scan -o json wrote, and gives the verdict of the policies alone: what\n" +
			"severities would deny does not count, what other policies found is left out, and gaps block as they did.\n" +
			"The report does not hold an image's configuration and files: a policy that asks for them is not decided,\n" +
			"and denies. REPORT may be - for the standard input.\n\n" +
			"Exit status: 0 passed or only warned, 1 a policy denies, 2 the call or a file in it is wrong, 3 the report\n" +
			"has gaps that block.",
		Example: "  plimsoll policy eval -p ./policies report.json\n" +
			"  plimsoll policy eval -p lib:licenses -o json report.json\n" +
			"  plimsoll scan -o json debian:12 | plimsoll policy eval -p lib:no-package-manager -",
		RunE: func(cmd *cobra.Command, args []string) error { return runEval(cmd.Context(), g, &o, args[0]) },
	}
	f := cmd.Flags()
	o.policies.flags(f, "p")
	f.VarP(repeated(&o.outputs), "output", "o", "`FORMAT[=FILE]` of the report: "+strings.Join(formats(false), ", ")+"; may be repeated")
	f.BoolVar(&o.offline, "offline", false, "touch no network at all")
	f.Var(repeated(&o.ca), "ca", "PEM `FILE` of an authority to trust for registries; may be repeated")
	f.Var(repeated(&o.plainHTTP), "plain-http", "`HOST[:PORT]` of a registry that is spoken to without TLS; may be repeated")
	return cmd
}

func runEval(ctx context.Context, g *global, o *evalOptions, word string) error {
	if len(o.policies.words) == 0 {
		return usage("no policy is named: use -p FILE, -p FOLDER or -p lib:NAME")
	}
	out, err := parseOutputs(o.outputs, "table", false)
	if err != nil {
		return err
	}
	if err := readable(o.ca); err != nil {
		return err
	}
	all, err := o.policies.load(ctx, "--policy", registry.Options{Options: image.Options{Offline: o.offline}, CA: o.ca, PlainHTTP: o.plainHTTP})
	if err != nil {
		return err
	}
	r, err := saved(g, word)
	if err != nil {
		return err
	}
	if !r.Judged() {
		return usage("%s is an inventory, which nobody judged: use plimsoll scan -o json", word)
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f finding.Finding) bool {
		return f.Kind == finding.KindPolicy && strings.HasPrefix(f.Rule, "policy/")
	})
	r.Tool.Policies = nil
	for _, p := range all {
		r.Tool.Policies = append(r.Tool.Policies, finding.Policy{Name: p.Name, Digest: p.Digest})
	}
	found, _ := policy.Evaluate(ctx, policy.Input{Report: r, Policies: all, Now: g.env.Now()})
	r.Findings = append(r.Findings, found...)
	line := gate.Line{Policies: true}
	for _, gap := range r.Coverage {
		if gap.Allowed {
			line.Allow = append(line.Allow, gap.Class)
		}
	}
	gate.Judge(r, line)
	finding.Sort(r)
	return outcome(r.Verdict.Action, out.write(g, r, report.Options{}))
}
