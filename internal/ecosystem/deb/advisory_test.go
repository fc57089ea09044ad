package deb

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestAdvisories(t *testing.T) {
	tests := []struct {
		on   ecosystem.Release
		want string
	}{
		{ecosystem.Release{ID: "debian", Version: "12", Codename: "bookworm"}, "Debian:12"},
		{ecosystem.Release{ID: "debian", Version: "9.13"}, "Debian:9"},
		{ecosystem.Release{ID: "debian", Codename: "trixie"}, "Debian:13"},
		{ecosystem.Release{ID: "debian", Version: "trixie/sid"}, "Debian:13"},
		{ecosystem.Release{ID: "debian", Codename: "sid"}, "Debian:sid"},
		{ecosystem.Release{ID: "ubuntu", Version: "22.04"}, "Ubuntu:22.04"},
		{ecosystem.Release{ID: "debian"}, ""},
		{ecosystem.Release{ID: "kali", Version: "2024.1", Like: "debian"}, ""},
		{ecosystem.Release{}, ""},
	}
	for _, test := range tests {
		got, ok := advisories(ecosystem.Package{Type: "deb"}, test.on)
		if got != test.want && (ok || test.want != "") || ok != (test.want != "") {
			t.Errorf("%+v: %q, %t; want %q", test.on, got, ok, test.want)
		}
	}
}

func TestSubscription(t *testing.T) {
	for version, want := range map[string]string{
		"1.0.2g-1ubuntu4.20+esm9": "Ubuntu:Pro:16.04", "2.4.18-2ubuntu3.17~esm1": "Ubuntu:Pro:16.04", "1.0.2g-1ubuntu4.20": "Ubuntu:16.04",
	} {
		got, ok := advisories(ecosystem.Package{Type: "deb", Version: version}, ecosystem.Release{ID: "ubuntu", Version: "16.04"})
		if !ok || got != want {
			t.Errorf("%s: %q, %t; want %q", version, got, ok, want)
		}
	}
}

func TestSource(t *testing.T) {
	tests := []struct {
		p             ecosystem.Package
		name, version string
	}{
		{ecosystem.Package{Name: "zlib1g", Version: "1:1.2-3+b1", SourceName: "zlib", SourceVer: "1:1.2-3"}, "zlib", "1:1.2-3"},
		{ecosystem.Package{Name: "bash", Version: "5.2-2"}, "bash", "5.2-2"},
		{ecosystem.Package{Name: "linux-image-amd64", Version: "6.1.55-1", SourceName: "linux-signed-amd64", SourceVer: "6.1.55+1"}, "linux", "6.1.55-1"},
	}
	for _, test := range tests {
		if name, version := sourceName(test.p), sourceVersion(test.p); name != test.name || version != test.version {
			t.Errorf("%s is source %s %s, want %s %s", test.p.Name, name, version, test.name, test.version)
		}
	}
}

func TestThirdParty(t *testing.T) {
	debian, ubuntu := ecosystem.Release{ID: "debian", Version: "12"}, ecosystem.Release{ID: "ubuntu", Version: "22.04"}
	tests := []struct {
		version, maintainer string
		on                  ecosystem.Release
		want                bool
	}{
		{"5:24.0.7-1~debian.12~bookworm", "Docker <support@docker.com>", debian, true},
		{"18.17.0-1nodesource1", "Ivan <ivan@nodesource.com>", debian, true},
		{"16.1-1.pgdg120+1", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>", debian, true},
		{"12.3.101-1", "cudatools <cudatools@nvidia.com>", ubuntu, true},
		{"8.2.12-1+0~20231026.33+debian12~1.gbp9f0ff5", "Ondřej Surý <ondrej@debian.org>", debian, true},
		{"1:10.11.6+maria~deb12", "MariaDB Developers <developers@lists.mariadb.org>", debian, true},
		{"3.0.2-0ubuntu1.12", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", ubuntu, false},
		{"3.0.2-0ubuntu1.12", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", debian, true},
		{"2.36-9+deb12u3", "GNU Libc Maintainers <debian-glibc@lists.debian.org>", debian, false},
		{"0.4+dfsg-2~bpo12+1", "Alex <adoyle@nvidia.com>", debian, false},
	}
	for _, test := range tests {
		p := ecosystem.Package{Type: "deb", Version: test.version, Maintainer: test.maintainer}
		if got := thirdParty(p, test.on); got != test.want {
			t.Errorf("%s of %s on %s: %t, want %t", test.version, test.maintainer, test.on.ID, got, test.want)
		}
	}
}

func TestOtherRelease(t *testing.T) {
	bookworm, sid := ecosystem.Release{ID: "debian", Version: "12"}, ecosystem.Release{ID: "debian", Codename: "sid"}
	for _, test := range []struct {
		version string
		on      ecosystem.Release
		want    bool
	}{
		{"8.11.0-1~bpo12+1", bookworm, true},
		{"8.11.0-1~bpo24.04+1", ecosystem.Release{ID: "ubuntu", Version: "24.04"}, true},
		{"3.5.1-1+deb13u1", bookworm, true},
		{"9.18.49-1~deb12u3", bookworm, false},
		{"1:15.0.2-0+deb11u1", bookworm, false},
		{"6.16-1+deb13u1~deb12u1", bookworm, false},
		{"1.24.1-1+deb13u2", ecosystem.Release{ID: "debian", Version: "13"}, false},
		{"1.24.1-1+deb13u2", sid, false},
		{"1.0+debian13u-1", bookworm, false},
		{"1.2-3+deb", bookworm, false},
		{"", bookworm, false},
	} {
		if got := otherRelease(ecosystem.Package{Version: test.version}, test.on); got != test.want {
			t.Errorf("%s on %s %s: %t", test.version, test.on.ID, test.on.Version, got)
		}
	}
}
