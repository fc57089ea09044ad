package sbom

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// readTags reads SPDX 2 as tags and values: lines "Tag: value", where a value in <text> and </text>
// may go over several lines. A package goes on until the next package, file or snippet begins.
func (b *builder) readTags(in *bufio.Reader) error {
	t := &tagReader{b: b}
	for {
		line, err := t.line(in)
		if line != "" && line[0] != '#' {
			if err := t.take(in, line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return t.flush()
		}
		if err != nil {
			return err
		}
		if t.lines == 50 && b.doc.Format == "" {
			return errors.New("no SPDXVersion in the first 50 lines")
		}
	}
}

type tagReader struct {
	b     *builder
	e     *entry
	last  []string // the relationship before this line
	lines int
}

// line is the next line without its end. One that is longer than an entry ends the reading.
func (t *tagReader) line(in *bufio.Reader) (string, error) {
	t.lines++
	var all []byte
	for {
		part, err := in.ReadSlice('\n')
		all = append(all, part...)
		if len(all) > maxEntry {
			return "", ecosystem.Limit("a line of more than %d bytes", maxEntry)
		}
		if err != bufio.ErrBufferFull {
			return string(bytes.TrimRight(all, "\r\n")), err
		}
	}
}

func (t *tagReader) take(in *bufio.Reader, line string) error {
	tag, value, ok := strings.Cut(line, ":")
	if !ok {
		return nil
	}
	value = strings.TrimSpace(value)
	if rest, ok := strings.CutPrefix(value, "<text>"); ok {
		var err error
		if value, err = t.long(in, rest); err != nil {
			return err
		}
	}
	switch tag {
	case "SPDXVersion":
		return t.b.identify("spdxVersion", value)
	case "PackageName":
		if err := t.flush(); err != nil {
			return err
		}
		t.e = &entry{name: value}
	case "FileName", "SnippetSPDXID":
		return t.flush()
	case "Relationship":
		if f := strings.Fields(value); len(f) >= 3 {
			t.b.relate(f[0], f[1], f[2])
			t.last = f
		}
	case "RelationshipComment":
		if f := t.last; f != nil {
			t.b.explain(f[0], f[1], f[2], value)
		}
	default:
		if t.e != nil {
			t.e.tag(tag, value)
		}
	}
	return nil
}

// long reads a value up to </text>.
func (t *tagReader) long(in *bufio.Reader, value string) (string, error) {
	var all strings.Builder
	for {
		if before, _, ok := strings.Cut(value, "</text>"); ok {
			all.WriteString(before)
			return all.String(), nil
		}
		if all.WriteString(value + "\n"); all.Len() > maxEntry {
			return "", ecosystem.Limit("a text of more than %d bytes", maxEntry)
		}
		line, err := t.line(in)
		if err != nil && (err != io.EOF || !strings.Contains(line, "</text>")) {
			return "", fmt.Errorf("a text is not closed: %w", err)
		}
		value = line
	}
}

func (e *entry) tag(tag, value string) {
	switch tag {
	case "SPDXID":
		if e.ref == "" {
			e.ref = value
		}
	case "PackageVersion":
		e.version = value
	case "PrimaryPackagePurpose":
		e.kind = purpose(value)
	case "PackageSupplier":
		e.who(value, "")
	case "PackageOriginator":
		e.who("", value)
	case "PackageLicenseDeclared":
		e.declare(value)
	case "PackageComment":
		e.comment(value)
	case "PackageSourceInfo":
		e.sourceInfo(value)
	case "PackageChecksum":
		if name, sum, ok := strings.Cut(value, ":"); ok && len(e.digests) < maxList {
			e.digests = append(e.digests, algorithm(name)+":"+strings.TrimSpace(sum))
		}
	case "ExternalRef":
		if f := strings.Fields(value); len(f) == 3 && f[1] == "purl" && e.purl == "" {
			e.purl = f[2]
		}
	}
}

func (t *tagReader) flush() error {
	e := t.e
	if t.e = nil; e == nil {
		return nil
	}
	return t.b.take(*e)
}
