// Package compose judges Compose files: what services may do to their host, what they say in the clear, and
// what they publish. A value counts with the defaults of its variables; of what only the environment knows
// nothing is said.
package compose

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/compose"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Check is a card and the function that looks at one service.
type Check struct {
	check.Card
	look func(s *compose.Service) []hit
}

// hit is what is wrong with a service, and where it says so.
type hit struct {
	at       *tree.Value
	line     int    // where at is nil
	field    string // what names it: privileged, volumes
	detail   string
	fix      string
	severity finding.Severity
}

// Look runs the check on each service.
func (c Check) Look(f *compose.File) (hits []check.Hit) {
	for _, s := range f.Services {
		for _, h := range c.look(s) {
			at := finding.Location{Path: f.Path, StartLine: h.line, EndLine: h.line}
			if h.at != nil {
				at.StartLine, at.EndLine, at.Column = h.at.Line, h.at.Line, h.at.Column
			}
			detail := s.Name
			if h.detail != "" {
				detail += ": " + h.detail
			}
			hits = append(hits, check.Hit{
				Where: "services." + s.Name + "." + h.field, Detail: detail, At: []finding.Location{at}, Fix: h.fix, Severity: h.severity,
				Subject: &finding.Subject{Kind: "service", Name: s.Name, Field: h.field},
			})
		}
	}
	return hits
}

// Checks lists all checks of Compose files.
func Checks() []Check {
	return []Check{
		privileged(), hostNamespace(), hostMount(), runtimeSocket(), capability(), unconfined(), newPrivileges(), writableRoot(), rootUser(),
		device(), publishedPort(), secretValue(), noPassword(), image(), unpinned(), limits(), insecureRegistry(), dockerWithoutTLS(),
	}
}

func card(id, title string, severity finding.Severity, why, fix, bad, good string, controls ...string) check.Card {
	service := func(lines string) string {
		return "services:\n  app:\n    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n"
	}
	return check.Card{
		ID: "compose/" + id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Build}, Since: "0.1",
		Controls: controls, Page: check.Page{Why: why, Fix: fix, Bad: service(bad), Good: service(good)},
	}
}

// text is a scalar with the defaults of its variables.
func text(v *tree.Value) string {
	s, _ := compose.Resolve(v.String())
	return s
}

func yes(v *tree.Value) bool {
	return v != nil && v.Scalar && (strings.EqualFold(text(v), "true") || strings.EqualFold(text(v), "yes"))
}
