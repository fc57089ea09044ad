package purl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	packageurl "github.com/package-url/packageurl-go"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

var (
	bookworm = ecosystem.Release{ID: "debian", Version: "12", Codename: "bookworm"}
	alma     = ecosystem.Release{ID: "almalinux", Version: "8.9"}
	alpine   = ecosystem.Release{ID: "alpine", Version: "3.19.1"}
)

// TestOf holds purls against the examples of the types' definitions and against what Syft writes.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		p    ecosystem.Package
		on   ecosystem.Release
		want string
	}{
		{ecosystem.Package{Type: "deb", Name: "openssl", Version: "3.0.11-1~deb12u2", Arch: "amd64"}, bookworm, "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"},
		{ecosystem.Package{Type: "deb", Name: "libssl3", Version: "3.0.11-1~deb12u2", Arch: "amd64", SourceName: "openssl"}, bookworm, "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"},
		{ecosystem.Package{Type: "deb", Name: "libgcc-s1", Version: "12.2.0-14", SourceName: "gcc-12", SourceVer: "12.2.0-14"}, bookworm, "pkg:deb/debian/libgcc-s1@12.2.0-14?distro=debian-12&upstream=gcc-12"},
		{ecosystem.Package{Type: "deb", Name: "bsdutils", Version: "1:2.38.1-5+b1", SourceName: "util-linux", SourceVer: "2.38.1-5"}, bookworm, "pkg:deb/debian/bsdutils@1:2.38.1-5%2Bb1?distro=debian-12&upstream=util-linux%402.38.1-5"},
		{ecosystem.Package{Type: "deb", Name: "libstdc++6", Version: "12.2.0-14"}, ecosystem.Release{}, "pkg:deb/libstdc%2B%2B6@12.2.0-14"},
		{ecosystem.Package{Type: "deb", Name: "dash", Version: "0.5.12-9"}, ecosystem.Release{ID: "debian", Codename: "trixie"}, "pkg:deb/debian/dash@0.5.12-9?distro=debian-trixie"},
		{ecosystem.Package{Type: "rpm", Name: "bind-libs", Version: "32:9.11.36-8.el8", Arch: "x86_64", SourceName: "bind"}, alma, "pkg:rpm/almalinux/bind-libs@9.11.36-8.el8?arch=x86_64&distro=almalinux-8.9&epoch=32&upstream=bind-9.11.36-8.el8.src.rpm"},
		{ecosystem.Package{Type: "rpm", Name: "nodejs", Version: "1:18.19.1-1.module_el8", Module: "nodejs:18"}, alma, "pkg:rpm/almalinux/nodejs@18.19.1-1.module_el8?distro=almalinux-8.9&epoch=1&rpmmod=nodejs:18"},
		{ecosystem.Package{Type: "apk", Name: "ssl_client", Version: "1.36.1-r15", Arch: "x86_64", SourceName: "busybox"}, alpine, "pkg:apk/alpine/ssl_client@1.36.1-r15?arch=x86_64&distro=alpine-3.19.1&upstream=busybox"},
		{ecosystem.Package{Type: "npm", Namespace: "@angular", Name: "animation", Version: "12.3.1"}, bookworm, "pkg:npm/%40angular/animation@12.3.1"},
		{ecosystem.Package{Type: "golang", Namespace: "github.com/BurntSushi", Name: "toml", Version: "v1.3.2"}, bookworm, "pkg:golang/github.com/burntsushi/toml@v1.3.2"},
		{ecosystem.Package{Type: "golang", Name: "stdlib", Version: "1.21.3"}, bookworm, "pkg:golang/stdlib@1.21.3"},
		{ecosystem.Package{Type: "pypi", Name: "Django_package", Version: "1.11.1.dev1"}, bookworm, "pkg:pypi/django-package@1.11.1.dev1"},
		{ecosystem.Package{Type: "maven", Namespace: "net.sf.jacob-project", Name: "jacob", Version: "1.14.3", Qualifiers: []string{"type=dll", "classifier=x86"}}, bookworm, "pkg:maven/net.sf.jacob-project/jacob@1.14.3?classifier=x86&type=dll"},
		{ecosystem.Package{Type: "gem", Name: "jruby-launcher", Version: "1.1.2", Qualifiers: []string{"Platform=java"}}, bookworm, "pkg:gem/jruby-launcher@1.1.2?platform=java"},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5.1.8-6.el9", Arch: "x86_64"}, ecosystem.Release{ID: "rhel", Version: "9.4"}, "pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64&distro=rhel-9.4"},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "4.4-1"}, ecosystem.Release{ID: "sles", Version: "15.5"}, "pkg:rpm/suse/bash@4.4-1?distro=sles-15.5"},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5.2-1"}, ecosystem.Release{ID: "opensuse-leap", Version: "15.6"}, "pkg:rpm/opensuse/bash@5.2-1?distro=opensuse-leap-15.6"},
		{ecosystem.Package{Type: "composer", Namespace: "Laravel", Name: "Laravel", Version: "5.5.0"}, bookworm, "pkg:composer/laravel/laravel@5.5.0"},
		{ecosystem.Package{Type: "nuget", Name: "EnterpriseLibrary.Common", Version: "6.0.1304"}, bookworm, "pkg:nuget/EnterpriseLibrary.Common@6.0.1304"},
	} {
		if got := Of(c.p, c.on); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestThereAndBack wants the package and release that went in.
func TestThereAndBack(t *testing.T) {
	for _, c := range []struct {
		p  ecosystem.Package
		on ecosystem.Release
	}{
		{ecosystem.Package{Type: "deb", Name: "libssl3", Version: "3.0.11-1~deb12u2", Arch: "amd64", SourceName: "openssl"}, ecosystem.Release{ID: "debian", Version: "12"}},
		{ecosystem.Package{Type: "deb", Name: "bsdutils", Version: "1:2.38.1-5+b1", SourceName: "util-linux", SourceVer: "2.38.1-5+b1"}, ecosystem.Release{ID: "debian", Codename: "sid"}},
		{ecosystem.Package{Type: "deb", Name: "linux-image-amd64", Version: "6.1.55+1", SourceVer: "6.1.55-1"}, ecosystem.Release{ID: "ubuntu", Version: "22.04"}},
		{ecosystem.Package{Type: "rpm", Name: "bind-libs", Version: "32:9.11.36-8.el8", Arch: "x86_64", SourceName: "bind"}, alma},
		{ecosystem.Package{Type: "rpm", Name: "perl-libs", Version: "4:5.26.3-422.el8", SourceName: "perl", SourceVer: "5.26.3-420.el8", Module: "perl:5.26"}, ecosystem.Release{ID: "opensuse-leap", Version: "15.5"}},
		{ecosystem.Package{Type: "apk", Name: "ssl_client", Version: "1.36.1-r15", SourceName: "busybox"}, alpine},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5-1"}, ecosystem.Release{ID: "rhel", Version: "9.4"}},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5-1"}, ecosystem.Release{ID: "sled", Version: "15.5"}},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5-1"}, ecosystem.Release{ID: "sle-micro", Version: "5.5"}},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5-1"}, ecosystem.Release{ID: "sle-micro"}},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5-1"}, ecosystem.Release{ID: "opensuse-tumbleweed"}},
		{ecosystem.Package{Type: "rpm", Name: "bash", Version: "5-1"}, ecosystem.Release{ID: "opensuse-tumbleweed", Version: "20260101"}},
		{ecosystem.Package{Type: "apk", Name: "wolfi-base", Version: "1-r6"}, ecosystem.Release{ID: "wolfi", Version: "20230201"}},
		{ecosystem.Package{Type: "golang", Namespace: "google.golang.org", Name: "grpc", Version: "v1.60.0"}, ecosystem.Release{}},
		{ecosystem.Package{Type: "npm", Namespace: "@babel", Name: "core", Version: "7.24.0"}, ecosystem.Release{}},
		{ecosystem.Package{Type: "maven", Namespace: "io.netty", Name: "netty", Version: "4.1 final", Qualifiers: []string{"classifier=linux"}}, ecosystem.Release{}},
		{ecosystem.Package{Type: "cargo", Name: "rand", Version: "0.8.5+meta"}, ecosystem.Release{}},
		{ecosystem.Package{Type: "bitnami", Name: "redis", Version: "7.2.4-12", Arch: "amd64", Qualifiers: []string{"arch=amd64", "distro=debian-12"}}, ecosystem.Release{}},
	} {
		text := Of(c.p, c.on)
		p, on, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(c.p, p); diff != "" {
			t.Errorf("%s: package:\n%s", text, diff)
		}
		if diff := cmp.Diff(c.on, on); diff != "" {
			t.Errorf("%s: release:\n%s", text, diff)
		}
	}
}

