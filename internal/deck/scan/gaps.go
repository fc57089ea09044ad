package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// maxNamed bounds how many packages of one gap are named; the count is always whole.
const maxNamed = 5

// packageGaps gathers what could not be judged, by class, blocking and kind, with the first names.
func (s *scan) packageGaps(id string, subjects []vuln.Subject, gaps []vuln.Gap) {
	type class struct {
		name, kind string
		blocking   bool
	}
	names := map[class][]string{}
	for _, g := range gaps {
		p := subjects[g.Subject]
		c := class{g.Class, p.Kind.Name, g.Blocking}
		names[c] = append(names[c], p.Package.FullName())
	}
	var out []finding.Gap
	for c, all := range names {
		slices.Sort(all)
		all = slices.Compact(all)
		out = append(out, finding.Gap{
			Class: c.name, Blocking: c.blocking, Target: id, Count: len(all),
			What: fmt.Sprintf("%s %s: %s", plural(len(all), c.kind+" package"), saying(c.name, len(all)), some(all)),
		})
	}
	slices.SortFunc(out, func(a, b finding.Gap) int { return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.What, b.What)) })
	s.report.Coverage = append(s.report.Coverage, out...)
}

// sayings are what the classes of a judgement mean, after "1 package" and after "N packages".
var sayings = map[string][2]string{
	vuln.GapNoFeed:         {"without any advisories to compare with", "without any advisories to compare with"},
	vuln.GapThirdParty:     {"from a vendor that the distribution's advisories do not cover", "from vendors that the distribution's advisories do not cover"},
	vuln.GapOtherRelease:   {"built for another release, which this one's advisories do not know", "built for another release, which this one's advisories do not know"},
	vuln.GapPartial:        {"on which the database's feed, which is not whole, says nothing", "on which the database's feed, which is not whole, says nothing"},
	vuln.GapUnknownVersion: {"whose version is not known or cannot be compared", "whose versions are not known or cannot be compared"},
	vuln.GapUnknownModule:  {"of a module stream that advisories do not name", "of module streams that advisories do not name"},
	vuln.GapOwnCode:        {"that is the project itself, which no advisory could name", "that are the project itself, which no advisory could name"},
}

func saying(class string, n int) string {
	if n == 1 {
		return sayings[class][0]
	}
	return sayings[class][1]
}

// kindGaps tells of packages of kinds that no ecosystem of ours knows; documents of others have them.
func (s *scan) kindGaps(id string, packages []inventory.Package) {
	kinds, names := s.byName(), map[string][]string{}
	for i := range packages {
		if p := &packages[i]; kinds[p.Ecosystem] == nil {
			names[p.Ecosystem] = append(names[p.Ecosystem], p.FullName())
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(names)) {
		all := slices.Compact(slices.Sorted(slices.Values(names[kind])))
		s.report.Coverage = append(s.report.Coverage, finding.Gap{
			Class: vuln.GapNoFeed, Blocking: true, Target: id, Count: len(all),
			What: fmt.Sprintf("%s %s: %s", plural(len(all), kind+" package"), saying(vuln.GapNoFeed, len(all)), some(all)),
		})
	}
}

// distributionGap tells of OS packages on a system that does not say what it is, and of a
// distribution whose packages cannot be told.
func (s *scan) distributionGap(t *finding.Target, packages []inventory.Package) {
	if t.Kind == "source" || t.Kind == "sbom" {
		return
	}
	if system, _, _ := strings.Cut(t.Platform, "/"); system != "" && system != "linux" {
		s.report.Coverage = append(s.report.Coverage, finding.Gap{
			Class: "no-database", Blocking: true, Target: t.ID, Count: 1,
			What: fmt.Sprintf("it is made for %s, of whose own parts nothing is known here", system),
		})
		return
	}
	os := slices.ContainsFunc(packages, func(p inventory.Package) bool {
		return slices.Contains([]string{"deb", "rpm", "apk"}, p.Ecosystem)
	})
	switch {
	case os && t.OS == nil, len(packages) > 0 && t.OS == nil && !s.cutShort(t.ID):
		g := finding.Gap{
			Class: "unknown-distribution", Blocking: os, Target: t.ID, Count: 1,
			What: "no distribution is named in it (os-release is missing)",
		}
		if !os {
			g.What += ", and no package manager was found: what was copied in by hand is known only where it carries its own metadata"
		}
		s.report.Coverage = append(s.report.Coverage, g)
	case !os && t.OS != nil && !s.cutShort(t.ID):
		s.databaseGap(t)
	}
}

// cutShort says whether a part of a target was not read at all: of what is missing in the rest nothing
// can be said.
func (s *scan) cutShort(id string) bool {
	return slices.ContainsFunc(s.report.Coverage, func(g finding.Gap) bool {
		return g.Target == id && slices.Contains([]string{"interrupted", "unreadable-layer", "foreign-layer"}, g.Class)
	})
}

// emptyGap tells of a target without a single package: nothing was looked up, so nothing was found.
// Where another gap says why, it says enough.
// Where there are documents to judge, they may be all that it is.
func (s *scan) emptyGap(id string, packages []inventory.Package, docs int) {
	if s.o.Lookup != nil && !s.o.runs("vuln") {
		return // nothing was to be looked up
	}
	if len(packages) > 0 || slices.ContainsFunc(s.report.Coverage, func(g finding.Gap) bool { return g.Target == id && g.Blocking }) {
		return
	}
	s.report.Coverage = append(s.report.Coverage, finding.Gap{
		Class: "no-packages", Blocking: docs == 0, Target: id, Count: 1,
		What: "not one package was found in it: it is empty, or what it holds carries no metadata that is read",
	})
}

// databaseGap tells of a distribution without a single package: its manager is not one that is read,
// or its database was removed from the image.
func (s *scan) databaseGap(t *finding.Target) {
	if slices.ContainsFunc(s.report.Coverage, func(g finding.Gap) bool {
		return g.Target == t.ID && g.Blocking && g.Class == "unreadable-database"
	}) {
		return
	}
	s.report.Coverage = append(s.report.Coverage, finding.Gap{
		Class: "no-database", Blocking: true, Target: t.ID, Count: 1,
		What: fmt.Sprintf("no list of installed packages (dpkg, apk, rpm) was found, though it names itself %s: its packages are not known",
			strings.TrimSpace(t.OS.ID+" "+t.OS.Version)),
	})
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func some(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
