package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
)

func newSBOM(g *global) *cobra.Command {
	var o readOptions
	cmd := &cobra.Command{
		Use: "sbom [flags] TARGET...", Short: "List what is in images and folders, as a bill of materials",
		Long: "Sbom takes the inventory that scan takes, and writes it without judging it: there is no verdict.\nThe default format is CycloneDX 1.6.\n\n" +
			"Exit status: 0 listed, 2 the call or a file in it is wrong, 3 something could not be read.\n\n" +
			"The same input gives the same bytes. So the date of a document is the one that SOURCE_DATE_EPOCH names, in\n" +
			"seconds since 1970, or that of the advisories; else CycloneDX has none, and SPDX, which must have one, the\n" +
			"first of January 1970.",
		Example: "  plimsoll sbom alpine:3.20 > alpine.cdx.json\n" +
			"  plimsoll sbom -o spdx=shop.spdx.json ./shop.tar\n" +
			"  plimsoll sbom -o table ./rootfs",
		Args: words(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := parseOutputs(o.outputs, "cyclonedx", true)
			if err != nil {
				return err
			}
			options, err := out.options(g, o.template)
			if err != nil {
				return err
			}
			r, err := read(cmd.Context(), g, &o, func() (*opened, error) { return o.target.open(cmd.Context(), g, args) }, func(so *scan.Options, subjects []scan.Subject) error {
				so.Now = g.env.Now()
				return holdPackages(subjects)
			})
			if err != nil {
				return err
			}
			action := finding.Pass
			if slices.ContainsFunc(r.Coverage, func(g finding.Gap) bool { return g.Blocking && g.Broke() }) {
				action = finding.Incomplete
			}
			return outcome(action, out.write(g, r, options))
		},
	}
	o.reportFlags(cmd.Flags(), formats(true))
	return cmd
}

// holdPackages wants what is listed to be something that can hold packages: an empty bill would read as if it held none.
func holdPackages(subjects []scan.Subject) error {
	for _, s := range subjects {
		switch {
		case s.Cluster != nil:
			return usage("%s: a dump of a cluster names images, and holds no packages: give plimsoll sbom the images, and the dump to plimsoll scan --as dump", s.Cluster.Name)
		case s.Files != nil:
			return usage("%s: it names or makes images, and holds no packages: give plimsoll sbom the images, and this to plimsoll scan", s.Files.Name)
		}
	}
	return nil
}