// TestParseForeign reads purls as other tools and the specification's examples write them.
func TestParseForeign(t *testing.T) {
	for _, c := range []struct {
		text string
		p    ecosystem.Package
		on   ecosystem.Release
	}{
		{"pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25", ecosystem.Package{Type: "rpm", Name: "curl", Version: "7.50.3-1.fc25", Arch: "i386"}, ecosystem.Release{ID: "fedora", Version: "25"}},
		{"pkg:rpm/centerim@4.22.10-1.el6?arch=i686&epoch=1&distro=fedora-25", ecosystem.Package{Type: "rpm", Name: "centerim", Version: "1:4.22.10-1.el6", Arch: "i686"}, ecosystem.Release{ID: "fedora", Version: "25"}},
		{"pkg:deb/debian/zlib1g@1.2.13.dfsg-1?arch=amd64&distro=debian-12&epoch=1", ecosystem.Package{Type: "deb", Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Arch: "amd64"}, ecosystem.Release{ID: "debian", Version: "12"}},
		{"pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?epoch=1&distro=debian-12", ecosystem.Package{Type: "deb", Name: "zlib1g", Version: "1:1.2.13.dfsg-1"}, ecosystem.Release{ID: "debian", Version: "12"}},
		{"pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", ecosystem.Package{Type: "deb", Name: "curl", Version: "7.50.3-1", Arch: "i386"}, ecosystem.Release{ID: "debian", Codename: "jessie"}},
		{"pkg:apk/alpine/busybox@1.36.1-r15?arch=x86_64&distro=3.19.1", ecosystem.Package{Type: "apk", Name: "busybox", Version: "1.36.1-r15", Arch: "x86_64"}, ecosystem.Release{ID: "alpine", Version: "3.19.1"}},
		{"pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64&distro=redhat-9.2&upstream=bash-5.1.8-6.el9.src.rpm", ecosystem.Package{Type: "rpm", Name: "bash", Version: "5.1.8-6.el9", Arch: "x86_64"}, ecosystem.Release{ID: "rhel", Version: "9.2"}},
		{"pkg:rpm/opensuse/zypper@1.14?distro=opensuse.leap-15.5", ecosystem.Package{Type: "rpm", Name: "zypper", Version: "1.14"}, ecosystem.Release{ID: "opensuse-leap", Version: "15.5"}},
		{"pkg:golang/github.com/BurntSushi/toml@v1.3.2", ecosystem.Package{Type: "golang", Namespace: "github.com/BurntSushi", Name: "toml", Version: "v1.3.2"}, ecosystem.Release{}},
		{"pkg:npm/@babel/core@7.0.0", ecosystem.Package{Type: "npm", Namespace: "@babel", Name: "core", Version: "7.0.0"}, ecosystem.Release{}},
		{"pkg:Maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources", ecosystem.Package{Type: "maven", Namespace: "org.apache.xmlgraphics", Name: "batik-anim", Version: "1.9.1", Qualifiers: []string{"classifier=sources"}}, ecosystem.Release{}},
		{"pkg://deb/ubuntu/dash@1", ecosystem.Package{Type: "deb", Name: "dash", Version: "1"}, ecosystem.Release{ID: "ubuntu"}},
	} {
		p, on, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if diff := cmp.Diff(c.p, p); diff != "" {
			t.Errorf("%s: package:\n%s", c.text, diff)
		}
		if diff := cmp.Diff(c.on, on); diff != "" {
			t.Errorf("%s: release:\n%s", c.text, diff)
		}
	}
}

