package rpm

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

func TestAdvisories(t *testing.T) {
	tests := []struct {
		on   ecosystem.Release
		want string
	}{
		{ecosystem.Release{ID: "almalinux", Version: "9.4"}, "AlmaLinux:9"},
		{ecosystem.Release{ID: "rocky", Version: "8.10", Like: "rhel"}, "Rocky Linux:8"},
		{ecosystem.Release{ID: "rhel", Version: "9.2"}, "Red Hat:9"},
		{ecosystem.Release{ID: "centos", Version: "7", Like: "rhel fedora"}, "CentOS:7"},
		{ecosystem.Release{ID: "sles", Version: "15.5"}, "SUSE Linux Enterprise Server:15.5"},
		{ecosystem.Release{ID: "opensuse-tumbleweed", Version: "20240101"}, "openSUSE Tumbleweed"},
		{ecosystem.Release{ID: "eurolinux", Version: "9", Like: "rhel"}, ""},
		{ecosystem.Release{}, ""},
	}
	for _, test := range tests {
		got, ok := advisories(ecosystem.Package{}, test.on)
		if ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%+v: %q, %t; want %q", test.on, got, ok, test.want)
		}
	}
}

func TestThirdParty(t *testing.T) {
	alma := ecosystem.Release{ID: "almalinux", Version: "9.4"}
	tests := []struct {
		vendor string
		on     ecosystem.Release
		want   bool
	}{
		{"AlmaLinux", alma, false},
		{"Fedora Project", alma, true}, // EPEL
		{"Docker", alma, true},
		{"", alma, true},
		{"almalinux", alma, false}, // a purl's namespace
		{"fedora", alma, true},
		{"rhel", ecosystem.Release{ID: "rhel", Version: "9.4"}, false},
		{"Red Hat, Inc.", ecosystem.Release{ID: "rhel", Version: "9.4"}, false},
		{"Rocky Enterprise Software Foundation", ecosystem.Release{ID: "rocky", Version: "9"}, false},
		{"SUSE LLC <https://www.suse.com/>", ecosystem.Release{ID: "opensuse-leap", Version: "15.6"}, false},
		{"Somebody", ecosystem.Release{ID: "eurolinux"}, false},
	}
	for _, test := range tests {
		if got := thirdParty(ecosystem.Package{Vendor: test.vendor}, test.on); got != test.want {
			t.Errorf("%q on %s: %t, want %t", test.vendor, test.on.ID, got, test.want)
		}
	}
}

func TestOtherRelease(t *testing.T) {
	on := ecosystem.Release{ID: "almalinux", Version: "9.4"}
	for version, want := range map[string]bool{
		"1:3.0.1-41.el9_0": false, "1.1.1k-9.el8": false, "3.2.2-6.el10": true, "20.1-1.module_el8.9.0+3+abc": false,
		"1-2": false, "1-2.el": false, "1.el10-2.fc40": false, "": false,
	} {
		if got := otherRelease(ecosystem.Package{Version: version}, on); got != want {
			t.Errorf("%s on 9: %t", version, got)
		}
	}
	if otherRelease(ecosystem.Package{Version: "1-1.el10"}, ecosystem.Release{ID: "fedora", Version: "9"}) {
		t.Error("Fedora has no such mark")
	}
}
