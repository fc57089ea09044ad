package dockerfile

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// signatures lists the checks for package managers that install what nobody signed.
func signatures() (all []runCheck) {
	for _, t := range []trust{
		{
			"apk", "apk installs packages that nobody trusted signed", "Drop --allow-untrusted, and put the repository's key into /etc/apk/keys before.",
			"apk add --no-cache --allow-untrusted ./a.apk", "apk add --no-cache curl",
			[]string{"checkov/CKV2_DOCKER_7"},
			optioned("apk", "--allow-untrusted"), nil,
		},
		{
			"apt", "apt installs packages that nobody trusted signed", "Drop the option, and add the repository's key: a file in /etc/apt/keyrings and [signed-by=FILE] in its source.",
			"apt-get install -y --allow-unauthenticated curl", "apt-get install -y curl",
			[]string{"checkov/CKV2_DOCKER_8", "checkov/CKV2_DOCKER_11"},
			aptUnsigned, nil,
		},
		{
			"yum", "yum or dnf installs packages that nobody trusted signed", "Drop --nogpgcheck (gpgcheck=0), and import the repository's key: rpm --import https://….",
			"yum install -y --nogpgcheck httpd", "yum install -y httpd",
			[]string{"checkov/CKV2_DOCKER_9"},
			yumUnsigned, nil,
		},
		{
			"zypper", "zypper installs packages that nobody trusted signed", "Drop --no-gpg-checks, and import the repository's key: rpm --import https://….",
			"zypper --non-interactive --no-gpg-checks install httpd", "zypper --non-interactive install httpd", nil,
			optioned("zypper", "--no-gpg-checks", "--allow-unsigned-rpm"), nil,
		},
		{
			"rpm", "rpm installs packages without looking at signature or digest", "Drop the option, and import the packager's key first: rpm --import https://….",
			"rpm -i --nosignature a.rpm", "rpm -i a.rpm",
			[]string{"checkov/CKV2_DOCKER_10"},
			optioned("rpm", "--nosignature", "--nodigest", "--noverify"), nil,
		},
	} {
		one := t.check("-signature-off", finding.High,
			"The signature is what ties a package to who made it. Without it, whoever can put a file on the mirror, or on the way\nto it, runs code as root in the build and in the image.")
		one.Controls = []string{"cis-docker-1.7/4.11"}
		all = append(all, one)
	}
	return append(all, aptKey())
}

func aptUnsigned(c *shell.Command) string {
	all := words(c)
	if c.Is("apt-get", "apt", "aptitude", "dpkg") {
		for _, option := range []string{"--allow-unauthenticated", "--force-yes", "--no-debsig"} {
			if strings.Contains(all, " "+option+" ") && c.Name != "dpkg" {
				return c.Name + " " + option
			}
		}
		for _, option := range []string{"allowunauthenticated=true", "allowunauthenticated=1", "allow-insecure-repositories=true", "allowinsecurerepositories=true", "allowinsecurerepositories=1"} {
			if strings.Contains(all, option) {
				return c.Name + " " + option
			}
		}
	}
	if c.Is("echo", "printf", "add-apt-repository", "sed", "tee") && (strings.Contains(all, "trusted=yes") || strings.Contains(all, "allow-insecure=yes")) {
		return "[trusted=yes]"
	}
	for _, r := range c.Redirs {
		if strings.Contains(r.Body, "[trusted=yes") || strings.Contains(r.Body, "Trusted: yes") {
			return "[trusted=yes]"
		}
	}
	return ""
}

func yumUnsigned(c *shell.Command) string {
	all := words(c)
	if c.Is("yum", "dnf", "microdnf", "tdnf", "rpm-ostree", "yum-config-manager") {
		for _, option := range []string{"--nogpgcheck", "--no-gpgchecks", "--no-gpg-checks"} {
			if strings.Contains(all, " "+option+" ") {
				return c.Name + " " + option
			}
		}
		if strings.Contains(all, "gpgcheck=0") || strings.Contains(all, "gpgcheck=false") {
			return c.Name + " gpgcheck=0"
		}
	}
	if c.Is("echo", "printf", "sed") && strings.Contains(all, "gpgcheck=0") && !strings.Contains(all, "repo_gpgcheck=0") {
		return "gpgcheck=0"
	}
	return ""
}

func aptKey() runCheck {
	return runCheck{
		Card: style("dockerfile/apt-key", finding.Low, "apt-key makes a key good for every repository",
			"curl -fsSL https://example.org/key.asc | apt-key add -", "curl -fsSL https://example.org/key.asc -o /etc/apt/keyrings/example.asc",
			"Whoever holds that key can sign packages that pass for the distribution's own. apt-key is deprecated, and gone from new releases.",
			"Save the key to /etc/apt/keyrings/NAME.asc and write [signed-by=/etc/apt/keyrings/NAME.asc] in its source."),
		look: eachCommand(func(_ *step, c *shell.Command) (found, bool) {
			return found{what: "apt-key", detail: "apt-key"}, c.Is("apt-key") && (strings.Contains(words(c), " add ") || strings.Contains(words(c), " adv "))
		}),
	}
}
