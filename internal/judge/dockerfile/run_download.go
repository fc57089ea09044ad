package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/shell"
)

// downloads lists the checks for what comes from elsewhere and is run or kept.
func downloads() []runCheck { return []runCheck{remoteScript(), unverified(), clearText()} }

func remoteScript() runCheck {
	return runCheck{
		Card: style("dockerfile/remote-script", finding.Medium, "a script from the network is run as it comes",
			"curl -fsSL https://example.org/install.sh | bash",
			"curl -fsSLo /tmp/i.sh https://example.org/v1/install.sh && echo \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  /tmp/i.sh\" | sha256sum -c - && bash /tmp/i.sh && rm /tmp/i.sh",
			"Whoever controls that address, or breaks into it, runs code in each build, and nobody can tell afterwards what ran. Where the\ndownload breaks off, half of the script has run.",
			"Download it to a file, compare its digest (echo \"SHA256  FILE\" | sha256sum -c -), then run it; or install from a package."),
		look: eachCommand(func(s *step, c *shell.Command) (found, bool) {
			from := c.Fetched()
			if from == nil {
				return found{}, false
			}
			f := found{what: c.Name + " from " + from.Name, detail: from.Name + " | " + c.Name}
			for _, w := range from.Addresses() {
				f.detail = shell.Address(w) + " to " + c.Name
				if strings.HasPrefix(w, "http://") && !shell.Local(w) || insecure(from) {
					f.severity = finding.High
				}
			}
			return f, true
		}),
	}
}

// insecure says that a download does not look whose certificate the server has.
func insecure(c *shell.Command) bool {
	return c.Name == "curl" && c.Has("-k", "--insecure") || c.Name == "wget" && c.Has("--no-check-certificate")
}

