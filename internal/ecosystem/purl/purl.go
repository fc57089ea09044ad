// Package purl turns packages into package URLs and back (ECMA-427, package-url/purl-spec).
//
// A purl that is made here names the distribution and the architecture of an OS package, and the
// source that it was built from where that has another name or version, in the qualifiers that other
// tools write too:
//
//	pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl
//	pkg:rpm/almalinux/bind-libs@9.11.36-8.el8?arch=x86_64&distro=almalinux-8.9&epoch=32&upstream=bind-9.11.36-8.el8.src.rpm
//	pkg:npm/%40babel/core@7.24.0
//
// Parse understands what is made here and the spellings of the distribution that Syft, Trivy and
// distributions themselves use.
package purl

import (
	"fmt"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// Of is the canonical purl of a package. On is the distribution that an OS package stands on; its zero
// value leaves namespace and distro out. The specification wants some types in lower case (Go's
// modules among them), so a purl alone does not always give back the name; Package keeps it.
func Of(p ecosystem.Package, on ecosystem.Release) string {
	u := packageurl.PackageURL{Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version}
	if isOS(p.Type) {
		describe(&u, p, on)
	}
	for _, q := range p.Qualifiers {
		key, value, _ := strings.Cut(q, "=")
		u.Qualifiers = append(u.Qualifiers, packageurl.Qualifier{Key: key, Value: value})
	}
	// What breaks a rule of its type (a name from a hostile file) is written as it is: still a purl in
	// form, and the package is not lost.
	_ = u.Normalize()
	return u.ToString()
}

func isOS(kind string) bool { return kind == "deb" || kind == "apk" || kind == "rpm" }

// describe adds what only distributions' packages have.
func describe(u *packageurl.PackageURL, p ecosystem.Package, on ecosystem.Release) {
	if u.Namespace == "" {
		u.Namespace = on.ID
		if vendor := vendors[on.ID]; vendor != "" && p.Type == "rpm" {
			u.Namespace = vendor
		}
	}
	set := func(key, value string) {
		if value != "" {
			u.Qualifiers = append(u.Qualifiers, packageurl.Qualifier{Key: key, Value: value})
		}
	}
	set("arch", p.Arch)
	set("distro", distro(on))
	if p.Type == "rpm" {
		var epoch string
		epoch, u.Version = splitEpoch(p.Version)
		set("epoch", epoch)
		set("rpmmod", p.Module)
	}
	set("upstream", upstream(p))
}

// distro is ID-VERSION, or ID-CODENAME for a release without a number.
func distro(on ecosystem.Release) string {
	version := on.Version
	if version == "" {
		version = on.Codename
	}
	if on.ID == "" || version == "" {
		return on.ID
	}
	return on.ID + "-" + version
}

// splitEpoch parts "32:9.11.36-8.el8". An epoch of 0 is the same as none.
func splitEpoch(version string) (epoch, rest string) {
	epoch, rest, ok := strings.Cut(version, ":")
	if !ok || strings.Trim(epoch, "0123456789") != "" {
		return "", version
	}
	if epoch == "0" {
		epoch = ""
	}
	return epoch, rest
}

const sourceRPM = ".src.rpm"

// upstream is the source package where it differs: its name, NAME@VERSION, or the file of a source rpm.
func upstream(p ecosystem.Package) string {
	name, version := p.SourceName, p.SourceVer
	if name == "" {
		name = p.Name
	}
	if p.Type == "rpm" {
		if p.SourceName == "" && version == "" {
			return ""
		}
		if version == "" {
			version = p.Version
		}
		if _, bare := splitEpoch(version); strings.Count(bare, "-") == 1 {
			return name + "-" + bare + sourceRPM
		}
	}
	switch {
	case version != "" && version != p.Version:
		return name + "@" + version
	case name != p.Name:
		return name
	}
	return ""
}

// maxLength bounds a purl; real ones stay under 500 bytes.
const maxLength = 8 << 10

// Parse reads a purl. The release is what its namespace and distro qualifier say of the distribution;
// it is zero for packages that are not a distribution's.
func Parse(text string) (ecosystem.Package, ecosystem.Release, error) {
	if len(text) > maxLength {
		return ecosystem.Package{}, ecosystem.Release{}, ecosystem.Limit("a purl of %d bytes, at most %d are read", len(text), maxLength)
	}
	u, err := parse(text)
	if err != nil {
		return ecosystem.Package{}, ecosystem.Release{}, fmt.Errorf("parse purl %.200q: %w", text, err)
	}
	p := ecosystem.Package{Type: u.Type, Namespace: u.Namespace, Name: u.Name, Version: u.Version}
	if !isOS(p.Type) {
		for _, q := range u.Qualifiers {
			p.Qualifiers = append(p.Qualifiers, q.Key+"="+q.Value)
			if q.Key == "arch" {
				p.Arch = q.Value
			}
		}
		return p, ecosystem.Release{}, nil
	}
	return takeQualifiers(p, u)
}

// parse keeps the case of Go modules, which tools do not lower though the specification says so:
// advisories know them by their true names.
func parse(text string) (packageurl.PackageURL, error) {
	const goType = "pkg:golang/"
	if rest, ok := strings.CutPrefix(text, goType); ok {
		u, err := packageurl.FromString("pkg:generic/" + rest)
		u.Type = "golang"
		return u, err
	}
	return packageurl.FromString(text)
}

// takeQualifiers reads what describe writes.
func takeQualifiers(p ecosystem.Package, u packageurl.PackageURL) (ecosystem.Package, ecosystem.Release, error) {
	var named string
	for _, q := range u.Qualifiers {
		switch q.Key {
		case "arch":
			p.Arch = q.Value
		case "distro":
			named = q.Value
		case "epoch":
			// The specification has it for rpm; Trivy writes it for deb, too, whose version would hold it.
			if (p.Type == "rpm" || p.Type == "deb") && q.Value != "0" && p.Version != "" && !strings.Contains(p.Version, ":") && strings.Trim(q.Value, "0123456789") == "" {
				p.Version = q.Value + ":" + p.Version
			}
		case "rpmmod":
			p.Module = q.Value
		case "upstream":
			p.SourceName, p.SourceVer = source(q.Value)
		default:
			p.Qualifiers = append(p.Qualifiers, q.Key+"="+q.Value)
		}
	}
	on := Release(named, p.Namespace)
	if p.SourceName == p.Name {
		p.SourceName = "" // as readers leave it
	}
	if _, bare := splitEpoch(p.Version); p.SourceVer == p.Version || p.Type == "rpm" && p.SourceVer == bare {
		p.SourceVer = ""
	}
	p.Namespace = "" // the release says it
	if on.ID == "" {
		p.Namespace = u.Namespace
	}
	return p, on, nil
}

// source reads "gcc-12", "gcc-12@12.2.0-14" and "bash-5.1.8-6.el9.src.rpm".
func source(upstream string) (name, version string) {
	if file, ok := strings.CutSuffix(upstream, sourceRPM); ok {
		release := strings.LastIndexByte(file, '-')
		if release < 0 {
			return file, ""
		}
		if at := strings.LastIndexByte(file[:release], '-'); at > 0 {
			return file[:at], file[at+1:]
		}
		return file, ""
	}
	name, version, _ = strings.Cut(upstream, "@")
	return name, version
}

// vendors are the namespaces of rpm packages where the vendor's own purls (Red Hat's and SUSE's VEX, OSV)
// name the vendor and not the id in os-release.
var vendors = map[string]string{
	"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse",
	"sles": "suse", "sled": "suse", "sle-micro": "suse", "sl-micro": "suse",
}

// otherNames are ids under which tools and distributions' own feeds know a distribution that calls
// itself otherwise in os-release.
var otherNames = map[string]string{
	"redhat": "rhel", "amazon": "amzn", "amazonlinux": "amzn", "oracle": "ol", "oraclelinux": "ol",
	"alma": "almalinux", "rockylinux": "rocky", "opensuse.leap": "opensuse-leap", "opensuse.tumbleweed": "opensuse-tumbleweed",
	"opensuse-leap": "opensuse-leap", "opensuse-tumbleweed": "opensuse-tumbleweed", "sle-micro": "sle-micro", "sl-micro": "sl-micro",
	"suse linux enterprise server": "sles", "suse": "sles", "cbl-mariner": "mariner",
}

// Release reads a distro qualifier: "debian-12", "opensuse-leap-15.5", "3.19.1" (Trivy's for Alpine) and "bookworm".
// A vendor whose name says nothing of a distribution gives a release only with a distro qualifier.
func Release(distro, namespace string) ecosystem.Release {
	id, version := namespace, distro
	if at := strings.LastIndexByte(distro, '-'); at > 0 {
		id, version = distro[:at], distro[at+1:]
	}
	if distro == namespace || otherNames[strings.ToLower(distro)] != "" {
		id, version = distro, ""
	}
	if id = strings.ToLower(id); otherNames[id] != "" {
		id = otherNames[id]
	}
	if id == "" {
		return ecosystem.Release{}
	}
	on := ecosystem.Release{ID: id, Version: version}
	if version != "" && strings.Trim(version, "abcdefghijklmnopqrstuvwxyz") == "" {
		on.Version, on.Codename = "", version // jessie, sid
	}
	return on
}
