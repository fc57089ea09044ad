package sbom

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// readXML reads CycloneDX's XML form token by token. Versions differ in their name space alone, as far
// as is read here.
func (b *builder) readXML(in io.Reader) error {
	x := &xmlReader{b: b}
	d := xml.NewDecoder(in)
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("only UTF-8 is read") }
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			if len(x.path) > 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			err = x.start(t)
		case xml.EndElement:
			err = x.end()
		case xml.CharData:
			if len(x.text)+len(t) <= maxEntry {
				x.text = append(x.text, t...)
			}
		}
		if err != nil {
			return err
		}
	}
}

type xmlReader struct {
	b    *builder
	path []string // names of the open elements
	attr []string // the attribute of each that matters
	open []opened // components that are not closed yet
	shut int      // open components that are no part of the list
	text []byte
}

// opened is a component, and how many elements were open around it.
type opened struct {
	entry
	depth int
}

// maxElements bounds how deep elements nest: components and what is in them.
const maxElements = 8 * maxDepth

func (x *xmlReader) start(t xml.StartElement) error {
	if len(x.path) >= maxElements {
		return errors.New("elements are nested too deep")
	}
	name := t.Name.Local
	if len(x.path) == 0 {
		if name != "bom" {
			return errors.New("no CycloneDX: the root is not bom")
		}
		x.root(t.Attr)
	}
	attr := ""
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "name", "alg", "ref":
			attr = a.Value
		}
	}
	if name == "component" && !x.listed() {
		x.shut++
	} else if name == "component" {
		e := opened{depth: len(x.path)}
		for _, a := range t.Attr {
			switch a.Name.Local {
			case "type":
				e.kind = strings.ToLower(a.Value)
			case "bom-ref":
				e.ref = a.Value
			}
		}
		x.open = append(x.open, e)
	}
	if name == "dependency" && len(x.path) > 0 && x.path[len(x.path)-1] == "dependency" {
		x.b.link(x.attr[len(x.attr)-1], attr)
	}
	x.path, x.attr, x.text = append(x.path, name), append(x.attr, attr), x.text[:0]
	return nil
}

// root tells the version by the name space http://cyclonedx.org/schema/bom/VERSION.
func (x *xmlReader) root(attrs []xml.Attr) {
	for _, a := range attrs {
		if _, version, ok := strings.Cut(a.Value, "cyclonedx.org/schema/bom/"); ok {
			x.b.doc.Format, x.b.doc.Version = "cyclonedx", version
		}
	}
}

// listed says whether a component below the open elements is one of the document's list: tools,
// ancestors (pedigree) and what was there while building (formulation) are not.
func (x *xmlReader) listed() bool {
	for i, name := range x.path {
		if i == 0 || i == 1 && name == "metadata" || name == "components" || name == "component" && i > 1 {
			continue
		}
		return false
	}
	return true
}

// end takes the text of a field into the innermost open component, or the component itself.
func (x *xmlReader) end() error {
	if len(x.path) == 0 {
		return errors.New("an element is closed that was not opened")
	}
	n := len(x.path) - 1
	name, attr, path := x.path[n], x.attr[n], x.path
	x.path, x.attr = x.path[:n], x.attr[:n]
	value := strings.TrimSpace(string(x.text))
	x.text = x.text[:0]
	switch {
	case name == "component" && !x.listed():
		x.shut--
	case name == "component" && len(x.open) > 0:
		e := x.open[len(x.open)-1]
		x.open = x.open[:len(x.open)-1]
		if n == 2 && x.path[1] == "metadata" {
			x.b.subject(&e.entry)
			return nil
		}
		return x.b.take(e.entry)
	case name == "aggregate":
		x.b.aggregate(value)
	case len(x.open) > 0 && x.shut == 0 && value != "":
		e := &x.open[len(x.open)-1]
		e.field(strings.Join(path[min(e.depth+1, n):], "/"), attr, value)
	}
	return nil
}

// field sets what an element of a component says; its path begins below the component.
func (e *entry) field(path, attr, value string) {
	if len(e.properties)+len(e.licences)+len(e.digests)+len(e.places) >= maxList {
		return
	}
	switch path {
	case "group":
		e.group = value
	case "name":
		e.name = value
	case "version":
		e.version = value
	case "purl":
		e.purl = value
	case "publisher":
		e.maintainer = value
	case "supplier/name":
		e.vendor = value
	case "hashes/hash":
		e.digests = append(e.digests, algorithm(attr)+":"+value)
	case "licenses/expression", "licenses/license/id", "licenses/license/name":
		e.licences = append(e.licences, value)
	case "properties/property":
		e.properties = append(e.properties, property{attr, value})
	case "evidence/occurrences/occurrence/location":
		e.places = append(e.places, value)
	}
}
