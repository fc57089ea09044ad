package cli

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tell/report"
	"github.com/plimsoll/plimsoll/internal/tell/report/host"
)

// output is one format and where it goes; an empty file is stdout.
type output struct{ format, file string }

type outputs []output

// templateOf reads the template of --template, which goes with -o template. One whose name ends in .html or
// .htm, also before a last .tmpl or .tpl, is of HTML.
func (o outputs) templateOf(file string) (*report.Template, error) {
	wanted := slices.ContainsFunc(o, func(one output) bool { return one.format == "template" })
	switch {
	case !wanted && file == "":
		return nil, nil
	case !wanted:
		return nil, usage("--template %s: nothing is written by it without -o template, or -o template=FILE", file)
	case file == "":
		return nil, usage("-o template needs the template: --template FILE")
	}
	b, err := readFile(file, maxTemplateFile)
	if err != nil {
		return nil, usage("--template: %v", err)
	}
	name := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(filepath.Base(file)), ".tmpl"), ".tpl")
	t, err := report.ParseTemplate(filepath.Base(file), string(b), strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm"))
	if err != nil {
		return nil, usage("--template %s: %v", file, err)
	}
	return t, nil
}

const maxTemplateFile = 1 << 20

// run is what GitHub's runner says of the job. A snapshot is of a commit, so the format needs to know it.
func (o outputs) run(g *global) (host.Run, error) {
	env := g.env.Getenv
	r := host.Run{Ref: env("GITHUB_REF"), SHA: env("GITHUB_SHA"), Workflow: env("GITHUB_WORKFLOW"), Job: env("GITHUB_JOB"), ID: env("GITHUB_RUN_ID")}
	if server, repository := env("GITHUB_SERVER_URL"), env("GITHUB_REPOSITORY"); server != "" && repository != "" && r.ID != "" {
		r.URL = server + "/" + repository + "/actions/runs/" + r.ID
	}
	wanted := slices.ContainsFunc(o, func(one output) bool { return one.format == "github" })
	if sha, err := hex.DecodeString(r.SHA); wanted && (err != nil || len(sha) != 20 || !strings.HasPrefix(r.Ref, "refs/")) {
		return r, usage("-o github is a snapshot of a commit: set GITHUB_SHA to its 40 hex digits and GITHUB_REF to its refs/heads/BRANCH, as GitHub's runner does")
	}
	return r, nil
}

// options are those of the formats that do not depend on the report.
func (o outputs) options(g *global, template string) (options report.Options, err error) {
	if options.Template, err = o.templateOf(template); err != nil {
		return options, err
	}
	options.Run, err = o.run(g)
	options.Now = g.env.Now()
	return options, err
}

// parseOutputs reads FORMAT[=FILE] words; none means the default format on stdout. An inventory is not
// written in formats of findings.
func parseOutputs(words []string, byDefault string, inventory bool) (outputs, error) {
	known := formats(inventory)
	if len(words) == 0 {
		words = []string{byDefault}
	}
	var out outputs
	onStdout := 0
	for _, w := range words {
		format, file, hasFile := strings.Cut(w, "=")
		switch {
		case inventory && !slices.Contains(known, format) && slices.Contains(formats(false), format):
			return nil, usage("-o %s tells of findings, and an inventory has none: use plimsoll scan -o %[1]s, or one of %s here", format, strings.Join(known, ", "))
		case !slices.Contains(known, format):
			return nil, usage("-o %q is no format%s: use %s", format, suggestion(format, known), strings.Join(known, ", "))
		case hasFile && file == "":
			return nil, usage("-o %s names no file after the \"=\"", w)
		case file == "" || file == "-":
			file = ""
			onStdout++
		case slices.ContainsFunc(out, func(o output) bool { return o.file == file }):
			return nil, usage("-o %s: another format goes to that file already", w)
		default:
			if err := writable(file); err != nil {
				return nil, usage("-o %s: %v", w, err)
			}
		}
		out = append(out, output{format, file})
	}
	if onStdout > 1 {
		return nil, usage("only one format can go to stdout: give the others a file, as in -o json=report.json")
	}
	return out, nil
}

// writable says before a long scan what would keep its report from being written after it.
func writable(file string) error {
	switch info, err := os.Stat(file); {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder", file)
	case err == nil && !info.Mode().IsRegular():
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".plimsoll-")
	if err != nil {
		return unnamed(err, filepath.Dir(file))
	}
	f.Close()
	return os.Remove(f.Name())
}

// unnamed tells of the folder, and not of a temporary file in it that nobody knows.
func unnamed(err error, folder string) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Errorf("folder %s: %w", folder, at.Err)
	}
	return err
}

// write writes the report in every format. All are tried, so that one full disk does not cost the
// others.
func (o outputs) write(g *global, r *finding.Report, options report.Options) error {
	if g.env.reporting != nil {
		g.env.reporting.Store(true)
	}
	var errs []error
	for _, one := range o {
		options := options
		options.Time = g.epoch()
		if one.file == "" {
			options.Width, options.Color = g.width(), g.color()
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
		return fmt.Errorf("write %s: %w", path, unnamed(err, filepath.Dir(path)))
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
