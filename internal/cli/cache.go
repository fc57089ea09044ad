package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/tell/layercache"
)

// layerCacheDir is the folder that was asked for, or the default one.
func (g *global) layerCacheDir(asked string) string {
	if asked != "" {
		return asked
	}
	if home := g.cacheHome(); home != "" {
		return filepath.Join(home, "layers")
	}
	return ""
}

func newCache(g *global) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "cache", Short: "Show and prune what is kept of layers that were read",
		Example: "  plimsoll cache status\n  plimsoll cache prune --keep 500MB",
	}
	cmd.PersistentFlags().StringVar(&dir, "cache-dir", "", "the `DIR` (default: in the user's cache folder)")
	open := func() (*layercache.Cache, error) {
		where := g.layerCacheDir(dir)
		if where == "" {
			return nil, usage("this system names no cache folder: give one with --cache-dir")
		}
		return layercache.Open(where, 0)
	}
	cmd.AddCommand(newCacheStatus(g, open), newCachePrune(g, open))
	return cmd
}

func newCacheStatus(g *global, open func() (*layercache.Cache, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Say how much is kept, and where", Args: words(0, 0),
		Example: "  plimsoll cache status\n  plimsoll cache status --json",
		RunE: func(*cobra.Command, []string) error {
			c, err := open()
			if err != nil {
				return err
			}
			s, err := c.Status()
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(g.env.Stdout).Encode(s)
			}
			_, err = fmt.Fprintf(g.env.Stdout, "%s\n%s, %s of at most %s\n", s.Dir, count(s.Entries, "entry"), bytesOf(s.Bytes), bytesOf(s.Limit))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func newCachePrune(g *global, open func() (*layercache.Cache, error)) *cobra.Command {
	var keep string
	var everything bool
	cmd := &cobra.Command{
		Use: "prune", Short: "Remove what was used longest ago", Args: words(0, 0),
		Example: "  plimsoll cache prune              # down to the cache's own limit\n" +
			"  plimsoll cache prune --keep 500MB\n  plimsoll cache prune --all",
		RunE: func(*cobra.Command, []string) error {
			left := int64(-1)
			if everything && keep != "" {
				return usage("--all keeps nothing: leave --keep out")
			}
			if everything {
				left = 0
			} else if keep != "" {
				n, err := parseBytes(keep)
				if err != nil {
					return usage("--keep %v", err)
				}
				left = n
			}
			c, err := open()
			if err != nil {
				return err
			}
			removed, freed, err := c.Prune(left)
			fmt.Fprintf(g.env.Stdout, "removed %s, %s\n", count(removed, "entry"), bytesOf(freed))
			return err
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "how much may stay (`SIZE`), as in 500MB or 2GB")
	cmd.Flags().BoolVar(&everything, "all", false, "remove everything")
	return cmd
}