func TestParseInvalid(t *testing.T) {
	for _, text := range []string{
		"", "pkg:", "EnterpriseLibrary.Common@6.0.1304", "pkg:EnterpriseLibrary.Common@6.0.1304", "pkg:maven/@1.3.4",
		"pkg:npm/myartifact@1.0.0?in%20production=true", "pkg:npm/%zz@1", "pkg:npm/" + strings.Repeat("a", maxLength),
	} {
		if p, _, err := Parse(text); err == nil {
			t.Errorf("%.80q is read as %+v", text, p)
		}
	}
}

// FuzzParse wants no panic, and that what was read is written in a form that is read the same.
func FuzzParse(f *testing.F) {
	f.Add("pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl%403")
	f.Add("pkg:rpm/almalinux/bind@9-8?epoch=32&distro=opensuse.leap-15.5&upstream=a-1-2.src.rpm&rpmmod=a:b")
	f.Add("pkg:npm/%40babel/core@7#x/y")
	f.Add("pkg:golang/a/B@v1")
	f.Fuzz(func(t *testing.T, text string) {
		p, on, err := Parse(text)
		if err != nil || p.Name != strings.ToLower(p.Name) {
			return
		}
		once := Of(p, on)
		if len(once) > maxLength {
			return // what has to be escaped grows, and what is read has a bound
		}
		if _, err := packageurl.FromString(once); err != nil {
			t.Fatalf("%q is written as %q: %v", text, once, err)
		}
		q, _, err := Parse(once)
		if err != nil || q.Type != p.Type || q.Name != p.Name {
			t.Fatalf("%q → %+v → %q → %+v, %v", text, p, once, q, err)
		}
	})
}

// FuzzOf wants a valid purl for any package that a hostile database could name.
func FuzzOf(f *testing.F) {
	f.Add("openssl", "", "a/b \x1b[31m", "1:2", "debian")
	f.Fuzz(func(t *testing.T, source, namespace, name, version, distro string) {
		text := Of(ecosystem.Package{Type: "rpm", Namespace: namespace, Name: name, Version: version, SourceName: source}, ecosystem.Release{ID: distro, Version: version})
		if strings.ContainsAny(text, " \n\x1b\"<") {
			t.Fatalf("%q", text)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	p := ecosystem.Package{Type: "deb", Name: "libssl3", Version: "3.0.11-1~deb12u2", Arch: "amd64", SourceName: "openssl"}
	for b.Loop() {
		Of(p, bookworm)
	}
}
