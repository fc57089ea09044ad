package exception

import (
	"path"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/read/vex"
)

// target is a target, and the entries that it answers to.
type target struct {
	*finding.Target
	also    []string // digests by which a registry knows it, where an engine has it under another
	answers []bool   // by entry
}

// is says whether a digest is that of the target.
func (t *target) is(digest string) bool {
	return digest != "" && (digest == t.Digest || digest == t.IndexDigest || slices.Contains(t.also, digest))
}

// targetMatches says whether a target answers to a word: its digest, or a pattern of its name. A pattern
// without a tag means every tag.
func targetMatches(words []string, globs []glob, t *target) bool {
	for i, w := range words {
		if _, digest, ok := strings.Cut(w, "@sha256:"); ok {
			w = "sha256:" + digest
		}
		if strings.HasPrefix(w, "sha256:") {
			if t.is(w) {
				return true
			}
			continue
		}
		g := &globs[i]
		if g.match(t.Name) || t.Kind == "image" && g.match(Repository(t.Name)) {
			return true
		}
	}
	return false
}

// Repository is an image's name without its tag and digest.
func Repository(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[:colon]
	}
	return name
}

// isProduct says whether a component of a VEX statement is the target. Where it says which bytes it is
// about, these decide: the same name with other bytes is another product.
func isProduct(c *vex.Component, t *target) bool {
	if len(c.Digests) > 0 {
		return slices.ContainsFunc(c.Digests, t.is)
	}
	if c.PURL != "" {
		p := splitPURL(c.PURL)
		return isImage(&p, t)
	}
	return t.Name != "" && slices.ContainsFunc(c.Names, func(n string) bool {
		return n == t.Name || t.Kind == "image" && n == Repository(t.Name)
	})
}

// isImage says whether a purl of an image (pkg:oci/cart@sha256:…?repository_url=registry.example/shop/cart, or
// pkg:docker/shop/cart@1.4) is the target.
func isImage(p *purl, t *target) bool {
	if name, ok := strings.CutPrefix(p.base, "pkg:generic/"); ok { // as -o openvex names a folder
		return t.Kind != "image" && p.version == "" && name == path.Base(t.Name)
	}
	if t.Kind != "image" && t.Digest == "" {
		return false
	}
	version := strings.ReplaceAll(strings.ReplaceAll(p.version, "%3A", ":"), "%3a", ":")
	repository := Repository(t.Name)
	tag := strings.TrimPrefix(strings.TrimPrefix(t.Name, repository), ":")
	switch {
	case strings.HasPrefix(p.base, "pkg:oci/"):
		if version != "" {
			return t.is(version)
		}
		if url := p.qualifier("repository_url"); url != "" && url != repository && url+"/"+path.Base(repository) != repository {
			return false
		}
		if want := p.qualifier("tag"); want != "" && want != tag {
			return false
		}
		return strings.EqualFold(strings.TrimPrefix(p.base, "pkg:oci/"), path.Base(repository))
	case strings.HasPrefix(p.base, "pkg:docker/"):
		if strings.HasPrefix(version, "sha256:") {
			return t.is(version)
		}
		name := strings.TrimPrefix(p.base, "pkg:docker/")
		if url := p.qualifier("repository_url"); url != "" {
			name = url + "/" + name
		}
		return name == repository && (version == "" || version == tag)
	}
	return false
}
