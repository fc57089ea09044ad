package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// release is set by the linker for released programs: -ldflags "-X …/internal/cli.release=0.1.0".
var release = ""

// version is the release, or what the build says of its checkout.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && release == "" {
		return versionOf(info)
	}
	return cmp.Or(release, unstamped)
}

// unstamped is the version of a build that knows nothing of where it comes from.
const unstamped = "0.1.0-dev"

// versionOf is the main module's version, which Go makes of the nearest tag, or of the revision where
// there is none, with "+dirty" for a checkout that was changed.
func versionOf(info *debug.BuildInfo) string {
	if v := strings.TrimPrefix(info.Main.Version, "v"); v != "" && v != "(devel)" {
		return v
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
	if revision == "" {
		return unstamped
	}
	return unstamped + "+" + revision + dirty
}

// now is the clock. Reports do not carry it: it says how old the database is, and whose support has ended.
func now() time.Time { return time.Now().UTC() }

func newVersion(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, and what the program was built with", Args: words(0, 0),
		Example: "  plimsoll version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(g.env.Stdout, "plimsoll %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
