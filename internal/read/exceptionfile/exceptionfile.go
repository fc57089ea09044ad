// Package exceptionfile reads the files that say which findings are let pass, by whom and until when.
//
// Plimsoll's own form is YAML, and read strictly: an unknown key is an error with its line.
//
//	exceptions:
//	  - rule: CVE-2024-5535            # or GHSA-…, hadolint/DL3008, DL3008, image/root-user, secret/*
//	    package: openssl               # a name, NAME@VERSION, or a purl with or without a version
//	    path: opt/tool/**              # * and ? stay within a folder, ** does not; a folder means all below it
//	    target: registry.example/shop/*  # a name, with any tag where it has none, or a digest
//	    kind: DaemonSet                # of a Kubernetes object, and so are
//	    namespace: kube-system
//	    name: node-agent-*
//	    image: registry.example/agent  # of the container: its repository, or a digest, and never a tag
//	    user: ann@shop.example         # who asks the API server; so do
//	    group: oidc:platform
//	    serviceAccount: ci/deployer    # NAMESPACE/NAME
//	    reason: the TLS client is never used
//	    owner: shop
//	    ticket: SHOP-12
//	    until: 2027-02-28              # the last day on which it holds
//	    vex: {status: not_affected, justification: vulnerable_code_not_in_execute_path}
//	owners:
//	  - {owner: platform, package: openssl}
//	  - {label: org.opencontainers.image.vendor}
//
// Exceptions that are objects of a cluster are read as well ([APIVersion]), several in one file.
//
// The files that other tools keep for the same end are read too: .trivyignore, .trivyignore.yaml, the
// ignored and override lists of .hadolint.yaml, and the plain ignore rules of .grype.yaml. What of them is
// not understood is an error, because a rule that is read for less than it says lets more pass.
//
// Nothing is matched here; weigh/exception does.
package exceptionfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Bounds of a file.
const (
	maxBytes   = 4 << 20
	maxEntries = 20_000
	maxWords   = 1_000 // in one list
	maxWord    = 1_024 // bytes of one word
	maxText    = 4_096 // bytes of a reason
)

// The kinds of file.
const (
	Own      = "exceptions"
	Trivy    = "trivyignore"
	Hadolint = "hadolint"
	Grype    = "grype"
)

// File is what one file says.
type File struct {
	Name       string
	Kind       string
	Digest     string // sha256:HEX of its bytes
	Exceptions []Exception
	Owners     []Owner
	Severities []Severity
}

// Exception lets findings pass: those that answer to one word in each of its lists that is not empty.
type Exception struct {
	Rules        []string // ids, in any case, with or without TOOL/; FAMILY/* is all of a family
	Packages     []string // a name, NAME@VERSION, or a purl in canonical form
	Paths        []string // globs
	Targets      []string // globs of names, or digests
	Fingerprints []string
	Subjects     []string // globs of KIND/NAMESPACE/NAME
	Kinds        []string // of Kubernetes objects, in any case
	Namespaces   []string // globs
	Names        []string // globs
	Images       []string // of containers: globs of repositories, or digests
	Users        []string // who ask the API server: globs of their names
	Groups       []string // of who asks: globs
	Exact        bool     // paths are those of files alone: a folder does not mean all below it

	Reason, Owner, Ticket string
	Until                 time.Time // the last day on which it holds, at midnight UTC; zero: no end
	VEX                   *finding.VEX

	File string
	Line int
}

// Place is FILE:LINE, where the exception is written; of an object of a cluster, whose line is 0, its name.
func (e *Exception) Place() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// Expired says whether the last day on which it holds is over.
func (e *Exception) Expired(now time.Time) bool {
	return !e.Until.IsZero() && !now.Before(e.Until.AddDate(0, 0, 1))
}

// Personal says that it is for some who ask an API server, and not for all: where nobody knows who asks, it lets nothing
// pass.
func (e *Exception) Personal() bool { return len(e.Users)+len(e.Groups) > 0 }

// Owner says whose findings are that answer to its lists: somebody's, or whom a label of the image names.
type Owner struct {
	Owner    string
	Label    string
	Packages []string
	Paths    []string
	Targets  []string
	Line     int
}

// Severity says how grave the findings of a rule are held to be.
type Severity struct {
	Rule     string
	Severity finding.Severity
	File     string
	Line     int
}

// Read reads the file of that name.
func Read(name string) (File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return File{}, err
	}
	if info.IsDir() {
		return File{}, fmt.Errorf("%s is a folder: name the file in it", name)
	}
	in, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	return Parse(name, b)
}

