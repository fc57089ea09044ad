package sbom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// readJSON reads the members of the document one by one. Formats are told by their members: what comes
// before the one that names the format is read all the same.
func (b *builder) readJSON(in io.Reader) error {
	d := json.NewDecoder(in)
	err := members(d, func(key string) error { return b.member(d, key) })
	if err == nil && b.doc.Format == "" && b.entries > 0 {
		return errors.New("no member says which format it is")
	}
	return err
}

func (b *builder) member(d *json.Decoder, key string) error {
	switch key {
	case "bomFormat", "specVersion", "spdxVersion", "schema", "@context":
		var s any
		if err := d.Decode(&s); err != nil {
			return err
		}
		text, _ := s.(string)
		return b.identify(key, text)
	case "metadata":
		return b.raw(d, b.metadata)
	case "components":
		return b.elements(d, func(raw json.RawMessage) error { return b.component(raw, 0) })
	case "dependencies":
		return b.elements(d, b.dependency)
	case "packages":
		if b.doc.Format == "plimsoll" {
			return b.elements(d, b.reported)
		}
		return b.elements(d, b.spdxPackage)
	case "compositions":
		return b.elements(d, b.composition)
	case "targets":
		return b.elements(d, b.reportedTarget)
	case "coverage":
		return b.elements(d, b.reportedGap)
	case "relationships":
		return b.elements(d, b.relationship)
	case "documentDescribes":
		return b.elements(d, func(raw json.RawMessage) error { b.describes(text(raw)); return nil })
	}
	return b.skip(d)
}

func (b *builder) identify(key, value string) error {
	switch {
	case key == "bomFormat" && value == "CycloneDX":
		b.doc.Format = "cyclonedx"
	case key == "specVersion":
		b.doc.Version = value
	case key == "spdxVersion" && strings.HasPrefix(value, "SPDX-2."):
		b.doc.Format, b.doc.Version = "spdx", strings.TrimPrefix(value, "SPDX-")
	case key == "spdxVersion":
		return fmt.Errorf("SPDX %.20q is not read: use 2.2 or 2.3", value)
	case key == "@context" && strings.Contains(value, "spdx.org/rdf/3"):
		return errors.New("SPDX 3 is not read: use 2.2 or 2.3, or CycloneDX")
	case key == "schema" && value == finding.Schema:
		b.doc.Format, b.doc.Version = "plimsoll", value
	}
	return nil
}

// members visits the members of an object. Visit reads the value.
func members(d *json.Decoder, visit func(key string) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return cmpError(err, "no object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if err := visit(key); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func cmpError(err error, otherwise string) error {
	if err != nil {
		return err
	}
	return errors.New(otherwise)
}

// elements visits the elements of an array; another value is passed over.
func (b *builder) elements(d *json.Decoder, visit func(json.RawMessage) error) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if open, ok := t.(json.Delim); !ok || open != '[' {
		if !ok {
			return nil
		}
		return finishValue(d, 1)
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if err := visit(raw); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// raw hands a small value to visit.
func (b *builder) raw(d *json.Decoder, visit func(json.RawMessage) error) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	if len(raw) > maxEntry {
		b.passed++
		return nil
	}
	return visit(raw)
}

// skip passes over a value token by token, without holding it.
func (b *builder) skip(d *json.Decoder) error { return finishValue(d, 0) }

// finishValue reads until so many open brackets, and those that come, are closed.
func finishValue(d *json.Decoder, open int) error {
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
		if open == 0 {
			return nil
		}
	}
}

// text is a JSON string; empty for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// decode reads a value that is small enough into v. What has the wrong shape leaves v as far as it was
// read: one odd field does not cost the entry.
func (b *builder) decode(raw json.RawMessage, v any) {
	switch {
	case len(raw) == 0:
	case len(raw) > maxEntry:
		b.passed++
	default:
		_ = json.Unmarshal(raw, v)
	}
}
