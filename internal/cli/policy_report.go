package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/plimsoll/plimsoll/finding"
)

// maxReport bounds a saved report.
const maxReport = 1 << 30

// savedReport reads a report of our own.
func savedReport(g *global, word string) (*finding.Report, error) {
	in := g.env.Stdin
	if word != "-" {
		f, err := os.Open(word)
		if err != nil {
			return nil, usage("read the report: %v", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxReport+1))
	switch {
	case err != nil:
		return nil, usage("read the report %s: %v", word, err)
	case len(b) > maxReport:
		return nil, usage("the report %s is larger than %d bytes", word, maxReport)
	}
	var r finding.Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, usage("%s is no report of Plimsoll: %v", word, err)
	}
	if r.Schema != finding.Schema {
		return nil, usage("%s is no report of Plimsoll: its schema is %q, and not %s (plimsoll scan -o json writes one)", word, clipped(r.Schema), finding.Schema)
	}
	return &r, nil
}

func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return fmt.Sprintf("%.60s…", s)
	}
	return s
}
