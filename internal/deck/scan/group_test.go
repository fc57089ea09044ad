package scan

import (
	"testing"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestUpgradeWords(t *testing.T) {
	byLength := &ecosystem.Ecosystem{Compare: func(a, b string) (int, error) { return len(a) - len(b), nil }}
	for _, c := range []struct {
		installed []string
		to        string
		holder    *finding.Package
		want      string
	}{
		{nil, "2", nil, "upgrade x to 2"},
		{[]string{"1"}, "2", nil, "upgrade x from 1 to 2"},
		{[]string{"11", "1"}, "222", nil, "upgrade x from 1 and 11 to 222"},
		{[]string{"11111", "1", "1111", "11", "111"}, "222222", nil, "upgrade x from 1, 11, 111 and 2 more to 222222"},
		{[]string{"v0.1.0"}, "0.2.0", nil, "upgrade x from v0.1.0 to v0.2.0"},
		{[]string{"1"}, "2", &finding.Package{Name: "pip", Version: "23"}, "upgrade pip from 23 to one that brings x 2 (now 1)"},
	} {
		u := upgrade{kind: byLength, installed: c.installed, to: c.to, holder: c.holder}
		if got := u.words("x"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestHolders(t *testing.T) {
	p := func(kind, name string, paths ...string) finding.Package {
		p := finding.Package{ID: name + paths[0], Target: "t1", Type: kind, Name: name}
		for _, path := range paths {
			p.Locations = append(p.Locations, finding.Location{Path: path})
		}
		return p
	}
	const site = "usr/lib/python3.11/site-packages/"
	packages := []finding.Package{
		p("pypi", "pip", site+"pip-23.0.1.dist-info/METADATA"), p("pypi", "some-tool", site+"some_tool-1.egg-info/PKG-INFO"),
		p("npm", "npm", "usr/local/lib/node_modules/npm/package.json"), p("npm", "@a/cli", "usr/lib/node_modules/@a/cli/package.json"),
		p("npm", "app", "srv/node_modules/app/package.json"),
	}
	held := holdersOf(packages)
	for _, c := range []struct {
		p    finding.Package
		want string
	}{
		{p("pypi", "urllib3", site+"pip/_vendor/vendor.txt"), "pip"},
		{p("pypi", "urllib3", site+"some_tool/_vendor/urllib3-1.dist-info/METADATA"), "some-tool"},
		{p("pypi", "urllib3", site+"unknown/_vendor/vendor.txt"), ""},
		{p("pypi", "urllib3", "opt/venv/site-packages/pip/_vendor/vendor.txt"), ""}, // another pip, which is not there
		{p("pypi", "urllib3", site+"pip/_vendor/vendor.txt", site+"urllib3-1.dist-info/METADATA"), ""},
		{p("pypi", "urllib3", site+"pip/_vendor/vendor.txt", site+"some_tool/_vendor/vendor.txt"), ""},
		{p("npm", "tar", "usr/local/lib/node_modules/npm/node_modules/a/node_modules/tar/package.json"), "npm"},
		{p("npm", "tar", "usr/lib/node_modules/@a/cli/node_modules/tar/package.json"), "@a/cli"},
		{p("npm", "tar", "usr/local/lib/node_modules/tar/package.json"), ""},
		{p("npm", "tar", "srv/node_modules/app/node_modules/tar/package.json"), ""}, // npm's overrides reach it
		{packages[0], ""},
	} {
		got := ""
		if h := held.of(&c.p); h != nil {
			got = h.Name
		}
		if got != c.want {
			t.Errorf("%s in %v is held by %q, want %q", c.p.Name, c.p.Locations, got, c.want)
		}
	}
}
