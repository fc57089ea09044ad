// Package composer knows the packages of PHP: those that Composer installed, by its own record in
// vendor/composer/installed.json (of Composer 1 and 2) or, where that is missing, installed.php, and those
// that composer.lock declares.
//
// Names are lower case, as Packagist files them. A version that is a branch ("dev-main", "2.x-dev") has no
// place among releases: such a package is told as it stands, and its version counts as unknown.
package composer

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is Composer and Packagist.
var Ecosystem = ecosystem.Ecosystem{
	Name:       "composer",
	Version:    3,
	Wants:      wants,
	Read:       read,
	Better:     better,
	Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) { return "Packagist", true },
	AdvisoryVersion: func(p ecosystem.Package) string {
		if isBranch(p.Version) {
			return ""
		}
		return p.Version
	},
	Compare: compare,
	Key:     func(p ecosystem.Package) string { return strings.ToLower(p.FullName()) },
}

const (
	maxFile     = 64 << 20 // bytes
	maxPackages = 100_000  // of one file
	maxField    = 256      // bytes of a name or a version
)

func wants(s ecosystem.Stat) bool {
	switch s.Base() {
	case "installed.json":
		return strings.HasSuffix(s.Path, "composer/installed.json")
	case "installed.php":
		return strings.HasSuffix(s.Path, "vendor/composer/installed.php")
	case "composer.lock":
		return !strings.Contains("/"+s.Path, "/vendor/") // inside a package it is its author's
	}
	return false
}

// better is installed.json: installed.php counts only without it.
func better(at string) string {
	if path.Base(at) == "installed.php" {
		return path.Join(path.Dir(at), "installed.json")
	}
	return ""
}

func read(_ context.Context, f *ecosystem.File) (ecosystem.Found, error) {
	if f.Base() == "installed.php" {
		found, err := readPHP(f)
		if err != nil {
			err = fmt.Errorf("read %s: %w", f.Base(), err)
		}
		return found, err
	}
	b, err := f.ReadAll(maxFile)
	if err != nil {
		return ecosystem.Found{}, fmt.Errorf("read %s: %w", f.Base(), err)
	}
	r := newReader(b, f.Base() == "composer.lock")
	if err := r.file(); err != nil {
		return r.found, fmt.Errorf("read %s: %w", f.Base(), err)
	}
	r.markDev()
	return r.found, nil
}
