package reporttest

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll/plimsoll/finding"
)

// Sample is a report of two targets with something in every section, names that try to steer a
// terminal, and names wider than they are long. It is sorted, and made anew for each call.
func Sample() *finding.Report {
	r := &finding.Report{
		Schema: finding.Schema,
		Tool: finding.Tool{Name: "plimsoll", Version: "0.1.0", Database: &finding.Database{
			Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Digest: "sha256:" + digits("d"), Embedded: true,
			Sources: []finding.Source{{Name: "debian", Complete: true}, {Name: "osv/npm", Note: "a sample"}, {Name: "osv/PyPI", Note: "a sample"}},
		}},
		Targets:  []finding.Target{image(), {ID: "t2", Kind: "source", Name: "./web", Verified: true, Verdict: finding.Pass}},
		Packages: packages(),
	}
	r.Findings = append(findings(r.Packages), others()...)
	r.Groups = groups(r.Findings)
	r.Checks = []finding.Check{{Rule: "image/end-of-life", Target: "t1", Evaluated: 1}}
	layer := 2
	r.Coverage = []finding.Gap{
		{Class: "feed-partial", Blocking: true, Target: "t1", Count: 2, What: "2 npm packages on which the database's feed, which is not whole, says nothing: left-pad, 太郎"},
		{Class: "unreadable-package", Blocking: true, Allowed: true, Target: "t1", Count: 1, What: "a jar is cut short", Path: "app/broken\x1b[2J.jar", Layer: &layer},
		{Class: "own-code", Target: "t2", Count: 1, What: "1 npm package that is the project itself, which no advisory could name: shop-web"},
		{Class: "unreadable-layer", Blocking: true, Count: 1, What: "registry.example/none: not found"},
	}
	denied := []string{r.Findings[0].Fingerprint, r.Findings[1].Fingerprint}
	r.Verdict = finding.Verdict{Action: finding.Deny, Reasons: []finding.Reason{
		{Policy: "exploited", Message: "1 finding that is known to be exploited", Fingerprints: denied[:1]},
		{Policy: "fail-on", Message: "2 fixable findings of severity high or worse", Fingerprints: denied},
		{Policy: "gap", Message: "2 not assessed: feed-partial"},
	}}
	finding.Sort(r)
	return r
}

func image() finding.Target {
	return finding.Target{
		ID: "t1", Kind: "image", Name: "registry.example/shop/cart:1.4", Origin: "docker-archive", Digest: "sha256:" + digits("a"), Platform: "linux/amd64",
		OS:   &finding.OS{ID: "debian", Version: "12", Codename: "bookworm", EndOfLife: "2028-06-30"},
		Base: &finding.Base{Name: "debian:12", Digest: "sha256:" + digits("b"), By: "annotation", Layers: 1, Newer: &finding.NewerBase{Name: "debian:12.9", Clears: 3}},
		Size: 180_000_000, Verified: true, Verdict: finding.Deny,
		Layers: []finding.Layer{
			{Index: 0, DiffID: "sha256:" + digits("0"), CreatedBy: "FROM debian:12", Base: true, Verified: true},
			{Index: 1, DiffID: "sha256:" + digits("1"), CreatedBy: "RUN apt-get install -y --no-install-recommends curl", Verified: true},
			{Index: 2, DiffID: "sha256:" + digits("2"), CreatedBy: "COPY . /app", Verified: true},
		},
	}
}

// digits fills a SHA-256 digest with one hex digit.
func digits(d string) string { return strings.Repeat(d, 64) }

