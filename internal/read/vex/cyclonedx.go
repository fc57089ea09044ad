package vex

import (
	"fmt"
	"net/url"
	"strings"
)

// The part of CycloneDX that is used.
type (
	cdxDocument struct {
		Metadata struct {
			Timestamp string        `json:"timestamp"`
			Component *cdxComponent `json:"component"`
			Supplier  struct {
				Name string `json:"name"`
			} `json:"supplier"`
		} `json:"metadata"`
		Components      []cdxComponent     `json:"components"`
		Vulnerabilities []cdxVulnerability `json:"vulnerabilities"`
	}
	cdxComponent struct {
		Ref     string `json:"bom-ref"`
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
		Hashes  []struct {
			Algorithm string `json:"alg"`
			Content   string `json:"content"`
		} `json:"hashes"`
		Components []cdxComponent `json:"components"`
	}
	cdxVulnerability struct {
		ID         string `json:"id"`
		References []struct {
			ID string `json:"id"`
		} `json:"references"`
		Analysis *struct {
			State         string `json:"state"`
			Justification string `json:"justification"`
			Detail        string `json:"detail"`
			Updated       string `json:"lastUpdated"`
			Issued        string `json:"firstIssued"`
		} `json:"analysis"`
		Affects []struct {
			Ref string `json:"ref"`
		} `json:"affects"`
	}
)

// cdxStates are CycloneDX's states of an analysis in OpenVEX's words.
func cdxStates() map[string]string {
	return map[string]string{
		"resolved": Fixed, "resolved_with_pedigree": Fixed, "exploitable": Affected, "in_triage": UnderInvestigation,
		"false_positive": NotAffected, "not_affected": NotAffected,
	}
}

// cdxJustifications are CycloneDX's justifications in OpenVEX's words.
func cdxJustifications() map[string]string {
	return map[string]string{
		"code_not_present": "vulnerable_code_not_present", "code_not_reachable": "vulnerable_code_not_in_execute_path",
		"requires_configuration":          "vulnerable_code_cannot_be_controlled_by_adversary",
		"requires_dependency":             "vulnerable_code_cannot_be_controlled_by_adversary",
		"requires_environment":            "vulnerable_code_cannot_be_controlled_by_adversary",
		"protected_by_compiler":           "inline_mitigations_already_exist",
		"protected_at_runtime":            "inline_mitigations_already_exist",
		"protected_at_perimeter":          "inline_mitigations_already_exist",
		"protected_by_mitigating_control": "inline_mitigations_already_exist",
	}
}

func (c *cdxComponent) component() Component {
	var out Component
	out.name(c.PURL)
	if c.PURL == "" {
		out.name(c.Name)
		if c.Version != "" {
			out.name(c.Name + ":" + c.Version)
		}
	}
	for _, h := range c.Hashes {
		out.hash(h.Algorithm, h.Content)
	}
	out.hash("sha256", c.Version)
	return out
}

func (d *Document) cycloneDX(b []byte) error {
	var doc cdxDocument
	if err := decode(b, &doc); err != nil {
		return fmt.Errorf("read CycloneDX: %w", err)
	}
	d.Author = clean(doc.Metadata.Supplier.Name)
	refs := map[string]*cdxComponent{}
	gather(refs, doc.Components, 0)
	whole := doc.Metadata.Component
	if whole != nil && whole.Ref != "" {
		refs[whole.Ref] = whole
	}
	for i := range doc.Vulnerabilities {
		from := &doc.Vulnerabilities[i]
		if from.Analysis == nil || from.Analysis.State == "" {
			continue // a vulnerability that is only listed
		}
		s, err := from.statement(doc.Metadata.Timestamp)
		if err != nil {
			return fmt.Errorf("%s: %w", clean(from.ID), err)
		}
		for _, a := range from.Affects {
			s.Products = append(s.Products, cdxProduct(refs, whole, a.Ref))
		}
		if err := d.add(s); err != nil {
			return err
		}
	}
	return nil
}

// statement is what an analysis says, but for its products. Issued is when its document was.
func (v *cdxVulnerability) statement(issued string) (Statement, error) {
	s := Statement{IDs: []string{clean(v.ID)}, Status: cdxStates()[v.Analysis.State], Note: v.Analysis.Detail}
	if s.Status == "" {
		return s, fmt.Errorf("state %q is none of CycloneDX's", clean(v.Analysis.State))
	}
	if j := v.Analysis.Justification; j != "" && s.Status == NotAffected {
		if s.Justification = cdxJustifications()[j]; s.Justification == "" {
			return s, fmt.Errorf("justification %q is none of CycloneDX's", clean(j))
		}
	}
	if s.Note == "" && v.Analysis.State == "false_positive" {
		s.Note = "a false positive"
	}
	for _, r := range v.References {
		s.IDs = append(s.IDs, clean(r.ID))
	}
	for _, text := range []string{v.Analysis.Updated, v.Analysis.Issued, issued} {
		at, err := moment(text)
		if err != nil {
			return s, err
		}
		if s.At.IsZero() {
			s.At = at
		}
	}
	return s, nil
}

// maxNested is how deep components stand in components.
const maxNested = 16

func gather(refs map[string]*cdxComponent, all []cdxComponent, depth int) {
	for i := range all {
		if c := &all[i]; c.Ref != "" && refs[c.Ref] == nil {
			refs[c.Ref] = c
		}
		if depth < maxNested {
			gather(refs, all[i].Components, depth+1)
		}
	}
}

// cdxProduct is what a reference leads to: a component of the document, of another (a BOM link), or a purl.
func cdxProduct(refs map[string]*cdxComponent, whole *cdxComponent, ref string) Product {
	if rest, ok := strings.CutPrefix(ref, "urn:cdx:"); ok {
		_, fragment, _ := strings.Cut(rest, "#")
		if text, err := url.PathUnescape(fragment); err == nil {
			ref = text
		}
	}
	var part Component
	switch c := refs[ref]; {
	case c != nil && c == whole:
		return Product{Component: whole.component()}
	case c != nil:
		part = c.component()
	default:
		part.name(ref)
	}
	if whole == nil {
		return Product{Component: part}
	}
	return Product{Component: whole.component(), Parts: []Component{part}}
}
