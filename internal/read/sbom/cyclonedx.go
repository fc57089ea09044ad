package sbom

import (
	"encoding/json"
	"strings"
)

// component is a CycloneDX component, the lists of which are read on their own so that none is larger
// than an honest one.
type component struct {
	Ref        string          `json:"bom-ref"`
	Type       string          `json:"type"`
	Group      string          `json:"group"`
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	PURL       string          `json:"purl"`
	Publisher  string          `json:"publisher"`
	Supplier   json.RawMessage `json:"supplier"`
	Hashes     json.RawMessage `json:"hashes"`
	Licenses   json.RawMessage `json:"licenses"`
	Properties json.RawMessage `json:"properties"`
	Evidence   json.RawMessage `json:"evidence"`
	Components json.RawMessage `json:"components"`
}

func (b *builder) metadata(raw json.RawMessage) error {
	var m struct {
		Component json.RawMessage `json:"component"`
	}
	b.decode(raw, &m)
	if len(m.Component) == 0 {
		return nil
	}
	var c component
	b.decode(m.Component, &c)
	e := b.entry(&c)
	b.subject(&e)
	return b.inside(&c, 0)
}

// component takes a component and those inside it.
func (b *builder) component(raw json.RawMessage, depth int) error {
	var c component
	_ = json.Unmarshal(raw, &c)
	if err := b.take(b.entry(&c)); err != nil {
		return err
	}
	return b.inside(&c, depth)
}

func (b *builder) inside(c *component, depth int) error {
	if len(c.Components) == 0 || string(c.Components) == "null" {
		return nil
	}
	if depth >= maxDepth {
		b.passed++
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(c.Components)))
	return b.elements(d, func(raw json.RawMessage) error { return b.component(raw, depth+1) })
}

func (b *builder) entry(c *component) entry {
	e := entry{
		ref: c.Ref, kind: strings.ToLower(c.Type), group: c.Group, name: c.Name, version: c.Version, purl: c.PURL, maintainer: c.Publisher,
	}
	var supplier struct {
		Name string `json:"name"`
	}
	b.decode(c.Supplier, &supplier)
	e.vendor = supplier.Name
	var hashes []struct {
		Alg     string `json:"alg"`
		Content string `json:"content"`
	}
	b.decode(c.Hashes, &hashes)
	for _, h := range first(hashes) {
		e.digests = append(e.digests, algorithm(h.Alg)+":"+h.Content)
	}
	var licences []struct {
		Expression string `json:"expression"`
		License    struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"license"`
	}
	b.decode(c.Licenses, &licences)
	for _, l := range first(licences) {
		e.licence(l.Expression, l.License.ID, l.License.Name)
	}
	b.decode(c.Properties, &e.properties)
	e.properties = first(e.properties)
	var evidence struct {
		Occurrences []struct {
			Location string `json:"location"`
		} `json:"occurrences"`
	}
	b.decode(c.Evidence, &evidence)
	for _, o := range first(evidence.Occurrences) {
		e.places = append(e.places, o.Location)
	}
	return e
}

// first cuts a list to its bound.
func first[T any](s []T) []T { return s[:min(len(s), maxList)] }

// licence adds the first of these that is there.
func (e *entry) licence(words ...string) {
	for _, w := range words {
		if w != "" {
			e.licences = append(e.licences, w)
			return
		}
	}
}

// algorithm is a hash's name as we write it: SHA-256 is sha256.
func algorithm(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }

// composition keeps what the document says of its own wholeness.
func (b *builder) composition(raw json.RawMessage) error {
	var c struct {
		Aggregate string `json:"aggregate"`
	}
	b.decode(raw, &c)
	b.aggregate(c.Aggregate)
	return nil
}

func (b *builder) aggregate(word string) {
	if strings.HasPrefix(word, "incomplete") && len(word) < 64 {
		b.partial = word
	}
}

func (b *builder) dependency(raw json.RawMessage) error {
	var d struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn"`
	}
	b.decode(raw, &d)
	for _, to := range d.DependsOn {
		b.link(d.Ref, to)
	}
	return nil
}
