package cli

import "github.com/spf13/cobra"

func newNetGaps(g *global) *cobra.Command {
	return newFamily(g, "network", &cobra.Command{
		Use: "gaps [flags] [TARGET...]", Short: "Find what the network policies leave open, or do not say, and give a verdict", Args: words(0, -1),
		Long: "Gaps runs the checks network/… (plimsoll explain lists them) on manifests, charts, overlays, what cluster dump wrote, or, where no\n" +
			"TARGET is named, on the cluster. plimsoll scan and cluster scan run them, too, beside all others.\n\n" +
			"Exit status: 0 passed or only warned, 1 the verdict is deny, 2 the call or a file in it is wrong, 3 incomplete:\n" +
			"not all could be read, and nothing denied.",
		Example: "  plimsoll net gaps ./k8s\n  plimsoll net gaps --context prod --fail-on none\n  plimsoll net gaps -o html=network.html -o table ./prod-dump",
	})
}
