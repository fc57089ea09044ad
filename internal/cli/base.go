package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/read/base"
)

// baseOptions say where the index of known bases is.
type baseOptions struct{ dir string }

func (o *baseOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.dir, "base-index", "", "`DIR` of known base images (default: in the user's cache folder)")
}

func (o *baseOptions) index(g *global) (base.Index, bool) {
	if o.dir != "" {
		return base.Index{Dir: o.dir}, true
	}
	home := g.cacheHome()
	return base.Index{Dir: filepath.Join(home, "bases")}, home != ""
}

// known lists the index. A broken entry costs a word; a base that the user named must be there.
func (o *baseOptions) known(g *global, named string) ([]base.Entry, error) {
	x, ok := o.index(g)
	var entries []base.Entry
	if ok {
		var err error
		if entries, err = x.List(); err != nil {
			g.say("plimsoll: %v", err)
		}
	}
	if named != "" && len(base.Find(entries, named)) == 0 {
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
		}
		return nil, usage("--base %q is no known base%s: enter it with plimsoll base add", named, suggestion(named, names))
	}
	return entries, nil
}

func newBase(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "base", Short: "Keep an index of base images, so that scans can name them and tell what they brought",
		Example: "  plimsoll base add debian:12 debian:13\n  plimsoll base list\n  plimsoll scan --base debian:12 shop/cart:1.4",
	}
	cmd.AddCommand(newBaseAdd(g), newBaseList(g), newBaseRemove(g))
	return cmd
}

func newBaseAdd(g *global) *cobra.Command {
	var o readOptions
	var bases baseOptions
	var name string
	cmd := &cobra.Command{
		Use: "add [flags] TARGET...", Short: "Enter images into the index", Args: words(1, -1),
		Long: "Add takes the inventory of each image and keeps it with the image's name, digest and layers.\n" +
			"A later scan of an image that begins with these layers names it as the base, tells its findings\n" +
			"apart, and says which newer base of the same repository would clear them. Files of the distribution's own\n" +
			"packages, and packages of headers or data alone, are in a scan's list and not in the index.",
		Example: "  plimsoll base add debian:12\n  plimsoll base add --name registry.example.com/base:2 ./base.tar",
		RunE: func(cmd *cobra.Command, args []string) error {
			x, ok := bases.index(g)
			if !ok {
				return usage("this system names no folder for the index: give one with --base-index")
			}
			if name != "" && len(args) > 1 {
				return usage("--name is for one image at a time")
			}
			return addBases(cmd.Context(), g, &o, x, args, name)
		},
	}
	o.flags(cmd.Flags())
	bases.flags(cmd.Flags())
	cmd.Flags().StringVar(&name, "name", "", "`NAME` to keep it under (default: the image's own)")
	return cmd
}

// addBases enters what words name. One that cannot be opened at this time does not keep the others out.
func addBases(ctx context.Context, g *global, o *readOptions, x base.Index, words []string, name string) error {
	targets, err := o.target.open(ctx, g, words)
	if err != nil {
		return err
	}
	defer targets.close()
	for _, gap := range targets.missing {
		err = exitError{exitIncomplete, errors.Join(err, errors.New(gap.What))}
	}
	for _, s := range targets.subjects {
		if s.Image == nil {
			return usage("an SBOM has no layers to be known by: add the image itself")
		}
		if err := addBase(ctx, g, o, x, s, name); err != nil {
			return err
		}
	}
	return err
}

func addBase(ctx context.Context, g *global, o *readOptions, x base.Index, s scan.Subject, name string) error {
	r, err := scan.Run(ctx, []scan.Subject{s}, scan.Options{
		Kinds: all.Ecosystems(), Tool: finding.Tool{Name: "plimsoll", Version: version()}, Cache: o.cache(g), Jobs: max(o.jobs, 1),
		Verify: o.target.verify, Now: g.env.Now(),
	})
	if err != nil {
		return err
	}
	for _, gap := range r.Coverage {
		if gap.Broke() && gap.Blocking {
			return exitError{exitIncomplete, fmt.Errorf("%s was not read in full, and is not entered: %s", s.Image.Name, gap.What)}
		}
	}
	e := scan.EntryOf(r, &r.Targets[0], s.Image)
	if name != "" {
		e.Name = name
	}
	if err := x.Add(e); err != nil {
		return err
	}
	packages := count(len(e.Packages), "package")
	if all := len(r.Packages); all > len(e.Packages) {
		packages += fmt.Sprintf(" that advisories are matched with, of %d", all)
	}
	_, err = fmt.Fprintf(g.env.Stdout, "%s %s: %s, %s\n", printable(e.Name), printable(e.Platform), count(len(e.DiffIDs), "layer"), packages)
	return err
}

func newBaseList(g *global) *cobra.Command {
	var bases baseOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the known base images", Args: words(0, 0),
		Example: "  plimsoll base list\n  plimsoll base list --json",
		RunE: func(*cobra.Command, []string) error {
			entries, err := bases.known(g, "")
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(g.env.Stdout).Encode(append([]base.Entry{}, entries...)) // [] and not null
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tPLATFORM\tCREATED\tLAYERS\tPACKAGES\tDIGEST")
			for _, e := range entries {
				day := "unknown"
				if !e.Created.IsZero() {
					day = e.Created.Format(time.DateOnly)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\n", printable(e.Name), printable(e.Platform), day, len(e.DiffIDs), len(e.Packages), e.Digest)
			}
			return w.Flush()
		},
	}
	bases.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func newBaseRemove(g *global) *cobra.Command {
	var bases baseOptions
	cmd := &cobra.Command{
		Use: "remove NAME|DIGEST", Short: "Take images out of the index", Args: words(1, 1),
		Example:           "  plimsoll base remove debian:11",
		ValidArgsFunction: choose(func() []string { return baseNames(g) }),
		RunE: func(_ *cobra.Command, args []string) error {
			x, _ := bases.index(g)
			n, err := x.Remove(args[0])
			if err == nil && n == 0 {
				return usage("the index has no base %q", args[0])
			}
			if n > 0 {
				fmt.Fprintf(g.env.Stdout, "removed %d\n", n)
			}
			return err
		},
	}
	bases.flags(cmd.Flags())
	return cmd
}
