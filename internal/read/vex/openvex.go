package vex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The part of OpenVEX 0.2.0 that is used. Version 0.0.1 has words where 0.2.0 has objects.
type (
	openVEX struct {
		ID         string             `json:"@id"`
		Author     string             `json:"author"`
		Timestamp  string             `json:"timestamp"`
		Statements []openVEXStatement `json:"statements"`
	}
	openVEXStatement struct {
		Vulnerability openVEXVulnerability `json:"vulnerability"`
		Timestamp     string               `json:"timestamp"`
		Products      []openVEXProduct     `json:"products"`
		Subcomponents []openVEXPart        `json:"subcomponents"` // 0.0.1 has them here
		Status        string               `json:"status"`
		Notes         string               `json:"status_notes"`
		Justification string               `json:"justification"`
		Impact        string               `json:"impact_statement"`
		Action        string               `json:"action_statement"`
	}
	openVEXVulnerability struct {
		ID      string   `json:"@id"`
		Name    string   `json:"name"`
		Aliases []string `json:"aliases"`
	}
	openVEXIdentifiers struct {
		PURL string `json:"purl"`
	}
	openVEXProduct struct {
		ID            string             `json:"@id"`
		Identifiers   openVEXIdentifiers `json:"identifiers"`
		Hashes        map[string]string  `json:"hashes"`
		Subcomponents []openVEXPart      `json:"subcomponents"`
	}
	openVEXPart struct {
		ID          string             `json:"@id"`
		Identifiers openVEXIdentifiers `json:"identifiers"`
		Hashes      map[string]string  `json:"hashes"`
	}
)

func (v *openVEXVulnerability) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &v.Name) == nil {
		return nil
	}
	type plain openVEXVulnerability
	return json.Unmarshal(b, (*plain)(v))
}

func (p *openVEXProduct) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &p.ID) == nil {
		return nil
	}
	type plain openVEXProduct
	return json.Unmarshal(b, (*plain)(p))
}

func (p *openVEXPart) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &p.ID) == nil {
		return nil
	}
	type plain openVEXPart
	return json.Unmarshal(b, (*plain)(p))
}

func (p *openVEXPart) component() Component {
	var out Component
	out.name(p.Identifiers.PURL)
	if p.ID != p.Identifiers.PURL {
		out.name(p.ID)
	}
	for algorithm, value := range p.Hashes {
		out.hash(algorithm, value)
	}
	return out
}

func (d *Document) openVEX(b []byte) error {
	var doc openVEX
	if err := decode(b, &doc); err != nil {
		return fmt.Errorf("read OpenVEX: %w", err)
	}
	if doc.ID == "" || doc.Author == "" {
		return errors.New("an OpenVEX document wants @id, author and timestamp")
	}
	d.Author = clean(doc.Author)
	issued, err := moment(doc.Timestamp)
	if err != nil {
		return err
	}
	for i := range doc.Statements {
		s, err := doc.Statements[i].statement(issued)
		if err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
		if err := d.add(s); err != nil {
			return err
		}
	}
	return nil
}

// statement is what one says; issued is when its document was.
func (from *openVEXStatement) statement(issued time.Time) (Statement, error) {
	s := Statement{Status: from.Status, Justification: from.Justification, At: issued, Note: cmp.Or(from.Impact, from.Action, from.Notes)}
	for _, id := range append([]string{from.Vulnerability.Name, lastElement(from.Vulnerability.ID)}, from.Vulnerability.Aliases...) {
		if id != "" {
			s.IDs = append(s.IDs, clean(id))
		}
	}
	if from.Status == NotAffected { // notes are no reason, says the specification
		s.Note = from.Impact
		if from.Impact == "" && from.Justification != "" {
			s.Note = from.Notes
		}
	}
	if from.Timestamp != "" {
		var err error
		if s.At, err = moment(from.Timestamp); err != nil {
			return s, err
		}
	}
	for _, p := range from.Products {
		product := Product{Component: (&openVEXPart{p.ID, p.Identifiers, p.Hashes}).component()}
		for _, part := range append(p.Subcomponents, from.Subcomponents...) {
			product.Parts = append(product.Parts, part.component())
		}
		s.Products = append(s.Products, product)
	}
	return s, nil
}

// lastElement is the id at the end of an address, where addresses of vulnerabilities have it.
func lastElement(iri string) string {
	for i := len(iri) - 1; i >= 0; i-- {
		if iri[i] == '/' || iri[i] == '#' {
			return iri[i+1:]
		}
	}
	return iri
}
