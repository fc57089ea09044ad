package scan

import (
	"context"
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/pipeline"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
	read "github.com/plimsoll/plimsoll/internal/read/pipeline"
)

// pipelineFiles say what build machines do.
var pipelineFiles = family{
	name: "pipeline", title: "a pipeline file",
	wants: func(at string) bool { return read.KindOf(at) != read.Unknown },
	broken: func(of *Files, _ string) error {
		docs := of.Documents
		_, err := read.Parse(docs[0].Path, docs[0].Bytes)
		return err
	},
	judge: judgePipelines,
}

// judgePipelines runs all checks on each.
func judgePipelines(_ context.Context, _ *scan, t *finding.Target, docs []inventory.Document) (seen []sight, gaps []finding.Gap) {
	checks := pipeline.Checks()
	for _, d := range docs {
		if t.Kind == sourceFolder && read.KindOf(d.Path) == read.Unknown {
			continue
		}
		f, err := read.Parse(d.Path, d.Bytes)
		if err != nil {
			gaps = append(gaps, unreadable(d.Path, err))
			continue
		}
		for _, u := range f.Unread {
			g := finding.Gap{Class: "unread-script", Blocking: true, Path: f.Path, Count: 1, What: fmt.Sprintf("the step on line %d: %s", u.Line, u.What)}
			if u.Other {
				g.Class, g.Blocking = "other-shell", false
			}
			gaps = append(gaps, g)
		}
		for i := range checks {
			c := &checks[i]
			seen = append(seen, sight{card: &c.Card, applies: c.Applies(f), hits: c.Look(f)})
		}
	}
	return seen, gaps
}
