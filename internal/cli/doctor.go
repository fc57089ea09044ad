package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/read/image"
	"github.com/plimsoll/plimsoll/internal/read/image/containerd"
	"github.com/plimsoll/plimsoll/internal/read/image/daemon"
	"github.com/plimsoll/plimsoll/internal/tell/layercache"
)

// diagnosis is one thing that was looked at: how it is, and what to do where it is not well. Named says
// that a flag or the environment names just this, so that nothing else will do in its place.
type diagnosis struct {
	what, state, detail string
	named               bool
}

// ill says whether a scan would not do what was asked for.
func (d diagnosis) ill() bool {
	return d.named && slices.Contains([]string{"fault", "denied", "none"}, d.state)
}

func newDoctor(g *global) *cobra.Command {
	var db dbOptions
	var cacheDir string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what this host and your rights allow", Args: words(0, 0),
		Long: "Doctor looks at each thing that a scan may use, reads the whole database, and says how it is:\n\n" +
			"  ok        as it ought to be\n" +
			"  embedded  the database in the program: a snapshot, there is a newer one\n" +
			"  old       a database that was built more than a week ago, or of feeds that old\n" +
			"  limited   it works, and not all can be seen with your rights\n" +
			"  none      it is not there\n" +
			"  denied    it is there, and your rights do not reach\n" +
			"  fault     it does not work, or is not as a flag wants it\n\n" +
			"Exit status: 0, 2 the call is wrong, 3 the database is at fault, or something that a flag, plimsoll.yaml or\n" +
			"the environment names (--cache-dir, DOCKER_HOST, DOCKER_CONTEXT, CONTAINER_HOST, CONTAINERD_ADDRESS,\n" +
			"CONTAINERD_ROOT, TMPDIR) is at fault, denied or not there.",
		Example: "  plimsoll doctor\n  plimsoll doctor --db ./db --db-max-age 72h\n  sudo plimsoll doctor  # what root could do",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := db.validate(); err != nil {
				return err
			}
			return g.tell(g.examine(cmd, &db, cacheDir))
		},
	}
	db.flags(cmd.Flags())
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "`DIR` that keeps what layers hold (default: in the user's cache folder)")
	return cmd
}

// examine looks at everything.
func (g *global) examine(cmd *cobra.Command, db *dbOptions, cacheDir string) []diagnosis {
	named := func(d diagnosis, variables ...string) diagnosis {
		d.named = slices.ContainsFunc(variables, func(v string) bool { return g.env.Getenv(v) != "" })
		return d
	}
	cache, database := diagnoseCache(g, cacheDir), diagnoseDatabase(cmd, g, db)
	cache.named, database.named = cacheDir != "", true // no scan goes on with a database at fault
	return []diagnosis{
		{what: "program", state: "ok", detail: fmt.Sprintf("%s, %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)},
		diagnoseRights(os.Geteuid()), database, cache, named(diagnoseTemp(), "TMPDIR"),
		named(diagnoseEngine(cmd.Context(), "Docker", daemon.Docker), "DOCKER_HOST", "DOCKER_CONTEXT"),
		named(diagnoseEngine(cmd.Context(), "Podman", daemon.Podman), "CONTAINER_HOST"),
		named(diagnoseContainerd(cmd.Context()), "CONTAINERD_ADDRESS", "CONTAINERD_ROOT"),
	}
}

// tell writes what was seen. Something that was named and is not well is an error.
func (g *global) tell(all []diagnosis) error {
	var rows [][]string
	var ill []string
	for _, d := range all {
		rows = append(rows, []string{d.what, d.state, printable(d.detail)})
		if d.ill() {
			ill = append(ill, d.what+" ("+d.state+")")
		}
	}
	if err := columns(g.env.Stdout, g.width(), rows); err != nil {
		return err
	}
	if len(ill) > 0 {
		return exitError{exitIncomplete, fmt.Errorf("not as it was asked for: %s", strings.Join(ill, ", "))}
	}
	return nil
}

// diagnoseRights says what the user may read; uid is negative on systems without numbers for users.
func diagnoseRights(uid int) diagnosis {
	switch {
	case uid == 0:
		return diagnosis{what: "rights", state: "ok", detail: "root: engines' own folders, containers and all files of a root file system can be read"}
	case uid > 0:
		return diagnosis{what: "rights", state: "limited", detail: fmt.Sprintf("user %d: layers are asked of engines and not read in their folders; what only root may read is told as a gap", uid)}
	}
	return diagnosis{what: "rights", state: "ok", detail: "those of this user"}
}

// week is how old advisories may be before doctor remarks on it.
const week = 7 * 24 * time.Hour

func diagnoseDatabase(cmd *cobra.Command, g *global, o *dbOptions) diagnosis {
	db, err := o.open(cmd.Context(), g)
	if err != nil {
		return diagnosis{what: "database", state: "fault", detail: err.Error()}
	}
	defer db.Close()
	m := db.Manifest()
	partial := 0
	for _, s := range m.Sources {
		if !s.Complete {
			partial++
		}
	}
	if err := db.Verify(); err != nil {
		return diagnosis{what: "database", state: "fault", detail: o.place(g) + ": " + err.Error()}
	}
	oldest := m.Built
	if at := m.AsOf(); !at.IsZero() && at.Before(oldest) {
		oldest = at
	}
	detail := fmt.Sprintf("%s, %d feeds, %d of them not whole", ages(m, g.env.Now()), len(m.Sources), partial)
	switch {
	case db.Describe().Embedded:
		return diagnosis{what: "database", state: "embedded", detail: detail + "; plimsoll db update fetches a newer one"}
	case g.env.Now().Sub(oldest) > week:
		return diagnosis{what: "database", state: "old", detail: detail + "; fetch a newer one with plimsoll db update, or build one of newer feeds"}
	}
	return diagnosis{what: "database", state: "ok", detail: detail}
}

func diagnoseCache(g *global, dir string) diagnosis {
	dir = g.layerCacheDir(dir)
	if dir == "" {
		return diagnosis{what: "layer cache", state: "none", detail: "this system names no cache folder: give one with --cache-dir"}
	}
	c, err := layercache.Open(dir, 0)
	if err != nil {
		return diagnosis{what: "layer cache", state: "fault", detail: err.Error() + "; scans go on without it: name a folder of yours with --cache-dir"}
	}
	s, err := c.Status()
	if err != nil {
		return diagnosis{what: "layer cache", state: "fault", detail: err.Error()}
	}
	return diagnosis{what: "layer cache", state: "ok", detail: fmt.Sprintf("%s, %d layers, %s", s.Dir, s.Entries, bytesOf(s.Bytes))}
}

func diagnoseTemp() diagnosis {
	f, err := os.CreateTemp("", ".plimsoll-")
	if err != nil {
		return diagnosis{what: "temporary files", state: "fault", detail: err.Error() + ": large files of compressed layers will not be read; set TMPDIR"}
	}
	f.Close()
	os.Remove(f.Name())
	return diagnosis{what: "temporary files", state: "ok", detail: os.TempDir()}
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
		return diagnosis{what: name, state: "ok", detail: "its images can be scanned by name"}
	case absent:
		return diagnosis{what: name, state: "none", detail: err.Error()}
	case errors.Is(err, fs.ErrPermission):
		return diagnosis{what: name, state: "denied", detail: err.Error() + "; run as root, or scan what docker save or ctr images export writes"}
	}
	return diagnosis{what: name, state: "fault", detail: err.Error()}
}
