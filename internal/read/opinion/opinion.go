// Package opinion reads the reports of other engines, as second opinions on what Plimsoll found: Trivy's,
// Grype's and OSV-Scanner's JSON, and SARIF of any program.
//
// What is read is what can be compared: which vulnerability in which package of which version, how grave and
// mended where; which rule in which file and line. Prose, paths of machines and settings are passed over.
// What an engine itself let pass is read as such, and not as if it had found nothing.
//
// Reports are foreign: they are bounded in bytes, entries and lengths of words.
package opinion

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/purl"
)

// Bounds of a report.
const (
	maxBytes   = 128 << 20
	maxEntries = 200_000 // opinions, and packages
	maxIDs     = 50      // of one opinion
	maxWord    = 2048    // bytes of a name, an id, a path
)

// Report is what another engine says of one target.
type Report struct {
	Engine  string
	Version string
	Digest  string   // of the document
	Name    string   // of what it looked at
	Digests []string // of the image, its manifest or its configuration
	DiffIDs []string // of the image's layers, from the bottom
	Kinds   []finding.Kind
	Note    string // what a reader is to be told of it; empty: nothing
	// Packages are those that it lists, where it lists all that it saw; nil: it lists only what it found.
	Packages []Package
	Opinions []Opinion
}

// Package names a package as the engine does. Type is that of its purl.
type Package struct {
	ecosystem.Package
	PURL string
}

// Opinion is one thing that an engine found.
type Opinion struct {
	Kind     finding.Kind
	IDs      []string // the engine's own first, then others that mean the same
	Package  *Package
	Severity finding.Severity
	Fixed    []string
	Path     string
	Line     int
	// Ignored says why the engine let it pass; empty: it did not.
	Ignored string
}

// engine reads the reports of one program.
type engine struct {
	name string
	// is tells by the members of the document whether it is one.
	is   func(top map[string]json.RawMessage) bool
	read func(b []byte, r *Report) error
}

// engines lists those that are read.
func engines() []engine { return []engine{trivy, grype, osv, sarif} }

// Read reads one report, whose engine it tells by its members.
func Read(in io.Reader) (*Report, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxBytes {
		return nil, ecosystem.Limit("more than %d bytes", maxBytes)
	}
	sum := sha256.Sum256(b)
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b, &top); err != nil {
		return nil, fmt.Errorf("no JSON document of an engine: %w", err)
	}
	for _, e := range engines() {
		if !e.is(top) {
			continue
		}
		r := &Report{Engine: e.name, Digest: "sha256:" + hex.EncodeToString(sum[:])}
		if err := e.read(b, r); err != nil {
			return nil, fmt.Errorf("read a report of %s: %w", e.name, err)
		}
		if r.Engine = word(r.Engine); r.Engine == "" {
			r.Engine = e.name
		}
		return r, nil
	}
	if string(bytes.Trim(top["schema"], `"`)) == finding.Schema {
		return nil, fmt.Errorf("it is a report of Plimsoll: name it first, and once")
	}
	var members []string
	for _, m := range slices.Sorted(maps.Keys(top)) {
		members = append(members, fmt.Sprintf("%q", word(m)))
	}
	return nil, fmt.Errorf("neither a report of Trivy, Grype or OSV-Scanner nor SARIF: its members are %s", strings.Join(members[:min(len(members), 8)], ", "))
}

// add takes an opinion, with its ids made one list.
func (r *Report) add(o Opinion) error {
	if len(r.Opinions) == maxEntries {
		return ecosystem.Limit("more than %d findings", maxEntries)
	}
	var ids []string
	for _, id := range o.IDs {
		if id = word(id); id != "" && !slices.Contains(ids, id) && len(ids) < maxIDs {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil // nothing that could be compared
	}
	o.IDs, o.Path, o.Ignored = ids, strings.TrimPrefix(word(o.Path), "/"), word(o.Ignored)
	o.Line = max(o.Line, 0)
	var fixed []string
	for _, f := range o.Fixed {
		for one := range strings.SplitSeq(word(f), ",") {
			if one = strings.TrimSpace(one); one != "" && !slices.Contains(fixed, one) && len(fixed) < maxIDs {
				fixed = append(fixed, one)
			}
		}
	}
	o.Fixed = fixed
	if !slices.Contains(r.Kinds, o.Kind) {
		r.Kinds = append(r.Kinds, o.Kind)
	}
	r.Opinions = append(r.Opinions, o)
	return nil
}

// lists takes a package that the engine saw.
func (r *Report) lists(p *Package) error {
	if len(r.Packages) == maxEntries {
		return ecosystem.Limit("more than %d packages", maxEntries)
	}
	if p != nil {
		r.Packages = append(r.Packages, *p)
	}
	return nil
}

// packageOf is a package by its purl, or by type, name and version where there is none. It is nil where
// neither names one.
func packageOf(text, kind, name, version string) *Package {
	if text = word(text); text != "" {
		if p, _, err := purl.Parse(text); err == nil {
			if version = word(version); p.Version == "" {
				p.Version = version
			}
			return &Package{p, text}
		}
	}
	if kind, name = word(kind), word(name); kind == "" || name == "" {
		return nil
	}
	p := ecosystem.Package{Type: kind, Name: name, Version: word(version)}
	cut := strings.LastIndexByte(name, '/')
	if kind == "maven" {
		cut = strings.LastIndexByte(name, ':')
	}
	if cut > 0 && slices.Contains([]string{"maven", "npm", "golang", "composer"}, kind) {
		p.Namespace, p.Name = name[:cut], name[cut+1:]
	}
	return &Package{p, ""}
}

// word is foreign text without what makes it longer than an honest one.
func word(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd"))
	if len(s) > maxWord {
		return ""
	}
	return s
}

// severity reads a word of severity; what is none is unknown.
func severity(s string) finding.Severity {
	out, err := finding.ParseSeverity(s)
	if err != nil {
		return finding.Unknown
	}
	return out
}

func named(digests ...string) (out []string) {
	for _, d := range digests {
		if at := strings.LastIndex(d, "sha256:"); at >= 0 && len(out) < maxIDs { // also in NAME@sha256:…
			out = append(out, word(d[at:]))
		}
	}
	return out
}
