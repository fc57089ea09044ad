package sbom

import (
	"encoding/json"
	"strconv"

	"github.com/plimsoll/plimsoll/finding"
)

// reportedTarget takes a target of one of our own reports.
func (b *builder) reportedTarget(raw json.RawMessage) error {
	var t finding.Target
	b.decode(raw, &t)
	b.subject(&entry{name: t.Name, version: t.Digest})
	if t.OS != nil {
		b.system(&entry{name: t.OS.ID, version: t.OS.Version, properties: []property{{"plimsoll:codename", t.OS.Codename}}})
	}
	return nil
}

// reportedGap takes what one of our own reports says could not be read.
func (b *builder) reportedGap(raw json.RawMessage) error {
	var g finding.Gap
	b.decode(raw, &g)
	b.unread(g)
	return nil
}

// reported takes a package of one of our own reports.
func (b *builder) reported(raw json.RawMessage) error {
	var p finding.Package
	b.decode(raw, &p)
	e := entry{ref: p.ID, name: p.Name, version: p.Version, purl: p.PURL, vendor: p.Vendor, maintainer: p.Maintainer, licences: p.Licenses, digests: p.Digests}
	if p.Namespace != "" {
		e.name = p.Namespace + "/" + p.Name
	}
	add := func(name, value string) { e.properties = append(e.properties, property{"plimsoll:" + name, value}) }
	if p.Source != nil {
		add("source:name", p.Source.Name)
		add("source:version", p.Source.Version)
	}
	add("module", p.Module)
	add("ownedBy", p.OwnedBy)
	for name, on := range map[string]bool{"declared": p.Declared, "dev": p.Dev, "data": p.Data, "heuristic": p.Heuristic, "main": p.Main} {
		if on {
			add(name, "true")
		}
	}
	for _, l := range first(p.Locations) {
		at := l.Path
		if l.Inner != "" {
			at += "!/" + l.Inner
		}
		if l.StartLine > 0 {
			at += ":" + strconv.Itoa(l.StartLine)
		}
		add("location", at)
	}
	for _, d := range p.DependsOn {
		b.link(p.ID, d)
	}
	return b.take(e)
}
