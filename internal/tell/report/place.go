package report

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/weigh/catalog"
)

// byID are the targets and packages of a report by their ids, and the fingerprints that keep it from passing.
func byID(r *finding.Report) (map[string]*finding.Target, map[string]*finding.Package, map[string]bool) {
	targets, packages, denied := map[string]*finding.Target{}, map[string]*finding.Package{}, map[string]bool{}
	for i := range r.Targets {
		targets[r.Targets[i].ID] = &r.Targets[i]
	}
	for i := range r.Packages {
		packages[r.Packages[i].ID] = &r.Packages[i]
	}
	if r.Verdict.Action == finding.Deny {
		for _, reason := range r.Verdict.Reasons {
			for _, fingerprint := range reason.Fingerprints {
				denied[fingerprint] = true
			}
		}
	}
	return targets, packages, denied
}

// spot is a place in one word, as compilers write it: path, what is inside of it, line.
func spot(l finding.Location) string {
	s := l.Path
	if l.Inner != "" {
		s += "!/" + l.Inner
	}
	if l.StartLine > 0 {
		s += fmt.Sprintf(":%d", l.StartLine)
	}
	return clean(s)
}

// fileOf is the path of a target's file from where the scan was called: what stands in a folder stands
// below it.
func fileOf(t *finding.Target, p string) string {
	if t == nil || t.Kind != "source" || path.IsAbs(p) {
		return p
	}
	return path.Join(strings.ReplaceAll(t.Name, `\`, "/"), p)
}

// layered says in which layer a place stands and what made that layer; empty where there are none.
func layered(l finding.Location) string {
	if l.Layer == nil {
		return ""
	}
	s := fmt.Sprintf("layer %d", *l.Layer)
	if l.Instruction != "" {
		s += ": " + clean(l.Instruction)
	}
	return s
}

// found is a place with what belongs to it: "app/.env:3 (layer 2: COPY . /app)".
func found(l finding.Location) string {
	s := spot(l)
	if more := layered(l); more != "" {
		s += " (" + more + ")"
	}
	return strings.TrimSpace(s)
}

// cards are all checks by their ids, gathered when a format first asks.
var cards = sync.OnceValue(func() map[string]check.Card {
	all := map[string]check.Card{}
	for _, c := range catalog.Cards() {
		all[c.ID] = c
	}
	return all
})

// cardOf is the check that a finding's rule names.
func cardOf(rule string) (check.Card, bool) {
	c, ok := cards()[rule]
	return c, ok
}
