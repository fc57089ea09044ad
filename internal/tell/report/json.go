package report

import (
	"encoding/json"
	"io"

	"github.com/plimsoll/plimsoll/finding"
)

// writeJSON writes the report as it is, as docs/schema describes it.
func writeJSON(w io.Writer, r *finding.Report, _ Options) error {
	whole := *r
	if whole.Targets == nil {
		whole.Targets = []finding.Target{} // the schema wants a list, also when nothing could be opened
	}
	return encode(w, &whole)
}

// encode writes one indented JSON document and a newline. Characters of HTML stay as they are: this is
// read by programs, not put into pages.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
