// Package gem knows the packages of Ruby: installed gems, those that come with Ruby itself among them,
// and those that Bundler's lock files declare.
//
// An installed gem is told by the specification that RubyGems wrote when it installed it. That is a
// Ruby program, which is read as text and never run: RubyGems writes literals only. Gems that Bundler checked
// out of a repository bring their author's own specification, which may compute its version; then the
// version is unknown.
package gem

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Ecosystem is RubyGems and Bundler.
var Ecosystem = ecosystem.Ecosystem{
	Name:       "gem",
	Version:    3,
	Wants:      func(s ecosystem.Stat) bool { return kindOf(s.Path) != nothing },
	Read:       read,
	Advisories: func(ecosystem.Package, ecosystem.Release) (string, bool) { return "RubyGems", true },
	Compare:    compare,
}

const (
	maxFile     = 64 << 20 // bytes that are read of one file
	maxField    = 256      // bytes of a name, version or platform
	maxPackages = 100_000  // of one lock file
	maxDepends  = 10_000
)

// kind is what a file is, by its path.
type kind int

const (
	nothing       kind = iota
	specification      // specifications/NAME-VERSION.gemspec, specifications/default/…: RubyGems' own record
	checkout           // bundler/gems/NAME-REVISION/NAME.gemspec: the author's file
	lock               // Gemfile.lock, gems.locked
	manifest           // Gemfile, gems.rb
)

func kindOf(path string) kind {
	folder, base := cutLast(path)
	switch {
	case base == "Gemfile.lock" || base == "gems.locked":
		if !insideGem(folder) {
			return lock
		}
	case base == "Gemfile" || base == "gems.rb":
		if !ecosystem.IsManifestOfOthers(path) {
			return manifest
		}
	case strings.HasSuffix(base, ".gemspec"):
		if above, last := cutLast(folder); last == "specifications" || last == "default" && strings.HasSuffix(above, "specifications") {
			return specification
		} else if above == "bundler/gems" || strings.HasSuffix(above, "/bundler/gems") {
			return checkout
		}
	}
	return nothing
}

// insideGem says that a folder is an installed gem or below one: a lock file there is its author's.
func insideGem(folder string) bool {
	gems := false
	for element := range strings.SplitSeq(folder, "/") {
		if name, _, _ := splitFull(element); gems && name != "" {
			return true
		}
		gems = element == "gems"
	}
	return strings.Contains("/"+folder, "/bundler/gems/")
}

func cutLast(path string) (rest, last string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

func read(_ context.Context, f *ecosystem.File) (found ecosystem.Found, err error) {
	switch kind := kindOf(f.Path); kind {
	case specification, checkout:
		found, err = readSpecification(f, kind)
	case lock:
		found, err = readLock(f.Reader)
	case manifest:
		found, err = readManifest(f.Reader)
	}
	if err != nil {
		err = fmt.Errorf("read %s: %w", f.Base(), err)
	}
	return found, err
}

// named is a package; its name is empty if RubyGems would not take it.
func named(name, version, platform string) ecosystem.Package {
	if name == "" || len(name) > maxField || len(version) > maxField || len(platform) > maxField {
		return ecosystem.Package{}
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return ecosystem.Package{}
		}
	}
	p := ecosystem.Package{Type: "gem", Name: name, Version: version}
	if platform != "" && platform != "ruby" {
		p.Qualifiers = []string{"platform=" + platform}
	}
	return p
}

// eachLine visits the lines of a text. Lines longer than the buffer, such as the list of a gem's files,
// are passed over.
func eachLine(r io.Reader, visit func(number int, line string) error) error {
	limited := &io.LimitedReader{R: r, N: maxFile}
	lines := bufio.NewReaderSize(limited, 16<<10)
	for number := 1; ; number++ {
		line, more, err := lines.ReadLine()
		if err == nil && !more {
			err = visit(number, strings.TrimRight(string(line), " \t\r"))
		}
		for more && err == nil {
			_, more, err = lines.ReadLine()
		}
		switch {
		case err == io.EOF && limited.N <= 0:
			return ecosystem.Limit("more than %d bytes", maxFile)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