// packed says that a file of that name is something that is unpacked.
func packed(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz", ".tar.zst", ".tzst", ".zip"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// code says that an address leads to programs.
func code(of string) bool {
	name, _, _ := strings.Cut(of, "?")
	name = strings.ToLower(strings.TrimSuffix(name, "/"))
	for _, proof := range []string{".asc", ".sig", ".sha256", ".sha512", ".sha1", ".md5", ".gpg", ".key", ".pub", ".pem", ".crt", ".txt", ".json", ".sha256sum", ".sha512sum", ".repo", ".list", ".minisig"} {
		if strings.HasSuffix(name, proof) {
			return false
		}
	}
	if packed(name) || strings.Contains(name, "/releases/download/") || strings.Contains(name, "/releases/latest/download/") {
		return true
	}
	for _, end := range []string{".deb", ".rpm", ".apk", ".jar", ".war", ".bin", ".run", ".sh", ".py", ".whl", ".gem", ".exe", ".msi", ".appimage", ".so", ".phar", ".gz", ".xz"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func unverified() runCheck {
	return runCheck{
		Card: style("dockerfile/unverified-download", finding.Low, "a program is downloaded, and nothing compares its digest or signature",
			"curl -fsSLo /a.tgz https://example.org/a-1.2.tgz && tar xf /a.tgz",
			"curl -fsSLo /a.tgz https://example.org/a-1.2.tgz && echo \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  /a.tgz\" | sha256sum -c - && tar xf /a.tgz",
			"TLS tells who answered, not what was answered: a release that is replaced, or an account that is taken over, goes unseen.",
			"After the download write: echo \"SHA256  FILE\" | sha256sum -c - (or gpg --verify, cosign verify-blob). Or use ADD --checksum=sha256:… URL FILE."),
		look: func(r *scripts) (hits []check.Hit) {
			for i, s := range r.steps {
				for _, c := range s.Commands {
					what := unchecked(c)
					if what == "" {
						what = r.program(i, c)
					}
					if what == "" || s.later(c, verifies) || slices.ContainsFunc(c.From, verifies) || r.verifiedAfter(i) || runsIt(c) {
						continue
					}
					hits = append(hits, s.hit(c.Pos, found{what: c.Name + " " + path.Dir(shell.Address(what)), detail: shell.Address(what)}))
				}
			}
			return hits
		},
	}
}

// verifiedAfter says that a later RUN of the same stage verifies something.
func (r *scripts) verifiedAfter(i int) bool {
	for _, s := range r.steps[i+1:] {
		if s.in.Stage == r.steps[i].in.Stage && slices.ContainsFunc(s.Commands, verifies) {
			return true
		}
	}
	return false
}

// runsIt says that what a download brings is run at once, which is another check's.
func runsIt(c *shell.Command) bool {
	for to := c.To; to != nil; to = to.To {
		if to.Fetched() != nil || to.Is("sudo", "apt-key", "gpg", "grep", "jq", "sed", "awk") {
			return true
		}
	}
	return false
}

// fetches says that a command downloads files.
func fetches(c *shell.Command) bool {
	return c.Is("curl", "wget", "aria2c") && !c.Has("-I", "--head", "--spider")
}

// unchecked is the address of code that a command downloads, as far as the address tells.
func unchecked(c *shell.Command) string {
	if !fetches(c) {
		return ""
	}
	for _, w := range c.Addresses() {
		if code(w) && !shell.Local(w) {
			return w
		}
	}
	return ""
}

// verifies says that a command compares a digest or a signature.
func verifies(c *shell.Command) bool {
	switch c.Name {
	case "sha256sum", "sha512sum", "sha1sum", "sha384sum", "sha224sum", "shasum", "md5sum", "b2sum", "b3sum", "cksum":
		return true
	case "gpg", "gpg2", "rpm", "apt-key", "openssl", "signify", "rpmkeys":
		all := words(c)
		for _, how := range []string{" --verify ", " --checksig ", " -k ", " dgst ", " -v ", " --decrypt ", " -verify "} {
			if strings.Contains(all, how) {
				return true
			}
		}
		return false
	case "gpgv", "minisign", "slsa-verifier", "notation":
		return true
	case "cosign":
		verb, _ := c.Sub()
		return strings.HasPrefix(verb, "verify")
	case "gh":
		return strings.Contains(words(c), " attestation verify ")
	}
	return false
}

func clearText() runCheck {
	return runCheck{
		Card: style("dockerfile/cleartext-download", finding.Medium, "code or a key is fetched without TLS, and nothing verifies it",
			"curl -fsSLo /a.tgz http://example.org/a.tgz", "curl -fsSLo /a.tgz https://example.org/a.tgz",
			"Anybody on the way can answer instead, and runs code in the build and in the image.",
			"Write https:// (git: https:// or ssh), or compare a digest after the download."),
		look: func(r *scripts) (hits []check.Hit) {
			for i, s := range r.steps {
				for _, c := range s.Commands {
					what := inClear(c)
					if what == "" || s.later(c, verifies) || r.verifiedAfter(i) || fetchedBy(c) {
						continue
					}
					hits = append(hits, s.hit(c.Pos, found{what: c.Name + " " + path.Dir(shell.Address(what)), detail: shell.Address(what)}))
				}
			}
			return hits
		},
	}
}

// fetchedBy says that the check of remote scripts tells of it.
func fetchedBy(c *shell.Command) bool {
	for to := c.To; to != nil; to = to.To {
		if to.Fetched() == c {
			return true
		}
	}
	return false
}

// inClear is an address of code or keys that a command fetches without TLS.
func inClear(c *shell.Command) string {
	all := c.Operands()
	for _, w := range all {
		plain := strings.HasPrefix(w.Text, "http://") || strings.HasPrefix(w.Text, "ftp://") || strings.HasPrefix(w.Text, "git://")
		if !plain || shell.Local(w.Text) {
			continue
		}
		switch {
		case c.Is("curl", "wget") && (code(w.Text) || key(w.Text) || c.To != nil && c.To.Is("apt-key", "gpg")), c.Does("git", "clone"), c.Is("rpm"),
			c.Does("pip npm yarn gem yum dnf", "install add"):
			return w.Text
		}
	}
	for _, option := range []string{"-i", "--index-url", "--extra-index-url", "--registry", "--source"} {
		if w := c.Value(option); w != nil && c.Is("pip", "npm", "yarn", "pnpm", "gem") && strings.HasPrefix(w.Text, "http://") && !shell.Local(w.Text) {
			return w.Text
		}
	}
	return ""
}

func key(of string) bool {
	for _, end := range []string{".asc", ".gpg", ".key", ".pub"} {
		if strings.HasSuffix(strings.ToLower(of), end) {
			return true
		}
	}
	return strings.Contains(of, "RPM-GPG-KEY")
}
