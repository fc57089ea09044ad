package rpm

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// distribution is one that builds its own packages: how feeds call it, by which part of the version,
// and which Vendor its packages carry.
type distribution struct {
	id      string
	feed    string
	version func(ecosystem.Release) string
	vendors []string // how the Vendor tag begins, in lower case
}

var distributions = []distribution{
	{"almalinux", "AlmaLinux", ecosystem.Release.Major, []string{"almalinux"}},
	{"rocky", "Rocky Linux", ecosystem.Release.Major, []string{"rocky"}},
	{"rhel", "Red Hat", ecosystem.Release.Major, []string{"red hat, inc."}},
	{"centos", "CentOS", ecosystem.Release.Major, []string{"centos"}},
	{"fedora", "Fedora", ecosystem.Release.Major, []string{"fedora project"}},
	{"ol", "Oracle Linux", ecosystem.Release.Major, []string{"oracle america"}},
	{"amzn", "Amazon Linux", ecosystem.Release.Major, []string{"amazon"}},
	{"sles", "SUSE Linux Enterprise Server", whole, []string{"suse"}},
	{"sled", "SUSE Linux Enterprise Desktop", whole, []string{"suse"}},
	{"sle-micro", "SUSE Linux Enterprise Micro", whole, []string{"suse"}},
	{"sl-micro", "SUSE Linux Micro", whole, []string{"suse"}},
	{"opensuse-leap", "openSUSE Leap", whole, []string{"opensuse", "suse"}},
	{"opensuse-tumbleweed", "openSUSE Tumbleweed", rolling, []string{"opensuse", "suse"}},
	{"photon", "Photon OS", whole, []string{"vmware, inc.", "broadcom"}},
	{"mariner", "Azure Linux", ecosystem.Release.Major, []string{"microsoft corporation"}},
	{"azurelinux", "Azure Linux", ecosystem.Release.Major, []string{"microsoft corporation"}},
	{"openeuler", "openEuler", whole, []string{"openeuler", "http://openeuler.org"}},
}

func whole(r ecosystem.Release) string { return r.Version }
func rolling(ecosystem.Release) string { return "" }

func distributionOf(on ecosystem.Release) *distribution {
	i := slices.IndexFunc(distributions, func(d distribution) bool { return d.id == on.ID })
	if i < 0 {
		return nil
	}
	return &distributions[i]
}

// advisories names the feed of a release: AlmaLinux:9, Red Hat:8. It names feeds that the database may
// not have, so that the gap is told by its name. A distribution is never taken for the one that it was
// made from: CentOS Stream, for one, has other versions than Red Hat.
func advisories(_ ecosystem.Package, on ecosystem.Release) (string, bool) {
	d := distributionOf(on)
	if d == nil {
		return "", false
	}
	version := d.version(on)
	if version == "" {
		return d.feed, on.ID == "opensuse-tumbleweed"
	}
	return d.feed + ":" + version, true
}

// thirdParty goes by the Vendor tag, which every package of these distributions carries: what another
// vendor made (EPEL, Remi, Docker, NVIDIA), or nobody who says so, is not the distribution's. Bills of
// materials may give the distribution's id in its place. On a distribution that is not known nothing
// can be told.
func thirdParty(p ecosystem.Package, on ecosystem.Release) bool {
	d := distributionOf(on)
	if d == nil {
		return false
	}
	vendor := strings.ToLower(p.Vendor)
	return vendor != d.id && !slices.ContainsFunc(d.vendors, func(v string) bool { return strings.HasPrefix(vendor, v) })
}

// enterprise are the distributions whose packages carry the release that they were built for: .el9.
var enterprise = []string{"almalinux", "rocky", "rhel", "centos", "ol"}

// otherRelease knows packages of a newer release by that mark. Older ones stand there after an
// upgrade, and are compared as what they are.
func otherRelease(p ecosystem.Package, on ecosystem.Release) bool {
	release, err := strconv.Atoi(on.Major())
	if err != nil || !slices.Contains(enterprise, on.ID) {
		return false
	}
	_, mark, found := strings.Cut(p.Version[strings.LastIndexByte(p.Version, '-')+1:], ".el")
	digits := len(mark) - len(strings.TrimLeft(mark, "0123456789"))
	n, err := strconv.Atoi(mark[:digits])
	return found && err == nil && n > release
}
