// Lint says what BuildKit's own linter finds in Dockerfiles, without a builder and without a network: every
// base image is taken to be empty. It is a module of its own, because that linter comes with all of the
// builder. Its words are the truth that judge/dockerfile is held against:
//
//	go run . ../../internal/judge/dockerfile/testdata/buildkit
//
// writes, beside each file NAME.Dockerfile of the folder, NAME.lint with one line for each warning: the rule
// and the line, or "error" and what ends the build.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

type empty struct{}

func (empty) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte(`{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"WorkingDir":""},"rootfs":{"type":"layers"}}`), nil
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*Dockerfile"))
	if err != nil {
		return err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(strings.TrimSuffix(file, "Dockerfile")+"lint", []byte(lint(b)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func lint(b []byte) string {
	sources := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", b)
	sources.Definition = &llb.Definition{}
	caps := pb.Caps.CapSet(pb.Caps.All())
	results, err := dockerfile2llb.DockerfileLint(context.Background(), b, dockerfile2llb.ConvertOpt{MetaResolver: empty{}, SourceMap: sources, LLBCaps: &caps})
	if err != nil {
		return "error " + err.Error() + "\n"
	}
	var lines []string
	for _, w := range results.Warnings {
		line := 0
		if w.Location != nil {
			for _, r := range w.Location.Ranges {
				line = int(r.Start.Line)
				break
			}
		}
		lines = append(lines, fmt.Sprintf("%s %d\n", w.RuleName, line))
	}
	slices.Sort(lines)
	if results.Error != nil {
		lines = append(lines, fmt.Sprintf("error %s\n", strings.SplitN(results.Error.Message, "\n", 2)[0]))
	}
	return strings.Join(slices.Compact(lines), "")
}
