package dockerfile

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile/shell"
)

// downloads lists the checks for what comes from elsewhere and is run or kept.
func downloads() []runCheck { return []runCheck{remoteScript(), unverified(), clearText()} }

var interpreters = []string{"sh", "bash", "ash", "dash", "ksh", "zsh", "python", "python2", "python3", "perl", "ruby", "node", "php", "pwsh"}

func remoteScript() runCheck {
	return runCheck{
		Card: style("dockerfile/remote-script", finding.Medium, "a script from the network is run as it comes",
			"curl -fsSL https://example.org/install.sh | bash",
			"curl -fsSLo /tmp/i.sh https://example.org/v1/install.sh && echo \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  /tmp/i.sh\" | sha256sum -c - && bash /tmp/i.sh && rm /tmp/i.sh",
			"Whoever controls that address, or breaks into it, runs code in each build, and nobody can tell afterwards what ran. Where the\ndownload breaks off, half of the script has run.",
			"Download it to a file, compare its digest (echo \"SHA256  FILE\" | sha256sum -c -), then run it; or install from a package."),
		look: eachCommand(func(s *step, c *shell.Command) (found, bool) {
			from := fetched(c)
			if from == nil {
				return found{}, false
			}
			f := found{what: c.Name + " from " + from.Name, detail: from.Name + " | " + c.Name}
			for _, w := range addresses(from) {
				f.detail = address(w) + " to " + c.Name
				if strings.HasPrefix(w, "http://") && !local(w) || insecure(from) {
					f.severity = finding.High
				}
			}
			return f, true
		}),
	}
}

// fetched is the download that an interpreter runs, if c is one.
func fetched(c *shell.Command) *shell.Command {
	if !slices.Contains(interpreters, c.Name) && !is(c, "source", ".", "eval") {
		return nil
	}
	if c.Where&shell.InFunction != 0 {
		return nil
	}
	for i, a := range c.Args {
		if !a.File && !(i > 0 && (strings.HasSuffix(c.Args[i-1].Text, "c") || c.Args[i-1].Text == "-e")) && c.Name != "eval" {
			continue
		}
		if a.File || len(a.From) > 0 && strings.HasPrefix(a.Text, "$(") || strings.HasPrefix(a.Text, "`") {
			if from := downloader(a.From); from != nil {
				return from
			}
		}
	}
	if readsInput(c) {
		return downloader(c.From)
	}
	return nil
}

// readsInput says that an interpreter takes its script from standard input.
func readsInput(c *shell.Command) bool {
	if is(c, "source", ".", "eval") {
		return false
	}
	for i, a := range c.Args {
		switch {
		case a.Text == "-" || a.Text == "-s" || a.Text == "/dev/stdin":
			return true
		case a.Text == "--" || strings.HasPrefix(a.Text, "-") && strings.Contains(a.Text, "s") && !strings.HasPrefix(a.Text, "--"):
			return true
		case strings.HasPrefix(a.Text, "-") && (strings.HasSuffix(a.Text, "c") || a.Text == "-e" || a.Text == "-m"):
			return false
		case i > 0 && c.Args[i-1].Text == "-o":
		case !strings.HasPrefix(a.Text, "-"):
			return false // a file; what is piped is data
		}
	}
	return true
}

func downloader(all []*shell.Command) *shell.Command {
	for _, c := range all {
		if is(c, "sha256sum", "shasum", "gpg", "gpgv", "cosign", "minisign") {
			return nil
		}
	}
	for _, c := range all {
		if is(c, "wget", "curl", "fetch", "aria2c") {
			if w := addresses(c); len(w) == 1 && local(w[0]) {
				continue
			}
			return c
		}
	}
	return nil
}

// addresses are what a command is told to fetch.
func addresses(c *shell.Command) (all []string) {
	for _, w := range operands(c) {
		if strings.Contains(w.Text, "://") || is(c, "curl", "wget") {
			all = append(all, w.Text)
		}
	}
	if is(c, "curl") {
		if w := value(c, "--url"); w != nil {
			all = append(all, w.Text)
		}
	}
	return all
}

// address is a URL as it may be shown: without login, query and fragment.
func address(of string) string {
	u, err := url.Parse(of)
	if err != nil || u.Scheme == "" {
		before, _, _ := strings.Cut(of, "?")
		if scheme, rest, ok := strings.Cut(before, "://"); ok {
			host, tail, _ := strings.Cut(rest, "/")
			return scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + "/" + tail
		}
		return before
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if strings.Contains(of, "$") {
		u.RawPath = ""
		return u.Scheme + "://" + u.Host + u.Path
	}
	return u.String()
}

// local says that an address is this machine's own.
func local(of string) bool {
	_, rest, _ := strings.Cut(of, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host[strings.LastIndexByte(host, '@')+1:], ":")
	return strings.HasPrefix(of, "file:") || host == "localhost" || strings.HasPrefix(host, "127.") || host == "[" || strings.HasPrefix(of, "/")
}

func insecure(c *shell.Command) bool {
	return c.Name == "curl" && has(c, "-k", "--insecure") || c.Name == "wget" && has(c, "--no-check-certificate")
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
					if what == "" || s.later(c, verifies) || slices.ContainsFunc(c.From, verifies) || r.verifiedAfter(i) || runsIt(c) {
						continue
					}
					hits = append(hits, s.hit(c.Pos, found{what: c.Name + " " + path.Dir(address(what)), detail: address(what)}))
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
		if fetched(to) != nil || is(to, "sudo", "apt-key", "gpg", "grep", "jq", "sed", "awk") {
			return true
		}
	}
	return false
}

// unchecked is the address of code that a command downloads.
func unchecked(c *shell.Command) string {
	if !is(c, "curl", "wget", "aria2c") || has(c, "-I", "--head", "--spider") {
		return ""
	}
	for _, w := range addresses(c) {
		if code(w) && !local(w) {
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
		verb, _ := sub(c)
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
					hits = append(hits, s.hit(c.Pos, found{what: c.Name + " " + path.Dir(address(what)), detail: address(what)}))
				}
			}
			return hits
		},
	}
}

// fetchedBy says that the check of remote scripts tells of it.
func fetchedBy(c *shell.Command) bool {
	for to := c.To; to != nil; to = to.To {
		if fetched(to) == c {
			return true
		}
	}
	return false
}

// inClear is an address of code or keys that a command fetches without TLS.
func inClear(c *shell.Command) string {
	all := operands(c)
	for _, w := range all {
		plain := strings.HasPrefix(w.Text, "http://") || strings.HasPrefix(w.Text, "ftp://") || strings.HasPrefix(w.Text, "git://")
		if !plain || local(w.Text) {
			continue
		}
		switch {
		case is(c, "curl", "wget") && (code(w.Text) || key(w.Text) || c.To != nil && is(c.To, "apt-key", "gpg")), does(c, "git", "clone"), is(c, "rpm"),
			does(c, "pip npm yarn gem yum dnf", "install add"):
			return w.Text
		}
	}
	for _, option := range []string{"-i", "--index-url", "--extra-index-url", "--registry", "--source"} {
		if w := value(c, option); w != nil && is(c, "pip", "npm", "yarn", "pnpm", "gem") && strings.HasPrefix(w.Text, "http://") && !local(w.Text) {
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
