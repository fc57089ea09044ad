package shell

import (
	"slices"
	"strings"
)

// interpreters run the script that they are handed.
var interpreters = []string{"sh", "bash", "ash", "dash", "ksh", "zsh", "python", "python2", "python3", "perl", "ruby", "node", "php", "pwsh"}

// Fetched is the download that an interpreter runs, where c is one; nil when it runs none.
func (c *Command) Fetched() *Command {
	if !slices.Contains(interpreters, c.Name) && !c.Is("source", ".", "eval") {
		return nil
	}
	if c.Where&InFunction != 0 {
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

// readsInput says that an interpreter takes its script from the standard input.
func readsInput(c *Command) bool {
	if c.Is("source", ".", "eval") {
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

// downloader is the first of commands that fetches from elsewhere; nil when something among them verifies.
func downloader(all []*Command) *Command {
	for _, c := range all {
		if c.Is("sha256sum", "shasum", "gpg", "gpgv", "cosign", "minisign") {
			return nil
		}
	}
	for _, c := range all {
		if c.Is("wget", "curl", "fetch", "aria2c") {
			if w := c.Addresses(); len(w) == 1 && Local(w[0]) {
				continue
			}
			return c
		}
	}
	return nil
}

// Addresses are what a command is told to fetch, as written.
func (c *Command) Addresses() (all []string) {
	for _, w := range c.Operands() {
		if strings.Contains(w.Text, "://") || c.Is("curl", "wget") {
			all = append(all, w.Text)
		}
	}
	if c.Is("curl") {
		if w := c.Value("--url"); w != nil {
			all = append(all, w.Text)
		}
	}
	return all
}

// Address is a URL as it may be shown: without login, query and fragment. What names no scheme may have a login too, for curl.
func Address(of string) string {
	of, _, _ = strings.Cut(of, "#")
	of, _, _ = strings.Cut(of, "?")
	scheme, host, tail := split(of)
	if login := strings.LastIndexByte(host, '@'); scheme != "" || login >= 0 && strings.Contains(host[:login], ":") {
		host = host[login+1:]
	}
	return scheme + host + tail
}

// Host is that of a URL, with its port.
func Host(of string) string {
	_, host, _ := split(of)
	return host[strings.LastIndexByte(host, '@')+1:]
}

// split cuts an address before its host, which still has its login, and behind it. It is not parsed, for it may hold
// variables.
func split(address string) (scheme, host, tail string) {
	if at := strings.Index(address, "://"); at >= 0 {
		scheme, address = address[:at+3], address[at+3:]
	}
	end := strings.IndexAny(address, "/?#")
	if end < 0 {
		end = len(address)
	}
	return scheme, address[:end], address[end:]
}

// Local says that an address is this machine's own, or a file of it.
func Local(of string) bool {
	host, _, _ := strings.Cut(Host(of), ":")
	return strings.HasPrefix(of, "file:") || host == "localhost" || strings.HasPrefix(host, "127.") || host == "[" || strings.HasPrefix(of, "/")
}