// Parse reads the bytes of a file, whose kind its name tells, or else what stands in it. Errors begin with
// FILE:LINE where one line is to blame.
func Parse(name string, b []byte) (File, error) {
	if len(b) > maxBytes {
		return File{}, fmt.Errorf("%s has more than %d bytes, which is no honest file of exceptions", name, maxBytes)
	}
	sum := sha256.Sum256(b)
	f := File{Name: filepath.ToSlash(name), Digest: "sha256:" + hex.EncodeToString(sum[:])}
	base := path.Base(f.Name)
	if isPlain(base) {
		return f, f.plain(b)
	}
	docs, err := tree.Parse(f.Name, b)
	switch {
	case err != nil:
		return f, err
	case len(docs) == 0:
		return f, fmt.Errorf("%s is empty: a file of exceptions begins with \"exceptions:\"", name)
	case isObject(docs[0]):
		f.Kind = Own
		r := reader{tree.Strict{Path: f.Name}, &f}
		for _, doc := range docs {
			r.object(doc)
		}
		return f, r.Err
	case len(docs) > 1:
		return f, fmt.Errorf("%s holds %d documents: write all in one, without \"---\"", name, len(docs))
	}
	top := docs[0]
	r := reader{tree.Strict{Path: f.Name}, &f}
	f.Kind = kindOf(base, top)
	switch {
	case top.Map == nil:
		r.keys(top, "a file of exceptions")
	case f.Kind == Own:
		r.own(top)
	case f.Kind == Trivy:
		r.trivy(top)
	case f.Kind == Hadolint:
		r.hadolint(top)
	case f.Kind == Grype:
		r.grype(top)
	default:
		return f, f.stranger(top)
	}
	return f, r.Err
}

// isObject says that a document is an exception that is an object of a cluster.
func isObject(top *tree.Value) bool {
	return strings.HasPrefix(top.Get("apiVersion").String(), "plimsoll.io/")
}

// isPlain says whether a name is that of the form with one id in each line.
func isPlain(base string) bool {
	return strings.HasSuffix(base, ".trivyignore") || base == "trivyignore" || strings.HasSuffix(base, "trivyignore.txt")
}

// kindOf tells the kind by the name, or by the keys that only one kind has.
func kindOf(base string, top *tree.Value) string {
	stem := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(base, ".yml"), ".yaml"), ".")
	switch stem {
	case "trivyignore":
		return Trivy
	case "hadolint":
		return Hadolint
	case "grype":
		return Grype
	}
	for _, by := range []struct{ key, kind string }{
		{"exceptions", Own},
		{"owners", Own},
		{"vulnerabilities", Trivy},
		{"misconfigurations", Trivy},
		{"secrets", Trivy},
		{"licenses", Trivy},
		{"ignored", Hadolint},
		{"override", Hadolint},
		{"ignore", Grype},
	} {
		if top.Get(by.key) != nil {
			return by.kind
		}
	}
	return ""
}

// stranger says what a file is that is none of ours.
func (f *File) stranger(top *tree.Value) error {
	switch {
	case top.Get("@context") != nil:
		return fmt.Errorf("%s is an OpenVEX document: name it with --vex", f.Name)
	case top.Get("bomFormat") != nil, top.Get("document") != nil:
		return fmt.Errorf("%s is no file of exceptions; if it holds VEX statements, name it with --vex", f.Name)
	case top.Get("schema") != nil:
		return fmt.Errorf("%s is a report: name it with --baseline to have only what is new denied", f.Name)
	}
	hint := ""
	if len(top.Map) > 0 {
		hint = fmt.Sprintf(" and not with %q", tree.Cut(top.Map[0].Key))
	}
	return fmt.Errorf("%s:%d: a file of exceptions begins with \"exceptions:\"%s; .trivyignore, .hadolint.yaml and .grype.yaml are known by their names", f.Name, top.Line, hint)
}

// plain reads .trivyignore: an id in each line, and exp:YYYY-MM-DD behind it.
func (f *File) plain(b []byte) error {
	f.Kind = Trivy
	for i, line := range bytes.Split(b, []byte("\n")) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		e := Exception{Rules: []string{fields[0]}, File: f.Name, Line: i + 1, Reason: "listed in " + path.Base(f.Name)}
		if err := wellFormed(fields[0], maxWord); err != nil {
			return fmt.Errorf("%s: %w", e.Place(), err)
		}
		for _, word := range fields[1:] {
			if strings.HasPrefix(word, "#") {
				break
			}
			day, ok := strings.CutPrefix(word, "exp:")
			if !ok {
				return fmt.Errorf("%s: %q: a line holds one id, and exp:YYYY-MM-DD where it ends", e.Place(), tree.Cut(word))
			}
			until, err := time.Parse(time.DateOnly, day)
			if err != nil {
				return fmt.Errorf("%s: exp:%s is no date: write exp:2027-02-28", e.Place(), tree.Cut(day))
			}
			e.Until = until.AddDate(0, 0, -1) // Trivy has it end when that day begins
		}
		if f.Exceptions = append(f.Exceptions, e); len(f.Exceptions) > maxEntries {
			return fmt.Errorf("%s: more than %d entries", e.Place(), maxEntries)
		}
	}
	return nil
}