func packages() []finding.Package {
	at := func(layer int, path, inner string) []finding.Location {
		return []finding.Location{{Path: path, Inner: inner, Layer: &layer, Instruction: "COPY . /app"}}
	}
	deb := func(id, name, version, source string, base bool) finding.Package {
		p := finding.Package{
			ID: id, Target: "t1", Type: "deb", Name: name, Version: version, Arch: "amd64", Base: base, Licenses: []string{"OpenSSL AND ???", "MIT"},
			Maintainer: "A <a@debian.org>", PURL: "pkg:deb/debian/" + name + "@" + version + "?arch=amd64&distro=debian-12", Locations: at(0, "var/lib/dpkg/status", ""),
		}
		if source != "" {
			p.Source = &finding.SourcePackage{Name: source, Version: version}
			p.PURL += "&upstream=" + source
		}
		return p
	}
	ssl := deb("p1", "libssl3", "3.0.11-1~deb12u2", "openssl", true)
	ssl.DependsOn = []string{"p2"}
	curl := deb("p3", "curl", "7.88.1-10+deb12u4", "", false)
	curl.PURL = "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u4?arch=amd64&distro=debian-12"
	curl.DependsOn = []string{"p1", "p2"}
	return []finding.Package{
		ssl, deb("p2", "libc6", "2.36-9", "glibc", true), curl,
		{
			ID: "p4", Target: "t1", Type: "maven", Namespace: "org.apache.logging.log4j", Name: "log4j-core", Version: "2.14.1", PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
			Licenses: []string{"Apache-2.0"}, Digests: []string{"sha1:" + digits("c")[:40]}, Locations: at(2, "app/lib/shop-cart-server-1.4-with-all-its-dependencies.jar", "BOOT-INF/lib/log4j-core-2.14.1.jar"),
		},
		{ID: "p5", Target: "t1", Type: "npm", Namespace: "@babel", Name: "traverse", Version: "7.0.0", PURL: "pkg:npm/%40babel/traverse@7.0.0", Licenses: []string{"MIT OR Apache-2.0"}, Locations: at(2, "app/node_modules/@babel/traverse/package.json", "")},
		{ID: "p6", Target: "t1", Type: "npm", Name: "太郎", Version: "1.0.0\x1b]0;owned\x07", PURL: "pkg:npm/%E5%A4%AA%E9%83%8E@1.0.0", Locations: at(2, "app/\u202egnp.js", "")},
		{ID: "p7", Target: "t1", Type: "golang", Namespace: "github.com/BurntSushi", Name: "toml", Version: "v1.0.0", PURL: "pkg:golang/github.com/burntsushi/toml@v1.0.0", Locations: at(2, "app/bin/shop", "")},
		{ID: "p8", Target: "t2", Type: "npm", Name: "lodash", Version: "4.17.20", PURL: "pkg:npm/lodash@4.17.20", Declared: true, Locations: []finding.Location{{Path: "package-lock.json", StartLine: 12}}},
		{ID: "p9", Target: "t2", Type: "npm", Name: "shop-web", Version: "1.0.0", PURL: "pkg:npm/shop-web@1.0.0", Main: true, DependsOn: []string{"p8"}},
	}
}

func findings(packages []finding.Package) []finding.Finding {
	var all []finding.Finding
	add := func(p int, rule string, s finding.Severity, fixed string, risk finding.Risk) *finding.Finding {
		of := packages[p-1]
		f := finding.Finding{
			Deck: finding.Build, Kind: finding.KindVulnerability, Rule: rule, Severity: s, SeverityFrom: "nvd", Target: of.Target, Package: of.ID,
			Status: finding.StatusAffected, Fixed: fixed, Locations: of.Locations, Risk: &risk, Title: of.Name + " " + of.Version + ": " + rule + ", no fix yet",
			References: []string{"https://nvd.nist.gov/vuln/detail/" + rule},
		}
		if fixed != "" {
			f.Status, f.Title, f.Fix = finding.StatusFixed, of.Name+" "+of.Version+": "+rule+", fixed in "+fixed, upgrades[p]
		}
		f.Fingerprint = finding.Fingerprint(f, of.PURL)
		all = append(all, f)
		return &all[len(all)-1]
	}
	log4j := add(4, "CVE-2021-44228", finding.Critical, "2.15.0", finding.Risk{Score: 100, KEV: true, EPSS: 0.975, EPSSPercentile: 0.999})
	log4j.Aliases = []string{"GHSA-jfh8-c2jp-5v3q"}
	log4j.Ratings = []finding.Rating{{Source: "nvd", Severity: finding.Critical, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Score: 10}}
	add(4, "CVE-2021-45046", finding.Critical, "2.16.0", finding.Risk{Score: 73, EPSS: 0.943})
	add(4, "CVE-2021-44832", finding.Medium, "2.17.1", finding.Risk{Score: 24})
	for i := range 8 {
		add(1, fmt.Sprintf("CVE-2024-%d", 5500+i), []finding.Severity{finding.High, finding.Medium, finding.Low, finding.Unknown}[i%4], "3.0.14-1~deb12u1", finding.Risk{Score: 40 - i})
	}
	add(2, "CVE-2024-2961", finding.High, "", finding.Risk{Score: 60, EPSS: 0.32}).Status = finding.StatusWillNotFix
	for i := range 6 {
		add(2, fmt.Sprintf("CVE-2019-%d", 1010022+i), finding.Low, "", finding.Risk{Score: 10})
	}
	add(3, "CVE-2023-46218", finding.Medium, "7.88.1-10+deb12u5", finding.Risk{Score: 25}).Suppressed = []finding.Suppression{
		{By: "exception", Reason: "only used at build time", Owner: "shop", Until: "2026-12-31", VEX: &finding.VEX{Status: "not_affected", Justification: "vulnerable_code_not_in_execute_path"}},
	}
	add(5, "CVE-2023-45133", finding.High, "7.23.2", finding.Risk{Score: 45})
	bad := add(6, "MAL-2026-1", finding.Critical, "", finding.Risk{Score: 100})
	bad.Kind, bad.Status, bad.Title = finding.KindMalware, "", "太郎: MAL-2026-1, the package is malicious\x1b[1A|<script>"
	add(8, "CVE-2021-23337", finding.High, "4.17.21", finding.Risk{Score: 50, EPSS: 0.02})
	return all
}

