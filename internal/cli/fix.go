package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
)

// The values of --fix.
const (
	fixShow  = "diff"
	fixWrite = "write"
)

// fix shows what can safely be rewritten in the Dockerfiles and manifests that the words name, and writes it if asked to.
func (o *scanOptions) fix(ctx context.Context, g *global, words []string) error {
	if o.fixes != fixShow && o.fixes != fixWrite {
		return usage("--fix=%s: use --fix, which shows the differences, or --fix=write", o.fixes)
	}
	targets, err := o.read.target.open(ctx, g, words)
	if err != nil {
		return err
	}
	defer targets.close()
	for _, s := range targets.subjects {
		if s.Files == nil || !scan.Mends(s.Files) || s.Files.Name == "standard input" {
			return usage("--fix rewrites Dockerfiles and manifests that are named, as in plimsoll scan --fix Dockerfile; charts and overlays are not rewritten, nor are folders")
		}
	}
	for _, s := range targets.subjects {
		mended, err := scan.Mend(s.Files)
		if err != nil {
			return exitError{exitUsage, err}
		}
		for _, note := range mended.Notes {
			g.say("%s", note)
		}
		if bytes.Equal(mended.Before, mended.After) {
			g.say("%s: nothing that can safely be rewritten", s.Files.Name)
			continue
		}
		if err := writeDiff(g.env.Stderr, s.Files.Name, mended); err != nil {
			return err
		}
		if o.fixes == fixWrite {
			if err := rewritten(s.Files.Name, mended.After); err != nil {
				return exitError{exitIncomplete, err}
			}
			g.say("%s: rewritten", s.Files.Name)
		}
	}
	return nil
}

// rewritten puts new bytes into a file, in place: its owner, rights and links stay.
func rewritten(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// writeDiff writes a unified diff, in which lines that are not to be seen are replaced.
func writeDiff(w io.Writer, name string, m scan.Mended) error {
	lines := strings.SplitAfter(string(diff.Diff(name, m.Before, name, m.After)), "\n")
	var out strings.Builder
	var before, after int // the numbers of the next lines
	for i, line := range lines {
		switch {
		case i == 0: // the command that no one gave
		case i <= 2:
			out.WriteString(line)
		case strings.HasPrefix(line, "@@ "):
			if _, err := fmt.Sscanf(line, "@@ -%d", &before); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if _, err := fmt.Sscanf(line[strings.Index(line, "+"):], "+%d", &after); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			out.WriteString(line)
		case strings.HasPrefix(line, "-"):
			writeLine(&out, line, m.HiddenBefore[before])
			before++
		case strings.HasPrefix(line, "+"):
			writeLine(&out, line, m.HiddenAfter[after])
			after++
		case strings.HasPrefix(line, " "):
			writeLine(&out, line, m.HiddenBefore[before])
			before++
			after++
		default: // no newline at the end of the file
			out.WriteString(line)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeLine writes a line with its mark, or what is shown instead.
func writeLine(out *strings.Builder, line, instead string) {
	text, _ := strings.CutSuffix(line[1:], "\n")
	if instead != "" {
		text = instead
	}
	out.WriteByte(line[0])
	for i, part := range strings.Split(strings.TrimSuffix(text, "\r"), "\t") {
		if i > 0 {
			out.WriteByte('\t')
		}
		out.WriteString(printable(part))
	}
	out.WriteByte('\n')
}
