package bill

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdx/v2/v2_3/tagvalue/writer"

	"github.com/plimsoll/plimsoll/finding"
)

// none is SPDX's word for what nobody has looked into.
const none = "NOASSERTION"

// SPDX writes a report's inventory as SPDX 2.3 (ISO/IEC 5962), as tags and values or as JSON. SPDX
// demands a date: without one it is that of the advisories, or the beginning of 1970.
func SPDX(w io.Writer, r *finding.Report, at time.Time, asTags bool) error {
	b := &elements{report: r, licences: licences{}, unknown: map[string]string{}, system: "OPERATING_SYSTEM"}
	if asTags {
		b.system = "OPERATING-SYSTEM" // the two forms spell it differently
	}
	doc := b.document(date(r, at))
	content, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	doc.DocumentNamespace += serial(content)
	if asTags {
		return writer.RenderDocument(doc, w)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// elements builds a document.
type elements struct {
	report   *finding.Report
	licences licences
	unknown  map[string]string // LicenseRef → text
	system   string            // the purpose of a distribution
	doc      *spdx.Document
}

func (b *elements) document(at time.Time) *spdx.Document {
	r := b.report
	b.doc = &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: oneLine(title(r)),
		DocumentNamespace: "https://plimsoll.dev/spdx/",
		CreationInfo:      &spdx.CreationInfo{Creators: []common.Creator{{CreatorType: "Tool", Creator: r.Tool.Name + "-" + text(r.Tool.Version)}}, Created: at.Format(time.RFC3339)},
	}
	packages := inventory(r)
	for i := range r.Targets {
		t := &r.Targets[i]
		b.target(t)
		for _, p := range packages[t.ID] {
			b.add(b.pkg(p, t.Layers))
			b.relate(t.ID, "CONTAINS", p.ID)
			for _, d := range p.DependsOn {
				b.relate(p.ID, "DEPENDS_ON", d)
			}
		}
	}
	b.texts()
	return b.doc
}

func (b *elements) add(p *spdx.Package) { b.doc.Packages = append(b.doc.Packages, p) }

// id makes an element's name: letters, digits, dots and hyphens.
func id(of string) common.ElementID { return common.ElementID("Package-" + of) }

func (b *elements) relate(from, how, to string) {
	a := common.DocElementID{ElementRefID: id(from)}
	if from == "" {
		a.ElementRefID = "DOCUMENT"
	}
	b.doc.Relationships = append(b.doc.Relationships, &spdx.Relationship{RefA: a, Relationship: how, RefB: common.DocElementID{ElementRefID: id(to)}})
}

// plain is a package about which nothing is asserted but its name.
func plain(of, name, version string) *spdx.Package {
	return &spdx.Package{
		PackageName: oneLine(name), PackageSPDXIdentifier: id(of), PackageVersion: oneLine(version), PackageDownloadLocation: none,
		IsFilesAnalyzedTagPresent: true, PackageLicenseConcluded: none, PackageLicenseDeclared: none, PackageCopyrightText: none,
		PackageSupplier: &common.Supplier{Supplier: none},
	}
}

// oneLine keeps foreign text from being taken for tags of its own.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text(s)))
}

func (b *elements) target(t *finding.Target) {
	p := plain(t.ID, t.Name, t.Digest)
	p.PrimaryPackagePurpose = "APPLICATION"
	if t.Kind == "image" {
		p.PrimaryPackagePurpose = "CONTAINER"
	}
	if p.PackageName == "" {
		p.PackageName = t.ID
	}
	p.PackageChecksums = checksums([]string{t.Digest})
	p.PackageComment = comment(facts(b.report, t))
	b.add(p)
	b.relate("", "DESCRIBES", t.ID)
	if t.OS == nil || t.OS.ID == "" {
		return
	}
	os := plain(t.ID+"-os", t.OS.ID, t.OS.Version)
	os.PrimaryPackagePurpose = b.system
	if t.OS.Codename != "" {
		os.PackageComment = comment([]property{{"plimsoll:codename", t.OS.Codename}})
	}
	b.add(os)
	b.relate(t.ID, "CONTAINS", t.ID+"-os")
}

func (b *elements) pkg(p *finding.Package, layers []finding.Layer) *spdx.Package {
	out := plain(p.ID, name(p), p.Version)
	out.PrimaryPackagePurpose = "LIBRARY"
	if p.Main {
		out.PrimaryPackagePurpose = "APPLICATION"
	}
	if who := oneLine(p.Vendor); who != "" {
		out.PackageSupplier = &common.Supplier{SupplierType: "Organization", Supplier: who}
	}
	if who := oneLine(p.Maintainer); who != "" {
		out.PackageOriginator = &common.Originator{OriginatorType: "Person", Originator: who}
	}
	out.PackageChecksums = checksums(p.Digests)
	if e, ok := b.licences.all(p.Licenses, b.refer); ok {
		out.PackageLicenseDeclared = e
	}
	if p.PURL != "" {
		out.PackageExternalReferences = []*spdx.PackageExternalReference{{Category: "PACKAGE-MANAGER", RefType: "purl", Locator: p.PURL}}
	}
	if p.Source != nil {
		out.PackageSourceInfo = oneLine("built from the source package " + p.Source.Name + " " + p.Source.Version)
	}
	out.PackageComment = comment(properties(p, layers))
	return out
}

func (b *elements) refer(declared string) string {
	ref := reference(declared)
	b.unknown[ref] = declared
	return ref
}

// texts lists the licences that SPDX does not know.
func (b *elements) texts() {
	for ref, declared := range b.unknown {
		declared = oneLine(declared)
		b.doc.OtherLicenses = append(b.doc.OtherLicenses, &spdx.OtherLicense{LicenseIdentifier: ref, LicenseName: declared, ExtractedText: declared})
	}
	slices.SortFunc(b.doc.OtherLicenses, func(a, b *spdx.OtherLicense) int { return strings.Compare(a.LicenseIdentifier, b.LicenseIdentifier) })
}

// comment holds one property in each line.
func comment(all []property) string {
	var lines []string
	for _, p := range all {
		lines = append(lines, p.name+"="+strings.ReplaceAll(oneLine(p.value), "</text>", ""))
	}
	return strings.Join(lines, "\n")
}

func checksums(digests []string) []common.Checksum {
	var all []common.Checksum
	for _, d := range digests {
		if algorithm, value, ok := digest(d); ok {
			all = append(all, common.Checksum{Algorithm: common.ChecksumAlgorithm(strings.ToUpper(algorithm)), Value: strings.ToLower(value)})
		}
	}
	return all
}
