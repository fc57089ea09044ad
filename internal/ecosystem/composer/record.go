package composer

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// reader goes through installed.json or composer.lock package by package: {"packages": […],
// "packages-dev": […]} in the lock file, {"packages": […], "dev-package-names": […]} of Composer 2, and
// the array alone of Composer 1.
type reader struct {
	*json.Decoder
	b             []byte
	line, counted int // newlines in b[:counted]
	found         ecosystem.Found
	declared      bool
	dev           map[string]bool // the names in dev-package-names
}

func newReader(b []byte, declared bool) *reader {
	return &reader{Decoder: json.NewDecoder(bytes.NewReader(b)), b: b, declared: declared}
}

func (r *reader) file() error {
	begin, err := r.Token()
	switch {
	case err != nil:
		return err
	case begin == json.Delim('['):
		return r.elements(false)
	case begin != json.Delim('{'):
		return errors.New("neither an object nor an array")
	}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return err
		}
		switch key {
		case "packages":
			err = r.packages(false)
		case "packages-dev":
			err = r.packages(true)
		case "dev-package-names":
			err = r.devNames()
		default:
			err = r.Decode(new(skipped))
		}
		if err != nil {
			return err
		}
	}
	_, err = r.Token()
	return err
}

// skipped is a value that nobody looks into.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

func (r *reader) packages(dev bool) error {
	begin, err := r.Token()
	if err != nil || begin == nil {
		return err
	}
	if begin != json.Delim('[') {
		return errors.New("packages are no array")
	}
	return r.elements(dev)
}

// elements reads packages up to the end of their array.
func (r *reader) elements(dev bool) error {
	for r.More() {
		var e entry
		line := r.nextLine()
		var wrong *json.UnmarshalTypeError
		if err := r.Decode(&e); err != nil && !errors.As(err, &wrong) { // what has the right type is there
			return err
		}
		p := e.found()
		if p.Name == "" {
			continue
		}
		if len(r.found.Packages) == maxPackages {
			return ecosystem.Limit("more than %d packages in one file", maxPackages)
		}
		p.Line, p.Declared, p.Dev = line, r.declared, dev
		r.found.Packages = append(r.found.Packages, p)
	}
	_, err := r.Token()
	return err
}

// nextLine is the line on which the next element begins.
func (r *reader) nextLine() int {
	at := int(r.InputOffset())
	for at < len(r.b) && strings.IndexByte(" \t\r\n,", r.b[at]) >= 0 {
		at++
	}
	r.line += bytes.Count(r.b[r.counted:at], []byte{'\n'})
	r.counted = at
	return r.line + 1
}

func (r *reader) devNames() error {
	var all []string
	var wrong *json.UnmarshalTypeError
	if err := r.Decode(&all); err != nil && !errors.As(err, &wrong) {
		return err
	}
	r.dev = make(map[string]bool, len(all))
	for _, name := range all {
		r.dev[strings.ToLower(name)] = true
	}
	return nil
}

// markDev marks the packages that Composer 2 names as those for development.
func (r *reader) markDev() {
	for i := range r.found.Packages {
		if p := &r.found.Packages[i]; r.dev[p.FullName()] {
			p.Dev = true
		}
	}
}

// entry is one package in either file.
type entry struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	License licenses `json:"license"`
	Require keys     `json:"require"`
	Dist    struct {
		Type string `json:"type"`
	} `json:"dist"`
}

// found is the package; its name is empty when it is none. A package from a folder of the project is
// the project's own.
func (e entry) found() ecosystem.Package {
	vendor, name, ok := strings.Cut(strings.ToLower(e.Name), "/")
	if !ok || !isName(vendor) || !isName(name) || e.Version == "" || len(e.Version) > maxField {
		return ecosystem.Package{}
	}
	p := ecosystem.Package{
		Type: "composer", Namespace: vendor, Name: name, Version: e.Version,
		Licenses: e.License, Main: e.Dist.Type == "path",
	}
	for _, required := range e.Require {
		if strings.Contains(required, "/") { // the others are PHP itself and its extensions
			p.Depends = append(p.Depends, strings.ToLower(required))
		}
	}
	return p
}

func isName(s string) bool {
	if s == "" || len(s) > maxField {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// licenses is a licence or an array of them.
type licenses []string

func (l *licenses) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil && one != "" {
		*l = licenses{one}
		return nil
	}
	var all []string
	if json.Unmarshal(b, &all) == nil {
		*l = all
	}
	return nil
}

// keys are the sorted keys of an object; an empty one may be written as PHP's empty array.
type keys []string

func (k *keys) UnmarshalJSON(b []byte) error {
	var object map[string]skipped
	if json.Unmarshal(b, &object) == nil {
		*k = slices.Sorted(maps.Keys(object))
	}
	return nil
}
