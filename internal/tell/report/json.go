package report

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll/plimsoll/finding"
)

// writeJSON writes the report as docs/schema describes it: one document, with each target, package,
// finding and gap on a line of its own, so that line tools and diffs work on it. Indenting a report of
// thousands of packages would cost more than making it.
func writeJSON(w io.Writer, r *finding.Report, _ Options) error {
	targets := r.Targets
	if targets == nil {
		targets = []finding.Target{} // the schema wants a list, also when nothing could be opened
	}
	d := document{w: w}
	d.field("schema", r.Schema)
	d.field("tool", r.Tool)
	list(&d, "targets", targets, true)
	list(&d, "packages", r.Packages, false)
	list(&d, "findings", r.Findings, false)
	list(&d, "checks", r.Checks, false)
	list(&d, "groups", r.Groups, false)
	list(&d, "coverage", r.Coverage, false)
	if r.Judged() {
		d.field("verdict", r.Verdict)
	}
	list(&d, "engines", r.Engines, false)
	list(&d, "disagreements", r.Disagreements, false)
	d.text("\n}\n")
	return d.err
}

// document writes one JSON object member by member.
type document struct {
	w     io.Writer
	begun bool
	err   error
}

func (d *document) text(s string) {
	if d.err == nil {
		_, d.err = io.WriteString(d.w, s)
	}
}

// bytes writes a buffer, and empties it.
func (d *document) bytes(b *bytes.Buffer) {
	if d.err == nil {
		_, d.err = b.WriteTo(d.w)
	}
	b.Reset()
}

func (d *document) name(name string) {
	if d.begun {
		d.text(",\n")
	} else {
		d.text("{\n")
		d.begun = true
	}
	d.text(` "` + name + `": `)
}

func (d *document) value(v any) {
	b, err := compact(v)
	if d.err == nil {
		d.err = err
	}
	d.text(string(b))
}

func (d *document) field(name string, v any) {
	d.name(name)
	d.value(v)
}

// list writes one element a line; an empty list is left out unless it is required.
func list[T any](d *document, name string, of []T, required bool) {
	if len(of) == 0 && !required {
		return
	}
	d.name(name)
	d.text("[")
	texts := make([]bytes.Buffer, runtime.GOMAXPROCS(0))
	between := ""
	for round := range slices.Chunk(of, atOnce*len(texts)) {
		var group errgroup.Group
		for i, part := range slices.Collect(slices.Chunk(round, atOnce)) {
			group.Go(func() error { return lines(&texts[i], part) })
		}
		if err := group.Wait(); d.err == nil {
			d.err = err
		}
		for i := range texts {
			if texts[i].Len() > 0 {
				d.text(between)
				d.bytes(&texts[i])
				between = ","
			}
		}
	}
	if len(of) > 0 {
		d.text("\n ")
	}
	d.text("]")
}

// atOnce is how many elements of a list one goroutine encodes.
const atOnce = 512

// lines encodes elements of a list, each on a line.
func lines[T any](w *bytes.Buffer, of []T) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range of {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString("\n  ")
		if err := e.Encode(&of[i]); err != nil {
			return err
		}
		w.Truncate(w.Len() - 1) // the newline that Encode ends with
	}
	return nil
}

// compact encodes one value. Characters of HTML stay as they are: this is read by programs, not put
// into pages.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// encode writes one indented JSON document and a newline.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
