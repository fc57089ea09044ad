// Package policyfile reads the files in which users write their policies: YAML in the shape of Kubernetes'
// ValidatingAdmissionPolicy, strictly.
//
//	apiVersion: plimsoll/v1
//	kind: Policy
//	metadata: {name: no-curl}
//	spec:
//	  subject: package
//	  validations:
//	  - expression: pkg.name != "curl"
//	    message: curl is not to be shipped
//
// There are three kinds: Policy, PolicyBinding (a policy under another name, with other parameters or
// another action) and PolicyTest (cases with the results that they must have). Beside them stand objects of Kubernetes:
// ValidatingAdmissionPolicies, their bindings and parameters, as they are applied to a cluster. A file may hold several
// documents. What is misspelt, stands twice or has the wrong type is an error with file and line; nothing is
// left out or guessed. Expressions are not looked into here: see package weigh/policy.
//
// Files come from anywhere, so they are bounded in size, depth and number, aliases included.
package policyfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// APIVersion is that of files.
const APIVersion = "plimsoll/v1"

// ClusterVersion is that of a Policy which is an object of a cluster. It says the same.
const ClusterVersion = "plimsoll.io/v1alpha1"

// The bounds on what is read.
const (
	maxFile  = 1 << 20
	maxFiles = 1000
	maxList  = 100_000 // entries of a list file
)

// Set is what files hold, in the order of their names.
type Set struct {
	Policies []Policy
	Bindings []Binding
	Tests    []Test
	// Objects are Kubernetes' own policies and their bindings, those of other engines, and objects that may be their
	// parameters. Which of them are understood is said by package weigh/policy/native.
	Objects []*kube.Object
}

// Text is a text of a file, and where it stands.
type Text struct {
	Value string
	File  string
	Line  int
	block bool   // its first line stands in the line after, as each of its lines does
	place string // of a text that no file holds
}

// At is the place of a line of the text, which counts from 1, as FILE:LINE.
func (t Text) At(line int) string {
	if t.place != "" {
		return t.place
	}
	if t.block {
		return fmt.Sprintf("%s:%d", t.File, t.Line+line)
	}
	return fmt.Sprintf("%s:%d", t.File, t.Line)
}

// Policy is one rule of a user's. Params are scalars, lists and maps of them.
type Policy struct {
	Name        Text
	Subject     Text
	Kinds       []Text // of Kubernetes objects: KIND or KIND.GROUP; none: all
	Use         []Text // who is to have RBAC's right to use it: user, serviceAccount; none: nobody
	Action      Text   // deny or warn; empty: deny
	Severity    Text
	Description string
	Fix         string
	References  []string
	Aliases     []string
	Params      map[string]any
	Conditions  []Named
	Variables   []Named
	Validations []Validation
}

// Place has the texts of a policy that was read from what is no file say where they are written, which at tells by line.
func (p *Policy) Place(at func(line int) string) {
	texts := []*Text{&p.Name, &p.Subject, &p.Action, &p.Severity}
	for _, all := range [][]Text{p.Kinds, p.Use} {
		for i := range all {
			texts = append(texts, &all[i])
		}
	}
	for _, all := range [][]Named{p.Conditions, p.Variables} {
		for i := range all {
			texts = append(texts, &all[i].Name, &all[i].Expression)
		}
	}
	for i := range p.Validations {
		texts = append(texts, &p.Validations[i].Expression, &p.Validations[i].MessageExpression)
	}
	for _, t := range texts {
		if t.Line > 0 {
			t.place = at(t.Line)
		}
	}
}

// Named is an expression with a name.
type Named struct {
	Name       Text
	Expression Text
}

// Validation is an expression that must be true. Message is told when it is not; MessageExpression makes one.
type Validation struct {
	Expression        Text
	Message           string
	MessageExpression Text
}

// Binding puts a policy in force under a name of its own.
type Binding struct {
	Name   Text
	Policy Text
	Action Text
	Params map[string]any
	Lines  map[string]string // of each parameter: FILE:LINE
}

// Test holds cases for one policy.
type Test struct {
	Name   Text
	Policy Text
	Params map[string]any
	Now    Text // the day of the scan, RFC 3339; empty: the caller's
	Cases  []Case
}

// Case is one thing to look at and what is to come of it. Given is JSON.
type Case struct {
	Name     Text
	Given    []byte
	Place    map[string]string // of each key of Given: FILE:LINE
	Report   []byte            // a saved report instead
	Manifest []byte            // or the objects of a manifest
	Expect   Text              // pass, warn, deny or error
	Message  string            // a part of the message that is told
	Count    int               // findings; -1: any number
}

// Open reads a file or a folder of this machine, as [Load] does. Lists that it names stand in or below its folder, links or not.
func Open(name string) (*Set, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	dir, within := name, "."
	if !info.IsDir() {
		dir, within = filepath.Dir(name), filepath.Base(name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return Load(root.FS(), within, filepath.ToSlash(name))
}

// Load reads a file, or all *.yaml and *.yml files of a folder and of those below it. Shown is what the name is
// called in errors and places; empty: as it is.
func Load(fsys fs.FS, name, shown string) (*Set, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	files := []string{name}
	if info.IsDir() {
		if files, err = list(fsys, name); err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("folder %s holds no *.yaml file", called(name, name, shown))
		}
	}
	var all Set
	var errs []error
	for _, f := range files {
		b, err := read(fsys, f)
		if err == nil {
			err = all.parse(source{fsys, f, called(f, name, shown)}, b)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(all.Policies)+len(all.Bindings)+len(all.Tests)+len(all.Objects) == 0 {
		return nil, fmt.Errorf("%s holds no policy", called(name, name, shown))
	}
	return &all, nil
}

// Parse reads the bytes of one file that has none beside it.
func Parse(name string, b []byte) (*Set, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is larger than the %d bytes that are read of a policy", name, maxFile)
	}
	var s Set
	if err := s.parse(source{nil, name, name}, b); err != nil {
		return nil, err
	}
	return &s, nil
}

// source is one file, and what it is called.
type source struct {
	fsys  fs.FS
	path  string
	shown string
}

func called(file, name, shown string) string {
	switch {
	case shown == "":
		return file
	case name == ".":
		return path.Join(shown, file)
	}
	return shown + strings.TrimPrefix(file, name)
}

// list names the policy files below a folder, in order. What begins with a dot is passed over.
func list(fsys fs.FS, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != dir && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.IsDir() && (path.Ext(p) == ".yaml" || path.Ext(p) == ".yml"):
			files = append(files, p)
		}
		if len(files) > maxFiles {
			return fmt.Errorf("%s holds more than %d files of policies", dir, maxFiles)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// read reads a file whole, if it is one and no larger than any honest one.
func read(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is larger than the %d bytes that are read of a file of policies", name, maxFile)
	}
	return b, nil
}
