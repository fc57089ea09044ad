package vex

import (
	"errors"
	"fmt"
	"slices"
)

// The part of CSAF 2.0 (OASIS) that is used.
type (
	csafDocument struct {
		Document struct {
			Category  string `json:"category"`
			Publisher struct {
				Name string `json:"name"`
			} `json:"publisher"`
			Tracking struct {
				Current string `json:"current_release_date"`
			} `json:"tracking"`
		} `json:"document"`
		Tree            csafTree            `json:"product_tree"`
		Vulnerabilities []csafVulnerability `json:"vulnerabilities"`
	}
	csafTree struct {
		Branches      []csafBranch  `json:"branches"`
		Names         []csafProduct `json:"full_product_names"`
		Relationships []struct {
			Product csafProduct `json:"full_product_name"`
			Part    string      `json:"product_reference"`
			Whole   string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
		Groups []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	}
	csafBranch struct {
		Product  *csafProduct `json:"product"`
		Branches []csafBranch `json:"branches"`
	}
	csafProduct struct {
		ID     string `json:"product_id"`
		Name   string `json:"name"`
		Helper struct {
			PURL   string `json:"purl"`
			Hashes []struct {
				Files []struct {
					Algorithm string `json:"algorithm"`
					Value     string `json:"value"`
				} `json:"file_hashes"`
			} `json:"hashes"`
		} `json:"product_identification_helper"`
	}
	csafVulnerability struct {
		CVE string `json:"cve"`
		IDs []struct {
			Text string `json:"text"`
		} `json:"ids"`
		Status map[string][]string `json:"product_status"`
		Flags  []csafRemark        `json:"flags"`
		Threat []csafRemark        `json:"threats"`
	}
	csafRemark struct {
		Label    string   `json:"label"`
		Category string   `json:"category"`
		Details  string   `json:"details"`
		Products []string `json:"product_ids"`
		Groups   []string `json:"group_ids"`
	}
)

// csafStatuses are CSAF's lists of products in OpenVEX's words, in the order in which they are read. Others
// (recommended, last_affected …) speak of versions that are not at hand.
func csafStatuses() [][2]string {
	return [][2]string{
		{"known_not_affected", NotAffected}, {"fixed", Fixed}, {"first_fixed", Fixed}, {"known_affected", Affected}, {"under_investigation", UnderInvestigation},
	}
}

func (d *Document) csaf(b []byte) error {
	var doc csafDocument
	if err := decode(b, &doc); err != nil {
		return fmt.Errorf("read CSAF: %w", err)
	}
	if doc.Document.Category == "" || doc.Document.Tracking.Current == "" {
		return errors.New("a CSAF document wants document.category and document.tracking.current_release_date")
	}
	d.Author = clean(doc.Document.Publisher.Name)
	at, err := moment(doc.Document.Tracking.Current)
	if err != nil {
		return err
	}
	products, groups := doc.Tree.products()
	for i := range doc.Vulnerabilities {
		v := &doc.Vulnerabilities[i]
		ids := []string{clean(v.CVE)}
		for _, id := range v.IDs {
			ids = append(ids, clean(id.Text))
		}
		if ids[0] == "" {
			ids = ids[1:]
		}
		for _, status := range csafStatuses() {
			for _, id := range v.Status[status[0]] {
				s := Statement{IDs: ids, Status: status[1], At: at}
				if p, ok := products[id]; ok {
					s.Products = []Product{p}
				}
				if s.Status == NotAffected {
					s.Justification, s.Note = v.why(id, groups)
				}
				if err := d.add(s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// why is the flag, or the statement of impact, that CSAF wants of what is not affected.
func (v *csafVulnerability) why(product string, groups map[string][]string) (justification, note string) {
	about := func(r *csafRemark) bool {
		return slices.Contains(r.Products, product) || slices.ContainsFunc(r.Groups, func(g string) bool { return slices.Contains(groups[g], product) })
	}
	for i := range v.Flags {
		if f := &v.Flags[i]; about(f) && justification == "" {
			justification = f.Label
		}
	}
	for i := range v.Threat {
		if t := &v.Threat[i]; t.Category == "impact" && note == "" && about(t) {
			note = t.Details
		}
	}
	return justification, note
}

// products are all by their ids; one that stands in another is a part of it.
func (t *csafTree) products() (map[string]Product, map[string][]string) {
	all := map[string]Product{}
	add := func(p *csafProduct) {
		var c Component
		c.name(p.Helper.PURL)
		if p.Helper.PURL == "" {
			c.name(p.Name)
		}
		for _, h := range p.Helper.Hashes {
			for _, f := range h.Files {
				c.hash(f.Algorithm, f.Value)
			}
		}
		all[p.ID] = Product{Component: c}
	}
	for i := range t.Names {
		add(&t.Names[i])
	}
	walk(t.Branches, 0, add)
	for _, r := range t.Relationships {
		whole, part := all[r.Whole], all[r.Part]
		all[r.Product.ID] = Product{Component: whole.Component, Parts: []Component{part.Component}}
	}
	groups := map[string][]string{}
	for _, g := range t.Groups {
		groups[g.ID] = g.Products
	}
	return all, groups
}

// maxBranches is how deep a tree of products may be; real ones have five storeys.
const maxBranches = 64

func walk(branches []csafBranch, depth int, visit func(*csafProduct)) {
	if depth > maxBranches {
		return
	}
	for i := range branches {
		if p := branches[i].Product; p != nil {
			visit(p)
		}
		walk(branches[i].Branches, depth+1, visit)
	}
}
