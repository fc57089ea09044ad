package image

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Reference is the name of an image in a registry, as the distribution project's grammar has it.
type Reference struct {
	Host       string // "docker.io" where none is written
	Repository string // "library/debian" for Docker's own
	Tag        string // "latest" where neither tag nor digest is written
	Digest     string // "sha256:HEX"
}

var (
	repositoryForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$`)
	})
	tagForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`) })
	hostForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)
	})
	digestForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sha256:[0-9a-f]{64}$`) })
)

// ParseReference reads [HOST/]REPOSITORY[:TAG][@DIGEST] and fills in what Docker would.
func ParseReference(s string) (Reference, error) {
	var r Reference
	rest, digest, hasDigest := strings.Cut(s, "@")
	if hasDigest {
		if err := CheckDigest(digest); err != nil {
			return r, fmt.Errorf("%q names no image: %w", s, err)
		}
		r.Digest = digest
	}
	if first, more, ok := strings.Cut(rest, "/"); ok && isHost(first) {
		r.Host, rest = first, more
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		rest, r.Tag = rest[:i], rest[i+1:]
		if !tagForm().MatchString(r.Tag) {
			return r, fmt.Errorf("%q names no image: %q is no tag", s, r.Tag)
		}
	}
	switch r.Host {
	case "", "index.docker.io", "registry-1.docker.io":
		r.Host = "docker.io"
	}
	if r.Host == "docker.io" && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	if r.Repository = rest; len(rest) > 255 || !repositoryForm().MatchString(rest) {
		return r, fmt.Errorf("%q names no image: a repository is lower case, as in shop/cart:1.4", s)
	}
	if r.Tag == "" && r.Digest == "" {
		r.Tag = "latest"
	}
	return r, nil
}

// isHost tells a registry from the first part of a repository as Docker does: by a dot, a port, an
// upper-case letter or the name localhost.
func isHost(s string) bool {
	return hostForm().MatchString(s) && (strings.ContainsAny(s, ".:") || s == "localhost" || s != strings.ToLower(s))
}

// Name is the full repository with its host, without tag and digest.
func (r Reference) Name() string { return r.Host + "/" + r.Repository }

// Place is the full repository as its registry is reached: the host is in lower case, and without the port that it has anyhow.
func (r Reference) Place() string {
	return strings.TrimSuffix(strings.ToLower(r.Host), ":443") + "/" + r.Repository
}

// String is the full name, as containerd keeps it.
func (r Reference) String() string { return r.Name() + r.suffix() }

// Familiar is the name as people write it: without what Docker would fill in.
func (r Reference) Familiar() string {
	if r.Host != "docker.io" {
		return r.String()
	}
	return strings.TrimPrefix(r.Repository, "library/") + r.suffix()
}

func (r Reference) suffix() (s string) {
	if r.Tag != "" {
		s = ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// CheckDigest says whether s is a SHA-256 digest, "sha256:HEX": the one algorithm that engines use,
// and a form that is safe in a path.
func CheckDigest(s string) error {
	if !digestForm().MatchString(s) {
		return fmt.Errorf("%.100q is no digest: sha256: and 64 lower-case hexadecimal digits are", s)
	}
	return nil
}
