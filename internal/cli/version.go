package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// release is set by the linker for released programs: -ldflags "-X …/internal/cli.release=0.1.0".
var release = ""

// version is the release, or what the build says of its checkout.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "0.1.0-dev"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "-dirty"
			}
		}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v[len("v"):]
	}
	if revision == "" {
		return "0.1.0-dev"
	}
	return "0.1.0-dev+" + revision + dirty
}

// now is the clock, or the moment that reproducible builds set
// (https://reproducible-builds.org/specs/source-date-epoch/).
func now() time.Time { return time.Now().UTC() }

func newVersion(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, and what the program was built with", Args: cobra.NoArgs,
		Example: "  plimsoll version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(g.env.Stdout, "plimsoll %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
