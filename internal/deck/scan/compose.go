package scan

import (
	"context"
	"fmt"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/compose"
	read "github.com/plimsoll/plimsoll/internal/read/compose"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// composeFiles say how containers are started together.
var composeFiles = family{
	name: "compose", title: "a Compose file",
	wants: read.IsCompose,
	broken: func(of *Files, _ string) error {
		docs := of.Documents
		_, err := read.Parse(docs[0].Path, docs[0].Bytes)
		return err
	},
	judge: judgeCompose,
}

// judgeCompose runs all checks on each.
func judgeCompose(_ context.Context, _ *scan, t *finding.Target, docs []inventory.Document) (seen []sight, gaps []finding.Gap) {
	checks := compose.Checks()
	for _, d := range docs {
		if t.Kind == sourceFolder && !read.IsCompose(d.Path) {
			continue
		}
		f, err := read.Parse(d.Path, d.Bytes)
		if err != nil {
			gaps = append(gaps, unreadable(d.Path, err))
			continue
		}
		for _, o := range f.Others {
			gaps = append(gaps, finding.Gap{Class: "other-file", Path: f.Path, Count: 1, What: fmt.Sprintf("line %d: %s is taken in, and judged only where it is scanned itself", o.Line, o.Name)})
		}
		for i := range checks {
			c := &checks[i]
			seen = append(seen, sight{card: &c.Card, applies: len(f.Services) > 0, hits: c.Look(f)})
		}
	}
	return seen, gaps
}
