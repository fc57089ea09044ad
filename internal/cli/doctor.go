package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/daemon"
	"github.com/plimsoll/plimsoll/internal/tell/layercache"
)

// diagnosis is one thing that was looked at: how it is, and what to do where it is not well.
type diagnosis struct{ what, state, detail string }

func newDoctor(g *global) *cobra.Command {
	var db dbOptions
	var cacheDir string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what this host and your rights allow", Args: words(0, 0),
		Example: "  plimsoll doctor\n  plimsoll doctor --db ./db --db-max-age 72h\n  sudo plimsoll doctor  # what root could do",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := []diagnosis{
				{"program", "ok", fmt.Sprintf("%s, %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)},
				diagnoseRights(os.Geteuid()), diagnoseDatabase(cmd, g, &db), diagnoseCache(g, cacheDir), diagnoseTemp(),
				diagnoseEngine(cmd.Context(), "Docker", daemon.Docker), diagnoseEngine(cmd.Context(), "Podman", daemon.Podman),
				diagnoseContainerd(cmd.Context()),
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 4, 2, ' ', 0)
			for _, d := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\n", d.what, d.state, d.detail)
			}
			return w.Flush()
		},
	}
	db.flags(cmd.Flags())
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "`DIR` that keeps what layers hold (default: in the user's cache folder)")
	return cmd
}

// diagnoseRights says what the user may read; uid is negative on systems without numbers for users.
func diagnoseRights(uid int) diagnosis {
	switch {
	case uid == 0:
		return diagnosis{"rights", "ok", "root: engines' own folders, containers and all files of a root file system can be read"}
	case uid > 0:
		return diagnosis{"rights", "limited", fmt.Sprintf("user %d: layers are asked of engines and not read in their folders; what only root may read is told as a gap", uid)}
	}
	return diagnosis{"rights", "ok", "those of this user"}
}

func diagnoseDatabase(cmd *cobra.Command, g *global, o *dbOptions) diagnosis {
	db, err := o.open(cmd.Context(), g)
	if err != nil {
		return diagnosis{"database", "fault", err.Error()}
	}
	defer db.Close()
	m := db.Manifest()
	partial := 0
	for _, s := range m.Sources {
		if !s.Complete {
			partial++
		}
	}
	days := int(g.env.Now().Sub(m.Built).Hours() / 24)
	detail := fmt.Sprintf("built %s, %d days ago, %d feeds, %d of them not whole", m.Built.Format(time.DateOnly), days, len(m.Sources), partial)
	switch {
	case db.Describe().Embedded:
		return diagnosis{"database", "embedded", detail + "; plimsoll db update fetches a newer one"}
	case days > 7:
		return diagnosis{"database", "old", detail + "; fetch a newer one with plimsoll db update"}
	}
	return diagnosis{"database", "ok", detail}
}

func diagnoseCache(g *global, dir string) diagnosis {
	dir = g.layerCacheDir(dir)
	if dir == "" {
		return diagnosis{"layer cache", "none", "this system names no cache folder: give one with --cache-dir"}
	}
	c, err := layercache.Open(dir, 0)
	if err != nil {
		return diagnosis{"layer cache", "fault", err.Error() + "; scans go on without it: name a folder of yours with --cache-dir"}
	}
	s, err := c.Status()
	if err != nil {
		return diagnosis{"layer cache", "fault", err.Error()}
	}
	return diagnosis{"layer cache", "ok", fmt.Sprintf("%s, %d layers, %s", s.Dir, s.Entries, bytesOf(s.Bytes))}
}

func diagnoseTemp() diagnosis {
	f, err := os.CreateTemp("", ".plimsoll-")
	if err != nil {
		return diagnosis{"temporary files", "fault", err.Error() + ": large files of compressed layers will not be read; set TMPDIR"}
	}
	f.Close()
	os.Remove(f.Name())
	return diagnosis{"temporary files", "ok", os.TempDir()}
}

// noSuchImage is asked for to see whether an engine answers: any answer but its name will do.
const noSuchImage = "plimsoll.invalid/doctor:none"

func diagnoseEngine(ctx context.Context, name string, find func() (*daemon.Engine, error)) diagnosis {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	e, err := find()
	if err == nil {
		err = e.Has(ctx, noSuchImage)
	}
	return engineState(name, err, errors.Is(err, daemon.ErrAbsent))
}

func diagnoseContainerd(ctx context.Context) diagnosis {
	err := containerd.Has(ctx, noSuchImage)
	return engineState("containerd", err, errors.Is(err, containerd.ErrAbsent))
}

func engineState(name string, err error, absent bool) diagnosis {
	var notFound *image.NotFoundError
	switch {
	case err == nil || errors.As(err, &notFound):
		return diagnosis{name, "ok", "its images can be scanned by name"}
	case absent:
		return diagnosis{name, "none", err.Error()}
	case errors.Is(err, fs.ErrPermission):
		return diagnosis{name, "denied", err.Error() + "; run as root, or scan what docker save or ctr images export writes"}
	}
	return diagnosis{name, "fault", err.Error()}
}
