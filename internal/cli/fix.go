package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/plimsoll/plimsoll/internal/deck/scan"
)

// The values of --fix.
const (
	fixShow  = "diff"
	fixWrite = "write"
)

// fix shows what can safely be rewritten in the Dockerfiles that the words name, and writes it if asked to.
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
		if s.Files == nil || s.Files.Kind != "dockerfile" || s.Files.Name == "standard input" {
			return usage("--fix rewrites Dockerfiles that are named: plimsoll scan --fix Dockerfile")
		}
	}
	for _, s := range targets.subjects {
		before := s.Files.Documents[0].Bytes
		after, hidden, err := scan.Mend(s.Files)
		if err != nil {
			return exitError{exitUsage, err}
		}
		if bytes.Equal(before, after) {
			g.say("%s: nothing that can safely be rewritten", s.Files.Name)
			continue
		}
		if err := writeDiff(g.env.Stderr, s.Files.Name, before, after, hidden); err != nil {
			return err
		}
		if o.fixes == fixWrite {
			if err := rewritten(s.Files.Name, after); err != nil {
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

// contextLines stand around what differs.
const contextLines = 3

// writeDiff writes a unified diff of two texts that have as many lines.
func writeDiff(w io.Writer, name string, before, after []byte, hidden map[int]string) error {
	t := texts{hidden: hidden}
	a, b := strings.SplitAfter(string(before), "\n"), strings.SplitAfter(string(after), "\n")
	t.a, t.b = a, b
	if len(a) != len(b) {
		return fmt.Errorf("%s: the texts do not match line by line", name)
	}
	if n := len(a); a[n-1] == "" {
		a, b = a[:n-1], b[:n-1]
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", name, name)
	for i := 0; i < len(a); {
		if a[i] == b[i] {
			i++
			continue
		}
		from, to := max(i-contextLines, 0), i
		for last := i; to < len(a) && to <= last+2*contextLines; to++ {
			if a[to] != b[to] {
				last = to
				i = to + 1
			}
		}
		to = min(i+contextLines, len(a))
		t.hunk(&out, from, to)
		i = to
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// texts are two with as many lines, and what to show in the place of lines that are not to be seen.
type texts struct {
	a, b   []string
	hidden map[int]string
}

func (t *texts) hunk(out *strings.Builder, from, to int) {
	a, b := t.a, t.b
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", from+1, to-from, from+1, to-from)
	for i := from; i < to; {
		if a[i] == b[i] {
			t.line(out, ' ', i, a[i])
			i++
			continue
		}
		end := i
		for end < to && a[end] != b[end] {
			end++
		}
		for n := i; n < end; n++ {
			t.line(out, '-', n, a[n])
		}
		for n := i; n < end; n++ {
			t.line(out, '+', n, b[n])
		}
		i = end
	}
}

func (t *texts) line(out *strings.Builder, mark byte, n int, line string) {
	text, ended := strings.CutSuffix(line, "\n")
	if instead, ok := t.hidden[n+1]; ok {
		text = instead
	}
	out.WriteByte(mark)
	for i, part := range strings.Split(strings.TrimSuffix(text, "\r"), "\t") {
		if i > 0 {
			out.WriteByte('\t')
		}
		out.WriteString(printable(part))
	}
	out.WriteByte('\n')
	if !ended {
		out.WriteString("\\ No newline at end of file\n")
	}
}