// others are findings of every kind that no upgrade clears: one alone, several of a rule, some in files that a
// later layer removed.
func others() []finding.Finding {
	var all []finding.Finding
	add := func(kind finding.Kind, rule string, s finding.Severity, title string, at ...finding.Location) *finding.Finding {
		f := finding.Finding{
			Deck: finding.Build, Kind: kind, Rule: rule, Severity: s, SeverityFrom: "plimsoll", Title: title, Target: "t1", Locations: at, Risk: &finding.Risk{Score: 10 * s.Rank()},
		}
		f.Fingerprint = finding.Fingerprint(f, "")
		all = append(all, f)
		return &all[len(all)-1]
	}
	file := func(path string, line, layer int, instruction string) finding.Location {
		return finding.Location{Path: path, StartLine: line, EndLine: line, Layer: &layer, Instruction: instruction}
	}
	key := file("root/.ssh/id_ed25519", 1, 1, "RUN ssh-keygen && rm -r /root/.ssh")
	key.Deleted = true
	f := add(finding.KindSecret, "secret/sample-key", finding.Critical, "a private key", key)
	f.Evidence, f.Fix = "-----BEGIN OPENSSH PRIVATE KEY----- …", "Revoke it, build without it, and hand it over at run time."
	for i, path := range []string{"app/.env", "app/config/prod.yaml\x1b[2J"} {
		f = add(finding.KindSecret, "secret/sample-token", finding.High, "a GitHub token", file(path, 3+i, 2, "COPY . /app"))
		f.Fix = "Revoke it, build without it, and hand it over at run time."
	}
	f = add(finding.KindPolicy, "policy/sample-manager", finding.High, "no package manager in what ships: apt is there")
	f.Evidence, f.Fix = "usr/bin/apt", "Build the final stage FROM an image without one."
	for i := range 6 {
		f = add(finding.KindMisconfiguration, "dockerfile/sample-pin", finding.Info, fmt.Sprintf("a package is installed without its version: curl%d", i), finding.Location{Path: "Dockerfile", StartLine: 10 + i, EndLine: 11 + i, Column: 5})
		f.Fix, f.Aliases = "Write NAME=VERSION.", []string{"hadolint/DL3008"}
	}
	f = add(finding.KindMisconfiguration, "image/sample-user", finding.Medium, "the container runs as root", finding.Location{Path: "Dockerfile", StartLine: 31, EndLine: 31})
	f.Fix, f.Controls = "Add a user, and name it with USER by its number.", []string{"cis-docker-1.7/4.1"}
	f = add(finding.KindMisconfiguration, "compose/sample-privileged", finding.High, "a service runs privileged: web")
	f.Subject = &finding.Subject{Kind: "service", Name: "web", Field: "services.web.privileged"}
	f.Fix = "Take privileged out, and add the capabilities that are needed."
	add(finding.KindLicense, "license/sample-forbidden", finding.Medium, "a licence that is not allowed: AGPL-3.0-only", file("app/lib/x.jar", 0, 2, "COPY . /app")).Fix = "Replace it, or allow the licence."
	return all
}

// upgrades are what findings and groups say is to be done about packages, by their numbers.
var upgrades = map[int]string{
	1: "upgrade openssl from 3.0.11-1~deb12u2 to 3.0.14-1~deb12u1",
	3: "upgrade curl from 7.88.1-10+deb12u4 to 7.88.1-10+deb12u5",
	4: "upgrade org.apache.logging.log4j:log4j-core from 2.14.1 to 2.17.1",
	5: "upgrade @babel/traverse from 7.0.0 to 7.23.2",
	8: "upgrade lodash from 4.17.20 to 4.17.21",
}

// groups are as a scan makes them.
func groups(findings []finding.Finding) []finding.Group {
	var groups []finding.Group
	for _, n := range []int{1, 4, 5} {
		id := fmt.Sprintf("p%d", n)
		g := finding.Group{Title: upgrades[n], Target: "t1", Package: id, Base: id == "p1", Severity: finding.Unknown}
		for _, f := range findings {
			if f.Package == id {
				g.Fingerprints = append(g.Fingerprints, f.Fingerprint)
				if f.Severity.Rank() > g.Severity.Rank() {
					g.Severity = f.Severity
				}
			}
		}
		groups = append(groups, g)
	}
	return groups
}
