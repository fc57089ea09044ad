package cli

import (
	"net/netip"

	"github.com/spf13/cobra"
)

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

// serverAddresses are where the API server takes connections: addresses, with a port or on 6443.
func serverAddresses(words []string) (all []netip.AddrPort, err error) {
	for _, text := range words {
		one, err := netip.ParseAddrPort(text)
		if a, bare := netip.ParseAddr(text); bare == nil {
			one, err = netip.AddrPortFrom(a, 6443), nil
		}
		if err != nil || one.Addr().Zone() != "" || one.Port() == 0 {
			return nil, usage("--api-server %q is no address: write 192.0.2.10, 192.0.2.10:443 or [2001:db8::10]:443", text)
		}
		all = append(all, one)
	}
	return all, nil
}
