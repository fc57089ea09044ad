package osv

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/feed"
)

// cves are the vulnerabilities that a distribution's advisory mends.
func (d *document) cves() []string {
	var ids []string
	for _, list := range [][]string{d.Upstream, d.Related, d.Aliases} {
		for _, id := range list {
			if strings.HasPrefix(id, "CVE-") && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// isDistribution knows advisories that gather the fixes of one update.
func isDistribution(id string) bool {
	for _, prefix := range []string{"AL", "RHSA-", "RLSA-", "DSA-", "DLA-", "USN-", "SUSE-", "openSUSE-", "ELSA-"} {
		if strings.HasPrefix(id, prefix) && (prefix != "AL" || len(id) > 4 && id[4] == '-') {
			return true
		}
	}
	return false
}

// cveAtEnd is the CVE in the id of a record on it alone: UBUNTU-CVE-2024-1234, DEBIAN-CVE-….
var cveAtEnd = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-(CVE-\d{4}-\d{4,})$`) })

func cveIn(id string) string {
	if m := cveAtEnd().FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// stream is how updates of a module are called: "Important: nodejs:18 security update",
// "Moderate: virt:rhel and virt-devel:rhel security and bug fix update".
var stream = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|\s)([A-Za-z0-9][\w.+-]*:[A-Za-z0-9][\w.+-]*)`) })

// modules are the module streams that a row is for, or none (""). The release of the fix tells that a
// package was built in a module; only the update's name tells in which stream, and not always.
func (d *document) modules(row *advisory.Row) []string {
	if !modular(row.Ranges) {
		return []string{""}
	}
	var streams []string
	for _, m := range stream().FindAllStringSubmatch(d.Summary, -1) {
		if !slices.Contains(streams, m[1]) {
			streams = append(streams, m[1])
		}
	}
	if len(streams) == 0 {
		return []string{advisory.AnyModule}
	}
	return streams
}

// modular knows builds for a module by their release.
func modular(ranges []advisory.Range) bool {
	return slices.ContainsFunc(ranges, func(r advisory.Range) bool {
		return strings.Contains(r.Fixed, ".module_el") || strings.Contains(r.Fixed, ".module+el")
	})
}

// firstFixes keeps, of several fixed builds that an update lists for one package of one stream, the
// first: AlmaLinux lists the rebuilds for later minor releases beside it (…module_el8.3.0+2044,
// …module_el8.5.0+119), and who has the first is not vulnerable. Where an update speaks of two streams
// of one module (idm:DL1 and idm:client) its builds cannot be told apart, and all are kept.
func firstFixes(affected []feed.Affected, compare func(a, b string) (int, error)) []feed.Affected {
	type place struct{ ecosystem, name, module string }
	first := map[place]int{}
	var kept []feed.Affected
	for _, a := range affected {
		at := place{a.Ecosystem, a.Package, a.Row.Module}
		i, seen := first[at]
		if !seen || !fixOnly(a.Row) || ambiguous(affected, a.Row.Module) {
			first[at] = len(kept)
			kept = append(kept, a)
			continue
		}
		if c, err := compare(a.Row.Ranges[0].Fixed, kept[i].Row.Ranges[0].Fixed); err != nil || !fixOnly(kept[i].Row) {
			kept = append(kept, a)
		} else if c < 0 {
			kept[i] = a
		}
	}
	return kept
}

// fixOnly says whether a row is one range from the first version to a fix.
func fixOnly(r advisory.Row) bool {
	return len(r.Ranges) == 1 && len(r.Versions) == 0 && r.Ranges[0].Introduced == "" && r.Ranges[0].Fixed != ""
}

// ambiguous says whether a module stands beside another stream of the same name, or is not named.
func ambiguous(affected []feed.Affected, module string) bool {
	if module == advisory.AnyModule {
		return true
	}
	name, _, ok := strings.Cut(module, ":")
	return ok && slices.ContainsFunc(affected, func(a feed.Affected) bool {
		return a.Row.Module != module && strings.HasPrefix(a.Row.Module, name+":")
	})
}
