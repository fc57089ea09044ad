// Package bill writes a report's inventory as a bill of materials, in CycloneDX 1.6 and SPDX 2.3.
//
// Both forms say the same: the targets, the distribution, every package with purl, licences, digests
// and dependencies, and where it stands. What the forms have no field for (source package, module
// stream, layer) is kept under names that begin with "plimsoll:", so that a bill read back by
// read/sbom matches the same advisories as the image did. CycloneDX also carries vulnerabilities, and what was
// decided of them is written as OpenVEX 0.2.0.
//
// A bill of the same report is the same bytes: its serial number is made from its content, and it
// carries a date only when it is given one, or where SPDX demands one.
package bill

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/google/uuid"

	"github.com/plimsoll/plimsoll/finding"
)

// maxText bounds names and versions: CycloneDX allows 1,024 characters.
const maxText = 1024

// property is something that the forms have no field for.
type property struct{ name, value string }

// properties are what a package has beyond the fields of both forms. Only what is there is told.
func properties(p *finding.Package, layers []finding.Layer) []property {
	var all []property
	add := func(name, value string) {
		if value != "" {
			all = append(all, property{"plimsoll:" + name, value})
		}
	}
	flag := func(name string, on bool) {
		if on {
			add(name, "true")
		}
	}
	if p.Source != nil {
		add("source:name", p.Source.Name)
		add("source:version", p.Source.Version)
	}
	add("module", p.Module)
	add("vendor", p.Vendor)
	add("maintainer", p.Maintainer)
	add("ownedBy", p.OwnedBy)
	flag("declared", p.Declared)
	flag("dev", p.Dev)
	flag("data", p.Data)
	flag("heuristic", p.Heuristic)
	flag("main", p.Main)
	flag("base", p.Base)
	for _, l := range p.Locations {
		add("location", place(l))
		if l.Layer != nil {
			add("layer:index", strconv.Itoa(*l.Layer))
			if *l.Layer >= 0 && *l.Layer < len(layers) {
				add("layer:diffID", layers[*l.Layer].DiffID)
			}
		}
	}
	return all
}

// place is a path, what is inside of it after "!/", and the line after ":".
func place(l finding.Location) string {
	s := l.Path
	if l.Inner != "" {
		s += "!/" + l.Inner
	}
	if l.StartLine > 0 {
		s += ":" + strconv.Itoa(l.StartLine)
	}
	return s
}

// facts are what a target has beyond the fields of both forms.
func facts(r *finding.Report, t *finding.Target) []property {
	var all []property
	add := func(name, value string) {
		if value != "" {
			all = append(all, property{"plimsoll:" + name, value})
		}
	}
	add("kind", t.Kind)
	add("digest", t.Digest)
	add("indexDigest", t.IndexDigest)
	add("platform", t.Platform)
	if t.Base != nil {
		add("base:name", t.Base.Name)
		add("base:digest", t.Base.Digest)
	}
	for _, l := range t.Layers {
		add("layer", l.DiffID)
	}
	for _, g := range r.Coverage { // what is missing from a bill is part of it
		if g.Target == t.ID && (g.Blocking || g.Class == finding.GapSkipped) {
			what := g.Class + ": " + g.What
			if g.Path != "" {
				what += " (" + g.Path + ")"
			}
			add("gap", what)
		}
	}
	return all
}

// name is a package's name as its own tools write it.
func name(p *finding.Package) string {
	switch {
	case p.Namespace == "":
		return text(p.Name)
	case p.Type == "maven":
		return text(p.Namespace + ":" + p.Name)
	}
	return text(p.Namespace + "/" + p.Name)
}

// text shortens what is longer than the forms allow.
func text(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// digest parts ALGORITHM:HEX, and says whether it is one that both forms know.
func digest(s string) (algorithm, value string, ok bool) {
	algorithm, value, _ = strings.Cut(s, ":")
	algorithm = strings.ToLower(strings.ReplaceAll(algorithm, "-", ""))
	size := map[string]int{"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}[algorithm]
	b, err := hex.DecodeString(value)
	return algorithm, value, err == nil && size > 0 && len(b) == size
}

// licences turns what packages declare into SPDX expressions, and remembers what it found.
type licences map[string]string

// expression is a declared licence as a valid SPDX expression; empty when it is none.
func (l licences) expression(declared string) string {
	if e, ok := l[declared]; ok {
		return e
	}
	e := ""
	if len(declared) <= maxText && !strings.Contains(declared, "Ref-") { // a reference means nothing in another document
		if normal, bad := spdxexp.ValidateAndNormalizeLicensesWithOptions([]string{declared}, spdxexp.ValidateLicensesOptions{}); len(bad) == 0 && len(normal) == 1 {
			e = normal[0]
		}
	}
	l[declared] = e
	return e
}

// all joins the licences of a package, each of which holds for a part of it. It is false when one of
// them is no SPDX expression; unknown then stands for it, if given.
func (l licences) all(declared []string, unknown func(string) string) (string, bool) {
	var parts []string
	for _, d := range declared {
		if d == "" {
			continue
		}
		e := l.expression(d)
		if e == "" {
			if unknown == nil {
				return "", false
			}
			e = unknown(d)
		}
		if len(declared) > 1 && strings.Contains(e, " OR ") {
			e = "(" + e + ")"
		}
		if !slices.Contains(parts, e) {
			parts = append(parts, e)
		}
	}
	return strings.Join(parts, " AND "), len(parts) > 0
}

// reference names a licence that SPDX does not know by what it says.
func reference(declared string) string {
	sum := sha256.Sum256([]byte(declared))
	return "LicenseRef-plimsoll-" + hex.EncodeToString(sum[:8])
}

// serial is a UUID made from content (RFC 9562, version 5).
func serial(content []byte) string { return uuid.NewSHA1(uuid.NameSpaceURL, content).String() }

// inventory hands out a report's packages by target.
func inventory(r *finding.Report) map[string][]*finding.Package {
	byTarget := map[string][]*finding.Package{}
	for i := range r.Packages {
		p := &r.Packages[i]
		byTarget[p.Target] = append(byTarget[p.Target], p)
	}
	return byTarget
}

// tops are the packages that no other needs.
func tops(packages []*finding.Package) []string {
	needed := map[string]bool{}
	for _, p := range packages {
		for _, d := range p.DependsOn {
			needed[d] = true
		}
	}
	var ids []string
	for _, p := range packages {
		if !needed[p.ID] {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// date is the moment that a document carries: the one given, else that of the advisories.
func date(r *finding.Report, at time.Time) time.Time {
	if at.IsZero() && r.Tool.Database != nil {
		at = r.Tool.Database.Built
	}
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	return at.UTC().Truncate(time.Second)
}

// title names a document after its targets.
func title(r *finding.Report) string {
	switch len(r.Targets) {
	case 0:
		return "nothing"
	case 1:
		return text(cmp.Or(r.Targets[0].Name, r.Targets[0].Digest, "target"))
	}
	return fmt.Sprintf("%s and %d more", text(r.Targets[0].Name), len(r.Targets)-1)
}
