package exception

import (
	"net/url"
	"slices"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
)

// purl is a package URL in canonical form, taken apart.
type purl struct {
	base       string // pkg:TYPE/NAMESPACE/NAME
	version    string // as it is written
	qualifiers []string
	subpath    string
}

func splitPURL(text string) purl {
	rest, subpath, _ := strings.Cut(text, "#")
	rest, qualifiers, _ := strings.Cut(rest, "?")
	p := purl{base: rest, subpath: subpath}
	if at := strings.LastIndexByte(rest, '@'); at > strings.LastIndexByte(rest, '/') {
		p.base, p.version = rest[:at], rest[at+1:]
	}
	if qualifiers != "" {
		p.qualifiers = strings.Split(qualifiers, "&")
	}
	return p
}

// covers says whether another purl is of the package that p names: what p leaves open may be anything.
func (p *purl) covers(other *purl) bool {
	if p.base != other.base || p.version != "" && p.version != other.version || p.subpath != "" && p.subpath != other.subpath {
		return false
	}
	for _, q := range p.qualifiers {
		if !slices.Contains(other.qualifiers, q) {
			return false
		}
	}
	return true
}

// qualifier is the value of a qualifier, decoded.
func (p *purl) qualifier(key string) string {
	for _, q := range p.qualifiers {
		if k, v, _ := strings.Cut(q, "="); k == key {
			if text, err := url.QueryUnescape(v); err == nil {
				return text
			}
			return v
		}
	}
	return ""
}

// ofSource says whether p names the source of a distribution's package, and which it is without that mark.
func (p *purl) ofSource() (purl, bool) {
	i := slices.IndexFunc(p.qualifiers, func(q string) bool { return q == "arch=source" || q == "arch=src" })
	if i < 0 {
		return purl{}, false
	}
	source := *p
	source.qualifiers = slices.Delete(slices.Clone(p.qualifiers), i, i+1)
	return source, true
}

// subject is a package as patterns are held against it.
type subject struct {
	*finding.Package
	purl   purl
	source purl // the same for the source that it was built from
	keys   []string
}

func subjectOf(p *finding.Package) *subject {
	s := &subject{Package: p, purl: splitPURL(p.PURL)}
	s.source = s.purl
	if p.Source != nil {
		if slash := strings.LastIndexByte(s.purl.base, '/'); slash > 0 {
			s.source.base = s.purl.base[:slash+1] + url.PathEscape(p.Source.Name)
		}
		s.source.version = escapeVersion(p.Source.Version)
	}
	s.keys = append(names(p), s.purl.base) // what exceptions of it are looked up by
	if p.Source != nil && p.Source.Name != p.Name {
		s.keys = append(s.keys, strings.ToLower(p.Source.Name))
	}
	return s
}

// escapeVersion writes a version as canonical purls do.
func escapeVersion(v string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(v), "+", "%20"), "%3A", ":")
}

// answers says whether the package is the one that a component's purl names.
func (s *subject) answers(p *purl) bool {
	if source, ok := p.ofSource(); ok {
		return source.covers(&s.source)
	}
	return p.covers(&s.purl)
}

// packageWord is one word of an exception's packages.
type packageWord struct {
	purl          *purl
	name, version string
}

func compilePackages(words []string) []packageWord {
	var all []packageWord
	for _, w := range words {
		if strings.HasPrefix(w, "pkg:") {
			p := splitPURL(w)
			all = append(all, packageWord{purl: &p})
			continue
		}
		one := packageWord{name: strings.ToLower(w)}
		if at := strings.LastIndexByte(w, '@'); at > 0 { // @babel/core is a name
			one.name, one.version = strings.ToLower(w[:at]), w[at+1:]
		}
		all = append(all, one)
	}
	return all
}

// key is what packages are looked up by.
func (w *packageWord) key() string {
	if w.purl == nil {
		return w.name
	}
	if _, ok := w.purl.ofSource(); ok {
		return ""
	}
	return w.purl.base
}

func (w *packageWord) match(s *subject) bool {
	if w.purl != nil {
		return s.answers(w.purl)
	}
	if slices.Contains(names(s.Package), w.name) && (w.version == "" || w.version == s.Version) {
		return true
	}
	return s.Source != nil && strings.ToLower(s.Source.Name) == w.name && (w.version == "" || w.version == s.Source.Version)
}

// names are those that people call a package by, in lower case.
func names(p *finding.Package) []string {
	name := strings.ToLower(p.Name)
	if p.Namespace == "" {
		return []string{name}
	}
	space := strings.ToLower(p.Namespace)
	return []string{name, space + "/" + name, space + ":" + name}
}
