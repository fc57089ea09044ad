package scan_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/deb"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
)

// tracker is Debian's JSON read again, as plainly as it can be: source → id → release → what is said.
type tracker map[string]map[string]struct {
	Releases map[string]struct {
		Status string `json:"status"`
		Fixed  string `json:"fixed_version"`
	} `json:"releases"`
}

// installed is one source package in one version, with the ids that the judge found on it.
type installed struct {
	source, version string
	found           []string
}

// TestDebianByDpkg judges every source package of the tracker, in versions at and around its fixes, and
// wants the same CVEs that a plain reading with dpkg --compare-versions gives. Without PLIMSOLL_TEST=all
// it does so for Debian 12 alone: dpkg is asked once for every two versions.
func TestDebianByDpkg(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("PLIMSOLL_FEEDS"), filepath.Join("..", "..", "..", "..", "shared", "feeds")), "debian", "tracker.json"))
	if os.IsNotExist(err) {
		t.Skip("the mirror of feeds is not part of the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("needs dpkg")
	}
	var said tracker
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatal(err)
	}
	releases := []string{"bookworm"}
	if os.Getenv("PLIMSOLL_TEST") == "all" {
		releases = []string{"bookworm", "buster", "bullseye", "stretch", "trixie", "sid"}
	}
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			matched := judgeAll(t, said, release)
			older := ask(t, said, release, matched)
			hits := 0
			for _, p := range matched {
				var want []string
				for id, entry := range said[p.source] {
					r, ok := entry.Releases[release]
					switch {
					case !ok || r.Status == "resolved" && r.Fixed == "0":
					case r.Status != "resolved" || older[p.version+" "+r.Fixed]:
						want = append(want, id)
					}
				}
				slices.Sort(want)
				if diff := gocmp.Diff(want, p.found); diff != "" {
					t.Errorf("%s %s:\n%s", p.source, p.version, diff)
				}
				hits += len(want)
			}
			t.Logf("%d packages, %d vulnerabilities", len(matched), hits)
			if len(matched) < 200 || hits < 500 {
				t.Errorf("%d packages with %d vulnerabilities are no test", len(matched), hits)
			}
		})
	}
}

// judgeAll judges each source package in its lowest fix, in a version before that, and in a rebuild of a
// fix in the middle.
func judgeAll(t *testing.T, said tracker, release string) (all []installed) {
	t.Helper()
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for source, ids := range said {
		var fixes []string
		for _, entry := range ids {
			if r, ok := entry.Releases[release]; ok && r.Fixed != "" && r.Fixed != "0" {
				fixes = append(fixes, r.Fixed)
			}
		}
		if len(fixes) == 0 {
			continue
		}
		slices.Sort(fixes)
		for _, version := range []string{fixes[0], fixes[0] + "~", fixes[len(fixes)/2] + "+b1"} {
			p := ecosystem.Package{Type: "deb", Name: "lib" + source, Version: version, SourceName: source}
			if deb.Ecosystem.ThirdParty(p, ecosystem.Release{ID: "debian"}) {
				continue // a version that Debian once took from Ubuntu, and that marks somebody else's now
			}
			matches, _, err := vuln.Judge([]vuln.Subject{{Package: &p, Kind: &deb.Ecosystem}}, ecosystem.Release{ID: "debian", Codename: release}, db)
			if err != nil {
				t.Fatal(err)
			}
			one := installed{source: source, version: version}
			for _, m := range matches {
				one.found = append(one.found, m.Advisories...)
			}
			slices.Sort(one.found)
			all = append(all, one)
		}
	}
	return all
}

// ask has dpkg say of each version whether it is older than the fixes of its source; the key is both.
func ask(t *testing.T, said tracker, release string, all []installed) map[string]bool {
	t.Helper()
	older := map[string]bool{}
	var script strings.Builder
	for _, p := range all {
		for _, entry := range said[p.source] {
			r := entry.Releases[release]
			pair := p.version + " " + r.Fixed
			if _, asked := older[pair]; asked || r.Fixed == "" {
				continue
			}
			older[pair] = false
			fmt.Fprintf(&script, "dpkg --compare-versions '%s' lt '%s' && echo '%s'\n", p.version, r.Fixed, pair)
		}
	}
	sh := exec.Command("sh", "-s")
	sh.Stdin = strings.NewReader(script.String() + "true\n")
	out, err := sh.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		older[strings.TrimSuffix(line, "\n")] = true
	}
	return older
}
