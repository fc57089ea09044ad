package bill

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/plimsoll/plimsoll/finding"
)

// CycloneDX writes a report as CycloneDX 1.6 (ECMA-424), as XML or as JSON. A zero date is left out.
func CycloneDX(w io.Writer, r *finding.Report, at time.Time, asXML bool) error {
	b := &components{report: r, licences: licences{}, packages: inventory(r)}
	bom := b.bom(at)
	content, err := json.Marshal(bom)
	if err != nil {
		return err
	}
	bom.SerialNumber = "urn:uuid:" + serial(content)
	form := cdx.BOMFileFormatJSON
	if asXML {
		form = cdx.BOMFileFormatXML
	}
	if err := cdx.NewBOMEncoder(w, form).SetPretty(true).SetEscapeHTML(false).Encode(bom); err != nil {
		return err
	}
	if asXML {
		_, err = io.WriteString(w, "\n")
	}
	return err
}

// components builds a bill.
type components struct {
	report       *finding.Report
	licences     licences
	packages     map[string][]*finding.Package
	dependencies []cdx.Dependency
}

func (b *components) bom(at time.Time) *cdx.BOM {
	r := b.report
	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_6
	bom.JSONSchema = "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.XMLNS = "http://cyclonedx.org/schema/bom/1.6"
	tool := cdx.Component{Type: cdx.ComponentTypeApplication, Name: r.Tool.Name, Version: text(r.Tool.Version)}
	bom.Metadata = &cdx.Metadata{Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{tool}}}
	if !at.IsZero() {
		bom.Metadata.Timestamp = at.UTC().Format(time.RFC3339)
	}
	if db := r.Tool.Database; db != nil {
		bom.Metadata.Properties = list([]property{{"plimsoll:database", db.Digest}})
	}
	var all []cdx.Component
	for i := range r.Targets {
		t := &r.Targets[i]
		whole, parts := b.target(t)
		if len(r.Targets) == 1 {
			bom.Metadata.Component = &whole
			all = parts
			break
		}
		whole.Components = pointer(parts) // each target holds its own
		all = append(all, whole)
	}
	bom.Components = pointer(all)
	bom.Dependencies = pointer(b.dependencies)
	bom.Compositions = b.compositions()
	bom.Vulnerabilities = pointer(b.vulnerabilities())
	return bom
}

// pointer is nil for an empty list, which is then left out.
func pointer[T any](s []T) *[]T {
	if len(s) == 0 {
		return nil
	}
	return &s
}

func list(all []property) *[]cdx.Property {
	var out []cdx.Property
	for _, p := range all {
		out = append(out, cdx.Property{Name: p.name, Value: p.value})
	}
	return pointer(out)
}

// target is the thing that was looked at, and the distribution and packages in it.
func (b *components) target(t *finding.Target) (cdx.Component, []cdx.Component) {
	whole := cdx.Component{BOMRef: t.ID, Type: cdx.ComponentTypeApplication, Name: text(t.Name), Properties: list(facts(b.report, t))}
	if t.Kind == "image" {
		whole.Type = cdx.ComponentTypeContainer
		whole.Version = text(t.Digest)
	}
	if whole.Name == "" {
		whole.Name = t.ID
	}
	whole.Hashes = hashes([]string{t.Digest})
	var parts []cdx.Component
	needs := tops(b.packages[t.ID])
	if t.OS != nil && t.OS.ID != "" {
		os := cdx.Component{BOMRef: t.ID + "-os", Type: cdx.ComponentTypeOS, Name: text(t.OS.ID), Version: text(t.OS.Version)}
		if t.OS.Codename != "" {
			os.Properties = list([]property{{"plimsoll:codename", t.OS.Codename}})
		}
		parts = append(parts, os)
		needs = append([]string{os.BOMRef}, needs...)
	}
	b.depend(t.ID, needs)
	for _, p := range b.packages[t.ID] {
		parts = append(parts, b.component(p, t.Layers))
		b.depend(p.ID, p.DependsOn)
	}
	return whole, parts
}

func (b *components) depend(from string, on []string) {
	d := cdx.Dependency{Ref: from}
	if len(on) > 0 {
		d.Dependencies = &on
	}
	b.dependencies = append(b.dependencies, d)
}

func (b *components) component(p *finding.Package, layers []finding.Layer) cdx.Component {
	c := cdx.Component{
		BOMRef: p.ID, Type: cdx.ComponentTypeLibrary, Name: name(p), Version: text(p.Version), PackageURL: p.PURL,
		Publisher: p.Maintainer, Hashes: hashes(p.Digests), Licenses: b.licensed(p.Licenses), Properties: list(properties(p, layers)),
	}
	if p.Namespace != "" && p.Type != "golang" { // a module's path is its name
		c.Group, c.Name = text(p.Namespace), text(p.Name)
	}
	if p.Main {
		c.Type = cdx.ComponentTypeApplication
	}
	if p.Dev {
		c.Scope = cdx.ScopeExcluded
	}
	var places []cdx.EvidenceOccurrence
	for _, l := range p.Locations {
		if l.Path != "" {
			l.StartLine = 0
			places = append(places, cdx.EvidenceOccurrence{Location: place(l)})
		}
	}
	if len(places) > 0 {
		c.Evidence = &cdx.Evidence{Occurrences: &places}
	}
	return c
}

// licensed is one expression, or a list of names where one of them is no expression.
func (b *components) licensed(declared []string) *cdx.Licenses {
	if e, ok := b.licences.all(declared, nil); ok {
		return &cdx.Licenses{{Expression: e}}
	}
	var all cdx.Licenses
	for _, d := range declared {
		if d != "" {
			all = append(all, cdx.LicenseChoice{License: &cdx.License{Name: d}})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &all
}

func hashes(digests []string) *[]cdx.Hash {
	names := map[string]cdx.HashAlgorithm{
		"md5": cdx.HashAlgoMD5, "sha1": cdx.HashAlgoSHA1, "sha256": cdx.HashAlgoSHA256, "sha384": cdx.HashAlgoSHA384, "sha512": cdx.HashAlgoSHA512,
	}
	var all []cdx.Hash
	for _, d := range digests {
		if algorithm, value, ok := digest(d); ok {
			all = append(all, cdx.Hash{Algorithm: names[algorithm], Value: strings.ToLower(value)})
		}
	}
	return pointer(all)
}

// compositions says of which targets something could not be read: their lists are not whole.
func (b *components) compositions() *[]cdx.Composition {
	var short []cdx.BOMReference
	for i := range b.report.Targets {
		id := b.report.Targets[i].ID
		for _, g := range b.report.Coverage {
			if g.Target == id && g.Unread() {
				short = append(short, cdx.BOMReference(id))
				break
			}
		}
	}
	if len(short) == 0 {
		return nil
	}
	return &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &short}}
}
