// Package savedreport reads the reports that Plimsoll wrote as JSON. They come back from a pipeline's store,
// where others may have written: they are read within bounds, and what refers to nothing is refused.
package savedreport

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/plimsoll/plimsoll/finding"
)

// maxBytes bounds a report; one of 20,000 packages and as many findings has some 30 MB.
const maxBytes = 512 << 20

// Read reads the report of that name, and returns its digest beside it.
func Read(name string) (*finding.Report, string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, "", err
	}
	if info.IsDir() {
		return nil, "", fmt.Errorf("%s is a folder: name the report in it", name)
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", name, err)
	}
	r, err := Parse(b)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(b)
	return r, "sha256:" + hex.EncodeToString(sum[:]), nil
}

// Parse reads a report. Members that this release does not know are passed over: a later one may have
// written them.
func Parse(b []byte) (*finding.Report, error) {
	if len(b) > maxBytes {
		return nil, fmt.Errorf("a report of more than %d bytes is not read", maxBytes)
	}
	var r finding.Report
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&r); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty: a report is written by plimsoll scan -o json=FILE")
		}
		return nil, fmt.Errorf("it is no report of Plimsoll's (plimsoll scan -o json=FILE writes one): %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows after the report's end")
	}
	if r.Schema != finding.Schema {
		return nil, fmt.Errorf("its schema is %.60q and not %q: plimsoll scan -o json=FILE writes a report", r.Schema, finding.Schema)
	}
	return &r, whole(&r)
}

// whole wants targets and packages told apart, and findings that refer to them.
func whole(r *finding.Report) error {
	targets, packages := map[string]bool{"": true}, map[string]bool{"": true}
	for i := range r.Targets {
		if id := r.Targets[i].ID; targets[id] {
			return fmt.Errorf("two targets are called %.60q, or one has no id", id)
		}
		targets[r.Targets[i].ID] = true
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		if packages[p.ID] {
			return fmt.Errorf("two packages are called %.60q, or one has no id", p.ID)
		}
		if !targets[p.Target] {
			return fmt.Errorf("package %.60q is of target %.60q, which is not there", p.ID, p.Target)
		}
		packages[p.ID] = true
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !targets[f.Target] || !packages[f.Package] || f.Rule == "" || f.Fingerprint == "" {
			return fmt.Errorf("finding %d (%.60q) has no rule, no fingerprint, or refers to a target or package that is not there", i+1, f.Rule)
		}
	}
	return nil
}
