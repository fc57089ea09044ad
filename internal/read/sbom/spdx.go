package sbom

import (
	"encoding/json"
	"strings"
)

// spdxPackage is a package of SPDX 2 as JSON.
func (b *builder) spdxPackage(raw json.RawMessage) error {
	var p struct {
		ID         string `json:"SPDXID"`
		Name       string `json:"name"`
		Version    string `json:"versionInfo"`
		Purpose    string `json:"primaryPackagePurpose"`
		Supplier   string `json:"supplier"`
		Originator string `json:"originator"`
		Declared   string `json:"licenseDeclared"`
		Comment    string `json:"comment"`
		SourceInfo string `json:"sourceInfo"`
		Checksums  []struct {
			Algorithm string `json:"algorithm"`
			Value     string `json:"checksumValue"`
		} `json:"checksums"`
		Refs []struct {
			Type    string `json:"referenceType"`
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
		Attribution []string `json:"attributionTexts"`
	}
	b.decode(raw, &p)
	e := entry{ref: p.ID, kind: purpose(p.Purpose), name: p.Name, version: p.Version}
	e.who(p.Supplier, p.Originator)
	e.declare(p.Declared)
	e.comment(p.Comment)
	for _, c := range first(p.Checksums) {
		e.digests = append(e.digests, algorithm(c.Algorithm)+":"+c.Value)
	}
	for _, r := range first(p.Refs) {
		if r.Type == "purl" && e.purl == "" {
			e.purl = r.Locator
		}
	}
	e.sourceInfo(p.SourceInfo)
	return b.take(e)
}

func purpose(word string) string { return strings.ToLower(strings.ReplaceAll(word, "_", "-")) }

// who reads "Organization: NAME" and "Person: NAME".
func (e *entry) who(supplier, originator string) {
	if name, ok := strings.CutPrefix(supplier, "Organization:"); ok {
		e.vendor = strings.TrimSpace(name)
	}
	if _, name, ok := strings.Cut(originator, ":"); ok {
		e.maintainer = strings.TrimSpace(name)
	}
}

func (e *entry) declare(licence string) {
	if licence != "" && licence != "NOASSERTION" && licence != "NONE" {
		e.licences = append(e.licences, licence)
	}
}

// comment reads lines NAME=VALUE, in which our own documents keep what SPDX has no field for.
func (e *entry) comment(s string) {
	for line := range strings.Lines(s) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if ok && strings.HasPrefix(name, "plimsoll:") && len(e.properties) < maxList {
			e.properties = append(e.properties, property{name, value})
		}
	}
}

// sourceInfo reads Trivy's "built package from: NAME VERSION".
func (e *entry) sourceInfo(s string) {
	rest, ok := strings.CutPrefix(s, "built package from: ")
	if name, version, parted := strings.Cut(rest, " "); ok && parted {
		e.properties = append(e.properties, property{"aquasecurity:trivy:SrcName", name}, property{"aquasecurity:trivy:SrcVersion", version})
	}
}

func (b *builder) relationship(raw json.RawMessage) error {
	var r struct {
		From string `json:"spdxElementId"`
		How  string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
		Why  string `json:"comment"`
	}
	b.decode(raw, &r)
	b.relate(r.From, r.How, r.To)
	b.explain(r.From, r.How, r.To, r.Why)
	return nil
}

func (b *builder) relate(from, how, to string) {
	switch how {
	case "DEPENDS_ON":
		b.link(from, to)
	case "DEPENDENCY_OF":
		b.link(to, from)
	case "DESCRIBES":
		b.describes(to)
	case "DESCRIBED_BY":
		b.describes(from)
	}
}

// explain reads Syft's "ownership-by-file-overlap: …": the files of one package are the other's.
func (b *builder) explain(from, how, to, why string) {
	if how == "OTHER" && strings.HasPrefix(why, "ownership-by-file-overlap") && len(b.claims) < maxEntries {
		b.claims = append(b.claims, [2]string{from, to})
	}
}

func (b *builder) describes(id string) {
	if b.about == nil {
		b.about = map[string]bool{}
	}
	if len(b.about) < maxEntries {
		b.about[id] = true
	}
}
