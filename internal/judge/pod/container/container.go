// Package container judges containers that Docker runs: by the checks of pods, as far as these have a meaning for a
// container alone, and by what only Docker has a word for. What is found is told in Docker's words.
//
// Which checks of pods count is said by name, not found out: most of the others are about Kubernetes' own objects.
package container

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/host"
)

// Facts are one container and what is known around it.
type Facts struct {
	*host.Container
	// Secret tells what secret a setting, NAME=VALUE, or a command holds, and how bad that is; empty: none.
	Secret func(text string) (what string, severity finding.Severity)

	asPod *pod.Facts
}

// Check is a card and the function that looks at one container.
type Check struct {
	check.Card
	look func(f *Facts) []check.Hit
}

// Look runs the check.
func (c Check) Look(f *Facts) []check.Hit { return c.look(f) }

// Checks lists all checks of containers.
func Checks() []Check { return slices.Concat(asPods(), own()) }

// hit is something wrong with the container, at a field as docker inspect names it.
func (f *Facts) hit(field, detail string) check.Hit {
	named := f.Name
	if f.Config.Image != "" {
		named += " (" + f.Config.Image + ")"
	}
	return check.Hit{
		Where: f.From + ": " + field, Detail: strings.TrimSuffix(named+": "+detail, ": "),
		Subject: &finding.Subject{Kind: "container", Name: f.Name, Image: f.Config.Image, Field: field},
	}
}

// card is that of a check of containers. Bad and good are what docker run is given, without the image where that is in order.
func card(id, title string, severity finding.Severity, control, why, fix, bad, good string) check.Card {
	run := func(words string) string {
		if !strings.Contains(words, "example.org/") {
			words = strings.TrimSpace(words + " " + image)
		}
		return "docker run " + words + "\n"
	}
	c := check.Card{
		ID: "container/" + id, Title: title, Kind: finding.KindMisconfiguration, Severity: severity, Decks: []string{finding.Run}, Since: "0.1",
		Page: check.Page{Why: why, Fix: fix, Bad: run(bad), Good: run(good)},
	}
	if control != "" {
		c.Controls = []string{"cis-docker-1.7/" + control}
	}
	return c
}

// image is one that nothing is wrong with.
const image = "example.org/web:1.4@sha256:0f7fbd8e0f9d5a52f9d9c0b1c2b3a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5"
