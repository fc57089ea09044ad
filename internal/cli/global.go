package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/tree"
)

// global holds what every command shares.
type global struct {
	env      Env
	quiet    bool
	noColor  bool
	logLevel string
	config   string
	failed   error             // what went wrong while help was shown, for which cobra has no way
	from     map[string]string // for a flag's name as errors write it: where its value stands, if not in the call
}

func (g *global) flags(f *pflag.FlagSet) {
	f.BoolVarP(&g.quiet, "quiet", "q", false, "say nothing on stderr but errors")
	f.BoolVar(&g.noColor, "no-color", false, "no colours, on a terminal either (also: NO_COLOR)")
	f.StringVar(&g.logLevel, "log-level", "warn", "least `LEVEL` that is logged: debug, info, warn or error")
	f.StringVar(&g.config, "config", "", "`FILE` of settings (default: plimsoll.yaml in the current folder, if there is one)")
}

// prepare fills flags that the command line left open from the environment, then from the settings
// file. Secrets are no flags, and so come from neither.
func (g *global) prepare(cmd *cobra.Command) error {
	set := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { set[f.Name] = true })
	if err := g.environment(cmd, set); err != nil {
		return err
	}
	if err := g.settings(cmd, set); err != nil {
		return err
	}
	var level slog.Level
	if level.UnmarshalText([]byte(g.logLevel)) != nil {
		return usage("--log-level %q: use debug, info, warn or error", g.logLevel)
	}
	g.strangers(cmd.Root())
	return nil
}

func isBuiltIn(flag string) bool { return flag == "help" || flag == "version" }

// settings reads plimsoll.yaml: a mapping of flag names, for all commands that have such a flag.
func (g *global) settings(cmd *cobra.Command, set map[string]bool) error {
	path, asked := g.config, g.config != ""
	if !asked {
		path = "plimsoll.yaml"
	}
	b, err := readSettings(path)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil
	}
	if err != nil && asked {
		return usage("--config: read settings: %v", err)
	}
	if err != nil {
		return usage("read settings: %v", err)
	}
	docs, err := tree.Parse(path, b)
	switch {
	case err != nil:
		return usage("read settings: %v", err)
	case len(docs) > 1:
		return usage("read settings: %s holds %d documents: write all in one, without \"---\"", path, len(docs))
	case len(docs) == 0 || docs[0].Null:
		return nil
	case docs[0].Map == nil:
		return usage("%s:%d: settings are a mapping of flag names, as in \"fail-on: critical\"", path, docs[0].Line)
	}
	for _, e := range docs[0].Map {
		if err := g.apply(cmd, set, path, e); err != nil {
			return err
		}
	}
	return nil
}

// readSettings reads a file that may have come with somebody else's sources.
func readSettings(path string) ([]byte, error) {
	const most = 1 << 20
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", path)
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), most)
	}
	return os.ReadFile(path)
}

func (g *global) apply(cmd *cobra.Command, set map[string]bool, path string, e tree.Entry) error {
	name := e.Key
	if isBuiltIn(name) || !known(cmd.Root(), name) {
		return usage("%s:%d: %q is no setting%s", path, e.Line, name, suggestion(name, allFlags(cmd.Root())))
	}
	flag := cmd.Flags().Lookup(name)
	if flag == nil || set[name] {
		return nil // another command's, or said nearer to the user
	}
	var values []string
	for _, v := range e.Value.Items() {
		if !v.Scalar {
			return usage("%s:%d: %s wants a value or a list of values", path, v.Line, name)
		}
		values = append(values, v.Text)
	}
	if e.Value.Map != nil || e.Value.Null {
		return usage("%s:%d: %s wants a value or a list of values", path, e.Line, name)
	}
	return g.fill(cmd, flag, fmt.Sprintf("%s:%d", path, e.Value.Line), values)
}

func known(root *cobra.Command, name string) bool { return slices.Contains(allFlags(root), name) }

func allFlags(cmd *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	cmd.PersistentFlags().VisitAll(add)
	cmd.Flags().VisitAll(add)
	for _, c := range cmd.Commands() {
		for _, n := range allFlags(c) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// cacheHome is where Plimsoll keeps what can be made again; empty when the system names no place.
func (g *global) cacheHome() string {
	if dir := g.env.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "plimsoll")
	}
	if dir, err := os.UserCacheDir(); err == nil && filepath.IsAbs(dir) {
		return filepath.Join(dir, "plimsoll")
	}
	return ""
}

// say writes a line to stderr, unless the user wants none.
func (g *global) say(format string, args ...any) {
	if !g.quiet {
		fmt.Fprintln(g.env.Stderr, told(fmt.Sprintf(format, args...)))
	}
}

// epoch is the date that documents carry which must carry one; zero when SOURCE_DATE_EPOCH names none
// (https://reproducible-builds.org/specs/source-date-epoch/). The clock would make each run another.
func (g *global) epoch() time.Time {
	n, err := strconv.ParseInt(g.env.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil || n < 0 || n > maxEpoch {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

const maxEpoch = 253402300799 // the end of the year 9999, which is as far as RFC 3339 goes

// width is how many columns a table may take: the terminal's, or what COLUMNS says where there is none.
func (g *global) width() int {
	if n, err := strconv.Atoi(g.env.Getenv("COLUMNS")); g.env.Width == 0 && err == nil && n > 0 {
		return n
	}
	return g.env.Width
}

func (g *global) color() bool {
	return g.env.Width > 0 && !g.noColor && g.env.Getenv("NO_COLOR") == "" && g.env.Getenv("TERM") != "dumb"
}
