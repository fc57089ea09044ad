package maven

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

const (
	maxPOM          = 8 << 20
	maxDependencies = 50_000
	maxExpansion    = 8 // properties that name properties
)

// project is what matters of a pom.xml (https://maven.apache.org/pom.html).
type project struct {
	XMLName    xml.Name     `xml:"project"`
	Group      string       `xml:"groupId"`
	Artifact   string       `xml:"artifactId"`
	Version    string       `xml:"version"`
	Parent     dependency   `xml:"parent"`
	Properties properties   `xml:"properties"`
	Depends    []dependency `xml:"dependencies>dependency"`
	Managed    []dependency `xml:"dependencyManagement>dependencies>dependency"`
}

type dependency struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	Scope    string `xml:"scope"`
	Type     string `xml:"type"`
	line     int
}

// UnmarshalXML keeps the line on which the dependency begins.
func (d *dependency) UnmarshalXML(dec *xml.Decoder, start xml.StartElement) error {
	type plain dependency // without this method
	line, _ := dec.InputPos()
	if err := dec.DecodeElement((*plain)(d), &start); err != nil {
		return err
	}
	d.line = line
	return nil
}

// properties are the elements below <properties>, each named as the property.
type properties map[string]string

// UnmarshalXML takes every child element as one property.
func (p *properties) UnmarshalXML(dec *xml.Decoder, _ xml.StartElement) error {
	*p = properties{}
	for {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			var value string
			if err := dec.DecodeElement(&value, &t); err != nil {
				return err
			}
			(*p)[t.Name.Local] = strings.TrimSpace(value)
		case xml.EndElement:
			return nil
		}
	}
}

func parseProject(text []byte) (project, error) {
	var p project
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.CharsetReader = singleBytes
	dec.Strict = true
	dec.Entity = xml.HTMLEntity
	if err := dec.Decode(&p); err != nil {
		return project{}, err
	}
	return p, nil
}

// singleBytes reads the encodings other than UTF-8 that poms are written in as Latin-1; names and
// versions are ASCII in all of them.
func singleBytes(_ string, r io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPOM))
	if err != nil {
		return nil, err
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return strings.NewReader(string(runes)), nil
}

// readPOM reads the pom.xml of a project: its direct dependencies, with the versions that stand in
// the same file. What a parent or an imported bill of materials sets is not there to read.
func readPOM(f *ecosystem.File) (ecosystem.Found, error) {
	text, err := f.ReadAll(maxPOM)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read pom.xml: %w", err)
	}
	p, err := parseProject(text)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read pom.xml: %w", err)
	}
	var found ecosystem.Found
	if own := p.coordinates(); own.artifact != "" {
		main := own.pkg()
		main.Main, main.Declared = true, true
		found.Packages = append(found.Packages, main)
	}
	managed := map[string]dependency{}
	for _, d := range p.Managed {
		managed[p.expand(d.Group)+":"+p.expand(d.Artifact)] = d
	}
	for _, d := range p.Depends {
		if len(found.Packages) > maxDependencies {
			return found, fmt.Errorf("read pom.xml: %w", ecosystem.Limit("more than %d dependencies", maxDependencies))
		}
		p.add(&found, d, managed)
	}
	return found, nil
}

func (p project) add(found *ecosystem.Found, d dependency, managed map[string]dependency) {
	c := coordinates{group: p.expand(d.Group), artifact: p.expand(d.Artifact), version: p.expand(d.Version)}
	m := managed[c.group+":"+c.artifact]
	if d.Version == "" {
		c.version = p.expand(m.Version)
	}
	if d.Scope == "" {
		d.Scope = m.Scope
	}
	if c.artifact == "" || d.Scope == "system" && c.group == "" {
		return
	}
	if strings.ContainsAny(c.version, "[(,${") { // a range, or a property set elsewhere
		c.version = ""
	}
	if c.version == "" {
		found.Notes = append(found.Notes, ecosystem.Note{
			Class: "unknown-version", What: fmt.Sprintf("the version of dependency %.200s:%.200s is set outside the pom.xml", c.group, c.artifact),
		})
	}
	dep := c.pkg()
	dep.Declared, dep.Dev, dep.Line = true, d.Scope == "test", d.line
	found.Packages = append(found.Packages, dep)
}

// coordinates are the project's own; group and version may come from the parent.
func (p project) coordinates() coordinates {
	c := coordinates{group: p.Group, artifact: p.Artifact, version: p.Version}
	if c.group == "" {
		c.group = p.Parent.Group
	}
	if c.version == "" {
		c.version = p.Parent.Version
	}
	c = coordinates{group: p.expand(c.group), artifact: p.expand(c.artifact), version: p.expand(c.version)}
	if strings.Contains(c.version, "${") {
		c.version = ""
	}
	return c
}

// expand replaces ${name} by the property of that name, as far as the file sets it.
func (p project) expand(s string) string {
	s = strings.TrimSpace(s)
	for range maxExpansion {
		before, rest, ok := strings.Cut(s, "${")
		if !ok {
			return s
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return s
		}
		value, ok := p.property(name)
		if !ok || len(value) > 256 {
			return s
		}
		s = before + strings.TrimSpace(value) + after
	}
	return s
}

func (p project) property(name string) (string, bool) {
	if v, ok := p.Properties[name]; ok {
		return v, true
	}
	field, ok := strings.CutPrefix(name, "project.")
	if !ok {
		field, ok = strings.CutPrefix(name, "pom.")
	}
	if !ok && name != "version" && name != "groupId" {
		return "", false
	}
	if !ok {
		field = name
	}
	first := func(a, b string) (string, bool) {
		if a != "" {
			return a, true
		}
		return b, b != ""
	}
	switch field {
	case "version":
		return first(p.Version, p.Parent.Version)
	case "groupId":
		return first(p.Group, p.Parent.Group)
	case "artifactId":
		return first(p.Artifact, "")
	case "parent.version":
		return first(p.Parent.Version, "")
	case "parent.groupId":
		return first(p.Parent.Group, "")
	}
	return "", false
}

// projectCoordinates are those of a pom.xml inside an archive.
func projectCoordinates(text []byte) coordinates {
	p, err := parseProject(text)
	if err != nil {
		return coordinates{}
	}
	return p.coordinates()
}
