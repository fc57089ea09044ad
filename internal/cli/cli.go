// Package cli is the command line: one file for each command, which turns words into the options of a
// deck and a verdict into an exit status.
//
// stdout is the answer, stderr everything else. A command takes its streams and its environment from
// an [Env], so that tests run it in process.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	_ "github.com/plimsoll/plimsoll/internal/cli/memory"
)

//go:generate go test . -run TestPages -update

// Env is the world as a command sees it.
type Env struct {
	Args   []string // without the program's name
	Plugin string   // docker, when the program was called as docker-plimsoll
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	// Environ lists the environment, as NAME=VALUE; nil where that is not known. What sets nothing is told.
	Environ func() []string
	Now     func() time.Time
	// Width is the terminal's, in columns; 0 where stdout is none. Progress says that stderr is one.
	Width    int
	Progress bool

	reporting *atomic.Bool // a report is being written, or a server drains: it is not to be cut
}

// drain says that the command ends in its own time when it is told to.
func (e Env) drain() {
	if e.reporting != nil {
		e.reporting.Store(true)
	}
}

// Process is the environment of this process.
func Process() Env {
	e := Env{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: os.Environ, Now: now}
	if name := filepath.Base(os.Args[0]); strings.TrimSuffix(name, ".exe") == "docker-plimsoll" {
		e.Plugin = "docker"
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		e.Width = width
	}
	e.Progress = term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb"
	return e
}

// The exit statuses.
const (
	exitPass       = 0 // passed, or only warned
	exitDeny       = 1 // the verdict is deny
	exitUsage      = 2 // the call, or a file that it names, is wrong
	exitIncomplete = 3 // something failed or was not assessed, and nothing denied
)

// exitError ends a command with a status. A nil cause has been told already, by the report.
type exitError struct {
	status int
	cause  error
}

func (e exitError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e exitError) Unwrap() error { return e.cause }

// usage marks an error as the caller's.
func usage(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

// Main runs one command and returns its exit status.
func Main(e Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e.reporting = new(atomic.Bool)
	done := make(chan int, 1)
	go func() { done <- Run(ctx, e) }()
	select {
	case status := <-done:
		return status
	case <-ctx.Done():
	}
	stop() // from here on a signal ends the program as it ends any other
	select {
	case status := <-done:
		return status
	case <-time.After(grace):
	}
	if e.reporting.Load() {
		return <-done
	}
	fmt.Fprintln(e.Stderr, "plimsoll: interrupted: what it waited for did not let go; nothing was reported")
	return exitIncomplete
}

// grace is how long an interrupted command may take to say what it has. Waiting for a pipe or a file
// system cannot be broken off, but left.
const grace = 900 * time.Millisecond

// Run is Main under a context of the caller's.
func Run(ctx context.Context, e Env) int {
	if e.Plugin == "docker" && len(e.Args) > 0 {
		if e.Args[0] == "docker-cli-plugin-metadata" {
			return dockerMetadata(e)
		}
		e.Args = afterDocker(e.Args)
	}
	g := &global{env: e}
	root := newRoot(g)
	root.SetArgs(e.Args)
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	err := g.placed(cmp.Or(root.ExecuteContext(ctx), g.failed))
	if err == nil {
		return exitPass
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{exitIncomplete, err}
	}
	if exit.cause != nil {
		fmt.Fprintln(e.Stderr, "plimsoll: "+told(exit.cause.Error()))
	}
	return exit.status
}

// dockerMetadata answers what Docker asks of its plugins (docker/cli, cli-plugins/metadata).
func dockerMetadata(e Env) int {
	err := json.NewEncoder(e.Stdout).Encode(map[string]string{
		"SchemaVersion": "0.1.0", "Vendor": "Plimsoll", "Version": version(),
		"ShortDescription": "Find what is wrong with images, and give a verdict", "URL": "https://github.com/plimsoll/plimsoll",
	})
	if err != nil {
		return exitIncomplete
	}
	return exitPass
}

// afterDocker drops what Docker puts before a plugin's own words: its global flags and the plugin's
// name. The engine that those flags name is the one to ask.
func afterDocker(args []string) []string {
	i := slices.Index(args, "plimsoll")
	if i < 0 {
		return args
	}
	for n, arg := range args[:i] {
		flag, value, joined := strings.Cut(arg, "=")
		if !joined && n+1 < i {
			value = args[n+1]
		}
		switch flag {
		case "-H", "--host":
			os.Setenv("DOCKER_HOST", value)
		case "-c", "--context":
			// A context that is named goes before an address that the environment names.
			os.Unsetenv("DOCKER_HOST")
			os.Setenv("DOCKER_CONTEXT", value)
		case "--config":
			os.Setenv("DOCKER_CONFIG", value)
		}
	}
	return args[i+1:]
}

func newRoot(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:   "plimsoll",
		Short: "Keep containers safe, from the Dockerfile to the running process",
		Long: "Plimsoll finds what is wrong with container images and says what to do about it.\n" +
			"It works offline: advisories are built in, and newer ones can be fetched or built.\n\n" +
			"Each flag can be set in the environment (--fail-on: PLIMSOLL_FAIL_ON) and in plimsoll.yaml (fail-on: critical);\n" +
			"the call goes before the environment, that before the file. In a variable, the values of a flag that may be\n" +
			"repeated stand apart by commas, or by line ends where there are any.",
		Example: "  plimsoll scan debian:12            # an image of this host's engine, or of a registry\n" +
			"  plimsoll scan ./image.tar          # what docker save wrote\n" +
			"  plimsoll sbom -o cyclonedx alpine  # what is in it",
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return g.prepare(cmd) },
		Version:           version(),
	}
	root.SetVersionTemplate("plimsoll {{.Version}}\n")
	g.flags(root.PersistentFlags())
	root.AddCommand(
		newScan(g), newSBOM(g), newReport(g), newExceptions(g), newPolicy(g), newAttest(g), newVerify(g), newAdmit(g), newCluster(g), newComply(g), newNode(g), newRBAC(g), newNet(g),
		newDirectory(g), newLogin(g),
		newDB(g), newBase(g), newCache(g), newExplain(g), newDoctor(g), newVersion(g),
	)
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { g.failed = g.helpOn(cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { return g.help(g.env.Stderr, cmd) })
	strict(root)
	complete(g, root)
	return root
}

// logger writes warnings and worse to stderr, or what --log-level asks for.
func (g *global) logger() *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(g.logLevel)) != nil {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(g.env.Stderr, &slog.HandlerOptions{Level: level}))
}
