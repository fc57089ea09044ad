package ecosystem

import "strings"

// hosts are the short names under which npm and Bun know the big code hosts.
var hosts = map[string]string{"github": "https://github.com/", "gitlab": "https://gitlab.com/", "bitbucket": "https://bitbucket.org/"}

// Repository is the purl qualifier vcs_url of a package that was taken from a repository, in the
// form that SPDX gives such addresses: "git+URL@COMMIT". It reads what lock files write: URL#COMMIT, with
// or without "git+" or the like, Cargo's and uv's URL?branch=NAME#COMMIT, and npm's "github:OWNER/NAME#COMMIT".
func Repository(source string) string {
	url, commit, _ := strings.Cut(source, "#")
	url, _, _ = strings.Cut(url, "?")
	if short, path, ok := strings.Cut(url, ":"); ok && hosts[short] != "" {
		url = hosts[short] + path
	}
	if kind, _, ok := strings.Cut(url, "+"); (!ok || strings.ContainsAny(kind, ":/")) && !strings.HasPrefix(url, "git:") {
		url = "git+" + url
	}
	if commit != "" {
		url += "@" + commit
	}
	return "vcs_url=" + url
}
