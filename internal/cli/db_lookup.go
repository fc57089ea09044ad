package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/ecosystem/purl"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/build"
)

func newDBLookup(g *global) *cobra.Command {
	var o dbOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use: "lookup [ECOSYSTEM] NAME", Short: "Show what the database says of a package, or of an advisory",
		Long: "Lookup takes an ecosystem and a package's name as advisories write it: the source package for Debian,\n" +
			"group:artifact for Maven. Ecosystems are those that db status lists (npm, Go, Debian:12), in any case; a\n" +
			"package's type as reports have it (deb, golang, pypi) and a distribution without its release mean all of\n" +
			"theirs. One word alone is a purl, or an advisory's id.\n\n" +
			"SHOWN AS is what a scan reports a match under: \"-\" where another advisory of the list speaks of the same\n" +
			"and counts in its place.",
		Example: "  plimsoll db lookup npm lodash\n  plimsoll db lookup debian openssl\n" +
			"  plimsoll db lookup pkg:golang/golang.org/x/net@v0.16.0\n  plimsoll db lookup CVE-2021-44228",
		Args: words(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := o.open(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer db.Close()
			if strings.HasPrefix(args[0], "pkg:") && len(args) == 1 {
				return lookupPURL(g, db, args[0], asJSON)
			}
			if len(args) == 1 {
				v, ok, err := lookupAny(db, args[0])
				if err == nil && !ok {
					return usage("the database has no advisory %q; to look up a package, name its ecosystem first (plimsoll db status lists them)", args[0])
				}
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(g.env.Stdout).Encode(v)
				}
				return g.explainVulnerability(db, v)
			}
			return lookupPackage(g, db, args[0], args[1], asJSON)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// lookupPURL looks a package up as a scan would that found it.
func lookupPURL(g *global, db *advisory.DB, text string, asJSON bool) error {
	p, on, err := purl.Parse(text)
	if err != nil {
		return usage("%v", err)
	}
	name := p.FullName()
	for _, kind := range all.Ecosystems() {
		if kind.Name != kindOfType(p.Type) {
			continue
		}
		if kind.Key != nil {
			name = kind.Key(p)
		}
		if kind.Advisories == nil {
			break
		}
		if of, ok := kind.Advisories(p, on); ok && slices.Contains(ecosystems(db), of) {
			return showPackage(g, db, []string{of}, name, asJSON)
		}
	}
	return lookupPackage(g, db, p.Type, name, asJSON)
}

// ecosystems lists those of a database.
func ecosystems(db *advisory.DB) []string {
	var all []string
	for _, s := range db.Manifest().Shards {
		if s.Name != advisory.FactsShard {
			all = append(all, s.Name)
		}
	}
	return all
}

func lookupPackage(g *global, db *advisory.DB, word, name string, asJSON bool) error {
	known := ecosystems(db)
	meant := ecosystemsOf(word, known)
	if len(meant) == 0 {
		return usage("the database has no feed for ecosystem %q%s", word, suggestion(word, known))
	}
	return showPackage(g, db, meant, name, asJSON)
}

// ecosystemsOf says which of the known ecosystems a word means: one by its own name, those of a
// distribution, or those of a type of package.
func ecosystemsOf(word string, known []string) []string {
	family, release, _ := strings.Cut(word, ":")
	if release == "" {
		family, release, _ = strings.Cut(word, "-") // debian-12, as purls name a distribution
	}
	spellings := []string{word, family + ":" + release, family + ":v" + release}
	for _, spelling := range spellings {
		if i := slices.IndexFunc(known, func(s string) bool { return strings.EqualFold(s, spelling) }); i >= 0 {
			return known[i : i+1]
		}
	}
	families := append(build.Families(strings.ToLower(word)), word)
	var all []string
	for _, s := range known {
		of, _, _ := strings.Cut(s, ":")
		if slices.ContainsFunc(families, func(f string) bool { return strings.EqualFold(f, of) }) {
			all = append(all, s)
		}
	}
	return all
}

// showPackage shows the rows on a package in each of some ecosystems.
func showPackage(g *global, db *advisory.DB, of []string, name string, asJSON bool) error {
	found := map[string][]advisory.Row{}
	what := "no advisory is known for it"
	for _, one := range of {
		rows, cover, err := db.Package(one, build.Key(one, name))
		if err != nil {
			return err
		}
		if cover == advisory.Partial {
			what = "the feed is not whole and says nothing of it"
		}
		if len(rows) > 0 {
			found[one] = rows
		}
	}
	switch {
	case asJSON && len(of) == 1:
		return json.NewEncoder(g.env.Stdout).Encode(found[of[0]])
	case asJSON:
		return json.NewEncoder(g.env.Stdout).Encode(found)
	case len(found) == 0:
		_, err := fmt.Fprintf(g.env.Stdout, "%s %s: %s\n", strings.Join(of, ", "), printable(name), what)
		return err
	}
	return printRows(g, db, of, found)
}

// printRows shows rows, each as the ids that a scan reports it under. The ecosystem stands before them
// where there are several.
func printRows(g *global, db *advisory.DB, of []string, found map[string][]advisory.Row) error {
	out := [][]string{{"ADVISORY", "SHOWN AS", "SEVERITY", "FEED", "AFFECTED"}}
	if len(of) > 1 {
		out[0] = append([]string{"ECOSYSTEM"}, out[0]...)
	}
	for _, one := range of {
		shown, err := vuln.Shown(db, found[one])
		if err != nil {
			return err
		}
		for i, r := range found[one] {
			v, _, err := db.Vulnerability(r.ID)
			if err != nil {
				return err
			}
			var as []string
			for _, s := range shown[i] {
				as = append(as, s.ID)
			}
			line := []string{r.ID, cmp.Or(strings.Join(as, ", "), "-"), severityOf(r, v), r.Feed, affectedWords(r)}
			if len(of) > 1 {
				line = append([]string{one}, line...)
			}
			out = append(out, line)
		}
	}
	return columns(g.env.Stdout, g.width(), out)
}

// affectedWords writes ranges as people do.
func affectedWords(r advisory.Row) string {
	if r.Unaffected {
		return "never"
	}
	var parts []string
	for _, g := range r.Ranges {
		s := ""
		if g.Introduced != "" {
			s = ">= " + g.Introduced + " "
		}
		switch {
		case g.Fixed != "":
			s += "< " + g.Fixed
		case g.LastAffected != "":
			s += "<= " + g.LastAffected
		case g.Limit != "":
			s += "< " + g.Limit + " (no fix known)"
		case s == "":
			s = "all"
		}
		parts = append(parts, strings.TrimSpace(s))
	}
	if n := len(r.Versions); n > 0 {
		parts = append(parts, fmt.Sprintf("%d exact versions", n))
	}
	return strings.Join(parts, ", ")
}
