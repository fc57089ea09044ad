package sbom

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/purl"
)

// entry is one component or package of a document, in whatever format.
type entry struct {
	ref        string
	kind       string // component type or purpose, in lower case
	group      string
	name       string
	version    string
	purl       string
	maintainer string
	vendor     string
	licences   []string
	digests    []string // ALGORITHM:HEX
	places     []string
	properties []property
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// get is the first property of one of these names.
func (e *entry) get(names ...string) string {
	for _, name := range names {
		for _, p := range e.properties {
			if p.Name == name && p.Value != "" {
				return p.Value
			}
		}
	}
	return ""
}

// written says whether Plimsoll wrote the entry.
func (e *entry) written() bool {
	return slices.ContainsFunc(e.properties, func(p property) bool { return strings.HasPrefix(p.Name, "plimsoll:") })
}

func (e *entry) is(name string) bool { return e.get(name) == "true" }

// builder gathers entries into a document.
type builder struct {
	doc      Document
	index    map[string]int // packages by what must be equal for two entries to be one
	byRef    map[string]int // packages by the document's own names
	edges    [][2]string
	owners   map[int]string // the document's name of a package's owner
	claims   [][2]string    // owner and owned, by the document's names
	ours     bool           // the document was written by Plimsoll
	named    ecosystem.Release
	said     ecosystem.Release // by the purls
	entries  int
	partial  string  // in the document's own words: incomplete, incomplete_third_party_only …
	nameless []entry // without a purl: they may turn out to be what the document is of
	about    map[string]bool
	passed   int // too long to be honest
	invalid  tally
	foreign  tally // of another distribution
}

// tally counts, and remembers the first names.
type tally struct {
	n     int
	names []string
}

func (t *tally) add(name string) {
	if t.n++; len(t.names) < 5 {
		t.names = append(t.names, fmt.Sprintf("%.100q", name))
	}
}

func (t *tally) String() string {
	s := strings.Join(t.names, ", ")
	if more := t.n - len(t.names); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// errFull ends reading at the bound of entries.
var errFull = ecosystem.Limit("more than %d entries", maxEntries)

// take adds one entry. An error ends the reading.
func (b *builder) take(e entry) error {
	if b.entries++; b.entries > maxEntries {
		return errFull
	}
	switch {
	case e.kind == "operating-system" || e.kind == "operating_system":
		b.system(&e)
		return nil
	case e.purl == "":
		b.nameless = append(b.nameless, entry{ref: e.ref, kind: e.kind, name: e.name, version: e.version, digests: e.digests, properties: e.properties})
		return nil
	case e.kind == "container" || strings.HasPrefix(e.purl, "pkg:oci/") || strings.HasPrefix(e.purl, "pkg:docker/"):
		b.subject(&e)
		return nil
	}
	p, on, err := purl.Parse(e.purl)
	if err != nil {
		b.invalid.add(e.purl)
		return nil
	}
	if on.ID != "" {
		if b.said.ID == "" {
			b.said = on
		}
		if !same(on, b.said) {
			b.foreign.add(p.Name)
			return nil
		}
	}
	b.add(complete(p, &e), &e)
	return nil
}

// same says whether two releases have the same advisories, as far as both tell.
func same(a, b ecosystem.Release) bool {
	return a.ID == b.ID && (a.Version == "" || b.Version == "" || a.Major() == b.Major())
}

func (b *builder) system(e *entry) {
	if b.named.ID != "" {
		return
	}
	b.named = purl.Release(strings.ToLower(e.name)+"-"+e.version, strings.ToLower(e.name))
	b.named.Codename = cmp.Or(e.get("plimsoll:codename", "syft:distro:versionCodename"), b.named.Codename)
	b.named.Name = e.get("syft:distro:prettyName")
}

// subject is what the document is of.
func (b *builder) subject(e *entry) {
	b.ours = b.ours || e.written()
	for _, p := range e.properties {
		if class, what, ok := strings.Cut(p.Value, ": "); ok && p.Name == "plimsoll:gap" {
			b.unread(finding.Gap{Class: class, Blocking: true, What: what})
		}
	}
	if b.doc.Name == "" {
		b.doc.Name = e.name
	}
	if b.doc.Digest != "" {
		return
	}
	b.doc.Digest = e.get("plimsoll:digest")
	if at := strings.LastIndex(e.purl, "@sha256"); at >= 0 && b.doc.Digest == "" {
		rest, _, _ := strings.Cut(e.purl[at+1:], "?")
		b.doc.Digest = strings.Replace(rest, "%3A", ":", 1)
	}
	if strings.HasPrefix(e.version, "sha256:") && b.doc.Digest == "" {
		b.doc.Digest = e.version
	}
	for _, d := range e.digests {
		if strings.HasPrefix(d, "sha256:") && b.doc.Digest == "" {
			b.doc.Digest = d
		}
	}
}

// unread keeps a gap of the scan that the document was made by: what could not be read then is not in
// the document either, nor what packages did not say of themselves. Other gaps are found again.
func (b *builder) unread(g finding.Gap) {
	kept := g.Unread() || g.Class == "unknown-source" || g.Class == "unknown-module"
	note := g.Class == finding.GapSkipped // by whoever made the document, and so a note here as it was there
	if kept && (g.Blocking || note) && len(b.doc.Notes) < maxList {
		b.doc.Notes = append(b.doc.Notes, ecosystem.Note{Class: g.Class, Blocking: !note, What: g.What, Path: g.Path})
	}
}

// add merges what differs in its places alone. What somebody owns is not what nobody owns: only the
// latter is judged by itself.
func (b *builder) add(p ecosystem.Package, e *entry) {
	key := strings.Join(append([]string{
		p.Type, p.Namespace, p.Name, p.Version, p.Arch, p.SourceName, p.SourceVer, p.Module, e.get("plimsoll:ownedBy"),
		fmt.Sprint(p.Declared, p.Dev, p.Data, p.Heuristic, p.Main),
	}, p.Qualifiers...), "\x00")
	i, known := b.index[key]
	if !known {
		i = len(b.doc.Packages)
		b.index[key] = i
		b.doc.Packages = append(b.doc.Packages, Package{Package: p, Owner: -1})
	}
	into := &b.doc.Packages[i]
	for _, at := range places(e) {
		if !slices.Contains(into.Places, at) && len(into.Places) < maxList {
			into.Places = append(into.Places, at)
		}
	}
	if e.ref != "" {
		b.byRef[e.ref] = i
	}
	b.ours = b.ours || e.written()
	if owner := e.get("plimsoll:ownedBy"); owner != "" {
		if b.owners == nil {
			b.owners = map[int]string{}
		}
		b.owners[i] = owner
	}
}

// complete adds to what the purl says what the entry says.
func complete(p ecosystem.Package, e *entry) ecosystem.Package {
	if p.Version == "" {
		p.Version = e.version
	}
	if strings.EqualFold(p.Version, "unknown") { // Syft's word, which no ecosystem takes for a version
		p.Version = ""
	}
	if full := e.name; p.Type == "golang" && len(full) == len(p.FullName()) && strings.EqualFold(full, p.FullName()) {
		p.Namespace, p.Name = full[:len(p.Namespace)], full[len(full)-len(p.Name):] // a purl has it in lower case
	}
	if name, version := source(e); name != "" || version != "" {
		p.SourceName, p.SourceVer = name, version
	}
	if p.SourceName == p.Name {
		p.SourceName = ""
	}
	if p.SourceVer == p.Version {
		p.SourceVer = ""
	}
	p.Module = cmp.Or(e.get("plimsoll:module"), stream(e.get("aquasecurity:trivy:Modularitylabel", "syft:metadata:modularityLabel")), p.Module)
	p.Vendor = cmp.Or(e.get("plimsoll:vendor"), e.vendor, vendorOf(p, e))
	p.Maintainer = cmp.Or(e.get("plimsoll:maintainer"), e.maintainer)
	switch p.Type { // who made a distribution's package stands in either field, by the tool
	case "rpm":
		p.Vendor = cmp.Or(p.Vendor, p.Maintainer)
	case "deb", "apk":
		p.Maintainer = cmp.Or(p.Maintainer, p.Vendor)
	}
	p.Licenses, p.Digests = e.licences, e.digests
	p.Declared, p.Dev = e.is("plimsoll:declared"), e.is("plimsoll:dev") || e.is("cdx:npm:package:development")
	p.Data, p.Heuristic, p.Main = e.is("plimsoll:data"), e.is("plimsoll:heuristic"), e.is("plimsoll:main")
	return p
}

// vendorOf is who made an rpm, where the document does not say so by name: the publisher, in which Syft
// writes the Vendor tag, or the namespace of the purl, which is the vendor by the purl specification.
// What Plimsoll wrote without a vendor has none.
func vendorOf(p ecosystem.Package, e *entry) string {
	ours := slices.ContainsFunc(e.properties, func(p property) bool { return strings.HasPrefix(p.Name, "plimsoll:") })
	if p.Type != "rpm" || ours {
		return ""
	}
	rest, _ := strings.CutPrefix(e.purl, "pkg:rpm/")
	namespace, _, ok := strings.Cut(rest, "/")
	if !ok {
		namespace = ""
	}
	return cmp.Or(e.maintainer, purl.Release("", namespace).ID)
}

// source is the source package, where Plimsoll, Trivy and Syft keep it beside the purl.
func source(e *entry) (name, version string) {
	if name := e.get("plimsoll:source:name"); name != "" {
		return name, e.get("plimsoll:source:version")
	}
	if name := e.get("aquasecurity:trivy:SrcName"); name != "" {
		version := e.get("aquasecurity:trivy:SrcVersion")
		if r := e.get("aquasecurity:trivy:SrcRelease"); r != "" && version != "" {
			version += "-" + r
		}
		if epoch := e.get("aquasecurity:trivy:SrcEpoch"); epoch != "" && epoch != "0" && version != "" {
			version = epoch + ":" + version
		}
		return name, version
	}
	return e.get("syft:metadata:source", "syft:metadata:originPackage"), e.get("syft:metadata:sourceVersion")
}

// stream is NAME:STREAM of a module label NAME:STREAM:VERSION:CONTEXT:ARCH.
func stream(label string) string {
	name, rest, ok := strings.Cut(label, ":")
	if !ok {
		return ""
	}
	of, _, _ := strings.Cut(rest, ":")
	return name + ":" + of
}

// places are where the entry stands: by our own property, by evidence, by Trivy's or Syft's properties.
func places(e *entry) []Place {
	var all []Place
	for _, p := range e.properties {
		if p.Name == "plimsoll:location" {
			all = append(all, place(p.Value, true))
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, at := range e.places {
		all = append(all, place(at, false))
	}
	if at := e.get("aquasecurity:trivy:FilePath"); at != "" && len(all) == 0 {
		all = append(all, place(at, false))
	}
	for _, p := range e.properties {
		if len(all) == 0 && strings.HasPrefix(p.Name, "syft:location:") && strings.HasSuffix(p.Name, ":path") {
			all = append(all, place(p.Value, false))
		}
	}
	return all
}

// place parts PATH!/INNER:LINE; only our own properties have a line.
func place(s string, lined bool) Place {
	var p Place
	if at := strings.LastIndexByte(s, ':'); lined && at > 0 {
		if n, err := strconv.Atoi(s[at+1:]); err == nil && n > 0 {
			s, p.Line = s[:at], n
		}
	}
	path, inner, _ := strings.Cut(s, "!/")
	p.Path, p.Inner = strings.TrimLeft(path, "/"), inner
	return p
}

// link remembers that one entry depends on another.
func (b *builder) link(from, to string) {
	if len(b.edges) < 4*maxEntries {
		b.edges = append(b.edges, [2]string{from, to})
	}
}
