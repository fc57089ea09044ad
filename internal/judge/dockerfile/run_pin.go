package dockerfile

import (
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// pin is what is known of one package manager's way to name a version.
type pin struct {
	name, alias     string // of the check
	programs, verbs string
	fixed           func(word string) bool
	bad, good, how  string
}

// pins lists the checks for versions that are not pinned. They are informative: distributions drop old
// versions, so that pinned builds break, and many would rather rebuild often.
func pins() (all []runCheck) {
	for _, p := range []pin{
		{"apt", "DL3008", "apt-get apt aptitude", "install", fixedBy("=", "/"), "apt-get install -y curl", "apt-get install -y curl=7.88.1-10+deb12u8", "name=version"},
		{"apk", "DL3018", "apk", "add", fixedBy("=", "~", ">", "<", ".apk"), "apk add --no-cache curl", "apk add --no-cache curl=8.9.1-r1", "name=version, or name~version for any revision of it"},
		{"yum", "DL3033", "yum", "install", fixedRPM, "yum install -y httpd", "yum install -y httpd-2.4.57", "name-version"},
		{"dnf", "DL3041", "dnf microdnf tdnf", "install", fixedRPM, "dnf install -y httpd", "dnf install -y httpd-2.4.57", "name-version"},
		{"zypper", "DL3037", "zypper", "install in", fixedBy("=", ">", "<", ".rpm"), "zypper install -y httpd", "zypper install -y httpd=2.4.57", "name=version"},
		{"pip", "DL3013", "pip", "install", fixedPython, "pip install flask", "pip install flask==3.0.3", "name==version, or -r requirements.txt with versions and hashes"},
		{"npm", "DL3016", "npm yarn pnpm", "install i add", fixedNode, "npm install -g pm2", "npm install -g pm2@5.4.2", "name@version; a project's own dependencies with npm ci and its lock file"},
		{"gem", "DL3028", "gem", "install", fixedBy(":", ".gem"), "gem install rake", "gem install rake:13.2.1", "name:version"},
		{"go", "DL3062", "go", "install get", fixedGo, "go install example.org/tool@latest", "go install example.org/tool@v1.4.2", "path@version"},
	} {
		all = append(all, p.check())
	}
	return append(all, openClone())
}

func (p pin) check() runCheck {
	return runCheck{
		Card: style("dockerfile/unpinned-"+p.name, finding.Info, "the version of a package is left open", p.bad, p.good,
			"What is installed depends on the day of the build: two builds of one Dockerfile differ, and a\n"+
				"release that breaks or was tampered with comes in unseen.",
			"Write the version: "+p.how+". Let a tool such as Renovate raise it. Where the distribution\n"+
				"drops old versions, pin the base image by digest instead and rebuild often.", "hadolint/"+p.alias),
		look: eachCommand(p.look),
	}
}

func (p pin) look(_ *step, c *shell.Command) (found, bool) {
	if !c.Does(p.programs, p.verbs) {
		return found{}, false
	}
	if p.name == "gem" && c.Value("-v", "--version") != nil {
		return found{}, false
	}
	if p.name == "pip" && c.Has("-c", "--constraint") {
		return found{}, false
	}
	verb, rest := c.Sub()
	var open []string
	for _, w := range rest {
		if !w.Known || w.Text == "" || strings.ContainsAny(w.Text[:1], "./~@*$!") && p.name != "npm" || p.fixed(w.Text) {
			continue
		}
		name := w.Text
		if strings.Contains(name, "://") {
			if !strings.HasPrefix(name, "git") {
				continue // an archive: what an address leads to is another check's matter
			}
			name = shell.Address(name)
		}
		open = append(open, name)
	}
	if len(open) == 0 {
		return found{}, false
	}
	detail := strings.Join(open, " ")
	if len(open) > 6 {
		detail = strings.Join(open[:6], " ") + " …"
	}
	return found{what: written(c, verb), detail: detail, fix: "Write versions in \"" + written(c, verb) + "\": " + p.how + "."}, true
}

func fixedBy(marks ...string) func(string) bool {
	return func(word string) bool {
		for _, m := range marks {
			if strings.Contains(word, m) {
				return true
			}
		}
		return strings.HasSuffix(word, ".deb")
	}
}

// fixedRPM finds a dash and a digit: name-1.2.
func fixedRPM(word string) bool {
	if strings.Contains(word, ".rpm") || strings.Contains(word, "=") {
		return true
	}
	for i := 1; i < len(word); i++ {
		if word[i-1] == '-' && word[i] >= '0' && word[i] <= '9' {
			return true
		}
	}
	return false
}

func fixedPython(word string) bool {
	if at, ok := strings.CutPrefix(word, "git+"); ok {
		_, path, _ := strings.Cut(at, "://")
		_, path, _ = strings.Cut(path, "/") // past a login
		return strings.Contains(path, "@")
	}
	return strings.ContainsAny(word, "=<>@/\\") || strings.HasSuffix(word, ".whl") || strings.HasSuffix(word, ".gz")
}

func fixedNode(word string) bool {
	if strings.ContainsAny(word[:1], "./~") || strings.HasSuffix(word, ".tgz") || strings.HasSuffix(word, ".tar") || strings.HasSuffix(word, ".tar.gz") || strings.Contains(word, "#") {
		return true
	}
	if strings.Contains(word, "://") {
		return false
	}
	version := strings.TrimPrefix(word, "@")
	_, version, ok := strings.Cut(version, "@")
	return ok && version != "" && version != "latest" && version != "next"
}

func fixedGo(word string) bool {
	module, version, ok := strings.Cut(word, "@")
	first, _, _ := strings.Cut(module, "/")
	return !strings.Contains(first, ".") || ok && version != "latest"
}

// openClone finds clones of whatever a branch holds today.
func openClone() runCheck {
	return runCheck{
		Card: check.Card{
			ID: "dockerfile/unpinned-clone", Title: "git clone takes whatever the default branch holds today", Kind: finding.KindMisconfiguration,
			Severity: finding.Info, Decks: []string{finding.Build}, Since: "0.1",
			Page: check.Page{
				Why: "Two builds of one Dockerfile get different sources, and whoever can push there is in the next build.",
				Fix: "Check a commit out after the clone (git checkout SHA), or use ADD with a commit: ADD https://host/repo.git#SHA /src.\n" +
					"A tag (--branch v1.2.3) is better than nothing, but can be moved.",
				Bad:  "FROM scratch\nRUN git clone https://example.org/tool.git\n",
				Good: "FROM scratch\nRUN git clone https://example.org/tool.git && cd tool && git checkout 1f0e3dad99908345f7439f8ffabdffc4ed1ad2f6\n",
			},
		},
		look: eachCommand(func(s *step, c *shell.Command) (found, bool) {
			if !c.Does("git", "clone") || c.Has("-b", "--branch", "--revision") {
				return found{}, false
			}
			if s.later(c, func(d *shell.Command) bool { return d.Does("git", "checkout reset switch") }) {
				return found{}, false
			}
			_, rest := c.Sub()
			if len(rest) == 0 {
				return found{}, false
			}
			return found{what: "git clone", detail: shell.Address(rest[0].Text)}, true
		}),
	}
}
