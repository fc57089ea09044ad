// Package vex reads what others say of a vulnerability's bearing on a product: OpenVEX 0.0.1 and 0.2.0, the
// analysis of CycloneDX documents, and CSAF's VEX profile, all as JSON.
//
// What is read is held against its specification where it would let something pass: a statement of
// not_affected wants its reason, a status is one of the four, a time is there. Whether a statement is about
// what was scanned, and which of several is the newest, is decided elsewhere (weigh/exception).
package vex

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	packageurl "github.com/package-url/packageurl-go"
)

// Bounds of a document.
const (
	maxBytes      = 64 << 20
	maxStatements = 200_000
	maxComponents = 1_000_000 // products and their parts, of all statements
	maxText       = 4_096     // bytes of a note that are kept
)

// The statuses of a statement, in OpenVEX's words.
const (
	NotAffected        = "not_affected"
	Affected           = "affected"
	Fixed              = "fixed"
	UnderInvestigation = "under_investigation"
)

// Document is what one document says.
type Document struct {
	Name       string
	Kind       string // openvex, cyclonedx, csaf
	Digest     string // sha256:HEX of its bytes
	Author     string
	Statements []Statement
}

// Statement is one assertion about some products.
type Statement struct {
	IDs           []string // the vulnerability's name and its aliases
	Status        string
	Justification string
	Note          string // why, in words
	At            time.Time
	Products      []Product
}

// Product is what a statement is about; where it has parts, about these parts in it.
type Product struct {
	Component
	Parts []Component
}

// Component names an image or a package. Where it has digests, they decide; then the purl; then the names.
type Component struct {
	PURL    string   // in canonical form
	Names   []string // ids that are no purl
	Digests []string // sha256:HEX
}

// Lets says whether a status has a finding pass.
func Lets(status string) bool { return status == NotAffected || status == Fixed }

// Read reads the document of that name.
func Read(name string) (Document, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Document{}, err
	}
	if info.IsDir() {
		return Document{}, fmt.Errorf("%s is a folder: name the document in it", name)
	}
	in, err := os.Open(name)
	if err != nil {
		return Document{}, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return Document{}, fmt.Errorf("read %s: %w", name, err)
	}
	return Parse(name, b)
}

// Parse reads a document, whose form it tells by its members.
func Parse(name string, b []byte) (Document, error) {
	if len(b) > maxBytes {
		return Document{}, fmt.Errorf("%s has more than %d bytes, which is no honest VEX document", name, maxBytes)
	}
	sum := sha256.Sum256(b)
	d := Document{Name: filepath.ToSlash(name), Digest: "sha256:" + hex.EncodeToString(sum[:])}
	var head struct {
		Context   string          `json:"@context"`
		BOMFormat string          `json:"bomFormat"`
		Schema    string          `json:"schema"`
		Document  json.RawMessage `json:"document"`
	}
	if err := decode(b, &head); err != nil {
		return d, fmt.Errorf("%s is no JSON document that holds VEX statements: %w", name, err)
	}
	var err error
	switch {
	case strings.HasPrefix(head.Context, "https://openvex.dev/ns"):
		d.Kind, err = "openvex", d.openVEX(b)
	case head.BOMFormat == "CycloneDX":
		d.Kind, err = "cyclonedx", d.cycloneDX(b)
	case head.Document != nil:
		d.Kind, err = "csaf", d.csaf(b)
	case head.Schema != "":
		return d, fmt.Errorf("%s is a report: name it with --baseline to have only what is new denied", name)
	default:
		return d, fmt.Errorf("%s is no VEX document: OpenVEX begins with \"@context\": \"https://openvex.dev/ns/v0.2.0\"; CycloneDX and CSAF are read too", name)
	}
	if err == nil {
		err = d.bounded()
	}
	if err != nil {
		return d, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// decode reads just one value.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("it is empty")
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows after its end")
	}
	return nil
}

// bounded holds the whole against what an honest document has.
func (d *Document) bounded() error {
	if len(d.Statements) > maxStatements {
		return fmt.Errorf("%d statements, at most %d are read", len(d.Statements), maxStatements)
	}
	n := 0
	for _, s := range d.Statements {
		for _, p := range s.Products {
			n += 1 + len(p.Parts)
		}
	}
	if n > maxComponents {
		return fmt.Errorf("%d products and parts, at most %d are read", n, maxComponents)
	}
	return nil
}

// add takes a statement that keeps to the rules.
func (d *Document) add(s Statement) error {
	of := fmt.Sprintf("statement %d", len(d.Statements)+1)
	if len(s.IDs) > 0 {
		of += " (" + clean(s.IDs[0]) + ")"
	}
	s.Note = clean(s.Note)
	switch {
	case len(s.IDs) == 0 || s.IDs[0] == "":
		return fmt.Errorf("%s names no vulnerability", of)
	case !slices.Contains([]string{NotAffected, Affected, Fixed, UnderInvestigation}, s.Status):
		return fmt.Errorf("%s: status %q is none of not_affected, affected, fixed, under_investigation", of, clean(s.Status))
	case s.At.IsZero():
		return fmt.Errorf("%s has no time, and nor has its document: nobody could tell which of two is the newer", of)
	case s.Justification != "" && !slices.Contains(justifications(), s.Justification):
		return fmt.Errorf("%s: %q is no justification: one of %s", of, clean(s.Justification), strings.Join(justifications(), ", "))
	case s.Status == NotAffected && s.Justification == "" && s.Note == "":
		return fmt.Errorf("%s says not_affected and not why: a justification or an impact statement is wanted", of)
	}
	d.Statements = append(d.Statements, s)
	return nil
}

func justifications() []string {
	return []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
}

// clean makes foreign text one line of bounded length that steers nothing.
func clean(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)), " ")
}

// name takes an id for a purl, or for a name.
func (c *Component) name(id string) {
	if id == "" {
		return
	}
	if strings.HasPrefix(id, "pkg:") {
		if u, err := packageurl.FromString(id); err == nil && c.PURL == "" {
			c.PURL = u.ToString()
			return
		}
	}
	c.Names = append(c.Names, id)
}

// hash takes a digest, if it is SHA-256: images are known by no other.
func (c *Component) hash(algorithm, value string) {
	value = strings.ToLower(strings.TrimPrefix(value, "sha256:"))
	if b, err := hex.DecodeString(value); err == nil && len(b) == sha256.Size && strings.ReplaceAll(strings.ToLower(algorithm), "-", "") == "sha256" {
		c.Digests = append(c.Digests, "sha256:"+value)
	}
}

// moment reads a time; zero for none.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time of RFC 3339, as 2026-11-01T12:00:00Z", clean(text))
	}
	return at, nil
}
