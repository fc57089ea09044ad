package catalog

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed rules.txt
var rules string

// Rule is one of another tool's, and what answers it here.
type Rule struct {
	ID     string   // TOOL/ID
	Checks []string // ids of ours that answer it
	Reason string   // why none does
}

// Rules lists all rules of the tools that look at Dockerfiles, at how images are configured, and at workloads.
func Rules() (all []Rule) {
	cards := Cards()
	for line := range strings.Lines(rules) {
		id, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if id == "" || id == "#" {
			continue
		}
		r := Rule{ID: id, Reason: reason}
		for _, c := range cards {
			if slices.Contains(c.Aliases, id) {
				r.Checks = append(r.Checks, c.ID)
			}
		}
		all = append(all, r)
	}
	return all
}
