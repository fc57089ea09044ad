package cli

import "github.com/spf13/cobra"

func newReport(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "report", Short: "Work with reports that were saved with -o json",
		Example: "  plimsoll report diff before.json after.json",
	}
	cmd.AddCommand(newReportDiff(g))
	return cmd
}
