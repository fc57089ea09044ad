package deb

import (
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/internal/ecosystem"
)

// thirdParty knows packages that neither Debian nor Ubuntu made. dpkg does not remember where a
// package came from, so two facts of the package itself speak, each of which was held against all
// 63,000 packages of Debian 12:
//
//   - its version has a mark that the archive's versions never have: a vendor's word (pgdg,
//     nodesource, +maria, deb.sury.org, ~ppa), a release's codename after a tilde (-1~bookworm,
//     ~ubuntu.22.04~jammy), or "ubuntu" on Debian;
//   - its maintainer is the mailbox from which a vendor publishes its own repository.
//
// Anything else counts as the distribution's: better to compare too much than to say too little.
func thirdParty(p ecosystem.Package, on ecosystem.Release) bool {
	if p.Type != "deb" {
		return false
	}
	return marked(p.Version, on) || fromVendor(p.Maintainer)
}

// backported knows Debian's backports by their mark: 1.2-3~bpo12+1 is testing's 1.2-3 built for Debian
// 12. The tracker speaks of releases and not of backports, whose fixes come when testing has them.
func backported(p ecosystem.Package) bool { return strings.Contains(sourceVersion(p), "~bpo") }

var vendorMarks = []string{"pgdg", "nodesource", "+maria", "deb.sury.org", "+0~20", "~ppa", "+rpt", ".datadog", "-percona"}

var releaseMarks = []string{
	"~stretch", "~buster", "~bullseye", "~bookworm", "~trixie", "~forky", "~sid",
	"~xenial", "~bionic", "~focal", "~jammy", "~noble", "~plucky", "~questing", "~resolute", "~debian.", "~ubuntu.",
}

func marked(version string, on ecosystem.Release) bool {
	has := func(mark string) bool { return strings.Contains(version, mark) }
	if slices.ContainsFunc(vendorMarks, has) || slices.ContainsFunc(releaseMarks, has) {
		return true
	}
	return on.ID == "debian" && has("ubuntu")
}

// vendorMail are mailboxes, or domains where the "@" comes first, of repositories beside the
// distribution's. A company whose staff also maintain packages in Debian is named by its mailbox.
var vendorMail = []string{
	"support@docker.com", "@nodesource.com", "cudatools@nvidia.com", "@packages.nvidia.com", "@mongodb.com", "@elastic.co",
	"@hashicorp.com", "nginx-packaging@f5.com", "nginx-packaging@nginx.com", "mysql-build@oss.oracle.com", "developers@lists.mariadb.org",
	"info@mariadb.org", "@percona.com", "@grafana.com", "contact@grafana.com", "chrome-linux-team@google.com", "chromium-dev@chromium.org",
	"@redis.com", "@redis.io", "@influxdb.com", "@influxdata.com", "@datadoghq.com", "@newrelic.com", "@confluent.io", "@rabbitmq.com",
	"@gitlab.com", "@cloudflare.com", "@tailscale.com", "@adoptium.net", "@eclipse.org", "@azul.com", "@yarnpkg.com", "yarn@dan.cx",
	"@pgdg.org", "opensource@github.com", "@clickhouse.com", "@fluentd.org", "@treasure-data.com", "@neo4j.com", "@jenkins-ci.org",
	"@couchbase.com", "@scylladb.com", "@timescale.com", "@netdata.cloud", "@zabbix.com", "@sury.org", "@raspberrypi.com", "@proxmox.com",
}

// fromVendor reads "Name <mailbox>".
func fromVendor(maintainer string) bool {
	_, mail, ok := strings.Cut(maintainer, "<")
	if !ok {
		return false
	}
	mail, _, _ = strings.Cut(strings.ToLower(mail), ">")
	at := strings.LastIndexByte(mail, '@')
	if at < 0 {
		return false
	}
	return slices.Contains(vendorMail, mail) || slices.Contains(vendorMail, mail[at:])
}
