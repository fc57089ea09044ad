package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report"
)

// output is one format and where it goes; an empty file is stdout.
type output struct{ format, file string }

type outputs []output

// parseOutputs reads FORMAT[=FILE] words; none means the default format on stdout.
func parseOutputs(g *global, words []string, byDefault string) (outputs, error) {
	if len(words) == 0 {
		words = []string{byDefault}
	}
	var out outputs
	onStdout := 0
	for _, w := range words {
		format, file, _ := strings.Cut(w, "=")
		var names []string
		known := false
		for _, f := range report.Formats {
			names = append(names, f.Name)
			known = known || f.Name == format
		}
		if !known {
			return nil, usage("-o %q is no format%s: use %s", format, suggestion(format, names), strings.Join(names, ", "))
		}
		if file == "" || file == "-" {
			file = ""
			onStdout++
		}
		out = append(out, output{format, file})
	}
	if onStdout > 1 {
		return nil, usage("only one format can go to stdout: give the others a file, as in -o json=report.json")
	}
	return out, nil
}

// write writes the report in every format. All are tried, so that one full disk does not cost the
// others.
func (o outputs) write(g *global, r *finding.Report, hidden int) error {
	var errs []error
	for _, one := range o {
		options := report.Options{Hidden: hidden}
		if one.file == "" {
			options.Width, options.Color = g.env.Width, g.color()
			if err := report.Write(g.env.Stdout, one.format, r, options); err != nil {
				errs = append(errs, fmt.Errorf("write the report: %w", err))
			}
			continue
		}
		errs = append(errs, writeFile(one.file, func(w io.Writer) error { return report.Write(w, one.format, r, options) }))
	}
	return errors.Join(errs...)
}

// writeFile replaces a file whole or not at all. What is no regular file is written to as it is.
func writeFile(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return os.WriteFile(path, b.Bytes(), 0o644)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".plimsoll-")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
