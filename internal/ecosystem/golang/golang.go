// Package golang knows Go modules: those linked into a program, as the toolchain records them in
// every binary, stripped or not, and those that a go.mod asks for.
//
// A program is known by its bytes and never by its name. Beside its modules it gives the standard
// library as package stdlib, whose version is that of the toolchain, because the Go vulnerability
// database files the library's advisories under that name.
//
// The program's own module often has no version that means anything ("(devel)", or v0.0.0 with a
// date): it is then listed without one and compared with nothing.
package golang

import (
	"context"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Go.
var Ecosystem = ecosystem.Ecosystem{
	Name:    "golang",
	Version: 2,
	Wants:   wants,
	Read:    read,
	Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) {
		return "Go", true
	},
	Compare: compare,
}

func wants(s ecosystem.Stat) bool {
	if s.Base() == "go.mod" {
		return isProject(s.Path)
	}
	return s.IsProgram()
}

// isProject leaves out the go.mod files that lie in module caches, vendored trees and test data:
// they say what somebody else's project asks for.
func isProject(path string) bool {
	path = "/" + path
	return !strings.Contains(path, "/pkg/mod/") && !strings.Contains(path, "/testdata/") && !strings.Contains(path, "/vendor/")
}

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	if f.Base() == "go.mod" {
		return readMod(f)
	}
	return readProgram(f)
}

// modulePackage is a package for a module: the purl namespace is the path up to its last element.
func modulePackage(path, version string) ecosystem.Package {
	p := ecosystem.Package{Type: "golang", Name: path, Version: version}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		p.Namespace, p.Name = path[:i], path[i+1:]
	}
	return p
}

// unknownVersion notes a module that is there but cannot be compared.
func unknownVersion(what string) ecosystem.Note {
	return ecosystem.Note{Class: "unknown-version", What: what}
}
