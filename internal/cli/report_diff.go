package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/savedreport"
	"github.com/plimsoll/plimsoll/internal/tell/report/change"
	"github.com/plimsoll/plimsoll/internal/weigh/baseline"
)

func newReportDiff(g *global) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "diff [flags] BEFORE AFTER", Short: "Say what changed from one report to another", Args: words(2, 2),
		Long: "Diff tells what the change brought from what the world only learned since, what is found no more and why,\n" +
			"what is held to be of another severity, what was let pass, and how the attack surface changed. Both are\n" +
			"reports that scan wrote with -o json. In doubt something counts as added.\n\n" +
			"Exit status: 0 nothing was added, 1 something was (also what was learned since), 2 the call or a file is\n" +
			"wrong, 3 nothing was added, but the second report did not assess everything.",
		Example: "  plimsoll report diff before.json after.json\n  plimsoll report diff -o markdown=diff.md before.json after.json",
		RunE: func(_ *cobra.Command, args []string) error {
			format, file, hasFile := strings.Cut(output, "=")
			if !slices.Contains(change.Formats(), format) || hasFile && file == "" {
				return usage("-o %q: use one of %s, as in -o markdown=FILE%s", output, strings.Join(change.Formats(), ", "), suggestion(format, change.Formats()))
			}
			return diffReports(g, args, format, file)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORMAT[=FILE]` of the diff: "+strings.Join(change.Formats(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", choose(change.Formats)) // before others do
	return cmd
}

func diffReports(g *global, names []string, format, file string) error {
	var reports []*finding.Report
	for _, name := range names {
		r, _, err := savedreport.Read(name)
		if err != nil {
			return usage("%s", withName(name, err))
		}
		reports = append(reports, r)
	}
	d, err := baseline.Compare(reports[0], reports[1])
	if err != nil {
		return usage("%v", err)
	}
	write := func(w io.Writer) error { return change.Write(w, format, d) }
	if file == "" || file == "-" {
		err = write(g.env.Stdout)
	} else {
		err = writeFile(file, write)
	}
	unassessed := slices.ContainsFunc(reports[1].Coverage, func(g finding.Gap) bool { return g.Blocking && !g.Allowed })
	switch {
	case len(d.Added)+len(d.Disclosed) > 0:
		return exitError{exitDeny, err}
	case err != nil, unassessed:
		return exitError{exitIncomplete, err}
	}
	return nil
}
