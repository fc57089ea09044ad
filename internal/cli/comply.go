package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	judgeanswer "github.com/plimsoll/plimsoll/internal/judge/answer"
	"github.com/plimsoll/plimsoll/internal/tell/report"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
	"github.com/plimsoll/plimsoll/internal/weigh/comply"
)

// complyOptions say which framework is filled in, and when that is not good enough.
type complyOptions struct {
	framework string
	only      []string
	outputs   []string
	failOn    string
	list      bool
}

func newComply(g *global) *cobra.Command {
	var o complyOptions
	cmd := &cobra.Command{
		Use: "comply [flags] REPORT...", Short: "Show what saved reports say, control by control of a framework",
		Long: "Comply reads reports that scan, cluster scan, cluster probe and the like wrote with -o json, and shows them as a\n" +
			"framework numbers things: each control passed, failed, excepted (it fails, and an exception lets that pass), manual (a person\n" +
			"has to look), not applicable, or not visible. A control passes only where all its checks looked and nothing that they\n" +
			"would have to see was left out: a control plane that a provider hides is not visible, and neither passed nor failed. What a\n" +
			"probe found can fail a control; that it found nothing passes none.\n\n" +
			"Exit status: 0 all that checks can tell is met, 1 a control fails, 2 the call or a file in it is wrong, 3 none fails, and\n" +
			"some are not visible.",
		Example: "  plimsoll cluster scan -o json=cluster.json && plimsoll comply --framework pss cluster.json\n" +
			"  plimsoll comply --framework cis-k8s-1.12 --only 5.2,5.6 cluster.json -o csv=cis.csv -o table\n" +
			"  plimsoll comply --list --framework nsa-1.2",
		Args: words(0, -1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(g, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.framework, "framework", "", "`NAME` of the framework, with its version (--list tells which there are)")
	f.Var(parted(&o.only), "only", "`IDS` of the sections and controls that are shown and count, as in 5.2,1.2.6 (default: all)")
	f.VarP(repeated(&o.outputs), "output", "o", "`FORMAT[=FILE]`: "+strings.Join(report.SheetFormats(), ", ")+"; may be repeated")
	f.StringVar(&o.failOn, "fail-on", "fail", "`OUTCOME` that ends in status 1: fail, excepted (fail and excepted), or none, which only shows")
	f.BoolVar(&o.list, "list", false, "list frameworks, or the controls of one with the checks that stand for them")
	return cmd
}

func (o *complyOptions) run(g *global, names []string) error {
	out, err := parseFormats(o.outputs, "table", report.SheetFormats())
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"fail", "excepted", "none"}, o.failOn) {
		return usage("--fail-on %q: use fail, excepted or none", o.failOn)
	}
	all, err := comply.Frameworks(catalog.Cards(), judgeanswer.Proves)
	if err != nil {
		return err
	}
	if o.list && o.framework == "" {
		for _, f := range all {
			fmt.Fprintf(g.env.Stdout, "%-16s %s\n", f.ID, f.Title)
		}
		return nil
	}
	f, err := o.chosen(all)
	if err != nil {
		return err
	}
	if o.list {
		listControls(g.env.Stdout, f)
		return nil
	}
	if len(names) == 0 {
		return usage("name the reports that are read: plimsoll cluster scan -o json=report.json writes one")
	}
	var reports []comply.Report
	for _, name := range names {
		r, err := saved(g, name)
		if err != nil {
			return err
		}
		if !r.Judged() {
			return usage("%s: it is an inventory, of which nothing was judged", name)
		}
		reports = append(reports, comply.Report{Name: name, Report: r})
	}
	sheet := comply.Weigh(f, reports)
	err = out.each(g, report.Options{}, func(w io.Writer, format string, options report.Options) error {
		return report.WriteSheet(w, format, &sheet, options)
	})
	switch n := sheet.Totals; {
	case o.failOn != "none" && n[comply.Fail] > 0, o.failOn == "excepted" && n[comply.Excepted] > 0:
		return exitError{exitDeny, err}
	case err != nil, o.failOn != "none" && n[comply.NotVisible] > 0:
		return exitError{exitIncomplete, err}
	}
	return nil
}

// chosen is the framework that is asked for, and what is wanted of it.
func (o *complyOptions) chosen(all []comply.Framework) (f comply.Framework, err error) {
	var names []string
	for _, f := range all {
		names = append(names, f.ID)
	}
	i := slices.Index(names, o.framework)
	if i < 0 {
		return f, usage("--framework %q is none that is known%s: use one of %s", o.framework, suggestion(o.framework, names), strings.Join(names, ", "))
	}
	if f, err = all[i].Only(o.only); err != nil {
		return f, usage("--only: %v", err)
	}
	return f, nil
}

func listControls(w io.Writer, f comply.Framework) {
	fmt.Fprintf(w, "%s: %s\n", f.Title, f.About)
	for _, s := range f.Sections {
		fmt.Fprintf(w, "\n%s  %s\n", s.ID, s.Title)
		for _, c := range s.Controls {
			by := strings.Join(append(slices.Clone(c.Checks), c.Proofs...), " ")
			if c.Manual != "" {
				by = strings.TrimSpace("manual: " + c.Manual + ". " + by)
			}
			fmt.Fprintf(w, "  %s  %s\n      %s\n", c.ID, c.Title, by)
		}
	}
}
