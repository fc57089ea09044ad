package scan_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/deck/scan"
	"github.com/plimsoll/plimsoll/internal/ecosystem"
	"github.com/plimsoll/plimsoll/internal/ecosystem/all"
	"github.com/plimsoll/plimsoll/internal/judge/vuln"
	"github.com/plimsoll/plimsoll/internal/read/advisory"
	"github.com/plimsoll/plimsoll/internal/read/advisory/snapshot"
	"github.com/plimsoll/plimsoll/internal/read/image/inventory"
)

// TestKnownExamples judges the packages of testdata/examples.txt, a table of facts that hold in the
// embedded advisories: each vulnerable version has the advisory, the version that fixes it has not.
func TestKnownExamples(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f, err := os.Open(filepath.Join("testdata", "examples.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	n := 0
	for lines.Scan() {
		col := strings.Split(lines.Text(), "|")
		if len(col) != 5 {
			continue
		}
		n++
		feed, name, version, id, fixed := col[0], col[1], col[2], col[3], col[4]
		t.Run(feed+" "+name+" "+id, func(t *testing.T) {
			if !has(t, db, feed, name, version, id) {
				t.Errorf("%s %s lacks %s", name, version, id)
			}
			if fixed != "none" && has(t, db, feed, name, fixed, id) {
				t.Errorf("%s %s still has %s", name, fixed, id)
			}
		})
	}
	if n != 76 {
		t.Errorf("%d examples, want 76", n)
	}
}

// TestKnownExploited wants what CISA lists to be known as exploited.
func TestKnownExploited(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, id := range []string{"CVE-2021-44228", "CVE-2022-22965", "CVE-2017-5638", "CVE-2021-3156", "CVE-2023-4863"} {
		if v, ok, err := db.Vulnerability(id); err != nil || !ok || v.KEV.IsZero() {
			t.Errorf("%s: %+v, %v, %v", id, v, ok, err)
		}
	}
}

// TestVulnerableFunctions wants the functions that Go's database names in the finding.
func TestVulnerableFunctions(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	bill := &scan.Bill{Name: "x", Kind: "sbom", Packages: []inventory.Package{
		{Package: ecosystem.Package{Type: "golang", Namespace: "golang.org/x", Name: "text", Version: "v0.3.7"}, Ecosystem: "golang", Owner: -1},
	}}
	r, err := scan.Run(context.Background(), []scan.Subject{{Bill: bill}}, scan.Options{Kinds: all.Ecosystems(), Lookup: db, Now: time.Unix(1790000000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Findings, func(f finding.Finding) bool { return slices.Contains(f.Aliases, "GO-2022-1059") })
	if i < 0 || !strings.HasPrefix(r.Findings[i].Evidence, "vulnerable functions: golang.org/x/text/language.") {
		t.Errorf("%+v", r.Findings)
	}
}

// TestProgramsHaveAFeed holds the names under which programs without a package manager are looked up
// against the feed: a name that it does not have would find nothing for good.
func TestProgramsHaveAFeed(t *testing.T) {
	db, err := snapshot.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kinds := all.Ecosystems()
	kind := &kinds[slices.IndexFunc(kinds, func(e ecosystem.Ecosystem) bool { return e.Name == "binary" })]
	for _, name := range []string{
		"git", "go", "haproxy", "httpd", "java", "lua", "mariadb", "memcached", "nginx", "node", "openjdk", "openldap",
		"openresty", "pgbouncer", "php", "postgresql", "python", "rabbitmq", "redis", "ruby", "sqlite", "valkey", "varnish", "wordpress",
	} {
		p := ecosystem.Package{Type: "generic", Name: name, Version: "1"}
		feed, ok := kind.Advisories(p, ecosystem.Release{})
		if rows, _, err := db.Package(feed, kind.Key(p)); !ok || err != nil || len(rows) == 0 {
			t.Errorf("%s: nothing in %q under %q: %v", name, feed, kind.Key(p), err)
		}
	}
}

// has judges one package as its own kind would bring it.
func has(t *testing.T, db *advisory.DB, feed, name, version, id string) bool {
	t.Helper()
	kind, p, on := subject(t, feed, name, version)
	matches, gaps, err := vuln.Judge([]vuln.Subject{{Package: &p, Kind: kind}}, on, db)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gaps {
		if g.Class == vuln.GapNoFeed || g.Class == vuln.GapUnknownVersion {
			t.Errorf("%s %s: %s", name, version, g.What)
		}
	}
	return slices.ContainsFunc(matches, func(m vuln.Match) bool {
		return m.Vulnerability.ID == id || slices.Contains(m.Advisories, id) || slices.Contains(m.Vulnerability.Aliases, id)
	})
}

func subject(t *testing.T, feed, name, version string) (*ecosystem.Ecosystem, ecosystem.Package, ecosystem.Release) {
	t.Helper()
	p := ecosystem.Package{Name: name, Version: version, SourceName: name, SourceVer: version}
	var on ecosystem.Release
	kind := map[string]string{
		"Go": "golang", "npm": "npm", "Maven": "maven", "NuGet": "nuget", "PyPI": "pypi",
		"crates.io": "cargo", "RubyGems": "gem", "Packagist": "composer", "Bitnami": "bitnami",
	}[feed]
	switch {
	case feed == "Kubernetes": // told by its programs
		kind, p.Name = "binary", map[string]string{"k8s.io/apiserver": "kube-apiserver", "k8s.io/kubelet": "kubelet", "k8s.io/kube-proxy": "kube-proxy", "k8s.io/kubectl": "kubectl"}[name]
		name = ""
	case strings.HasPrefix(feed, "debian "):
		kind, on = "deb", ecosystem.Release{ID: "debian", Codename: strings.TrimPrefix(feed, "debian ")}
	case strings.HasPrefix(feed, "alpine/v"):
		release, _, _ := strings.Cut(strings.TrimPrefix(feed, "alpine/v"), "/")
		kind, on = "apk", ecosystem.Release{ID: "alpine", Version: release + ".0"}
	case strings.HasPrefix(feed, "wolfi"):
		kind, on = "apk", ecosystem.Release{ID: "wolfi"}
	case feed == "AlmaLinux":
		kind, on = "rpm", ecosystem.Release{ID: "almalinux", Version: version[strings.LastIndex(version, "el")+2:][:1]}
		p.Vendor = "AlmaLinux"
	}
	all := all.Ecosystems()
	i := slices.IndexFunc(all, func(e ecosystem.Ecosystem) bool { return e.Name == kind })
	if i < 0 {
		t.Fatalf("no kind reads packages of %s", feed)
	}
	p.Type = kind
	if i := strings.LastIndexAny(name, "/:"); i >= 0 && kind != "deb" {
		p.Namespace, p.Name = name[:i], name[i+1:]
	}
	return &all[i], p, on
}
